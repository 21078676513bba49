"""The connections to a PostgreSQL server, its schema, and what its errors mean.

Connections belong to event loops. Whoever runs in a loop that was attached waits in that loop. Everybody else (a program that
embeds the engine, a thread that does chores) shares a loop in a thread of its own, and blocks until the answer is there: seen
from there the store never suspends, like an embedded one.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from procession.errors import StorageBusy, StorageError, StorageFull, VersionConflict
from procession.storage import migrations
from procession.storage.migrations import Applied, Migration
from procession.storage.queries import asked, load

log = logging.getLogger("procession")

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SQL = load("postgres.sql")
MIGRATIONS = ("0001_initial",)
OLDEST = 130_000  # the first with what the order of the commits needs

CONNECTIONS = 8
"""In each event loop, at most."""

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
}

CONFLICT, DEFINITIONS_CHANGED = "PC001", "PC002"
TRY_AGAIN = ("40001", "40P01", "55P03")  # serialization failure, deadlock, lock not available
UNREACHABLE = ("57P01", "57P02", "57P03")  # shut down by the administrator, crashed, starting up

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


class Link:
    """The way to one schema of one database.

    `url` is that of libpq (`postgresql://user:password@host:port/database?sslmode=…`), and may name a `schema` of its own.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.schema = options.pop("schema", "procession")
        self._connections = int(options.pop("connections", CONNECTIONS))
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", self.schema):
            raise StorageError(f"{self.schema!r} is no name for a schema: small letters, digits and _ only.")
        self._dsn = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))
        self.name = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path} (schema {self.schema})"
        self._pools: dict[asyncio.AbstractEventLoop, asyncpg.Pool[asyncpg.Record]] = {}
        self._own: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # -- event loops ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the loop for those who have none."""
        if self._own is not None:
            return
        self._own = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._own.run_forever, name="procession-postgresql", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, with its connections."""
        loop, self._own = self._own, None
        if loop is None:
            return
        pool = self._pools.pop(loop, None)
        if pool is not None:
            asyncio.run_coroutine_threadsafe(_close(pool), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join()
        loop.close()

    @property
    def is_open(self) -> bool:
        return self._own is not None

    async def attach(self) -> None:
        """From now on, what is asked in the running loop waits in it."""
        await self._pool(asyncio.get_running_loop())

    async def detach(self) -> None:
        """The running loop will ask no more."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await _close(pool)

    async def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Its result. It runs in the running loop, if that is one of ours; else the caller's thread waits."""
        loop = _running_loop()
        if loop is not None and (loop in self._pools or loop is self._own):
            return await coroutine
        if self._own is None:
            coroutine.close()
            raise StorageError(f"The store {self.name} is not open.")
        return asyncio.run_coroutine_threadsafe(coroutine, self._own).result()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Any:
        """Run something in the loop of its own, beside everything else."""
        assert self._own is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._own)

    def call_soon(self, function: Callable[[], object]) -> None:
        """Call something there, from any thread."""
        loop = self._own
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(function)

    async def _pool(self, loop: asyncio.AbstractEventLoop) -> asyncpg.Pool[asyncpg.Record]:
        pool = self._pools.get(loop)
        if pool is None:
            pool = asyncpg.create_pool(
                connect=self._connect, min_size=0, max_size=self._connections, reset=_leave_as_it_is, loop=loop
            )
            self._pools[loop] = pool
            await pool
        return pool

    async def _connect(self, *_: Any, **__: Any) -> Connection:
        return await self.connect()

    async def connect(self) -> Connection:
        """A new connection in the running loop."""
        return await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            statement_cache_size=512,
            max_cached_statement_lifetime=0,
            server_settings={**SETTINGS, "search_path": self.schema},
        )

    # -- work -----------------------------------------------------------------------------------------------------------

    async def run(self, work: Callable[[Connection], Awaitable[T]], *, again: bool = True) -> T:
        """Do something with a connection. PostgreSQL's errors become ours.

        A connection that turns out to be dead is replaced, and the work done `again`: it must not matter if it was done before.
        """
        return await self.wait(self._run(work, again))

    async def _run(self, work: Callable[[Connection], Awaitable[T]], again: bool) -> T:
        pool = await self._pool(asyncio.get_running_loop())
        try:
            try:
                return await self._with(pool, work)
            except Exception as error:
                if not (again and is_lost(error)):
                    raise
                log.info("the connection to %s was lost; trying another one", self.name)
            return await self._with(pool, work)
        except StorageError:
            raise
        except Exception as error:
            ours = explain(error, self.name)
            if ours is None:
                raise
            raise ours from None

    async def _with(self, pool: asyncpg.Pool[asyncpg.Record], work: Callable[[Connection], Awaitable[T]]) -> T:
        connection = await self._acquire(pool)
        try:
            return await work(connection)
        except Exception as error:
            if is_lost(error) or is_lost(error.__cause__):
                _end(connection)
            raise
        finally:
            await _release(pool, connection)

    async def _acquire(self, pool: asyncpg.Pool[asyncpg.Record]) -> Any:
        try:
            return await pool.acquire()
        except Exception as error:
            if is_lost(error):
                raise StorageError(
                    f"{self.name} cannot be reached ({_said(error)}). Nothing was done; try again."
                ) from None
            raise

    async def fetch(self, name: str, /, *words: str, **given: Any) -> list[Any]:
        """The rows of a named statement that reads."""
        return await self.run(lambda connection: query(connection, name, *words, **given))

    async def change(self, name: str, /, **given: Any) -> int:
        """How many rows a named statement changed, in a transaction of its own."""
        return await self.run(lambda connection: change(connection, name, **given), again=False)

    async def transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do several things, or none of them."""

        async def inside(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self.run(inside, again=False)

    # -- the schema -----------------------------------------------------------------------------------------------------

    async def migrations(self) -> list[Migration]:
        """What `migrate` would do."""
        return await self.run(self._pending)

    async def migrate(self) -> None:
        """Bring the schema up to date; whoever comes second waits, and finds nothing to do."""

        async def work(connection: Connection) -> None:
            _check_version(connection, self.name)
            await query(connection, "lock_schema", schema=self.schema)
            if todo := await self._pending(connection):
                await self._migrate(connection, todo)
            await query(connection, "keep_partitions")
            await query(connection, "continue_numbers")

        await self.transaction(work)

    async def _migrate(self, connection: Connection, todo: Sequence[Migration]) -> None:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
        await connection.execute(prepared("create_migration")[0])
        for migration in todo:
            await connection.execute(migration.sql)
            await query(
                connection,
                "add_migration",
                version=migration.version,
                name=migration.name,
                checksum=migration.checksum,
            )

    async def _pending(self, connection: Connection) -> list[Migration]:
        tables = {row[0] for row in await query(connection, "tables", schema=self.schema)}
        applied: list[Applied] = []
        if "migration" in tables:
            applied = [Applied._make(row) for row in await query(connection, "migrations")]
        elif tables:
            raise StorageError(
                f"{self.name} has tables of another program. Choose another schema: ?schema=NAME at the end of the URL."
            )
        return migrations.pending(migrations.load("postgres", MIGRATIONS), applied, self.name)


async def _leave_as_it_is(connection: Connection) -> None:
    """Our connections are never left in another state: to reset them would cost a round trip each time."""


def _end(connection: Any) -> None:
    """PostgreSQL says that it ends a connection before it does so: nobody may be given it in between."""
    try:
        connection.terminate()
    except asyncpg.InterfaceError as error:
        log.debug("a connection was lost before it was ended: %s", error)


async def _release(pool: asyncpg.Pool[asyncpg.Record], connection: Any) -> None:
    try:
        await pool.release(connection)
    except Exception as error:
        if not is_lost(error):
            raise
        log.debug("a connection was lost while it was given back: %s", error)


async def _close(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    try:
        await asyncio.wait_for(pool.close(), 5.0)
    except TimeoutError:
        pool.terminate()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _check_version(connection: Connection, name: str) -> None:
    version = connection.get_server_version()
    if version.major * 10_000 < OLDEST:
        raise StorageError(
            f"{name} is PostgreSQL {version.major}, which is too old. Use {OLDEST // 10_000} or a newer one."
        )


# -- errors -------------------------------------------------------------------------------------------------------------


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code, or nothing."""
    return str(getattr(error, "sqlstate", None) or "")


