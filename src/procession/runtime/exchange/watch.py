"""What the bus says of itself, asked in a thread of its own: one that is away holds up nobody who looks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import MappingProxyType
from typing import NamedTuple

from procession.bus import Bus, TopicState
from procession.runtime.exchange.rates import Rate

FRESH = 2.0
"""Seconds for which what it said is good."""

NOTHING: Mapping[str, int] = MappingProxyType({})


class Seen(NamedTuple):
    """What the bus said last, and when (None: nothing yet); `error`: why it says nothing now. `lag` is by topic."""

    at: int | None = None
    topics: Mapping[str, TopicState] = MappingProxyType({})
    lag: Mapping[str, int] = NOTHING
    error: str = ""


class Sight(NamedTuple):
    """A bus as one node sees it. `errors` are of what cannot be done now, by what it is."""

    kind: str = "none"
    url: str = ""
    group: str = ""
    errors: Mapping[str, str] = MappingProxyType({})
    seen: Seen = Seen()
    received: Mapping[str, Rate] = MappingProxyType({})
    sent: Mapping[str, Rate] = MappingProxyType({})


class Watch:
    """Asks a bus. Thread-safe: of many who ask at once, all get the same answer."""

    def __init__(self, bus: Bus, group: str, now: Callable[[], int]) -> None:
        self._bus, self._group, self._now = bus, group, now
        self._lock = threading.Lock()
        self._asking: Future[Seen] | None = None
        self._again = 0.0
        self.seen = Seen()

    def look(self) -> Future[Seen]:
        """What the bus says: what it said a moment ago, or its next answer. Whoever waits, should not wait for ever."""
        with self._lock:
            if self._asking is None:
                future: Future[Seen] = Future()
                future.set_running_or_notify_cancel()  # nobody who has waited enough takes it from the others
                if time.monotonic() < self._again:
                    future.set_result(self.seen)
                    return future
                self._asking = future
                threading.Thread(target=self._ask, name="procession-watch", daemon=True).start()
            return self._asking

    def _ask(self) -> None:
        try:
            topics = {state.name: state for state in self._bus.describe()}
            lag: Counter[str] = Counter()
            for (topic, _), behind in self._bus.lag(self._group).items():
                lag[topic] += behind
            seen = Seen(self._now(), topics, lag)
        except Exception as error:  # noqa: BLE001  whatever it is, it is shown to whoever looks
            seen = self.seen._replace(error=str(error) or type(error).__name__)
        with self._lock:
            self.seen, self._again = seen, time.monotonic() + FRESH
            asking, self._asking = self._asking, None
        assert asking is not None
        asking.set_result(seen)
