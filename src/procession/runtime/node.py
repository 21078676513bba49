"""The engine as an event loop sees it: commands are answered after their commit, and nothing waits in the loop.

One task turns the crank: what arrives while it commits is the next batch. It decides in the loop, since two threads that both
want Python's lock cost more than the deciding; waiting for the disk, or for another process, is done in a thread. Queries of
embedded stores run in a few threads beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from procession.engine.access import Principal
from procession.errors import StorageError
from procession.runtime.asks import Ask
from procession.runtime.clock import Clock
from procession.runtime.drive import drive
from procession.runtime.intake import LET_OTHERS
from procession.runtime.machine import Machine
from procession.runtime.queries import Queries
from procession.storage import Batch
from procession.storage.waiting import ELSEWHERE

log = logging.getLogger("procession")

T = TypeVar("T")

READERS = 4


class Node:
    """A machine in an event loop. `open` it there; `close` finishes what was accepted."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.storage, self.definitions, self.new_id = machine.storage, machine.definitions, machine.new_id
        self.clock: Clock = machine.clock
        self.intake = machine.intake
        self._waiting: dict[Ask, asyncio.Future[Any]] = {}
        self._done: deque[Ask] = deque()
        self._telling = False
        self._wake = asyncio.Event()
        self._stop = False
        self._crank: asyncio.Task[None] | None = None
        self._committer = ThreadPoolExecutor(1, "procession-commit")
        self._readers = ThreadPoolExecutor(READERS, "procession-reader")
        self._writers = ThreadPoolExecutor(2, "procession-writer")

    @property
    def committed(self) -> list[Callable[[Batch], None]]:
        """Called in the committing thread with each batch that was written; they must be quick, and fit for threads."""
        return self.intake.processor.committed

    @property
    def running(self) -> bool:
        """Whether commands are taken and decided."""
        return not self._stop and self._crank is not None and not self._crank.done()

    async def open(self) -> None:
        """Begin to take commands."""
        self._loop = asyncio.get_running_loop()
        await self.storage.attach()
        self._crank = asyncio.create_task(self._turn())

    async def close(self) -> None:
        """Take no more, finish what was accepted, release the store."""
        self._stop = True
        self._wake.set()
        if self._crank is not None:
            await self._crank
        await self.storage.detach()
        self._committer.shutdown()
        self._readers.shutdown(wait=False)
        await asyncio.to_thread(self._writers.shutdown)
        await asyncio.to_thread(self.machine.close)
        self._tell()

    # -- what the edge does --------------------------------------------------------------------------------------------

    async def ask(self, ask: Ask) -> Any:
        """The answer to a command, after its commit. It takes effect even when nobody waits for the answer any more."""
        if self._stop:
            raise StorageError("The server is shutting down. Nothing was done; try again.")
        ask.told, ask.context = self._finished, copy_context()
        future = self._waiting[ask] = self._loop.create_future()
        self.intake.submit(ask)
        self._wake.set()
        return await future

    async def read(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The answer to a query, read beside the commits."""
        return await self._loop.run_in_executor(self._readers, copy_context().run, drive, coroutine)

    async def alone(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Write to the store in another way, while nobody commits."""
        return await self._loop.run_in_executor(self._writers, copy_context().run, self.machine.alone, coroutine)

    async def published(self) -> None:
        """A definition was published: it may begin by itself."""
        await self._loop.run_in_executor(self._writers, copy_context().run, self.machine.published)

    def queries(self, principal: Principal) -> Queries:
        """Questions of this principal."""
        return self.machine.queries(principal)

    # -- the crank ----------------------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        ELSEWHERE.set(self._elsewhere)
        while not self._stop:
            await self._wake.wait()
            self._wake.clear()
            try:
                while self.intake.waiting and not self._stop:  # what is queued then is decided when the machine closes
                    while not self.intake.enter():  # a thread is between two transactions
                        await asyncio.sleep(LET_OTHERS)
                    try:
                        await self.intake.turn()
                    finally:
                        others = self.intake.leave()
                    await asyncio.sleep(LET_OTHERS if others else 0)
                self.machine.wake()
            except Exception:
                log.exception("the crank stumbled; commands that were not decided are decided next")
                self._wake.set()

    async def _elsewhere(self, work: Callable[[], None]) -> None:
        await self._loop.run_in_executor(self._committer, work)

    def _finished(self, ask: Ask) -> None:
        self._done.append(ask)
        if not self._telling:
            self._telling = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._telling = False  # before looking: what is done from now on calls again
        done, waiting = self._done, self._waiting
        while done:
            ask = done.popleft()
            future = waiting.pop(ask, None)
            if future is None or future.done():
                continue  # the client has gone; the effect stays
            if ask.error is not None:
                future.set_exception(ask.error)
            else:
                future.set_result(ask.result)
