"""Messages: who waits for one, and what came before anybody waited.

A message goes to at most one waiting instance of each process, the one that has waited longest, and to every published
process that it starts; where a correlation key is sent, a process is not started while an instance with that business key
is live. A message that nobody takes is kept for its time to live. One with a message id takes effect once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from procession.engine import commands as c
from procession.engine import events as e
from procession.engine.access import SYSTEM
from procession.engine.codec import decode, encode
from procession.engine.state import LIVE, ON_HOLD, Subscription
from procession.errors import CommandRejected
from procession.runtime.asks import Publish
from procession.storage import InboxRow, InstanceFilter, MessageRow, Need, StartSubscriptionRow

if TYPE_CHECKING:
    from procession.runtime.work import Unit, Work


class Correlation:
    """The messages of one batch."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._open: dict[str, list[tuple[int, int]]] = {}  # name → (subscription, instance) opened in this batch
        self._kept: list[MessageRow] = []  # buffered in this batch
        self._taken: set[int] = set()  # buffered messages that this batch has handed out

    async def publish(self, message: Publish) -> dict[str, Any]:
        """A message from outside. The answer: its id, whether it was a repetition, and which instances received it."""
        if message.message_id is not None:
            key = message.inbox_key
            if key in self._work.keys:
                return {"id": str(decode(self._work.keys[key])), "duplicate": True, "instances": [], "buffered": False}
        number = self._work.processor.new_id()
        received, buffered = await self._correlate(
            number, message.name, message.key, message.variables, message.ttl, message.message_id
        )
        return {
            "id": str(number),
            "duplicate": False,
            "instances": [str(instance) for instance in received],
            "buffered": buffered,
        }

    async def thrown(self, event: e.MessagePublished) -> None:
        """A message that an instance published."""
        if event.message_id is not None:
            key = Publish(event.name, event.key, {}, event.message_id).inbox_key
            if key not in self._work.keys:
                found = await self._work.processor.storage.load(Need(inbox=[key]))
                self._work.keys.update(found.inbox)
            if key in self._work.keys:
                return
        await self._correlate(event.message, event.name, event.key, event.variables, event.ttl, event.message_id)

    async def opened(self, unit: Unit, subscription: int) -> None:
        """Somebody waits now: hand over what came before, oldest first."""
        wait = unit.state.waits.get(subscription)
        if not isinstance(wait, Subscription) or unit.state.status == ON_HOLD:
            return
        self._open.setdefault(wait.name, []).append((subscription, unit.state.id))
        found = await self._work.processor.storage.load(Need(buffered=[(wait.name, wait.key)]))
        kept = [row for row in self._kept if row.name == wait.name and row.key == wait.key]
        for row in (*found.buffered, *kept):
            if row.id in self._taken or row.expires <= self._work.at:
                continue
            command = c.DeliverMessage(subscription, row.id, decode(row.variables))
            if await self._work.decide_follow_up(unit.state.id, command, SYSTEM):
                self._taken.add(row.id)
                if row in self._kept:
                    self._kept.remove(row)
                    self._work.batch.messages.remove(row)
                else:
                    self._work.batch.messages_gone.append((row.id,))
                still = unit.state.waits.get(subscription)
                if still is None:
                    return

    async def _correlate(
        self, number: int, name: str, key: str | None, variables: dict[str, Any], ttl: int, message_id: str | None
    ) -> tuple[list[int], bool]:
        work = self._work
        found = await work.processor.storage.load(Need(messages=[(name, key)]))
        waiting = [(row.id, row.instance) for row, _status in found.subscriptions]
        waiting += [pair for pair in self._open.get(name, ()) if pair not in waiting]
        received: list[int] = []
        reached: set[str] = set()
        for subscription, instance in waiting:
            unit = await work.unit(instance)
            wait = unit.state.waits.get(subscription) if unit is not None else None
            if unit is None or not isinstance(wait, Subscription) or unit.state.status == ON_HOLD:
                continue
            if unit.state.name in reached or (key is not None and wait.key != key):
                continue
            if await work.decide_follow_up(instance, c.DeliverMessage(subscription, number, variables), SYSTEM):
                reached.add(unit.state.name)
                received.append(instance)
        for start in found.starts:
            if start.process in reached:
                continue
            started = await self._start(start, key, variables)
            if started is not None:
                reached.add(start.process)
                received.append(started)
        if message_id is not None:
            inbox_key = Publish(name, key, {}, message_id).inbox_key
            work.keys[inbox_key] = encode(number)
            work.batch.inbox.append(InboxRow(inbox_key, work.at, work.keys[inbox_key]))
        if received or ttl <= 0:
            return received, False
        row = MessageRow(
            number, name, key, encode(variables), message_id, work.at, work.at + ttl, encode(sorted(reached))
        )
        self._kept.append(row)
        work.batch.messages.append(row)
        return received, True

    async def _start(self, start: StartSubscriptionRow, key: str | None, variables: dict[str, Any]) -> int | None:
        work = self._work
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
