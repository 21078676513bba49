"""Where a store waits for its disk or for other processes: in the caller's thread, or elsewhere while an event loop goes on.

An embedded store never suspends, and its coroutines can be driven by hand. An event loop that drives one says, for its own
task, where it may wait instead.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Elsewhere = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs a function somewhere else; what it returns is awaited."""

ELSEWHERE: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


def running_loop() -> AbstractEventLoop | None:
    """The event loop that runs in this thread. Nobody has to load asyncio to learn that there is none."""
    asyncio = sys.modules.get("asyncio")
    try:
        return None if asyncio is None else asyncio.get_running_loop()
    except RuntimeError:
        return None
