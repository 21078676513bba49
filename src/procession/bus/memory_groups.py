"""Who reads what of the embedded bus: logs, groups, and their members.

Partitions are shared evenly, and stay with whom they are where that is even. A member that has to give one away keeps it until
it asks for records again, so that a partition never has two readers of a group; who takes it over begins at what was committed.

All of this runs under the lock of the bus.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from procession.bus import Begin, BusError, Partition, Received

if TYPE_CHECKING:
    from procession.bus.memory import MemoryBus


class Entry(NamedTuple):
    """A record, and who wants to hear its number once it is settled."""

    received: Received
    settled: Callable[[int], None]
    number: int


class Log:
    """A partition: the records that somebody needs. `first` is the offset of the first one."""

    __slots__ = ("_entries", "_settled", "first")

    def __init__(self, first: int) -> None:
        self.first = self._settled = first
        self._entries: list[Entry] = []

    @property
    def end(self) -> int:
        """The offset behind the last record."""
        return self.first + len(self._entries)

    def append(self, received: Received, settled: Callable[[int], None], number: int) -> None:
        self._entries.append(Entry(received, settled, number))

    def read(self, offset: int, limit: int) -> list[Received]:
        """At most so many from this offset on."""
        at = offset - self.first
        return [entry.received for entry in self._entries[at : at + limit]]

    def settle(self, before: int) -> None:
        """Tell the publishers of all before this offset, once."""
        known = max(self._settled, self.first)
        for entry in self._entries[known - self.first : max(before - self.first, 0)]:
            entry.settled(entry.number)
        self._settled = max(known, before)

    def forget(self, before: int) -> None:
        """Drop all before this offset."""
        over = before - self.first
        if over > 0:
            del self._entries[:over]
            self.first = before


@dataclass(slots=True)
class Topic:
    """Its partitions, by number."""

    logs: list[Log]
    retention: int | None


class Group:
    """Its members, and how far they are. `offsets` are those that were committed, or where the group began."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: list[MemorySubscription] = []
        self.offsets: dict[Partition, int] = {}
        self._owners: dict[Partition, MemorySubscription] = {}
        self._heirs: dict[Partition, MemorySubscription] = {}  # who shall read it

    def reads(self, topic: str) -> bool:
        """Whether a member wants it."""
        return any(member.wants(topic) for member in self.members)

    def join(self, member: MemorySubscription, topics: Mapping[str, Topic]) -> None:
        self.members.append(member)
        for name, topic in topics.items():
            if member.wants(name):
                for number, log in enumerate(topic.logs):
                    self.offsets.setdefault((name, number), log.end if member.latest else log.first)
        self.share(topics)

    def appeared(self, topic: str, topics: Mapping[str, Topic]) -> None:
        """A new topic: it is read from its beginning."""
        if self.reads(topic):
            self.offsets.update(((topic, number), log.first) for number, log in enumerate(topics[topic].logs))
            self.share(topics)

    def leave(self, member: MemorySubscription) -> None:
        """It reads nothing any more; `share` gives to others what was its own."""
        self.members.remove(member)
        for place in member.drop_all():
            del self._owners[place]

    def share(self, topics: Mapping[str, Topic]) -> None:
        """Share the partitions out anew."""
        readers: dict[Partition, list[MemorySubscription]] = {}
        for name, topic in topics.items():
            if wanting := [member for member in self.members if member.wants(name)]:
                readers.update(((name, number), wanting) for number in range(len(topic.logs)))
        self._heirs = shared(readers, self._owners)
        for place, heir in self._heirs.items():
            owner = self._owners.get(place)
            if owner is None:
                self._give(place, heir)
            elif owner is not heir:
                owner.wake()

    def hand_over(self, member: MemorySubscription) -> None:
        """Give to others what the member shall not read any more."""
        for place in member.assigned_now():
            heir = self._heirs.get(place)
            if heir is not member:
                member.drop(place)
                del self._owners[place]
                if heir is not None:
                    self._give(place, heir)

    def owns(self, member: MemorySubscription, place: Partition) -> bool:
        return self._owners.get(place) is member

    def news(self, place: Partition) -> None:
        """A record has come."""
        if (owner := self._owners.get(place)) is not None:
            owner.wake()

    def _give(self, place: Partition, member: MemorySubscription) -> None:
        self._owners[place] = member
        member.take(place)


