"""Readers of the bus over HTTP: each is a member of a group, from its first poll until it leaves or is not heard of any more.

A call of the bus waits in a thread, never in the event loop, and there are only so many: a member has one at a time. Records that
were read and not handed out, since a client went away or they were too many for one answer, are kept for the member's next poll.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from procession.api.problems import refusal
from procession.bus import Bus, BusError, Partition, Publisher, Received, Record, Subscription
from procession.runtime.exchange.exchange import Exchange

log = logging.getLogger("procession.bus")

T = TypeVar("T")

MOST, MOST_EACH = 100, 50
"""Members at once: of all, and of one user."""

HANDS = 4
"""Threads for what does not wait for records."""

MOST_GROUPS, MOST_TOPICS = 1_000, 1_000
"""Groups and topics that partners of this node may have used: a bus keeps them."""

SILENCE, GONE = 30.0, 3.0
"""Seconds after which a member that has not polled is let go, so that others get its records; and after which one whose
connection ended while it waited is: a program that was killed."""

LOOK = 1.0
SLICE = 0.5
"""Seconds that a thread waits before it looks whether anybody still wants to know."""

READ, ENOUGH = 20, 1_000_000
"""Records that are read at once, and bytes after which an answer is large enough."""


class Who(NamedTuple):
    """A member: users do not poll for each other."""

    user: str
    group: str
    member: str


class What(NamedTuple):
    """What it reads, by full names."""

    topics: tuple[str, ...]
    pattern: str | None
    latest: bool


class Polled(NamedTuple):
    """What there is for a member, and the partitions that are its own."""

    records: list[Received]
    assigned: list[Partition]


class Partners:
    """One for each node, in its event loop; `close` before the exchange is closed."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._members: dict[Who, Member] = {}
        self._groups: set[str] = set()
        self._topics: set[str] = set()
        self._polling = ThreadPoolExecutor(MOST, "procession-partner")
        self._hands = ThreadPoolExecutor(HANDS, "procession-partner-hand")
        self._publishing = asyncio.Lock()
        self._publisher: Publisher | None = None
        self._closed = False
        self._care = asyncio.create_task(self._look_after())

    async def poll(self, who: Who, what: What, limit: int, wait: float, commit: Mapping[Partition, int]) -> Polled:
        """Commit, and then the next records, after so many seconds at most."""
        while True:
            member = self._member(who, what)
            async with member.turn:
                if self._members.get(who) is member:  # else it has left while this poll waited for its turn
                    return await self._turn(member, what, limit, wait, commit)

    async def leave(self, who: Who) -> bool:
        """Whether it was a member."""
        member = self._members.pop(who, None)
        if member is None:
            return False
        member.hurry = True
        async with member.turn:
            await self._ask(member.leave)
        return True

    async def publish(self, records: Sequence[Record]) -> None:
        """All of them, in order."""
        self._remember(self._topics, {record.topic for record in records}, MOST_TOPICS, "topics")
        async with self._publishing:
            publishing = asyncio.ensure_future(self._ask(lambda: self._publish(records)))
            try:
                await asyncio.shield(publishing)
            except asyncio.CancelledError:  # the client has gone; nobody else publishes in the middle of it
                await asyncio.gather(publishing, return_exceptions=True)
                raise

    def hurry(self) -> None:
        """Nobody waits any longer."""
        self._closed = True
        for member in self._members.values():
            member.hurry = True

    async def close(self) -> None:
        """Leave all groups, so that others take over at once."""
        self.hurry()
        self._care.cancel()
        await asyncio.gather(*(self.leave(who) for who in list(self._members)), return_exceptions=True)
        if self._publisher is not None:
            await asyncio.gather(self._ask(self._publisher.close), return_exceptions=True)
        self._polling.shutdown(wait=False)
        self._hands.shutdown(wait=False)

    def __len__(self) -> int:
        return len(self._members)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _member(self, who: Who, what: What) -> Member:
        member = self._members.get(who)
        if member is None:
            theirs = sum(each.user == who.user for each in self._members)
            if self._closed:
                raise refusal(503, "Service unavailable.", "The server is shutting down.", "error.bus", retryAfter=1)
            if len(self._members) >= MOST or theirs >= MOST_EACH:
                detail = (
                    f"This server has {len(self._members)} readers of the bus, {theirs} of them yours. Let one leave."
                )
                raise refusal(429, "Too many readers.", detail, "error.bus.readers", retryAfter=5)
            member = Member(self.exchange.bus, who.group, what)
        self._remember(self._groups, {who.group}, MOST_GROUPS, "groups")
        self._remember(self._topics, set(what.topics), MOST_TOPICS, "topics")
        self._members[who] = member
        return member

    def _remember(self, known: set[str], names: set[str], most: int, what: str) -> None:
        if len(known | names) > most:
            detail = f"Partners of this server have used {len(known)} {what} of the bus, and no more are taken."
            raise refusal(429, "Too many names.", detail, "error.bus.names", retryAfter=60)
        known |= names

    async def _turn(
        self, member: Member, what: What, limit: int, wait: float, commit: Mapping[Partition, int]
    ) -> Polled:
        member.heard = time.monotonic()
        try:
            if member.left or member.what != what:
                await self._ask(member.leave)
                member.what, member.left = what, False
            return await self._polled(member, limit, wait, commit)
        finally:
            member.heard = time.monotonic()

    async def _polled(self, member: Member, limit: int, wait: float, commit: Mapping[Partition, int]) -> Polled:
        member.hurry, member.gone = self._closed, False
        loop = asyncio.get_running_loop()
        polling = loop.run_in_executor(self._polling, member.poll, limit, wait, commit)
        try:
            return await asyncio.shield(polling)
        except asyncio.CancelledError:  # the client has gone: what was read for it is for its next poll
            member.hurry = member.gone = True
            await asyncio.wait((polling,))
            if polling.exception() is None:
                member.put_back(polling.result().records)
            raise

    def _publish(self, records: Sequence[Record]) -> None:
        try:
            self._publisher = self._publisher or self.exchange.bus.publisher()
            self._publisher.publish(records)
            self._publisher.settled()
        except BusError:
            publisher, self._publisher = self._publisher, None
            if publisher is not None:
                publisher.close()
            raise

    async def _ask(self, call: Callable[[], T]) -> T:
        """In one of the threads that nobody waits in for long: those who poll must not keep answers back."""
        return await asyncio.get_running_loop().run_in_executor(self._hands, call)

    async def _look_after(self) -> None:
        """Let go of whoever is not heard of any more."""
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            for who, member in list(self._members.items()):
                silence = GONE if member.gone else SILENCE
                if not member.turn.locked() and now - member.heard > silence:
                    log.info("%s of group %s has not polled for %g s: it is let go", who.user, who.group, silence)
                    await asyncio.gather(self.leave(who), return_exceptions=True)


