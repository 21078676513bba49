"""Reads Kafka as one member of a group.

Partitions are handed over one by one (cooperative): who keeps one does not stop reading it while others come and go. What Kafka
complains about by the way, such as a topic that is not there yet, is logged once and passes.

While no broker answers, a commit waits as long as the group would wait for us (`session.timeout.ms`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from procession.bus import Begin, BusError, Headers, Partition, Received
from procession.bus.kafka_errors import NOT_OURS, RAISED, Heard, reason
from procession.bus.topics import portable

log = logging.getLogger("procession.bus")

LOOK = 2_000
"""Milliseconds after which new topics are looked for."""

SLICE = 0.25
"""Seconds that a reader waits before it looks whether it was closed."""

SETTLE = 5.0
"""Seconds for a commit while the group shares its partitions out anew."""

SESSION = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 2_000}
"""After so long the partitions of a reader that died are somebody else's: the shortest time that brokers allow by themselves."""

USUAL = {"topic.metadata.refresh.interval.ms": LOOK, "topic.blacklist": "^__"}

PROMISED = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
}


class KafkaSubscription:
    """One consumer of librdkafka."""

    def __init__(
        self,
        common: Mapping[str, Any],
        heard: Heard,
        group: str,
        topics: Iterable[str],
        pattern: str | None,
        begin: Begin | None,
        *,
        latest: bool,
    ) -> None:
        self._heard, self._group, self._begin = heard, group, begin
        self._lock = threading.Lock()
        self._closed = self._left = False
        self._mine: frozenset[Partition] = frozenset()
        self._given: dict[Partition, int] = {}  # the offset behind the last record that was read
        self._done: dict[Partition, int] = {}  # what was committed
        self._ends: dict[Partition, int] = {}  # the offset behind the marks of transactions, where nothing else follows
        self._complaints: set[tuple[int, str | None]] = set()
        self._failure: Exception | None = None
        config = {**USUAL, **common, **PROMISED, "group.id": group}
        config["auto.offset.reset"] = "latest" if latest else "earliest"
        if config.get("group.protocol") != "consumer":  # there the broker does it
            config = {**SESSION, **config, "partition.assignment.strategy": "cooperative-sticky"}
        self._wanted = list(topics)
        if pattern is not None:
            self._wanted.append(f"^({portable(pattern).pattern})$")
        try:
            self._consumer = Consumer(config)
            self._subscribe()
        except RAISED as exception:
            raise self._explain(reason(exception)) from None

    def poll(self, limit: int, wait: float) -> list[Received]:
        end = time.monotonic() + wait
        while True:
            with self._lock:
                self._check_open()
                records = self._read(limit, min(max(end - time.monotonic(), 0), SLICE))
            if records or time.monotonic() >= end:
                return records

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        with self._lock:
            self._check_open()
            ours = {place: self._behind(place, offset) for place, offset in offsets.items() if place in self._mine}
            if ours:
                self._commit(ours)

    def assigned(self) -> Collection[Partition]:
        return self._mine

    def close(self) -> None:
        self._closed = True  # who waits in `poll` lets go of the lock
        with self._lock:
            if not self._left:
                self._left = True
                self._consumer.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, limit: int, wait: float) -> list[Received]:
        messages: list[Message] = []
        try:
            if (first := self._consumer.poll(wait)) is not None:
                messages = [first, *(self._consumer.consume(limit - 1, 0) if limit > 1 else ())]
        except RAISED as exception:
            raise self._explain(reason(exception)) from None
        if self._failure is not None:
            self._begin_again()
        records = []
        for message in messages:
            if (error := message.error()) is None:
                records.append(record := _received(message))
                self._given[record.topic, record.partition] = record.offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self._at_end((message.topic() or "", message.partition() or 0), message.offset() or 0)
            else:
                self._complain(error, message.topic())
        if records:
            self._complaints.clear()
        return records

    def _at_end(self, place: Partition, offset: int) -> None:
        """Behind the last record are marks of transactions, which nobody reads: who has committed all is at their end."""
        self._ends[place] = offset
        if place in self._mine and self._done.get(place, -1) == self._given.get(place, offset) != offset:
            self._done[place] = offset
            self._consumer.commit(offsets=[TopicPartition(*place, offset)], asynchronous=True)

    def _complain(self, error: KafkaError, topic: str | None) -> None:
        explained = self._explain(error, topic)
        if error.fatal():
            raise explained
        if (complaint := (error.code(), topic)) not in self._complaints:
            self._complaints.add(complaint)
            log.warning("%s", explained)

    # -- committing ----------------------------------------------------------------------------------------------------

    def _behind(self, place: Partition, offset: int) -> int:
        return max(offset, self._ends.get(place, 0)) if offset == self._given.get(place) else offset

    def _commit(self, offsets: Mapping[Partition, int]) -> None:
        places = [TopicPartition(*place, offset) for place, offset in offsets.items()]
        end = time.monotonic() + SETTLE
        while True:
            try:
                errors = [place.error for place in self._consumer.commit(offsets=places, asynchronous=False)]
            except RAISED as exception:
                errors = [reason(exception)]
            failed = [error for error in errors if error is not None and error.code() not in NOT_OURS]
            if not failed:
                break
            if failed[0].code() != KafkaError.REBALANCE_IN_PROGRESS or time.monotonic() > end:
                raise self._explain(failed[0])
            time.sleep(0.05)
        self._done.update((place, offset) for place, offset in offsets.items() if place in self._mine)

    # -- the group -----------------------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        self._consumer.subscribe(self._wanted, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [(each.topic, each.partition) for each in partitions]
        try:
            known = self._begin(places) if self._begin is not None and places else {}
        except Exception as error:  # noqa: BLE001  raised by `poll`: librdkafka calls this, and must go on
            self._failure, known = error, {}
        for each, place in zip(partitions, places, strict=True):
            if place in known:
                each.offset = known[place]
        consumer.incremental_assign(partitions)
        self._mine |= set(places)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [(each.topic, each.partition) for each in partitions]
        self._mine -= set(places)
        for place in places:
            for known in (self._given, self._done, self._ends):
                known.pop(place, None)
        consumer.incremental_unassign(partitions)

    def _begin_again(self) -> None:
        """Nobody could say where to begin: leave the group, and join it anew with the next call."""
        failure, self._failure = self._failure, None
        self._consumer.unsubscribe()
        self._subscribe()
        if failure is not None:
            raise failure

    def _explain(self, error: KafkaError, topic: str | None = None) -> BusError:
        return self._heard.explain(error, f"read {topic or 'topics'} as '{self._group}'")

    def _check_open(self) -> None:
        if self._closed:
            raise BusError("The subscription is closed.")


def _received(message: Message) -> Received:
    key = message.key()
    return Received(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        None if key is None else key.decode(errors="replace"),
        message.value() or b"",
        _headers(message),
        message.timestamp()[1] * 1_000,
    )


def _headers(message: Message) -> Headers:
    # librdkafka gives a list of names and bytes; others may have sent a name without a value.
    headers = cast(list[tuple[str, bytes | None]] | None, message.headers())
    return () if headers is None else tuple([(name, value or b"") for name, value in headers])
