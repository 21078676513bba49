"""Why something became null.

A helper that fails returns `fail(message, values...)`, which is null. Only while a `Collector` is active (in `explain`)
does it also note the reason; otherwise nothing is formatted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

from procession.feel.text import describe


class Reason(NamedTuple):
    """What went wrong, and where in the expression (line and column count from 1)."""

    message: str
    line: int
    column: int


class Explanation(NamedTuple):
    """The value of an expression, and why parts of it became null."""

    value: Any
    reasons: tuple[Reason, ...]


class _Active(threading.local):
    collector: Collector | None = None


_active = _Active()
_MOST = 100  # reasons that are kept; the first ones tell the story


class Collector:
    """Notes reasons in this thread, while used as a context manager."""

    __slots__ = ("found", "outer", "position")

    def __init__(self) -> None:
        self.found: dict[tuple[str, int], None] = {}
        self.position = 0
        self.outer: Collector | None = None

    def __enter__(self) -> Collector:
        self.outer, _active.collector = _active.collector, self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _active.collector = self.outer

    def reasons(self, text: str) -> tuple[Reason, ...]:
        """What was noted, in order, with places in the text."""
        return tuple(Reason(message, *place(text, position)) for message, position in self.found)


def fail(message: str, *values: Any) -> Any:
    """Null; while somebody asks why, the message with the described values is noted."""
    collector = _active.collector
    if collector is not None and len(collector.found) < _MOST:
        collector.found[message.format(*map(describe, values)), collector.position] = None
    return None


def at(position: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a helper whose reasons belong to this place of the expression."""
    if _active.collector is not None:
        _active.collector.position = position
    return function(*arguments)


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of an offset."""
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
