"""Where a store waits for its disk or for other processes: in the caller's thread, or elsewhere while an event loop goes on.

An embedded store never suspends, and its coroutines can be driven by hand. An event loop that drives one says, for its own
task, where it may wait instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

Elsewhere = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs a function somewhere else; what it returns is awaited."""

ELSEWHERE: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)
