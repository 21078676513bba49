"""What was read a moment ago. Each request asks who may come in; the store is asked once a second for each who does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

FRESH = 1.0
"""Seconds for which something is taken as it was read."""

IDLE = 60.0
"""Seconds after which what nobody asks for is forgotten."""


class Recent(Generic[T]):
    """Things by key, as they were read lately. `now` is seconds of a clock that never goes back."""

    def __init__(self, read: Callable[[Collection[str]], Awaitable[Mapping[str, T]]], now: Callable[[], float]) -> None:
        self._read, self._now = read, now
        self._seen: dict[str, _Seen[T]] = {}
        self._reading: dict[str, asyncio.Future[Mapping[str, T]]] = {}
        self._turn = 0  # counts how often everything was to be read again
        self._tidied = now()

    def get(self, key: str) -> T | None:
        """What it is, if that can be told at once."""
        seen = self._seen.get(key)
        if seen is None or seen.turn != self._turn:
            return None
        now = self._now()
        if now - seen.read > FRESH:
            return None
        seen.used = now
        return seen.value

    async def find(self, key: str) -> T | None:
        """What it is; None: there is none. Those who ask at the same moment share one look."""
        value = self.get(key)
        if value is not None:
            return value
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.ensure_future(self._look([key]))
            reading.add_done_callback(lambda done: self._looked(key, done))
        return (await asyncio.shield(reading)).get(key)

    def last(self, key: str) -> T | None:
        """What it was when it was read last; to be used right after `refresh`."""
        seen = self._seen.get(key)
        if seen is None:
            return None
        seen.used = self._now()
        return seen.value

    async def refresh(self) -> None:
        """Read again all that was asked for lately."""
        self._tidy()
        if self._seen:
            await self._look(list(self._seen))

    def forget(self) -> None:
        """Something has changed: read again before the next answer, also where a look is under way."""
        self._turn += 1

    async def _look(self, keys: Collection[str]) -> Mapping[str, T]:
        turn = -1
        while turn != self._turn:
            turn, began = self._turn, self._now()
            found = await self._read(keys)
        for key in keys:
            if key in found:
                before = self._seen.get(key)
                self._seen[key] = _Seen(found[key], turn, began, self._now() if before is None else before.used)
            else:
                self._seen.pop(key, None)
        if began - self._tidied > IDLE:
            self._tidy()
        return found

    def _looked(self, key: str, done: asyncio.Future[Mapping[str, T]]) -> None:
        del self._reading[key]
        if not done.cancelled():
            done.exception()  # whoever asked hears of it, if they are still there

    def _tidy(self) -> None:
        self._tidied = self._now()
        for key in [key for key, seen in self._seen.items() if self._tidied - seen.used > IDLE]:
            del self._seen[key]


class _Seen(Generic[T]):
    __slots__ = ("read", "turn", "used", "value")

    def __init__(self, value: T, turn: int, read: float, used: float) -> None:
        self.value, self.turn, self.read, self.used = value, turn, read, used
