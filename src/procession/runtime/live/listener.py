"""One reader of the live channel: what it missed is read from history at its own pace, then it is told what happens.

Nobody is waited for. What a slow reader does not fetch is dropped, and it is told so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from procession.engine.access import Principal
from procession.errors import StorageError
from procession.runtime.live.filters import Filter
from procession.runtime.live.messages import LAST, Mark, Message, resync
from procession.runtime.live.news import News, Report
from procession.runtime.live.reporter import Interest, Reporter
from procession.storage import InstanceRow

if TYPE_CHECKING:
    from procession.runtime.live.hub import Hub

log = logging.getLogger("procession")

MOST = 1_000
MOST_BYTES = 1 << 20
"""What is kept for a reader, at most."""

PAGE = 100
"""Rows of history that are read together for one who has missed some."""

STATES = 100
"""Instances whose state is kept for one who reads what was missed."""

KEPT = 5.0
"""Seconds for which they are kept while nobody fetches what was read."""

AGAIN = 1.0
"""Seconds to wait after the store could not be read."""


class Listener:
    """Made by `Hub.listen`. To be used in the hub's event loop, by one reader."""

    def __init__(self, hub: Hub, wanted: Filter, principal: Principal) -> None:
        self.filter = wanted
        self._hub, self._principal = hub, principal
        self._buffer: list[Message] = []
        self._size = 0
        self._there = asyncio.Event()  # there is something to get, or it is over
        self._mark = Mark(0)  # everything up to here is in the buffer, or was
        self._until = 0  # rows up to here may have been read before it was known that somebody wants them
        self._live = False
        self._closed = False
        self._missed: Missed | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def principal(self) -> Principal:
        """Whose rights count, from the next message on."""
        return self._principal

    @principal.setter
    def principal(self, principal: Principal) -> None:
        changed = principal.roles != self._principal.roles
        self._principal = principal
        if self._closed:
            return
        self._hub.audience.put(self)
        if changed and self._live:
            self.lose(str(Mark(self._hub.number)))  # what was shown by the old rights is not what the new ones show

    async def get(self) -> list[Message]:
        """All that is there, or the next that comes; nothing once it is closed. May be cancelled at any time."""
        while not self._buffer and not self._closed:
            self._there.clear()
            if not self._live and self._reading is None:
                self._reading = self._hub.spawn(self._catch_up())
            await self._there.wait()
        found, self._buffer, self._size = self._buffer, [], 0
        return found

    def close(self) -> None:
        """Listen no longer; whoever reads gets what is there, then nothing."""
        self._closed = True
        self._hub.audience.remove(self)
        self._there.set()
        self._forget()

    # -- what the hub does ----------------------------------------------------------------------------------------------

    def begin(self, mark: Mark, until: int) -> None:
        """Go on after a mark, and know that there are rows up to `until`."""
        self._mark, self._until = mark, until
        self._live = self._caught_up()

    def hear(self, report: Report, news: Sequence[News]) -> None:
        """Something happened just now. Who still reads what was before it will read this, too."""
        if not self._live or report.number <= self._mark.number:
            return
        for message in report.messages(news, self.filter, self._principal):
            self._size += message.size
            if len(self._buffer) < MOST and self._size <= MOST_BYTES:
                self._buffer.append(message)
            else:
                self.lose(message.mark)
        if self._buffer:
            self._there.set()

    def lose(self, mark: str) -> None:
        """Everything up to a mark must be read again elsewhere; what is kept of it is dropped."""
        self._buffer = [resync(mark)]
        self._size = 0
        self._there.set()

    def stumble(self, mark: str) -> None:
        """The hub could not tell what happened up to a mark."""
        if self._live:
            self.lose(mark)

    # -- what was missed ------------------------------------------------------------------------------------------------

    def _caught_up(self) -> bool:
        """Whether the hub goes on where this has come to, and leaves out nothing.

        It left out what nobody wanted of the rows that it had read when this came; they end at `until`.
        """
        return self._mark >= Mark(max(self._until, self._hub.number))

    async def _catch_up(self) -> None:
        """Read until there is something to get, or until the hub goes on from here."""
        hub = self._hub
        missed = self._missed or Missed(Reporter(hub.node.storage, hub.node.definitions, STATES), self.filter)
        self._forget()
        try:
            while not (self._buffer or self._closed or self._live):
                async with hub.reading:
                    if not self._closed:
                        await self._read(missed)
        finally:
            self._reading = None
            if self._buffer:
                self._there.set()
        if not (self._live or self._closed):
            self._missed = missed
            self._forgetting = asyncio.get_running_loop().call_later(KEPT, self._forget)

    def _forget(self) -> None:
        """Keep nothing for a reader who may be slow, or has gone."""
        self._missed = None
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None

    async def _read(self, missed: Missed) -> None:
        end = Mark(max(self._mark.number, self._until, self._hub.number))
        try:
            messages, mark = await self._hub.node.read(missed.page(self._mark, self._principal))
        except StorageError as error:
            log.warning("the live channel cannot read history now: %s", error)
            await asyncio.sleep(AGAIN)
            return
        except Exception:
            log.exception("what a listener missed could not be told; it has to read everything again")
            self._mark = end
            self.lose(str(end))
        else:
            self._mark = end if mark is None else mark
            self._buffer += messages
        self._live = self._caught_up()


class Missed:
    """What happened while somebody was away, as it is told to them."""

    def __init__(self, reporter: Reporter, wanted: Filter) -> None:
        self._reporter, self._wanted = reporter, wanted

    async def page(self, mark: Mark, principal: Principal) -> tuple[list[Message], Mark | None]:
        """Messages after a mark, about as many as are kept for a reader, and how far that is; None where no row follows."""
        after = mark.number if mark.index == LAST else max(mark.number - 1, 0)
        part = await self._reporter.read(after, PAGE)
        found: list[Message] = []
        size = 0
        for each in part.rows:
            report = await self._reporter.report(each, self._interest)
            if report is None:
                continue
            messages = report.messages(report.after(mark), self._wanted, principal)
            found += messages
            size += sum(message.size for message in messages)
            if len(found) >= MOST or size >= MOST_BYTES:
                return found, Mark(each.number)
        return found, None if part.last is None else Mark(part.last)

    def _interest(self, head: InstanceRow) -> Interest:
        if not self._wanted.takes(head):
            return Interest.NONE
        return Interest.TASKS if self._wanted.tasks_only else Interest.ALL
