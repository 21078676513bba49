"""Which function takes which topic."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from procession.bus.topics import legal
from procession.integration.records import IncomingRecord
from procession.runtime.backoff import Backoff, backoff_of

if TYPE_CHECKING:
    from procession.integration.once import Once

Handler = Callable[[IncomingRecord], Any]
"""Takes a record and returns the value of the answer, an `Answer`, several, or None; a function or a coroutine function."""

Handling = TypeVar("Handling", bound=Handler)

RETRIES = 3
FIRST, LONGEST = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Route:
    """A topic or a pattern, who takes its records, where answers go, and what follows when that fails."""

    name: str
    pattern: bool
    handler: Handler
    answer: str | None
    retries: int
    backoff: Callable[[int], float]
    once: Once | None


class RecordRouter:
    """Collects handlers, so that they can be written in several modules and included in one integration."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def on(
        self,
        *topics: str,
        pattern: str | None = None,
        answer: str | None = None,
        retries: int = RETRIES,
        backoff: float | Callable[[int], float] | None = None,
        once: Once | None = None,
    ) -> Callable[[Handling], Handling]:
        """Let the decorated function take the records of these topics, and of those whose whole name matches the pattern.

        What it returns goes to the topic `answer`; without one it only listens. Where it raises, it is called again `retries`
        times, after `backoff` seconds (then twice as long each time; 0.5 seconds), or a function of the attempt's number; then
        the record becomes a dead letter. With `once` a record that comes again gets the answer that it had. A topic that two
        functions could take is that of the one that names it, else of the first.
        """
        if not topics and pattern is None:
            raise ValueError("Name a topic, or give a pattern: @integration.on('bureau.requests')")
        for topic in (*topics, *([answer] if answer is not None else [])):
            if not legal(topic):
                raise ValueError(f"{topic!r} is no name of a topic: 1 to 249 letters, digits, '.', '_' and '-'.")
        if pattern is not None:
            re.compile(pattern)
        if retries < 0:
            raise ValueError(f"retries={retries} makes no sense: 0 is no second try.")
        pauses = Backoff(FIRST, most=LONGEST) if backoff is None else backoff_of(backoff)

        def register(handler: Handling) -> Handling:
            for topic in topics:
                self._add(Route(topic, False, handler, answer, retries, pauses, once))
            if pattern is not None:
                self._add(Route(pattern, True, handler, answer, retries, pauses, once))
            return handler

        return register

    def include(self, other: RecordRouter) -> None:
        """Take over every handler of another router (or integration)."""
        for route in other.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        if any(each.name == route.name and each.pattern == route.pattern for each in self.routes):
            raise ValueError(f"Two handlers for '{route.name}'. Remove one.")
        self.routes.append(route)
