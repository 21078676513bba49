"""What a node hears of the others, and tells them: one connection, in an event loop and a thread of its own.

The connection also keeps the node's number, by which its ids differ from those of all others: an advisory lock, which the server
takes back when the connection ends.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any

import asyncpg
from msgspec import json

from procession.errors import StorageError
from procession.storage.postgres_errors import is_lost
from procession.storage.postgres_link import Connection, Link, query
from procession.storage.postgres_schema import keep_partitions

log = logging.getLogger("procession")

NUMBERS = 1024
"""Nodes on one store at most: as many as ids can tell apart."""

TELL = 0.01
"""Seconds between two notices to the other nodes."""

LOOK = 1.0
"""Seconds after which a node looks for itself what it may not have been told."""

DAY = 86_400.0
"""Seconds after which a node looks whether history needs a table for another month: it may run for years."""

LONGEST_NEWS = 7_000
"""Bytes of a notice; PostgreSQL takes 8,000."""


class Ear:
    """`heard` is called, in this thread, with the number of changes to definitions and the types of jobs that came; `definitions`
    says how many changes are known here."""

    def __init__(
        self, link: Link, heard: Callable[[int, Collection[str] | None], None], definitions: Callable[[], int]
    ) -> None:
        self.number: int | None = None
        self._link, self._report, self._definitions = link, heard, definitions
        self._channel = f"procession_{link.schema}"[:63]
        self._unsaid: set[str] = set()  # types of jobs that came, not yet told to the others
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look_after = time.monotonic() + DAY
        self._to_tell = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen; what keeps it from that is raised."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(ready)), name="procession-postgresql", daemon=True
        )
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """End it, and give the number back."""
        loop, running, thread = self._loop, self._running, self._thread
        if loop is not None and running is not None and not loop.is_closed():
            loop.call_soon_threadsafe(running.cancel)
        if thread is not None:
            thread.join()

    def tell(self, types: Collection[str]) -> None:
        """In any thread: something was committed here, and jobs of these types came of it."""
        self._unsaid.update(types)
        loop = self._loop
        if loop is not None and not self._to_tell.is_set() and not loop.is_closed():
            loop.call_soon_threadsafe(self._to_tell.set)

    async def _run(self, ready: Future[None]) -> None:
        try:
            connection = await self._connect()
        except BaseException as error:  # noqa: BLE001  raised where it was started
            ready.set_exception(error)
            return
        self._loop, self._running = asyncio.get_running_loop(), asyncio.current_task()
        ready.set_result(None)
        try:
            while True:
                try:
                    await self._talk(connection)
                except Exception as error:
                    ours = None if is_lost(error) or isinstance(error, asyncpg.PostgresError) else error
                    log.warning(
                        "nodes cannot tell each other what happens (%s); each looks by itself", error, exc_info=ours
                    )
                connection.terminate()
                connection = await self._connect_again()
        except asyncio.CancelledError:
            connection.terminate()

    async def _connect_again(self) -> Connection:
        while True:
            await asyncio.sleep(random.uniform(0.1, 0.5))
            try:
                return await self._connect()
            except Exception as error:  # noqa: BLE001  the same; it was said that the connection is gone
                log.debug("still no connection to hear the other nodes by: %s", error)

    async def _connect(self) -> Connection:
        connection = await self._link.connect()
        try:
            await connection.add_listener(self._channel, self._heard)
            await self._claim_number(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _claim_number(self, connection: Connection) -> None:
        """A number that no other node has: the one of before, if it is still free."""
        numbers = random.SystemRandom().sample(range(NUMBERS), NUMBERS)
        if self.number is not None:
            numbers.insert(0, self.number)
        for number in numbers:
            [(claimed,)] = await query(connection, "claim_number", number=number)
            if claimed:
                self.number = number
                return
        raise StorageError(f"{NUMBERS} nodes work on {self._link.name}, which is the most that can be told apart.")

    async def _talk(self, connection: Connection) -> None:
        """Tell and hear, until the connection is lost."""
        while True:
            if time.monotonic() > self._look_after:
                self._look_after = time.monotonic() + DAY
                await keep_partitions(connection, self._link.schema)
            try:
                async with asyncio.timeout(LOOK):
                    await self._to_tell.wait()
            except TimeoutError:
                [(definitions,)] = await query(connection, "definitions_changed")
                self._report(definitions, None)
                continue
            self._to_tell.clear()
            types, self._unsaid = self._unsaid, set()
            await query(connection, "tell_others", channel=self._channel, news=self._news(types))
            await asyncio.sleep(TELL)

    def _news(self, types: Collection[str]) -> str:
        known = self._definitions()
        news = json.encode([self.number, known, sorted(types)])
        return (news if len(news) <= LONGEST_NEWS else json.encode([self.number, known, []])).decode()

    def _heard(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        number, definitions, types = json.decode(str(payload))
        if number != self.number:
            self._report(definitions, types)
