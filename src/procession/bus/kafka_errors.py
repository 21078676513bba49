"""What Kafka's errors mean, and librdkafka's."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from procession.bus import BusError
from procession.bus.kafka_settings import Settings

T = TypeVar("T")

log = logging.getLogger("procession.bus")

RECENT = 60.0
"""Seconds for which what librdkafka said by the way explains why nobody answers."""

STEP = 2.0
"""Seconds after which a call that waits is asked whether there is hope."""

MANY = 1_000
"""Different things said in that time; then it is forgotten what was said."""

VARYING = re.compile(r" \(after \d+.*|#(?:producer|consumer)-\d+|, \d+ identical error.*")
"""What differs in two lines that say the same."""

AWAY = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._MSG_TIMED_OUT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.REQUEST_TIMED_OUT,
}
UNKNOWN_TOPIC = {KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART}
LOG_IN = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError.UNSUPPORTED_SASL_MECHANISM}
UNTRUSTED = {KafkaError._SSL}
RIGHTS = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
UNWRITABLE = {*UNKNOWN_TOPIC, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.TOPIC_EXCEPTION}
"""What is wrong with one topic, and not with the others."""

TOO_FEW = {KafkaError._ISR_INSUFF, KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND}
FENCED = {
    KafkaError._FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
    KafkaError.TRANSACTION_COORDINATOR_FENCED,
}
NOT_OURS = {
    KafkaError._ASSIGNMENT_LOST,
    KafkaError._STATE,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.UNKNOWN_MEMBER_ID,
}
"""The partitions have gone to somebody else, or will."""


RAISED = (KafkaException, SystemError)
"""What a call of the client raises; see `reason`."""


def reason(exception: Exception) -> KafkaError:
    """The error in an exception.

    When librdkafka gives a client up while it calls us back, the exception comes wrapped, or gets lost: it is there already when
    the next callback is called. What was in it is in the log.
    """
    inner = exception if isinstance(exception, KafkaException) else exception.__cause__
    if isinstance(inner, KafkaException) and isinstance(inner.args[0], KafkaError):
        return inner.args[0]
    return KafkaError(KafkaError._FATAL, "the client was given up", fatal=True)


class Voice:
    """What librdkafka logs: the same thing once a minute, and not that a reader has no use for a publisher's setting."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._said: dict[str, float] = {}

    def log(self, level: int, message: str, *args: object) -> None:
        """As a `Logger` does."""
        text = self._settings.hide(message % args)
        what = VARYING.sub("", text)
        now = time.monotonic()
        if "will be ignored by this" in text or now - self._said.get(what, -RECENT) < RECENT:
            return
        if len(self._said) > MANY:
            self._said.clear()
        self._said[what] = now
        log.log(level, "%s", text)


class Heard:
    """What librdkafka says by the way: only there one learns that a password is wrong; all else ends in a time-out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._error: KafkaError | None = None
        self._at = 0.0

    def __call__(self, error: KafkaError) -> None:
        # That all brokers are down says less than why.
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._error, self._at = error, time.monotonic()

    def ask(self, call: Callable[[float], T], seconds: float, doing: str, listen: Callable[[float], object]) -> T:
        """The answer of a call that waits in silence until its time is over. It ends once we know that there is no hope."""
        end = time.monotonic() + seconds
        began = time.monotonic()
        while True:
            try:
                return call(max(min(end - time.monotonic(), STEP), 0.1))
            except RAISED as exception:
                error = reason(exception)
                listen(0)
                hopeless = self._error is not None and self._at >= began and self._error.code() in LOG_IN | UNTRUSTED
                if hopeless or error.code() not in AWAY or time.monotonic() >= end:
                    raise self.explain(error, doing) from None

    def explain(self, error: KafkaError, doing: str) -> BusError:
        """What went wrong where, and what to do; `doing` is what was tried, such as 'list topics'."""
        where = f"Kafka at {self._settings.where}"
        said = error.str()
        if error.code() in AWAY and self._error is not None and time.monotonic() - self._at < RECENT:
            error = self._error if self._error.code() in LOG_IN | UNTRUSTED else error
            said = f"{said}; {self._error.str()}"
        return BusError(self._settings.hide(_text(error.code(), error.name(), said, where, doing)))


def _text(code: int, name: str, said: str, where: str, doing: str) -> str:
    if code in LOG_IN:
        return f"{where} does not let us in ({said}). Correct user, password or 'sasl.mechanism' in the URL."
    if code in UNTRUSTED:
        return f"{where} and we do not agree on TLS ({said}). Correct 'ssl.ca.location', or the certificate."
    if code in AWAY:
        return f"{where} does not answer, asked to {doing} ({said}). Is it running, and can it be reached? Try again."
    if code in UNKNOWN_TOPIC:
        return (
            f"{where} cannot {doing}: it has no such topic, or shows it to nobody like us ({said}). Create it, or let Kafka do "
            "so (auto.create.topics.enable)."
        )
    if code in RIGHTS:
        return f"{where} does not let us {doing} ({said}). Grant the right (docs/howto/connect-kafka.md)."
    if code in TOO_FEW:
        return (
            f"{where} cannot {doing}: fewer replicas are in sync than 'min.insync.replicas' ({said}). Start the others."
        )
    return f"{where} cannot {doing} ({name}: {said})."
