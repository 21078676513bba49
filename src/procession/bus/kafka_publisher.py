"""Publishes to Kafka: with a name, each call is a transaction; without one, it is delivered once and in order.

A transaction whose end nobody confirmed stays open here, and the next call ends it first. Kafka lets only the newest producer of
a `transactional.id` go on. Those before it learn that they are over, as does one whose transaction took longer than
`transaction.timeout.ms`, and nothing tells the one from the other. They are `Fenced`: who is in charge begins a new one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from confluent_kafka import KafkaError, Message, Producer

from procession.bus import BusError, Fenced, Record, TooLarge, Unwritable
from procession.bus.kafka_errors import FENCED, RAISED, UNWRITABLE, Heard, reason
from procession.bus.kafka_settings import Settings

TRANSACTION, DELIVERY = 60_000, 20_000
"""Milliseconds after which Kafka takes a transaction back, and librdkafka gives up a record. The URL may say otherwise."""

UNKNOWN = 5_000
"""Milliseconds after which a topic of which no broker knows is taken for none: others shall not wait for it."""

BEGIN, END, AT_ONCE = 15.0, 15.0, 2.0
"""Seconds for beginning; for the end of a transaction; for taking back one that failed, or else the next call does so."""

PURGED = {KafkaError._PURGE_INFLIGHT, KafkaError._PURGE_QUEUE}

AFTERMATH = PURGED | {KafkaError._STATE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, KafkaError.UNKNOWN_PRODUCER_ID}
"""What a transaction fails with when records of the one before it were never delivered: the next one after that does not."""

ATTEMPTS = 3


class KafkaPublisher:
    """One producer of librdkafka."""

    def __init__(self, common: Mapping[str, Any], settings: Settings, heard: Heard, name: str | None) -> None:
        self.name = name
        self._heard = heard
        self._lock = threading.Lock()
        self._failures: list[tuple[KafkaError, str | None]] = []  # with the topic
        self._settled: list[int] = []
        self._ending: Literal["abort", "commit"] | None = None  # what is to be done with the open transaction
        self._over = ""  # why it publishes nothing any more
        self._closed = False
        transaction = settings.milliseconds("transaction.timeout.ms", TRANSACTION)
        delivery = settings.milliseconds("message.timeout.ms", min(DELIVERY, transaction))
        self._patience = delivery / 1_000 + 1
        # murmur2: keys go to the partitions to which all other clients of Kafka send them
        self._config = {
            "partitioner": "murmur2_random",
            "topic.metadata.propagation.max.ms": UNKNOWN,
            **common,
            "enable.idempotence": True,
            "message.timeout.ms": delivery,
        }
        self._config |= {"on_delivery": self._delivered, "delivery.report.only.error": True}
        if name is not None:
            self._config |= {"transactional.id": name, "transaction.timeout.ms": transaction}
        try:
            self._producer = Producer(self._config)
        except RAISED as exception:
            raise heard.explain(reason(exception), self._doing()) from None
        if name is not None:
            heard.ask(self._producer.init_transactions, BEGIN, f"begin to {self._doing()}", self._producer.poll)

    def publish(self, records: Sequence[Record]) -> None:
        with self._lock:
            if self._closed:
                raise BusError("The publisher is closed.")
            if self._over:
                raise Fenced(self._over)
            if not records:
                return
            try:
                self._try(records, singly=False)
            except BatchTooLarge:
                # Kafka has refused several at once: alone each of them may fit.
                self._try(records, singly=True)
            self._settled += [record.number for record in records if record.number]

    def settled(self) -> list[int]:
        with self._lock:
            settled, self._settled = self._settled, []
            return settled

    def topics(self) -> None:
        """Kafka keeps all."""

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._producer.purge()
                # What is not confirmed by now will be by whoever begins next. The producer's own `close` would wait for it.
                if self._ending is None:
                    self._producer.close()

    def _try(self, records: Sequence[Record], *, singly: bool) -> None:
        publish = self._deliver if self.name is None else self._transact
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return publish(records, singly=singly)
            except Aftermath:
                if attempt == ATTEMPTS:
                    raise

    # -- transactions --------------------------------------------------------------------------------------------------

    def _transact(self, records: Sequence[Record], *, singly: bool) -> None:
        self._end(END)
        try:
            self._producer.begin_transaction()
        except RAISED as exception:
            raise self._explain(reason(exception)) from None
        self._ending = "abort"
        try:
            self._deliver(records, singly=singly)
            self._ending = "commit"
            self._end(END)
        except Fenced:
            raise
        except BusError:
            if self._ending == "abort":
                self._abort()
            raise

    def _end(self, seconds: float) -> None:
        """Commit or abort what is open; when it is not confirmed in time, it stays so."""
        end = time.monotonic() + seconds
        while self._ending is not None:
            finish = self._producer.commit_transaction if self._ending == "commit" else self._producer.abort_transaction
            try:
                finish(max(end - time.monotonic(), 0.1))
                self._ending = None
            except RAISED as exception:
                error = reason(exception)
                if error.txn_requires_abort():
                    self._ending = "abort"
                elif error.retriable() and time.monotonic() < end:
                    continue
                raise self._explain(error) from None

    def _abort(self) -> None:
        """Take it back now, or else before the next one."""
        try:
            self._end(AT_ONCE)
        except Fenced:
            raise
        except BusError:
            pass  # the reason for which it is taken back says more

    # -- records -------------------------------------------------------------------------------------------------------

    def _deliver(self, records: Sequence[Record], *, singly: bool) -> None:
        """Send all, and wait until they are there; `singly` one after the other, to find which one it is that does not fit."""
        self._serve(self._producer.poll, 0)
        self._failures.clear()  # of a batch before
        end = time.monotonic() + self._patience
        for record in records:
            self._produce(record, end)
            if singly:
                self._flush(end, record)
        self._flush(end)

    def _produce(self, record: Record, end: float) -> None:
        while True:
            try:
                self._producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
                return
            except BufferError:  # as many are under way as may be
                if time.monotonic() > end:
                    raise self._explain(KafkaError(KafkaError._TIMED_OUT)) from None
                self._serve(self._producer.poll, 0.05)
            except RAISED as exception:
                error = reason(exception)
                if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    raise _too_large(record, "'message.max.bytes' in the URL of the bus allows") from None
                raise self._explain(error, record.topic) from None

    def _flush(self, end: float, alone: Record | None = None) -> None:
        left = self._serve(self._producer.flush, max(end - time.monotonic(), 0.1))
        failures = sorted(self._failures, key=lambda failure: failure[0].code() in PURGED)  # others say why
        if left and self.name is None:
            self._producer.purge()  # it was not published: it shall not come later
            self._serve(self._producer.flush, 1)
        if failures and failures[0][0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
            if alone is None:
                raise BatchTooLarge
            raise _too_large(alone, "the topic allows ('max.message.bytes')")
        if failures:
            raise self._explain(*failures[0])
        if left:
            raise self._explain(KafkaError(KafkaError._TIMED_OUT))

    def _serve(self, call: Callable[[float], int], seconds: float) -> int:
        """Wait, and let librdkafka call back."""
        try:
            return call(seconds)
        except RAISED as exception:
            raise self._explain(reason(exception)) from None

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failures.append((error, message.topic()))

    # -- errors --------------------------------------------------------------------------------------------------------

    def _explain(self, error: KafkaError, topic: str | None = None) -> BusError:
        explained = self._heard.explain(error, self._doing(topic))
        if self.name is None:
            if error.fatal():  # nobody else goes by its name: it may begin again
                self._producer = Producer(self._config)
        elif error.fatal() or error.code() in FENCED:
            return self._give_up(explained)
        if topic is not None and error.code() in UNWRITABLE:
            return Unwritable(str(explained), topic)
        return Aftermath(str(explained)) if self.name is not None and error.code() in AFTERMATH else explained

    def _give_up(self, explained: BusError) -> Fenced:
        self._over = (
            f"{explained} Another publisher '{self.name}' has begun, or Kafka has given this one up: it publishes nothing any "
            "more. Whoever is in charge begins a new one."
        )
        return Fenced(self._over)

    def _doing(self, topic: str | None = None) -> str:
        return ("publish" if topic is None else f"publish to '{topic}'") + (f" as '{self.name}'" if self.name else "")


class Aftermath(BusError):
    """It fails because of what failed before."""


class BatchTooLarge(BusError):
    """Kafka has refused records together that may fit alone."""


def _too_large(record: Record, limit: str) -> TooLarge:
    size = len(record.value)
    return TooLarge(f"A record for '{record.topic}' with a value of {size:,} bytes is larger than {limit}.", record)