class MemorySubscription:
    """One member of a group. Whoever forgets to close it keeps its partitions from the others."""

    def __init__(
        self,
        bus: MemoryBus,
        group: Group,
        topics: frozenset[str],
        pattern: re.Pattern[str] | None,
        begin: Begin | None,
        latest: bool,
    ) -> None:
        self.latest = latest
        self._bus, self._group = bus, group
        self._topics, self._pattern, self._begin = topics, pattern, begin
        self._positions: dict[Partition, int] = {}
        self._fresh: set[Partition] = set()  # assigned, and not yet begun with
        self._news = threading.Condition(bus.lock)
        self._closed = False

    def poll(self, limit: int, wait: float) -> list[Received]:
        end = time.monotonic() + wait
        with self._news:
            while True:
                if self._closed or self._bus.closed:
                    raise BusError("The subscription is closed.")
                self._group.hand_over(self)
                if self._fresh:
                    self._begin_fresh()
                elif records := self._take(limit):
                    return records
                elif (left := end - time.monotonic()) <= 0:
                    return []
                else:
                    self._news.wait(left)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        with self._news:
            for place, offset in offsets.items():
                if self._group.owns(self, place):
                    self._group.offsets[place] = min(offset, self._bus.log(place).end)
                    self._bus.tidy(place)

    def assigned(self) -> Collection[Partition]:
        with self._news:
            return sorted(self._positions)

    def close(self) -> None:
        with self._news:
            if not self._closed:
                self._closed = True
                self._group.leave(self)
                self._bus.left(self._group)
                self.wake()

    # -- for the group -------------------------------------------------------------------------------------------------

    def wants(self, topic: str) -> bool:
        return topic in self._topics or (self._pattern is not None and self._pattern.fullmatch(topic) is not None)

    def wake(self) -> None:
        self._news.notify_all()

    def take(self, place: Partition) -> None:
        self._fresh.add(place)
        self.wake()

    def drop(self, place: Partition) -> None:
        self._fresh.discard(place)
        self._positions.pop(place, None)

    def assigned_now(self) -> list[Partition]:
        return [*self._positions, *self._fresh]

    def drop_all(self) -> list[Partition]:
        dropped = self.assigned_now()
        self._positions.clear()
        self._fresh.clear()
        return dropped

    def _begin_fresh(self) -> None:
        fresh = frozenset(self._fresh)
        known: Mapping[Partition, int] = {}
        if self._begin is not None:
            self._bus.lock.release()
            try:
                known = self._begin(fresh)
            finally:
                self._bus.lock.acquire()
        for place in sorted(fresh & self._fresh):
            log = self._bus.log(place)
            offset = known.get(place, self._group.offsets[place])
            if offset > log.end:  # of another life, whose clock was ahead
                offset = log.end if self.latest else log.first
            self._positions[place] = max(offset, log.first)
            self._fresh.discard(place)

    def _take(self, limit: int) -> list[Received]:
        """Of each partition in its turn: who was served goes to the end of the line."""
        taken: list[Received] = []
        for place in list(self._positions):
            log = self._bus.log(place)
            # What was kept for a group without members, or behind what was committed, may be forgotten.
            position = max(self._positions[place], log.first)
            if records := log.read(position, limit - len(taken)):
                taken += records
                del self._positions[place]
                self._positions[place] = position + len(records)
                if len(taken) >= limit:
                    break
        return taken


def shared(
    readers: Mapping[Partition, Sequence[MemorySubscription]], owners: Mapping[Partition, MemorySubscription]
) -> dict[Partition, MemorySubscription]:
    """Who shall read what: as evenly as it goes, and as much as possible as it is."""
    heirs = {place: owners[place] for place in readers if owners.get(place) in readers[place]}
    load = Counter(heirs.values())
    for place in sorted(readers):
        if place not in heirs:
            heirs[place] = min(readers[place], key=load.__getitem__)
            load[heirs[place]] += 1
    for place in sorted(readers):
        least = min(readers[place], key=load.__getitem__)
        if load[heirs[place]] > load[least] + 1:
            load[heirs[place]] -= 1
            load[least] += 1
            heirs[place] = least
    return heirs
