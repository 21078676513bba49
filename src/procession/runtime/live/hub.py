"""The live channel of a node: follows history, and tells everybody who listens.

It looks when something was committed here, and once a second, since other processes may write to the same store. Each row is read
and reported once, in a reader's thread; what it says is handed out in the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine
from contextlib import suppress
from typing import Any

from procession.engine.access import Principal, permission
from procession.errors import CommandRejected, StorageError
from procession.runtime.checks import LARGEST_ID, not_valid
from procession.runtime.live.audience import Audience
from procession.runtime.live.filters import Filter
from procession.runtime.live.listener import Listener
from procession.runtime.live.messages import Mark, parse_mark
from procession.runtime.live.news import Report, TaskNews
from procession.runtime.live.reporter import STATES, Reporter
from procession.runtime.node import Node
from procession.storage import Batch, InstanceFilter

log = logging.getLogger("procession")

LOOK = 1.0
"""Seconds after which the hub looks by itself."""

SOON, AGAIN, A_FEW = 0.005, 100, 3
"""Seconds until it looks again for what is committed and cannot be told yet, how often, and how often once it told something."""

PAUSE = 0.05
"""Seconds between two looks while nobody listens."""

PAGE = 200
"""Rows that are read together."""

SLICE = 0.002
"""Seconds for which the hub hands out messages before others have their turn in the event loop."""

LONGEST = 10_000
"""Rows that are read again for one who has missed them."""

READERS = 2
"""Listeners that read what they missed at one time."""

FAMILY = 1_000
"""Instances of one root that are looked at to see whether anything was missed."""

END = 5.0
"""Seconds in which what is being read is finished, when the hub closes."""


class Hub:
    """One for each node, in its event loop. `open` it after the node, `close` it before."""

    def __init__(self, node: Node, *, states: int = STATES) -> None:
        self.node = node
        self.audience = Audience()
        self.reading = asyncio.Semaphore(READERS)
        self.number = 0  # every row up to here was told
        self._reporter = Reporter(node.storage, node.definitions, states)
        self._wake = asyncio.Event()
        self._telling: float | None = None  # since when what is being told now, and what comes next, waits to be told
        self._next: float | None = None
        self._called = False  # a call to the event loop is on its way
        self._expected = 0  # how often to look again for what was committed
        self._stumbled = False
        self._closed = False
        self._running: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to follow history, from now on."""
        self._loop = asyncio.get_running_loop()
        await self._skip()
        self.node.committed.append(self._committed)
        self.node.storage.others.append(self._elsewhere)
        self.spawn(self._follow())

    async def close(self) -> None:
        """End every listener."""
        self._closed = True
        self._wake.set()
        for listener in self.audience:
            listener.close()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=END)
            for each in late:
                each.cancel()

    @property
    def lag(self) -> float:
        """Seconds since the oldest commit that listeners have not been told of; 0: there is none, or nobody listens."""
        since = self._next if self._telling is None else self._telling
        return 0.0 if since is None or not len(self.audience) else time.monotonic() - since

    def last_event_id(self) -> str:
        """An id behind every event that was told: what is read of the store from now on is as new as that."""
        return str(Mark(self.number))

    async def listen(self, wanted: Filter, principal: Principal, after: str | int | None = None) -> Listener:
        """A listener for what happens from now on, or after the id of an event.

        With the filter `instance`, `after` may be a position of its history. Who has missed too much gets a `resync`.
        """
        if self._closed:
            raise StorageError("The server is shutting down.")
        listener = Listener(self, wanted, principal)
        self.audience.put(listener)  # before the last row is looked up: of those after it, nothing is left out
        try:
            mark, last = await self.node.read(self._place(wanted, principal, after))
        except BaseException:
            listener.close()
            raise
        if len(self.audience) == 1:
            self.number = max(self.number, last)  # nobody else wants to know what was before
        listener.begin(mark or Mark(last), last)
        if mark is None:
            listener.lose(str(Mark(last)))
        self._wake.set()
        return listener

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that `close` waits for."""
        running = asyncio.create_task(coroutine)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return running

    # -- where a listener begins ----------------------------------------------------------------------------------------

    async def _place(self, wanted: Filter, principal: Principal, after: str | int | None) -> tuple[Mark | None, int]:
        """The mark to go on after (None: too much happened since), and the last row there is."""
        storage = self.node.storage
        last = await storage.last_history()
        seen = wanted.instance is None or await self._sees(wanted.instance, principal)
        if not seen and not wanted.tasks_only:
            raise CommandRejected(404, "Process instance not found.", f"There is no instance {wanted.instance}.")
        if after is None:
            return Mark(last), last
        if not seen and str(after).isdecimal():
            return None, last  # who may only see tasks of it does not learn how far it is, nor whether it is there
        mark = await self._mark(wanted, str(after), last)
        if await storage.is_long(mark.number, LONGEST) and not (seen and await self._is_quiet(wanted, mark.number)):
            return None, last
        return mark, last

    async def _sees(self, instance: int, principal: Principal) -> bool:
        """Whether there is such an instance, and the principal may see it."""
        for head in await self.node.storage.instance_heads([instance]):
            definition = await self.node.definitions.compiled(head.definition)
            return permission(principal, definition, "view", owner=head.started_by) is None
        return False

    async def _mark(self, wanted: Filter, after: str, last: int) -> Mark:
        if wanted.instance is not None and after.isascii() and after.isdecimal():
            return await self._mark_of_position(wanted.instance, after)
        mark = parse_mark(after)
        if mark.number > last:
            raise not_valid(f"{mark} is the id of no event that has happened; the last one has {last}.", "/after")
        return mark

    async def _mark_of_position(self, instance: int, after: str) -> Mark:
        position = min(int(after[:20]), LARGEST_ID)
        number = await self.node.storage.history_number(instance, position or 1)
        if number is None:
            raise not_valid(f"History of instance {instance} has no position {after[:20]} yet.", "/after")
        return Mark(number if position else number - 1)

    async def _is_quiet(self, wanted: Filter, number: int) -> bool:
        """Whether nothing that is followed went on since a row: then nothing was missed, however long ago that is."""
        if wanted.instance is None:
            return False
        storage = self.node.storage
        children = await storage.instances(InstanceFilter(root=wanted.instance), FAMILY)
        for head in (*children, *await storage.instance_heads([wanted.instance])):
            latest = await storage.history_number(head.id, head.position)
            if latest is None or latest > number:
                return False
        return len(children) < FAMILY

    # -- following ------------------------------------------------------------------------------------------------------

    def _committed(self, batch: Batch) -> None:
        """In whatever thread: there is something to tell."""
        if batch.history:
            self._call()

    def _elsewhere(self, _types: Collection[str]) -> None:
        """Another node has committed something."""
        self._call()

    def _call(self) -> None:
        if not self._called and not self._closed and not self._loop.is_closed():
            self._called, self._next = True, time.monotonic()
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._called = False  # before looking: what is committed from now on calls again
        self._expected = AGAIN
        self._wake.set()

    async def _follow(self) -> None:
        level = logging.WARNING
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()
            self._wake.clear()
            if self._telling is None:
                self._telling, self._next = self._next, None
            if self._closed:
                return
            try:
                if self._stumbled:
                    await self._begin_again()
                elif len(self.audience):
                    await self._tell_all()
                else:
                    await self._skip()
                    await asyncio.sleep(PAUSE)
                self._telling, level = None, logging.WARNING
            except StorageError as error:
                log.log(level, "the live channel cannot read history now: %s", error)
                level = logging.DEBUG  # a store that is away for an hour is said once
            except Exception:
                log.exception("a row of history could not be told; listeners have to read everything again")
                self._stumbled = True

    async def _tell_all(self) -> None:
        """Everything that is there. The event loop is not kept for long.

        On a shared store what was committed can be told once everything before it is done: so look again soon.
        """
        more, began, before = True, self._loop.time(), self.number
        while more and not self._closed:
            reports, last, more = await self.node.read(self._page(self.number))
            for report in reports:
                self._tell(report)
                self.number = max(self.number, report.number)
                if self._loop.time() - began > SLICE:
                    await asyncio.sleep(0)
                    began = self._loop.time()
            self.number = max(self.number, last)
        if self.number > before:
            self._expected = min(self._expected, A_FEW)
        if self._expected and self.node.storage.shared:
            self._expected -= 1
            self._loop.call_later(SOON, self._wake.set)

    async def _page(self, after: int) -> tuple[list[Report], int, bool]:
        """What is to be told of the next rows, how far that is, and whether there may be more."""
        part = await self._reporter.read(after, PAGE)
        reports = [await self._reporter.report(each, self.audience.interest) for each in part.rows]
        found = [report for report in reports if report is not None]
        return found, after if part.last is None else part.last, part.more

    def _tell(self, report: Report) -> None:
        for listener in self.audience.following(report.head):
            listener.hear(report, report.news)
        for news in report.news:
            if isinstance(news, TaskNews):
                for listener in self.audience.concerned(report, news):
                    listener.hear(report, (news,))

    async def _skip(self) -> None:
        """Nobody wants to know what was up to now."""
        self.number = max(self.number, await self.node.read(self.node.storage.last_history()))

    async def _begin_again(self) -> None:
        """After a row that could not be told: behind everything that is there."""
        await self._skip()
        self._stumbled = False
        for listener in self.audience:
            listener.stumble(self.last_event_id())
