"""Records on their way through the handlers: those of one key one after another, others beside each other.

A lane is a topic and a key. It is ready while its first record can be taken, and then nobody's until that record is done, or is
to be tried again later. `Progress` says how far everything is done, which is not the order in which it is done.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from procession.bus import Partition, Received
from procession.integration.router import Route


@dataclass(eq=False, slots=True)
class Work:
    """A record and who handles it."""

    received: Received
    route: Route
    topic: str  # as its handler knows it
    attempt: int = 1

    @property
    def place(self) -> Partition:
        """The partition that it came from."""
        return self.received.topic, self.received.partition


class Lanes:
    """Thread-safe. Holds `most` records at most, if whoever adds asks for `room`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[Hashable, deque[Work]] = {}
        self._ready: deque[Hashable] = deque()
        self._later: list[tuple[float, int, Hashable]] = []
        self._numbers = count()
        self._held = 0
        self._busy: dict[Work, Hashable] = {}
        self._closed = False
        lock = threading.Lock()
        self._work, self._room = threading.Condition(lock), threading.Condition(lock)

    def room(self, seconds: float) -> int:
        """For how many more there is room; waits so long for some."""
        end = time.monotonic() + seconds
        with self._room:
            while self._held >= self._most and not self._closed and (left := end - time.monotonic()) > 0:
                self._room.wait(left)
            return max(0, self._most - self._held)

    def add(self, works: Iterable[Work]) -> None:
        """They came in this order."""
        with self._work:
            for work in works:
                key: Hashable = work if work.received.key is None else (work.received.topic, work.received.key)
                if (lane := self._lanes.get(key)) is None:
                    lane = self._lanes[key] = deque()
                    self._ready.append(key)
                lane.append(work)
                self._held += 1
            self._work.notify_all()

    def take(self) -> Work | None:
        """The next one, as soon as there is one; None: it was closed."""
        with self._work:
            while not self._closed:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._ready.append(heappop(self._later)[2])
                if self._ready:
                    key = self._ready.popleft()
                    work = self._lanes[key][0]
                    self._busy[work] = key
                    return work
                self._work.wait(self._later[0][0] - now if self._later else None)
            return None

    def done(self, work: Work) -> None:
        """The next one of its key may be taken."""
        with self._work:
            key = self._busy.pop(work)
            lane = self._lanes[key]
            lane.popleft()
            self._held -= 1
            if lane:
                self._ready.append(key)
                self._work.notify()
            else:
                del self._lanes[key]
            self._room.notify_all()

    def again(self, work: Work, seconds: float) -> None:
        """Take it once more after so long; those of its key wait for it."""
        with self._work:
            key = self._busy.pop(work)
            work.attempt += 1
            heappush(self._later, (time.monotonic() + seconds, next(self._numbers), key))
            self._work.notify()

    def close(self) -> None:
        """Hand out nothing more."""
        with self._work:
            self._closed = True
            self._work.notify_all()
            self._room.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether nobody has one any more, after so long at most."""
        end = time.monotonic() + seconds
        with self._room:
            while self._busy and (left := end - time.monotonic()) > 0:
                self._room.wait(min(left, 0.05))
            return not self._busy


class Progress:
    """How far each partition is done. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Partition, dict[int, bool]] = {}  # offsets, and whether they are done
        self._next: dict[Partition, int] = {}

    def begin(self, received: Received) -> bool:
        """A record was read; False: it is on its way already."""
        with self._lock:
            offsets = self._open.setdefault((received.topic, received.partition), {})
            if received.offset in offsets:
                return False
            offsets[received.offset] = False
            return True

    def end(self, work: Work) -> None:
        """It is done. Of a partition that is somebody else's by now this means nothing."""
        with self._lock:
            offsets = self._open.get(work.place)
            if offsets is None or work.received.offset not in offsets:
                return
            offsets[work.received.offset] = True
            while offsets and offsets[first := min(offsets)]:
                del offsets[first]
                self._next[work.place] = first + 1

    def forget(self, places: Iterable[Partition]) -> None:
        """These partitions are not read any more."""
        with self._lock:
            for place in places:
                self._open.pop(place, None)
                self._next.pop(place, None)

    def take(self) -> dict[Partition, int]:
        """What is new: behind the last record of each partition before which all is done."""
        with self._lock:
            found, self._next = self._next, {}
            return found
