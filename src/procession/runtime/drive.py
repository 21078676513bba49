"""Runs a coroutine that never suspends where there is no event loop: embedded stores answer in the caller's thread, the store on
a server makes it wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from procession.storage.waiting import running_loop

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result. One that suspends needs an event loop, and is a mistake here."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("this store needs an event loop; it cannot be embedded")


async def pause(seconds: float) -> None:
    """Wait: in the event loop, or where there is none in the thread."""
    if running_loop() is None:
        time.sleep(seconds)
    else:
        await sys.modules["asyncio"].sleep(seconds)
