"""The connections to a PostgreSQL server.

Connections belong to event loops. Whoever runs in a loop that was attached waits in that loop. Everybody else (a program that
embeds the engine, a thread that does chores) borrows a loop and blocks until the answer is there: seen from there the store never
suspends, like an embedded one.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from procession.errors import StorageError
from procession.storage.postgres_errors import explain, is_lost, is_outdated, said
from procession.storage.queries import asked, load
from procession.storage.waiting import running_loop

log = logging.getLogger("procession")

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

Work: TypeAlias = Callable[[Connection], Awaitable[T]]
"""Something that is done with a connection."""

Runner: TypeAlias = Callable[[Callable[[Connection], Awaitable[Any]]], Awaitable[Any]]
"""Does it, with the connection that it has."""

SQL = load("postgres.sql")

CONNECTIONS = 8
"""In each event loop that was attached at most, and so many for all threads without one."""

STALE = 0.5
"""Seconds after which a connection that nobody used may be dead without that its loop has noticed."""

GOODBYE = 2.0
"""Seconds for taking leave of the server."""

CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 60.0
"""Seconds after which a server that does not answer is given up."""

SETTINGS = {
    "application_name": "procession",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    # The statements of a batch are planned once: with bare arrays as parameters another plan is never better.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # A plan that was made while a table was small reads all of it for ever: what a batch asks for always has an index.
    "enable_seqscan": "off",
}

_parameter = re.compile(r"(?<!:):([a-z_]+)")


@lru_cache(maxsize=1024)
def prepared(name: str, *words: str) -> tuple[str, tuple[str, ...]]:
    """A named statement with those optional lines, as PostgreSQL counts its parameters, and their names in that order."""
    order: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${order.setdefault(found[1], len(order) + 1)}"

    return _parameter.sub(number, asked(SQL[name], *words)), tuple(order)


async def query(connection: Connection, name: str, /, *words: str, **given: Any) -> list[Any]:
    """The rows of a named statement, as asyncpg's records."""
    statement, order = prepared(name, *words)
    return await connection.fetch(statement, *[given[each] for each in order])


async def change(connection: Connection, name: str, /, **given: Any) -> int:
    """How many rows a named statement changed."""
    statement, order = prepared(name)
    told: str = await connection.execute(statement, *[given[each] for each in order])
    return int(told.rpartition(" ")[2])


class Room:
    """The connections of one event loop; so many at once, and whoever comes then waits."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], places: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(places)
        self._idle: list[tuple[Connection, float]] = []

    async def run(self, work: Work[T], again: bool, first: bool = True) -> T:
        """Do something with a connection. One that turns out to be dead is replaced, and the work done `again` if it may be."""
        connection = await self.take()
        try:
            result = await work(connection)
        except BaseException as error:
            self.give_back(connection, error)
            if not first or not (is_outdated(error) or (again and is_lost(error))):
                raise
        else:
            self.give_back(connection)
            return result
        return await self.run(work, again, first=False)

    async def take(self) -> Connection:
        """A connection for whoever gives it back."""
        await self._places.acquire()
        try:
            while self._idle:
                connection, since = self._idle.pop()
                if time.monotonic() - since > STALE:
                    for _ in range(3):  # the loop notices that the server has gone, if it has not run since
                        await asyncio.sleep(0)
                if not connection.is_closed():
                    return connection
            return await self._connect()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: Connection, error: BaseException | None = None) -> None:
        """It is not needed any more; the error with which its work ended tells whether it can be used again."""
        self._places.release()
        if error is not None and (is_lost(error) or is_lost(error.__cause__)):
            for each, _ in self._idle:  # what one has lost, the others have lost too
                _end(each)
            self._idle.clear()
            _end(connection)
        elif error is not None and not isinstance(error, Exception):
            _end(connection)  # in the middle of something
        elif not connection.is_closed():
            self._idle.append((connection, time.monotonic()))

    async def close(self) -> None:
        """Say good-bye to the server."""
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            try:
                await connection.close(timeout=GOODBYE)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()


class Lanes:
    """Event loops for threads that have none: a thread runs one itself, and nobody else meanwhile.

    So a thread that waits for the server waits for nothing else: to ask a loop in another thread costs twice as much.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], places: int) -> None:
        self._connect = connect
        self._places = threading.BoundedSemaphore(places)
        self._idle: list[tuple[asyncio.AbstractEventLoop, Room]] = []

    @contextmanager
    def lane(self) -> Iterator[tuple[asyncio.AbstractEventLoop, Room]]:
        """A loop for this thread alone, with its connection."""
        with self._places:
            try:
                lane = self._idle.pop()
            except IndexError:
                lane = asyncio.new_event_loop(), Room(self._connect, 1)
            try:
                yield lane
            finally:
                self._idle.append(lane)

    def run(self, work: Work[T], again: bool) -> T:
        """The same as `Room.run`, in this thread."""
        with self.lane() as (loop, room):
            return loop.run_until_complete(room.run(work, again))

    def close(self) -> None:
        """End the loops that nobody uses."""
        while self._idle:
            loop, room = self._idle.pop()
            loop.run_until_complete(room.close())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


