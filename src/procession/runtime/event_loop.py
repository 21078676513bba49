"""One event loop in a thread of its own, for the handlers that are coroutine functions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any


class EventLoop:
    """Runs coroutines for other threads."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.thread = threading.Thread(target=self._run, name=f"{name}-loop", daemon=True)
        self.thread.start()

    def spawn(self, coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Let them run; nobody waits for them."""
        if threading.current_thread() is self.thread:
            self._spawn(coroutines)
        else:
            self._loop.call_soon_threadsafe(self._spawn, coroutines)

    def result_of(self, awaitable: Awaitable[Any]) -> Any:
        """Wait in this thread for what the awaitable comes to on the loop."""
        return asyncio.run_coroutine_threadsafe(_awaited(awaitable), self._loop).result()

    def cancel_all(self) -> None:
        """Cancel every handler that is running."""
        self._loop.call_soon_threadsafe(self._cancel)

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self.thread:
            self.thread.join(5)

    def _spawn(self, coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
        for coroutine in coroutines:
            task = self._loop.create_task(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._cancel()
            left = asyncio.all_tasks(self._loop)
            if left:
                self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _cancel(self) -> None:
        for running in asyncio.all_tasks(self._loop):
            running.cancel()


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
