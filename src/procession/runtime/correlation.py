"""Messages: who waits for one, and what came before anybody waited.

A message goes to at most one waiting instance of each process, the one that has waited longest, and to every published
process that it starts; where a correlation key is sent, a process is not started while an instance with that business key
is live. A message that nobody takes is kept for its time to live. One with a message id takes effect once.

An answer for a data stream is a message with a record. It is for one instance, and goes to the token that has waited longest
there, on the node that it names if it names one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from procession.engine import commands as c
from procession.engine import events as e
from procession.engine.access import SYSTEM
from procession.engine.codec import decode, encode
from procession.engine.state import LIVE, ON_HOLD, Subscription
from procession.engine.triggers.stream import stream_of
from procession.errors import CommandRejected
from procession.runtime.asks import Match, Publish, taken_key
from procession.runtime.exchange.letters import answer_of, kept_answer
from procession.storage import InboxRow, InstanceFilter, MessageRow, Need, StartSubscriptionRow

if TYPE_CHECKING:
    from procession.runtime.work import Unit, Work


GRACE = 60_000_000
"""So long (microseconds) a message is kept at least that a full transaction leaves to the next one."""


FOR_EVER = 2**63 - 1
"""The last moment that a store can keep."""


class Correlation:
    """The messages of one batch."""

    def __init__(self) -> None:
        self._open: dict[str, dict[int, int]] = {}  # name → subscription → instance, opened in this batch
        self._kept: list[MessageRow] = []  # buffered in this batch
        self._taken: set[int] = set()  # buffered messages that this batch has handed out

    async def publish(self, work: Work, message: Publish) -> dict[str, Any]:
        """A message from outside. The answer: its id, whether it was a repetition, and which instances received it."""
        if message.message_id is not None:
            key = message.inbox_key
            if key in work.keys:
                return {"id": str(decode(work.keys[key])), "duplicate": True, "instances": [], "buffered": False}
        number = work.processor.new_id()
        received, buffered = await self._correlate(work, number, message)
        return {
            "id": str(number),
            "duplicate": False,
            "instances": [str(instance) for instance in received],
            "buffered": buffered,
        }

    async def thrown(self, work: Work, event: e.MessagePublished) -> None:
        """A message that an instance published."""
        message = Publish(event.name, event.key, event.variables, event.message_id, event.ttl)
        if message.message_id is not None:
            key = message.inbox_key
            if key not in work.keys:
                found = await work.processor.storage.load(Need(inbox=[key]))
                work.keys.update(found.inbox)
            if key in work.keys:
                return
        if work.left <= 0:
            message.ttl = max(message.ttl, GRACE)
            self._once(work, event.message, message)
            self._keep(work, event.message, message, set())
            work.unmatched[message.name, message.key] = None
            return
        await self._correlate(work, event.message, message)

    async def match(self, work: Work, command: Match) -> int:
        """Hand over what is buffered, oldest first, to those who wait for it by now; how many messages that were."""
        count = 0
        for row in await self._buffered(work, command.name, command.key):
            received, _ = await self._correlate(work, row.id, _message(row))
            if received:
                self._take(work, row)
                count += 1
        return count

    async def opened(self, work: Work, unit: Unit, subscription: int) -> None:
        """Somebody waits now: hand over what came before, oldest first."""
        wait = unit.state.waits.get(subscription)
        if not isinstance(wait, Subscription) or unit.state.status == ON_HOLD:
            return
        self._open.setdefault(wait.name, {})[subscription] = unit.state.id
        if work.left <= 0:
            work.unmatched[wait.name, wait.key] = None
            return
        for row in await self._buffered(work, wait.name, wait.key):
            message = _message(row)
            if not _for(unit, wait, message):
                continue
            command = _delivery(subscription, row.id, message)
            if await work.decide_follow_up(unit.state.id, command, SYSTEM):
                self._take(work, row)
                still = unit.state.waits.get(subscription)
                if still is None:
                    return

    async def _buffered(self, work: Work, name: str, key: str | None) -> list[MessageRow]:
        """What is kept for a name and key, oldest first. A message without a key is for everybody."""
        found = await work.processor.storage.load(Need(buffered=[(name, key)]))
        kept = [row for row in self._kept if row.name == name and row.key in (None, key)]
        return [row for row in (*found.buffered, *kept) if row.id not in self._taken and row.expires > work.at]

    def _take(self, work: Work, row: MessageRow) -> None:
        """The message was handed over: nobody else gets it, also where another process hands it over at the same time."""
        self._taken.add(row.id)
        if row in self._kept:
            self._kept.remove(row)
            work.batch.messages.remove(row)
        else:
            work.batch.messages_gone.append((row.id,))
            work.batch.inbox.append(InboxRow(taken_key(row.id), work.at, b"[]"))

    async def _correlate(self, work: Work, number: int, message: Publish) -> tuple[list[int], bool]:
        """Hand a message to everybody who waits for it or is started by it, else keep it: who received it, is it kept?"""
        name, key = message.name, message.key
        found = await work.processor.storage.load(Need(messages=[(name, key)]))
        waiting = {row.id: row.instance for row, _status in found.subscriptions} | self._open.get(name, {})
        received: list[int] = []
        reached: set[str] = set()
        for subscription, instance in waiting.items():
            unit = await work.unit(instance)
            wait = unit.state.waits.get(subscription) if unit is not None else None
            if unit is None or not isinstance(wait, Subscription) or unit.state.status == ON_HOLD:
                continue
            if unit.state.name in reached or (key is not None and wait.key != key) or not _for(unit, wait, message):
                continue
            if await work.decide_follow_up(instance, _delivery(subscription, number, message), SYSTEM):
                reached.add(unit.state.name)
                received.append(instance)
        for start in found.starts if message.record is None else ():
            if start.process in reached:
                continue
            started = await self._start(work, start, key, message.variables)
            if started is not None:
                reached.add(start.process)
                received.append(started)
        self._once(work, number, message)
        if received or message.ttl <= 0:
            return received, False
        self._keep(work, number, message, reached)
        return received, True

    def _once(self, work: Work, number: int, message: Publish) -> None:
        """A message with an id is known from now on."""
        if message.message_id is not None:
            work.keys[message.inbox_key] = encode(number)
            work.batch.inbox.append(InboxRow(message.inbox_key, work.at, work.keys[message.inbox_key]))

    def _keep(self, work: Work, number: int, message: Publish, reached: set[str]) -> None:
        """Nobody waits yet: buffer it."""
        row = MessageRow(
            number,
            message.name,
            message.key,
            encode(message.variables if message.record is None else message.value),
            message.message_id,
            work.at,
            min(work.at + message.ttl, FOR_EVER),
            encode(sorted(reached)),
            message.node,
            None if message.record is None else kept_answer(message.record),
        )
        self._kept.append(row)
        work.batch.messages.append(row)

    async def _start(
        self, work: Work, start: StartSubscriptionRow, key: str | None, variables: dict[str, Any]
    ) -> int | None:
        if key is not None:
            here = any(
                u.state.live and u.state.name == start.process and u.state.business_key == key
                for u in work.units.values()
            )
            where = InstanceFilter(definition=start.process, business_key=key, statuses=tuple(sorted(LIVE)))
            if here or await work.processor.storage.instances(where, 1):
                return None
        definition = await work.processor.definitions.compiled(start.definition)
        row = await work.processor.definitions.row(start.definition)
        command = c.StartInstance(start.definition, row.name, row.version, variables, node=start.node, business_key=key)
        try:
            unit = work.start(work.processor.new_id(), definition, command, SYSTEM)
        except CommandRejected:
            return None
        return unit.state.id


def _message(row: MessageRow) -> Publish:
    """What was buffered; nobody taking it, it stays where it is."""
    if row.record is None:
        return Publish(row.name, row.key, decode(row.variables), ttl=0)
    value, record = decode(row.variables), answer_of(row)
    return Publish(row.name, row.key, {}, ttl=0, node=row.node, value=value, record=record)


def _for(unit: Unit, wait: Subscription, message: Publish) -> bool:
    """Whether a message may go to who waits for its name: only answers are for data streams, and answers only for those."""
    if message.node not in (None, wait.node):
        return False
    return (stream_of(unit.definition.nodes.get(wait.node), wait.name) is None) == (message.record is None)


def _delivery(subscription: int, number: int, message: Publish) -> c.DeliverMessage:
    place = None if message.record is None else message.record.place
    return c.DeliverMessage(subscription, number, message.variables, message.value, place)
