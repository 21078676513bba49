"""Where time comes from. Below this package there is no clock: times come in as arguments."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Protocol

from procession.definition.iso8601 import add_duration, parse_duration, parse_instant


class Clock(Protocol):
    """`now()` is microseconds since the epoch, UTC. A virtual clock moves only when it is told to."""

    virtual: bool

    def now(self) -> int: ...


class SystemClock:
    """The time of the machine; never goes back, even when the machine's clock is set."""

    virtual = False

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        self._last = now = max(time.time_ns() // 1000, self._last)
        return now


class VirtualClock:
    """A time that tests and development servers move by hand."""

    virtual = True

    def __init__(self, start: str | int = "2030-01-01T00:00:00Z") -> None:
        self._now = parse_instant(start) if isinstance(start, str) else start
        self._lock = threading.Lock()

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return self._now

    def advance(self, by: float | timedelta | str) -> int:
        """Move forward by seconds, a timedelta or an ISO 8601 duration; the new time."""
        with self._lock:
            if isinstance(by, str):
                moved = add_duration(self._now, parse_duration(by), "UTC")
            else:
                moved = self._now + microseconds(by)
            if moved < self._now:
                raise ValueError("time does not go back")
            self._now = moved
        return self._now

    def set(self, to: str | int) -> int:
        """Move to an instant that is not in the past."""
        instant = parse_instant(to) if isinstance(to, str) else to
        if instant < self._now:
            raise ValueError("time does not go back")
        self._now = instant
        return instant


def microseconds(span: float | timedelta) -> int:
    """A span given in seconds or as a timedelta."""
    if isinstance(span, timedelta):
        return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    return round(span * 1_000_000)