class Member:
    """A subscription, and the records that were read and not handed out. `turn` is held by whoever uses it."""

    def __init__(self, bus: Bus, group: str, what: What) -> None:
        self._bus, self._group, self.what = bus, group, what
        self._subscription: Subscription | None = None
        self._waiting: deque[Received] = deque()
        self.turn = asyncio.Lock()
        self.heard = time.monotonic()
        self.hurry = self.gone = self.left = False

    def poll(self, limit: int, wait: float, commit: Mapping[Partition, int]) -> Polled:
        """In a thread."""
        subscription = self._subscription
        if subscription is None:
            what = self.what
            subscription = self._subscription = self._bus.subscribe(
                self._group, what.topics, what.pattern, latest=what.latest
            )
        try:
            if commit:
                subscription.commit(commit)
            records = self._read(subscription, limit, wait)
        except BusError:
            self.leave()
            raise
        return Polled(records, list(subscription.assigned()))

    def put_back(self, records: Sequence[Received]) -> None:
        """They were not handed out."""
        self._waiting.extendleft(reversed(records))

    def leave(self) -> None:
        """Begin anew with the next poll; in a thread."""
        subscription, self._subscription = self._subscription, None
        self._waiting.clear()
        self.left = True
        if subscription is not None:
            try:
                subscription.close()
            except BusError as error:
                log.debug("leaving the group: %s", error)

    def _read(self, subscription: Subscription, limit: int, wait: float) -> list[Received]:
        end = time.monotonic() + wait
        records: list[Received] = []
        size = 0
        while len(records) < limit and size < ENOUGH:
            if not self._waiting:
                left = 0.0 if records else max(0.0, min(SLICE, end - time.monotonic()))
                self._waiting.extend(subscription.poll(min(READ, limit - len(records)), left))
            if not self._waiting:
                if records or self.hurry or time.monotonic() >= end:
                    break
                continue
            record = self._waiting.popleft()
            records.append(record)
            size += len(record.value)
        return records
