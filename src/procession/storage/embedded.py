"""What the stores have in common that live inside the program: nobody else is expected, and nothing waits in an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager


class Embedded:
    """Memory and SQLite. Other processes that open the same file are noticed when one looks."""

    shared = False
    number = None

    def __init__(self) -> None:
        self.others: list[Callable[[Collection[str]], None]] = []

    async def attach(self) -> None:
        """Nothing of it suspends."""

    async def detach(self) -> None:
        """Nothing of it was waiting."""

    @asynccontextmanager
    async def exclusively(self, instances: Collection[int]) -> AsyncIterator[None]:
        """Who comes second here has come second once: the next time there is nobody."""
        yield
