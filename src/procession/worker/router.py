"""Which function does which type of job."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from procession.runtime.backoff import backoff_of
from procession.runtime.views import JobView

Handler = Callable[[JobView], Any]
"""Takes a job and returns the variables that it found, or None; a function or a coroutine function."""

Handling = TypeVar("Handling", bound=Handler)


@dataclass(frozen=True, slots=True)
class Route:
    """A type of job, who does it, and what follows when that fails."""

    type: str
    handler: Handler
    retries: int | None
    backoff: Callable[[int], float]
    coroutine: bool = False


class Router:
    """Collects handlers, so that they can be written in several modules and included in one worker."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}

    def job(
        self, type: str, *, retries: int | None = None, backoff: float | Callable[[int], float] | None = None
    ) -> Callable[[Handling], Handling]:
        """Let the decorated function do the jobs of that type.

        `retries` is how often it is tried at most, where that is fewer than the process says. `backoff` is how many seconds
        to wait after the first failure (then twice as long each time; 1 second), or a function of the attempt's number.
        """
        if retries is not None and retries < 1:
            raise ValueError(f"A job is tried at least once, so retries={retries} makes no sense.")

        def register(handler: Handling) -> Handling:
            self._add(Route(type, handler, retries, backoff_of(backoff), _is_coroutine(handler)))
            return handler

        return register

    def include(self, other: Router) -> None:
        """Take over every handler of another router (or worker)."""
        for route in other.routes.values():
            self._add(route)

    def _add(self, route: Route) -> None:
        if route.type in self.routes:
            raise ValueError(f"Two handlers for jobs of type '{route.type}'. Remove one.")
        self.routes[route.type] = route


def _is_coroutine(handler: Handler) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004
