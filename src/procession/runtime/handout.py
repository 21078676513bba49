"""Jobs for workers that wait: a long poll ends when a job of its type was committed, or when its time is over."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence

from procession.runtime.node import Node
from procession.runtime.views import JobView
from procession.storage import Batch

LOOK = 1.0
"""Seconds after which a waiting worker looks by itself: a back-off, a lease or a hold may be over, another process may have
written."""


class Handout:
    """One for each node, in its event loop."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._loop = asyncio.get_running_loop()
        self._closed = False
        node.committed.append(self._committed)
        node.storage.others.append(self._elsewhere)

    async def activate(
        self, type: str, worker: str, limit: int, lock: int, fetch: Sequence[str] | None, wait: float
    ) -> list[JobView]:
        """Jobs of a type for `lock` microseconds, after `wait` seconds at most. Cancelled, it keeps none."""
        end = self._loop.time() + wait
        while True:
            jobs = await self._lease(type, worker, limit, lock, fetch)
            left = end - self._loop.time()
            if jobs or left <= 0 or self._closed:
                return jobs
            await self._wait(type, min(left, LOOK))

    def released(self, type: str) -> None:
        """A job of the type can be had again."""
        self._tell({type: 1})

    def close(self) -> None:
        """Nobody waits any longer."""
        self._closed = True
        self._tell({type: len(waiting) for type, waiting in self._waiting.items()})

    async def _lease(self, type: str, worker: str, limit: int, lock: int, fetch: Sequence[str] | None) -> list[JobView]:
        leasing = asyncio.ensure_future(
            self._node.alone(self._node.intake.processor.activate_jobs(type, worker, limit, lock, fetch))
        )
        try:
            return await asyncio.shield(leasing)
        except asyncio.CancelledError:  # the worker has gone: what was taken for it is for the others
            for job in await leasing:
                await self._node.alone(self._node.storage.release_lease(int(job.id), job.token))
                self.released(type)
            raise

    async def _wait(self, type: str, seconds: float) -> None:
        future = self._loop.create_future()
        waiting = self._waiting.setdefault(type, deque())
        waiting.append(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            pass
        finally:
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(type, None)

    def _committed(self, batch: Batch) -> None:
        if batch.jobs and self._waiting:
            self._pass_on(Counter(job.type for job in batch.jobs))

    def _elsewhere(self, types: Collection[str]) -> None:
        """Another node has jobs of these types: somebody here may be quicker than those who wait there."""
        if types and self._waiting:
            self._pass_on(dict.fromkeys(types, 1))

    def _pass_on(self, found: Mapping[str, int]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, found)

    def _tell(self, found: Mapping[str, int]) -> None:
        """Wake as many as there are jobs, first come first served."""
        for type, count in found.items():
            waiting = self._waiting.get(type)
            while waiting and count:
                future = waiting.popleft()
                if not future.done():
                    future.set_result(None)
                    count -= 1
