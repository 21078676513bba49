"""The bus on Apache Kafka, by librdkafka, which has threads of its own.

Here are topics, where they end, and how far groups are; `kafka_publisher` and `kafka_subscription` are what they are called.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them to export them, and does not say so
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from procession.bus import Begin, BusError, Partition, TopicSpec, TopicState
from procession.bus.kafka_errors import Heard, Voice
from procession.bus.kafka_publisher import KafkaPublisher
from procession.bus.kafka_settings import read_url
from procession.bus.kafka_subscription import KafkaSubscription
from procession.errors import ProcessionError

log = logging.getLogger("procession.bus")

ANSWER = 15.0
"""Seconds for an answer about topics and groups."""

FIRST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
END: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class KafkaBus:
    """Of `kafka://host:9092`; see `kafka_settings` for what else a URL may say."""

    durable = True

    def __init__(self, url: str) -> None:
        self._settings = read_url(url)
        self._heard = Heard(self._settings)
        self._common: dict[str, Any] = {
            **self._settings.values,
            "error_cb": self._heard,
            "logger": Voice(self._settings),
        }
        self._admin = self._client()
        self._open: weakref.WeakSet[KafkaPublisher | KafkaSubscription] = weakref.WeakSet()
        self._closed = False

    def publisher(self, name: str | None = None) -> KafkaPublisher:
        self._check_open()
        publisher = KafkaPublisher(self._common, self._settings, self._heard, name)
        self._open.add(publisher)
        return publisher

    def subscribe(
        self,
        group: str,
        topics: Iterable[str] = (),
        pattern: str | None = None,
        begin: Begin | None = None,
        *,
        latest: bool = False,
    ) -> KafkaSubscription:
        self._check_open()
        subscription = KafkaSubscription(self._common, self._heard, group, topics, pattern, begin, latest=latest)
        self._open.add(subscription)
        return subscription

    def ensure(self, topics: Iterable[TopicSpec]) -> list[str]:
        wanted = {spec.name: spec for spec in topics}
        there = self._names()
        missing = [spec for name, spec in wanted.items() if name not in there]
        if not missing:
            return []
        made = []
        for name, future in self._admin.create_topics([_new(spec) for spec in missing], request_timeout=ANSWER).items():
            try:
                self._answer(future, f"create the topic '{name}'")
                made.append(name)
            except AlreadyThere:
                pass
        self._wait_for([wanted[name] for name in made])
        return made

    def describe(self) -> list[TopicState]:
        names = self._names()
        places = [(name, number) for name, numbers in names.items() for number in numbers]
        ends = self._offsets(places, END)
        retention = self._retention(list(names))
        return [
            TopicState(
                name, {number: ends[name, number] for number in numbers if (name, number) in ends}, retention.get(name)
            )
            for name, numbers in sorted(names.items())
        ]

    def lag(self, group: str) -> dict[Partition, int]:
        self._check_open()
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=ANSWER)
        try:
            found = self._answer(asked[group], f"say how far '{group}' is").topic_partitions
        except Nobody:
            found = []
        done = {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}
        begun = self._assigned(group) - set(done)
        done.update(self._offsets(list(begun), FIRST))
        ends = self._offsets(list(done), END)
        return {place: max(ends[place] - done[place], 0) for place in sorted(ends)}

    def close(self) -> None:
        self._closed = True
        for each in list(self._open):
            each.close()

    def _client(self) -> AdminClient:
        """A client for questions; a setting that librdkafka does not know, or whose value it does not take, is refused."""
        try:
            return AdminClient(self._common)
        except KafkaException as exception:
            said = self._settings.hide(exception.args[0].str())
            raise ProcessionError(f"{self._settings.where}: {said}") from None

    def _check_open(self) -> None:
        if self._closed:
            raise BusError("The bus is closed.")

    def _names(self) -> dict[str, list[int]]:
        """All topics but Kafka's own, with the numbers of their partitions."""
        self._check_open()
        self._admin.poll(0)
        topics = self._heard.ask(
            lambda seconds: self._admin.list_topics(timeout=seconds).topics, ANSWER, "list topics", self._admin.poll
        )
        return {name: sorted(topic.partitions) for name, topic in topics.items() if not name.startswith("__")}

    def _wait_for(self, specs: list[TopicSpec]) -> None:
        """A broker may hear of a new topic, and of the leaders of its partitions, a moment later than the controller."""
        places = [(spec.name, number) for spec in specs for number in range(spec.partitions)]
        names, end = {spec.name for spec in specs}, time.monotonic() + ANSWER
        while time.monotonic() < end:
            if names <= set(self._names()) and len(self._offsets(places, END)) == len(places):
                return
            time.sleep(0.05)

    def _offsets(self, places: list[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        """Those that are known: a partition without a leader has none for now."""
        try:
            return self._ask_offsets(places, spec)
        except BusError:
            # A client that does nothing else keeps a leader in mind that was replaced, and is refused for it: ask with a new one.
            self._admin = self._client()
            self._names()
            return self._ask_offsets(places, spec)

    def _ask_offsets(self, places: list[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        if not places:
            return {}
        asked = self._admin.list_offsets(
            {TopicPartition(topic, number): spec for topic, number in places}, request_timeout=ANSWER
        )
        offsets, failed = {}, None
        for place, future in asked.items():
            try:
                offsets[place.topic, place.partition] = self._answer(future, f"say where '{place.topic}' ends").offset
            except BusError as error:
                failed = error
        if failed is not None and not offsets:
            raise failed
        return offsets

    def _retention(self, names: list[str]) -> dict[str, int]:
        if not names:
            return {}
        kept = {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        for resource, future in self._admin.describe_configs(resources, request_timeout=ANSWER).items():
            try:
                found = self._answer(future, f"show the settings of '{resource.name}'").get("retention.ms")
            except BusError as error:  # it may be seen, and its settings not
                log.debug("%s", error)
            else:
                if found is not None and found.value is not None:
                    kept[resource.name] = int(found.value)
        return kept

    def _assigned(self, group: str) -> set[Partition]:
        described = self._admin.describe_consumer_groups([group], request_timeout=ANSWER)
        try:
            members = self._answer(described[group], f"show the members of '{group}'").members
        except Nobody:
            return set()
        return {
            (place.topic, place.partition)
            for member in members
            if member.assignment is not None
            for place in member.assignment.topic_partitions
        }

    def _answer(self, future: Future[Any], doing: str) -> Any:
        try:
            return future.result(ANSWER + 5)
        except TimeoutError:
            raise self._heard.explain(KafkaError(KafkaError._TIMED_OUT), doing) from None
        except KafkaException as exception:
            error = exception.args[0]
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                raise AlreadyThere(error.str()) from None
            if error.code() == KafkaError.GROUP_ID_NOT_FOUND:
                raise Nobody(error.str()) from None
            self._admin.poll(0)
            raise self._heard.explain(error, doing) from None


class AlreadyThere(BusError):
    """Somebody else has made the topic in the meantime."""


class Nobody(BusError):
    """There is no such group."""


def _new(spec: TopicSpec) -> NewTopic:
    config = {} if spec.retention is None else {"retention.ms": str(spec.retention)}
    return NewTopic(spec.name, spec.partitions, spec.replication, config=config)
