"""Takes commands from many threads into one processor: whoever waits first turns the crank for all.

There is no thread of its own and no delay: a lone caller decides and commits in its own thread. While it commits, others
queue up; the next of them takes everything that is queued as one batch.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from procession.errors import StorageError
from procession.runtime.asks import Ask
from procession.runtime.drive import drive
from procession.runtime.processor import Processor

T = TypeVar("T")

BATCH = 1000
"""Commands of one transaction at most."""

FLUSH = 200
"""Transactions in which a loop without an end is found out; instances that wake each other for ever are left after them."""


LET_OTHERS = 0.0005
"""Seconds between two transactions of a long run. A lock goes to whoever asks first, and that is whoever has just given it
up: without a pause the others would have to wait for the end of the run, for answers that are there."""


class Intake:
    """The queue before a processor, and the lock that says who drives it."""

    def __init__(self, processor: Processor) -> None:
        self.processor = processor
        self._queue: deque[Ask] = deque()
        self._lock = threading.RLock()
        self._others: deque[None] = deque()  # one for each thread that waits to do something between two transactions
        self._closed = False

    def submit(self, ask: Ask) -> Ask:
        """Queue a command. It is decided when somebody waits, or calls `flush`."""
        self._queue.append(ask)
        return ask

    def wait(self, ask: Ask) -> Any:
        """The answer to a queued command; turns the crank until it is there."""
        while not ask.done:
            with self._lock:
                if not ask.done:
                    turned = drive(self.turn())
                    if not turned:
                        raise RuntimeError("this command was never submitted, so there is no answer to wait for")
            if not ask.done:
                time.sleep(LET_OTHERS)
        return ask.answer()

    def run(self, ask: Ask) -> Any:
        """Queue a command and wait for its answer."""
        return self.wait(self.submit(ask))

    def flush(self, turns: int = FLUSH) -> int:
        """Decide everything that is queued or goes on by itself, in so many transactions at most; how many commands it was."""
        count = 0
        while turns and self.waiting:
            turns -= 1
            with self._lock:
                count += drive(self.turn())
            if self.processor.busy or self._others:
                time.sleep(LET_OTHERS)
        return count

    def enter(self) -> bool:
        """Take the lock for an event loop, whose thread must not wait for it; then `turn`, then `leave`."""
        return self._lock.acquire(blocking=False)

    def leave(self) -> bool:
        """Give it back; whether a thread waits for it."""
        self._lock.release()
        return bool(self._others)

    @property
    def waiting(self) -> bool:
        """Whether there is something to decide."""
        return bool(self._queue or (self.processor.busy and not self._closed))

    @property
    def queued(self) -> int:
        """How many commands wait for the next batch."""
        return len(self._queue)

    def close(self) -> None:
        """Decide what is queued, then take nothing more. Runs that go on by themselves are left to whoever opens the store."""
        with self._lock:
            while self._queue:
                drive(self.turn())
            self._closed = True
            waiting = [ask for asks in self.processor.unfinished.values() for ask in asks]
            self.processor.unfinished.clear()
            self.processor.fail(
                waiting, StorageError("The engine was closed; the run goes on when it is opened again.")
            )

    def alone(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something else that writes to the store, while nobody commits."""
        self._others.append(None)
        try:
            self._lock.acquire()
        finally:
            self._others.pop()
        try:
            return drive(coroutine)
        finally:
            self._lock.release()

    async def turn(self) -> int:
        """Decide what is queued, in one transaction at most; how many commands it was. The caller has the lock."""
        queue = self._queue
        if self._closed:
            late = [queue.popleft() for _ in range(len(queue))]
            self.processor.fail(late, StorageError("The engine is closed. Nothing was done."))
            return len(late)
        batch = self.processor.follow_ups()
        try:
            while queue and len(batch) < BATCH:
                batch.append(queue.popleft())
            if batch:
                await self.processor.turn(batch)
        except BaseException as error:  # Ctrl-C in the thread that turns the crank for all: nobody may wait for ever
            interrupted = StorageError(f"{type(error).__name__} came in between: it may have taken effect or not.")
            self.processor.fail([ask for ask in batch if not ask.done], interrupted)
            raise
        return len(batch)
