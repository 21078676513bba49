"""The embedded bus: records in this process, which end with it.

It keeps what somebody still needs. Records that every group has committed are forgotten. For a group without members, and on a
topic that nobody reads, the newest `kept` of a partition stay. `Publisher.settled` names a record once all groups that have
members and read its topic have committed it, so one that nobody reads is never named.

The first offset of a partition is the time at which it was made, in microseconds. Nothing is left of a bus after its process, but
a store may remember offsets: those of the next process are higher.

One lock guards everything. It is not held while `begin` is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from itertools import count
from zlib import crc32

from procession.bus import (
    Begin,
    BusError,
    Fenced,
    Headers,
    Partition,
    Received,
    Record,
    TooLarge,
    TopicSpec,
    TopicState,
)
from procession.bus.memory_groups import Group, Log, MemorySubscription, Topic
from procession.bus.topics import legal, portable

LARGEST = 1_000_000
"""Bytes of a record, with its key and headers: what fits here fits Kafka as it is by default."""

KEPT = 1_000
"""Records of a partition that are kept although nobody reads them now."""

PARTITIONS = 3
"""Of a topic that is made because somebody publishes to it or reads it."""


class MemoryBus:
    """A bus for one process; any number of threads."""

    durable = False

    def __init__(self, *, kept: int = KEPT, largest: int = LARGEST) -> None:
        self.kept, self.largest = kept, largest
        self.lock = threading.Lock()
        self._topics: dict[str, Topic] = {}
        self._groups: dict[str, Group] = {}
        self._newest: dict[str, MemoryPublisher] = {}
        self._turn = count()
        self._closed = False

    def publisher(self, name: str | None = None) -> MemoryPublisher:
        with self.lock:
            self._check_open()
            publisher = MemoryPublisher(self, name)
            if name is not None:
                self._newest[name] = publisher
            return publisher

    def subscribe(
        self,
        group: str,
        topics: Iterable[str] = (),
        pattern: str | None = None,
        begin: Begin | None = None,
        *,
        latest: bool = False,
    ) -> MemorySubscription:
        names = frozenset(topics)
        for topic in names:
            _check_name(topic)
        expression = None if pattern is None else portable(pattern)
        with self.lock:
            self._check_open()
            for topic in sorted(names):
                self._topic(topic)
            joined = self._groups.setdefault(group, Group(group))
            member = MemorySubscription(self, joined, names, expression, begin, latest)
            joined.join(member, self._topics)
            return member

    def ensure(self, topics: Iterable[TopicSpec]) -> list[str]:
        with self.lock:
            self._check_open()
            missing = {spec.name: spec for spec in topics if spec.name not in self._topics}
            for spec in missing.values():
                _check_name(spec.name)
                self._make(spec)
            return list(missing)

    def describe(self) -> list[TopicState]:
        with self.lock:
            self._check_open()
            return [
                TopicState(name, {number: log.end for number, log in enumerate(topic.logs)}, topic.retention)
                for name, topic in sorted(self._topics.items())
            ]

    def lag(self, group: str) -> dict[Partition, int]:
        with self.lock:
            self._check_open()
            known = self._groups.get(group)
            if known is None:
                return {}
            return {place: self.log(place).end - offset for place, offset in sorted(known.offsets.items())}

    def close(self) -> None:
        with self.lock:
            self._closed = True
            for group in self._groups.values():
                for member in group.members:
                    member.wake()

    # -- for publishers and subscriptions, which hold the lock -----------------------------------------------------------

    @property
    def closed(self) -> bool:
        return self._closed

    def log(self, place: Partition) -> Log:
        """A partition that is there."""
        return self._topics[place[0]].logs[place[1]]

    def append(self, publisher: MemoryPublisher, records: Sequence[Record]) -> None:
        """All of them, or none and why."""
        self._check_open()
        if publisher.name is not None and self._newest.get(publisher.name) is not publisher:
            raise Fenced(f"Another publisher '{publisher.name}' has begun: this one publishes nothing any more.")
        for record in records:
            _check_name(record.topic)
            if (size := _size(record)) > self.largest:
                raise TooLarge(
                    f"A record for '{record.topic}' has {size:,} bytes, and the bus takes {self.largest:,}. "
                    "Send less, or a reference to it.",
                    record,
                )
        at = _now()
        for place in dict.fromkeys([self._append(publisher, record, at) for record in records]):
            for group in self._groups.values():
                group.news(place)
            self.tidy(place)

    def _append(self, publisher: MemoryPublisher, record: Record, at: int) -> Partition:
        logs = self._topic(record.topic).logs
        chosen = next(self._turn) if record.key is None else crc32(record.key.encode())
        number = chosen % len(logs)
        log = logs[number]
        received = Received(record.topic, number, log.end, record.key, record.value, record.headers, at)
        log.append(received, publisher.named, record.number)
        return record.topic, number

    def tidy(self, place: Partition) -> None:
        """Name what is settled, and forget what nobody needs."""
        log = self.log(place)
        floor, present, needed = log.end - self.kept, [], []
        for group in self._groups.values():
            offset = group.offsets.get(place)
            if offset is None:
                continue
            if group.reads(place[0]):
                present.append(offset)
                needed.append(offset)
            else:
                needed.append(max(offset, floor))
        if present:
            log.settle(min(present))
        log.forget(min(needed, default=floor))

    def read(self) -> Collection[str]:
        """The topics that some group reads now."""
        return [name for name in self._topics if any(group.reads(name) for group in self._groups.values())]

    def leave(self, publisher: MemoryPublisher) -> None:
        """It publishes nothing any more."""
        if publisher.name is not None and self._newest.get(publisher.name) is publisher:
            del self._newest[publisher.name]

    def left(self, group: Group) -> None:
        """A member has left: others go on, and what was kept for the group alone may go."""
        group.share(self._topics)
        for place in group.offsets:
            self.tidy(place)

    def _check_open(self) -> None:
        if self._closed:
            raise BusError("The bus is closed.")

    def _topic(self, name: str) -> Topic:
        topic = self._topics.get(name)
        return self._make(TopicSpec(name, PARTITIONS)) if topic is None else topic

    def _make(self, spec: TopicSpec) -> Topic:
        now = _now()
        topic = self._topics[spec.name] = Topic([Log(now) for _ in range(spec.partitions)], spec.retention)
        for group in self._groups.values():
            group.appeared(spec.name, self._topics)
        return topic


class MemoryPublisher:
    """Publishes what a name says, or anybody."""

    def __init__(self, bus: MemoryBus, name: str | None) -> None:
        self.name = name
        self._bus = bus
        self._settled: list[int] = []
        self._closed = False

    def publish(self, records: Sequence[Record]) -> None:
        with self._bus.lock:
            if self._closed:
                raise BusError("The publisher is closed.")
            self._bus.append(self, records)

    def named(self, number: int) -> None:
        """The bus is done with the record of this number."""
        if number:
            self._settled.append(number)

    def settled(self) -> list[int]:
        with self._bus.lock:
            settled, self._settled = self._settled, []
            return settled

    def topics(self) -> Collection[str]:
        with self._bus.lock:
            return self._bus.read()

    def close(self) -> None:
        with self._bus.lock:
            self._closed = True
            self._bus.leave(self)


def _check_name(topic: str) -> None:
    if not legal(topic):
        raise BusError(f"{topic!r} is no name of a topic: 1 to 249 letters, digits, '.', '_' and '-'.")


def _size(record: Record) -> int:
    return len(record.value) + len((record.key or "").encode()) + _weigh(record.headers)


def _weigh(headers: Headers) -> int:
    return sum(len(name.encode()) + len(value) for name, value in headers)


def _now() -> int:
    return time.time_ns() // 1_000
