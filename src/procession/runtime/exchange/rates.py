"""How many records went through this node, by topic, and what went wrong last: for metrics and the monitor."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import NamedTuple

from procession.bus import Received, Record

WINDOW = 60.0
"""Seconds over which a rate is taken."""


class Rate(NamedTuple):
    """Records of one topic: since the node started, and a second on average over the last minute."""

    total: int
    a_second: float


class Rates:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = Counter()
        self._recent: dict[tuple[str, str], deque[tuple[float, int]]] = {}
        self._began = time.monotonic()

    def read(self, records: Iterable[Received]) -> None:
        """They were taken in."""
        self._note("in", Counter(record.topic for record in records))

    def published(self, records: Iterable[Record]) -> None:
        """They are on the bus."""
        self._note("out", Counter(record.topic for record in records))

    def of(self, direction: str) -> dict[str, Rate]:
        """By topic; `direction` is in or out."""
        now = time.monotonic()
        with self._lock:
            found: dict[str, Rate] = {}
            for (way, topic), count in self._counts.items():
                if way == direction:
                    recent = self._recent[way, topic]
                    _forget(recent, now)
                    over = min(WINDOW, max(now - self._began, 1.0))
                    found[topic] = Rate(count, sum(number for _, number in recent) / over)
            return found

    def _note(self, direction: str, counts: Counter[str]) -> None:
        now = time.monotonic()
        with self._lock:
            for topic, count in counts.items():
                self._counts[direction, topic] += count
                recent = self._recent.setdefault((direction, topic), deque())
                if recent and now - recent[-1][0] < 1.0:
                    recent[-1] = recent[-1][0], recent[-1][1] + count
                else:
                    recent.append((now, count))
                    _forget(recent, now)


def _forget(recent: deque[tuple[float, int]], now: float) -> None:
    while recent and now - recent[0][0] > WINDOW:
        recent.popleft()