def is_lost(error: BaseException | None) -> bool:
    """Whether the server went away, or never was there."""
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate(error).startswith("08") or sqlstate(error) in UNREACHABLE
    # an internal error: asked for something while the server's last words are still coming in
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError)


def is_taken(error: BaseException) -> bool:
    """Whether a key that must be new is there already."""
    return isinstance(error, asyncpg.UniqueViolationError)


def explain(error: BaseException, name: str) -> StorageError | None:
    """What an error of PostgreSQL means to us; None: it is none of its."""
    if is_lost(error):
        return StorageError(f"The connection to {name} was lost ({_said(error)}).")
    if not isinstance(error, asyncpg.PostgresError):
        return None
    code = sqlstate(error)
    if code == CONFLICT or code in TRY_AGAIN:
        return VersionConflict(f"Somebody else was faster ({_said(error)}). Nothing was written: decide again.")
    if code in ("53100", "53400"):
        return StorageFull(
            f"There is no space left for {name}. Nothing of the batch was written, and nothing that was acknowledged is "
            "lost: free some space and try again."
        )
    if code.startswith("53") or code == "57014":
        return StorageBusy(f"{name} has too much to do ({_said(error)}). Nothing was written; try again.")
    if code in ("3D000", "28000", "28P01", "42501", "3F000"):
        return StorageError(f"{name} lets us not in ({_said(error)}). Create the database, or grant the rights.")
    if code == "25006":
        return StorageError(f"{name} is read-only: it is a standby. Name the primary.")
    return StorageError(f"PostgreSQL refuses ({code}: {_said(error)}). Nothing of the batch was written to {name}.")


def _said(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
