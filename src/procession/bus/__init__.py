"""The bus: one contract, records on topics, and who reads them.

A topic has partitions; records of one key are on one partition, in the order in which they were published, each with an offset
that grows. The readers of a group share the partitions of a topic, and each partition has one reader of a group at a time. Calls
wait in their thread: publishers and readers have threads of their own. Times are microseconds since the epoch, UTC.

Two buses keep it: `bus.memory` (in this process) and `bus.kafka` (Apache Kafka).

Errors: `BusError` (the bus cannot do it now: try again), `Fenced` (another publisher of the same name has taken over), `TooLarge`
(this record never fits). What a URL or a pattern says wrongly is a `ProcessionError`, before anything is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from procession.errors import ProcessionError

Headers = tuple[tuple[str, bytes], ...]
"""Names and values, in order; a name may be there more than once."""

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""


class BusError(ProcessionError):
    """The bus cannot be reached, or cannot do it now. Nothing is known to have been done; the same may be tried again."""


class Fenced(BusError):
    """This publisher publishes nothing any more: another one of its name has begun, or the bus has given it up.

    A bus may not be able to tell the one from the other. Whoever is in charge of the name begins a new one.
    """


class TooLarge(BusError):
    """A record is larger than the topic takes: the same `record` never fits."""

    def __init__(self, message: str, record: Record) -> None:
        self.record = record
        super().__init__(message)


class Unwritable(BusError):
    """A topic that cannot be written: there is none of that name, or we may not. Records for others can be published."""

    def __init__(self, message: str, topic: str) -> None:
        self.topic = topic
        super().__init__(message)


class Record(NamedTuple):
    """What is published. `number` is the publisher's own: by it he learns that the record needs him no more (0: never asks)."""

    topic: str
    key: str | None
    value: bytes
    headers: Headers = ()
    number: int = 0


class Received(NamedTuple):
    """What was read. `at` is when it was published."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    headers: Headers
    at: int

    @property
    def place(self) -> str:
        """Where it is, for people and for history: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic should be like. `retention` in milliseconds (-1: for ever); None: as the broker does it by itself."""

    name: str
    partitions: int = 3
    replication: int = -1  # the broker's default
    retention: int | None = None


@dataclass(frozen=True, slots=True)
class TopicState:
    """What a topic is like: `ends` are the offsets behind the last record of each partition, by its number."""

    name: str
    ends: Mapping[int, int] = field(default_factory=dict)
    retention: int | None = None

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self.ends)


class Publisher(Protocol):
    """Publishes in order. Of several with one name only the newest does: the others are `Fenced`."""

    def publish(self, records: Sequence[Record]) -> None:
        """Once it returns, all of them are on the bus for good, those of one key in this order.

        When it raises, readers see none of them or all of them (of a publisher without a name, perhaps some): publish the same
        again. `Fenced`, `TooLarge`, `Unwritable`, `BusError`.
        """

    def settled(self) -> list[int]:
        """The numbers of published records that are safe without the publisher since the last call.

        On Kafka that is all that was published. A bus that forgets everything with its process names a record when every group
        that reads its topic is done with it; what it has not named has to be published again by whoever starts next.
        """

    def topics(self) -> Collection[str] | None:
        """The topics whose records are wanted now (None: all): others are better kept until somebody reads them."""

    def close(self) -> None: ...


class Subscription(Protocol):
    """Reads as one member of a group, in one thread."""

    def poll(self, limit: int, wait: float) -> list[Received]:
        """At most so many records, those of each partition in order; waits so many seconds for the first. `BusError`.

        What it shall not read any more, a reader gives away here, and is asked here where to `begin` with what is new: what that
        raises is raised here, and asked again at the next call.
        """

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Who reads these partitions next begins at these offsets. Those that are not one's own any more are left out."""

    def assigned(self) -> Collection[Partition]:
        """The partitions that this member reads now."""

    def close(self) -> None:
        """Leave the group, so that the others take over at once."""


Begin = Callable[[Collection[Partition]], Mapping[Partition, int]]
"""Asked when partitions are assigned: where to begin with those for which the reader knows better than the bus."""


class Bus(Protocol):
    """Where records go and come from. Thread-safe."""

    durable: bool
    """Whether what was published survives this process."""

    def publisher(self, name: str | None = None) -> Publisher:
        """Begin one: from now on those before it of the same name are `Fenced`. Without a name it fences nobody, and nobody
        fences it. `BusError`."""

    def subscribe(
        self,
        group: str,
        topics: Iterable[str] = (),
        pattern: str | None = None,
        begin: Begin | None = None,
        *,
        latest: bool = False,
    ) -> Subscription:
        """Read topics, and all whose whole name matches the regular expression (extended, of POSIX): also later ones.

        A group begins at the first record of a topic that it has not read, or, with `latest`, behind the last one.
        """

    def ensure(self, topics: Iterable[TopicSpec]) -> list[str]:
        """Make those that are missing; which those were. Existing ones stay as they are."""

    def describe(self) -> list[TopicState]:
        """All topics, by name, but those of the bus itself."""

    def lag(self, group: str) -> dict[Partition, int]:
        """How many records each partition has that the group has not committed."""

    def close(self) -> None:
        """Close it with all its publishers and subscriptions: whoever waits in one gets a `BusError`."""