class Link:
    """The way to one schema of one database.

    `url` is that of libpq (`postgresql://user:password@host:port/database?sslmode=…`), and may name a `schema` of its own.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.schema = options.pop("schema", "procession")
        connections = options.pop("connections", str(CONNECTIONS))
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", self.schema):
            raise StorageError(f"{self.schema!r} is no name for a schema: small letters, digits and _ only.")
        if not re.fullmatch(r"[1-9][0-9]{0,3}", connections) or connections == "1":
            raise StorageError(
                f"connections={connections} is no number of connections: 2 to 9999. "
                "One may be held while another looks something up."
            )
        self._connections = int(connections)
        self._dsn = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))
        self.name = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path} (schema {self.schema})"
        self._rooms: dict[asyncio.AbstractEventLoop, Room] = {}
        self._lanes = Lanes(self.connect, self._connections)
        self._is_open = False

    @property
    def quoted(self) -> str:
        """The schema, as SQL says it: its name may be a word of SQL."""
        return f'"{self.schema}"'

    def open(self) -> None:
        """From now on it may be used."""
        self._is_open = True

    def close(self) -> None:
        """Part with the server. Loops that were attached do so themselves (`detach`)."""
        self._is_open = False
        _aside(self._lanes.close)

    async def attach(self) -> None:
        """From now on, what is asked in the running loop waits in it."""
        self._rooms.setdefault(asyncio.get_running_loop(), Room(self.connect, self._connections))

    async def detach(self) -> None:
        """The running loop will ask no more."""
        room = self._rooms.pop(asyncio.get_running_loop(), None)
        if room is not None:
            await room.close()

    async def connect(self) -> Connection:
        """A new connection in the running loop."""
        try:
            return await asyncpg.connect(
                self._dsn,
                timeout=CONNECT_TIMEOUT,
                command_timeout=COMMAND_TIMEOUT,
                statement_cache_size=512,
                max_cached_statement_lifetime=0,
                server_settings={**SETTINGS, "search_path": self.quoted},
            )
        except ValueError as error:  # a port that is no number
            raise StorageError(f"The URL of {self.name} is not right: {said(error)}.") from None
        except Exception as error:
            if is_lost(error):
                raise StorageError(
                    f"{self.name} cannot be reached ({said(error)}). Nothing was done; try again."
                ) from None
            raise

    # -- work -----------------------------------------------------------------------------------------------------------

    async def run(self, work: Work[T], *, again: bool = True) -> T:
        """Do something with a connection. PostgreSQL's errors become ours.

        It waits in the running loop if that was attached; otherwise the thread waits, and the coroutine never suspends. A
        connection that turns out to be dead is replaced, and the work done `again`: it must not matter if it was done before.
        """
        with self._explained():
            room = self._room()
            if room is not None:
                return await room.run(work, again)
            return _aside(lambda: self._lanes.run(work, again))

    @asynccontextmanager
    async def reserved(self) -> AsyncIterator[Runner]:
        """One connection for several things, one after the other: what does them. Not for a loop that was not attached."""
        with self._explained():
            room = self._room()
            if room is not None:
                async with _given_back(room, await room.take()) as connection:
                    yield lambda work: work(connection)
                return
            with self._lanes.lane() as (loop, room):
                async with _given_back(room, loop.run_until_complete(room.take())) as connection:

                    async def wait(work: Work[Any]) -> Any:
                        return loop.run_until_complete(_awaited(work, connection))

                    yield wait

    def _room(self) -> Room | None:
        loop = running_loop()
        return None if loop is None else self._rooms.get(loop)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        if not self._is_open:
            raise StorageError(f"The store {self.name} is not open.")
        try:
            yield
        except StorageError:
            raise
        except Exception as error:
            ours = explain(error, self.name)
            if ours is None:
                raise
            raise ours from None

    async def fetch(self, name: str, /, *words: str, **given: Any) -> list[Any]:
        """The rows of a named statement that reads."""
        return await self.run(lambda connection: query(connection, name, *words, **given))

    async def change(self, name: str, /, **given: Any) -> int:
        """How many rows a named statement changed, in a transaction of its own."""
        return await self.run(lambda connection: change(connection, name, **given), again=False)

    async def transaction(self, work: Work[T]) -> T:
        """Do several things, or none of them."""

        async def inside(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self.run(inside, again=False)


def _end(connection: Connection) -> None:
    """PostgreSQL says that it ends a connection before it does so: nobody may be given it in between."""
    try:
        connection.terminate()
    except asyncpg.InterfaceError as error:
        log.debug("a connection was lost before it was ended: %s", error)


@asynccontextmanager
async def _given_back(room: Room, connection: Connection) -> AsyncIterator[Connection]:
    try:
        yield connection
    except BaseException as error:
        room.give_back(connection, error)
        raise
    room.give_back(connection)


async def _awaited(work: Work[T], connection: Connection) -> T:
    return await work(connection)


def _aside(function: Callable[[], T]) -> T:
    """Its result. Where a loop runs that is not ours (it opens the store, before it attaches), another thread runs the lane."""
    if running_loop() is None:
        return function()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()
