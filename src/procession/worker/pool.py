"""The jobs that a worker holds: those that wait, those that run, and those whose results are on their way.

At most so many handlers run at once: functions in threads, coroutines on the event loop, oldest job first. The threads are
daemons and not those of `concurrent.futures`, whose interpreter waits at exit for a handler that hangs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
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
    started: bool = False
    ended: bool = False  # the handler is through
    late: bool = False  # its lease ran out, and perhaps nobody has taken it since
    lost: bool = False

    def __str__(self) -> str:
        return f"job {self.job.id} ({self.job.type}, node {self.job.node} of instance {self.job.instance})"


class Pool:
    """Holds up to `most` jobs and runs up to `size` of them at once."""

    def __init__(self, size: int, most: int, name: str) -> None:
        self.size, self.most, self._name = size, most, name
        self._waiting: deque[Held] = deque()
        self._held: dict[Held, None] = {}
        self._running = 0
        self._promised = 0
        self._line: deque[object] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        lock = threading.Lock()
        self._work, self._changed = threading.Condition(lock), threading.Condition(lock)
        self.handled = 0

    def open(self, run: Callable[[Held], None], spawn: Callable[[Sequence[Held]], None]) -> None:
        """`run` does a job in a thread, `spawn` lets coroutines run. When a handler is through they say `leave`, report, and
        a coroutine then says `begin`."""
        self._run, self._spawn = run, spawn

    # -- jobs come and go ---------------------------------------------------------------------------------------------

    def add(self, jobs: Sequence[Held]) -> None:
        """Take jobs, and run them as soon as there is a place."""
        with self._changed:
            spawned = self._enter(jobs)
        if spawned:
            self._spawn(spawned)

    def leave(self, held: Held) -> None:
        """Its handler is through, so that its place is free. The job is held until `finish`."""
        with self._changed:
            held.ended = True
            self._running -= 1

    def begin(self) -> None:
        """Run what there is a place for."""
        with self._changed:
            spawned = self._begin()
        if spawned:
            self._spawn(spawned)

    def finish(self, jobs: Sequence[Held]) -> None:
        """Their results were taken, or dropped: they are not held any more."""
        with self._changed:
            for held in jobs:
                self._held.pop(held, None)
            self.handled += len(jobs)
            self._changed.notify_all()

    def take_back(self) -> list[Held]:
        """Everything that was not started; it is not the pool's any more."""
        with self._changed:
            waiting = list(self._waiting)
            self._waiting.clear()
            for held in waiting:
                del self._held[held]
            return waiting

    def drop(self, held: Held) -> None:
        """Its lease is lost: not started if it still waits, and its result is not reported if it runs."""
        with self._changed:
            held.lost = True
            if not held.started and held in self._held:
                self._waiting.remove(held)
                del self._held[held]
                self._changed.notify_all()

    def held(self) -> list[Held]:
        """What waits, what runs, and what is being reported."""
        with self._changed:
            return list(self._held)

    # -- room for more ------------------------------------------------------------------------------------------------

    def wait_for_room(self, seconds: float, handled: int, wake: Callable[[], bool]) -> None:
        """Until more than `handled` jobs ended and asking for more pays, `wake` says so after a `nudge`, or the time is over."""
        end = time.monotonic() + seconds
        with self._changed:
            while not wake() and (self.handled == handled or not self._wants()):
                left = end - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def promise(self, wake: Callable[[], bool], *, all: bool) -> int:
        """Wait for one's turn, and for room: all of it, which nobody else gets until `keep` is called, or just some.

        Who has waited longest is first. Zero when `wake` says so, after a `nudge`.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while not wake():
                    room = self._room()
                    if self._line[0] is ticket and self._wants():
                        self._promised += room if all else 0
                        return room
                    self._changed.wait()
                return 0
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def keep(self, jobs: Sequence[Held], promised: int) -> bool:
        """Add what came of a promise; or (nothing promised) whatever there is room for by now. Whether it was added."""
        with self._changed:
            self._promised -= promised
            fits = len(jobs) <= self._room()
            spawned = self._enter(jobs) if fits else []
            if promised:
                self._changed.notify_all()
        if spawned:
            self._spawn(spawned)
        return fits

    # -- waiting, and the end -----------------------------------------------------------------------------------------

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether nothing is held any more, after so long at most."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._held:
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
            self._work.notify_all()
            self._changed.notify_all()

    # -- inside: the lock is held -------------------------------------------------------------------------------------

    def _room(self) -> int:
        return self.most - len(self._held) - self._promised

    def _wants(self) -> bool:
        """Whether there is room, and a place is free or there is so much room that asking pays."""
        room = self._room()
        return room > 0 and (len(self._waiting) + self._running < self.size or 2 * room >= self.most)

    def _enter(self, jobs: Sequence[Held]) -> list[Held]:
        self._held.update(dict.fromkeys(jobs))
        self._waiting.extend(jobs)
        return self._begin()

    def _begin(self) -> list[Held]:
        """Wake threads for the functions that can run now; the coroutines that can."""
        spawned = self._coroutines()
        wanted = min(len(self._waiting), self.size - self._running)
        if wanted > 0:
            self._work.notify(wanted)
            for _ in range(min(wanted - self._idle, self.size - len(self._threads))):
                name = f"{self._name}-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._turn, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return spawned

    def _coroutines(self) -> list[Held]:
        """The oldest jobs, as far as they are coroutines."""
        found: list[Held] = []
        while self._waiting and self._running < self.size and self._waiting[0].route.coroutine:
            found.append(self._next())
        return found

    def _next(self) -> Held:
        held = self._waiting.popleft()
        held.started = True
        self._running += 1
        return held

    # -- the threads --------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        while True:
            held: Held | None = None
            with self._changed:
                while True:
                    spawned = self._coroutines()
                    if self._waiting and self._running < self.size:
                        held = self._next()
                    if held is not None or spawned:
                        break
                    if self._closed:
                        return
                    self._idle += 1
                    self._work.wait()
                    self._idle -= 1
            if spawned:
                self._spawn(spawned)
            if held is not None:
                self._run(held)
