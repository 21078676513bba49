"""The jobs that a worker holds: those that wait for a free thread, and those that run.

The threads are daemons and not those of `concurrent.futures`, whose interpreter waits at exit for a handler that hangs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from procession.runtime.views import JobView
from procession.worker.router import Route

log = logging.getLogger("procession.worker")


@dataclass(eq=False, slots=True)
class Held:
    """A job whose lease is ours until `until` (by the monotonic clock). `lost`: it is somebody else's now."""

    job: JobView
    route: Route
    until: float
    lost: bool = False

    def __str__(self) -> str:
        return f"job {self.job.id} ({self.job.type}, node {self.job.node} of instance {self.job.instance})"


class Pool:
    """Runs at most `size` jobs at once, oldest first."""

    def __init__(self, size: int, run: Callable[[Held], None], name: str) -> None:
        self.size, self._run, self._name = size, run, name
        self._waiting: deque[Held] = deque()
        self._running: set[Held] = set()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()
        self.handled = 0

    def add(self, held: Held) -> None:
        """Queue a job, and start a thread for it when all are busy."""
        with self._changed:
            self._waiting.append(held)
            if self._idle < len(self._waiting) and len(self._threads) < self.size:
                name = f"{self._name}-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def take_back(self) -> list[Held]:
        """Everything that was not started; it is not the pool's any more."""
        with self._changed:
            waiting = list(self._waiting)
            self._waiting.clear()
            return waiting

    def held(self) -> list[Held]:
        """What waits and what runs."""
        with self._changed:
            return [*self._waiting, *self._running]

    def drop(self, held: Held) -> None:
        """Its lease is lost: not started if it still waits, and its result is not reported if it runs."""
        with self._changed:
            held.lost = True
            if held in self._waiting:
                self._waiting.remove(held)

    def wait_for_room(self, seconds: float, handled: int, wake: Callable[[], bool]) -> None:
        """Until more than `handled` jobs ended and none waits, `wake` says so after a `nudge`, or the time is over."""
        end = time.monotonic() + seconds
        with self._changed:
            while not wake() and (self._waiting or self.handled == handled):
                left = end - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether nothing waits or runs any more, after so long at most."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._waiting or self._running:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def nudge(self) -> None:
        """Wake whoever waits, to look again."""
        with self._changed:
            self._changed.notify_all()

    def has(self, thread: threading.Thread) -> bool:
        """Whether it is one of ours."""
        return thread in self._threads

    def close(self) -> None:
        """Let idle threads end; one that runs a job ends after it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._waiting and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not self._waiting:
                    return
                held = self._waiting.popleft()
                self._running.add(held)
            try:
                self._run(held)
            except Exception:
                log.exception("%s: reporting it failed; its lease will run out", held)
            with self._changed:
                self._running.discard(held)
                self.handled += 1
                self._changed.notify_all()
