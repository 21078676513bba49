"""What goes out for a record that came: answers, and letters about what could not be handled.

An answer has the key and all headers of its request, `ce_id` among them: by it and the value the engine knows a repetition.
Only what says what kind of record it is itself is its own: the other attributes of CloudEvents, and the type of its content.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from procession.bus import Headers, Record
from procession.bus.topics import DEAD_LETTER, Naming, legal
from procession.definition.iso8601 import format_instant
from procession.engine.codec import encode
from procession.integration.lanes import Work
from procession.integration.records import Answer, Reject, place_of
from procession.runtime.exchange.headers import EVENT_ID, HIDDEN, SECRET, cloud_event, echoed, header, instance_of
from procession.runtime.exchange.letters import LONGEST_DETAIL, readable, readable_headers
from procession.runtime.exchange.shapes import DeadLetter

OWN = frozenset({"ce_specversion", "ce_type", "ce_source", "ce_time", "content-type"})
"""Headers that each record has of its own."""


class Made(Struct, array_like=True):
    """An answer as it is remembered: what it says, without what comes from its request. `topic` and `key` where they differ."""

    value: bytes
    topic: str | None = None
    key: str | None = None
    headers: list[tuple[str, bytes]] = []


def made(result: Any, topic: str | None) -> list[Made]:
    """What a handler returned. `Reject` where it cannot be an answer: a repetition would not change that."""
    if result is None:
        return []
    several = isinstance(result, list | tuple) and result and all(isinstance(each, Answer) for each in result)
    answers: Sequence[Answer] = result if several else [result if isinstance(result, Answer) else Answer(result)]
    return [_made(answer, topic) for answer in answers]


def _made(answer: Answer, topic: str | None) -> Made:
    target = answer.topic or topic
    if target is None:
        raise Reject(
            "The handler returned an answer, and there is no topic for it: give answer= or Answer(…, topic=…)."
        )
    if not legal(target):
        raise Reject(f"The handler answers to {target[:100]!r}, which is no name of a topic.")
    try:
        value = encode(answer.value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Reject(f"What the handler returned is not JSON: {error}") from None
    headers = [(name, text if isinstance(text, bytes) else str(text).encode()) for name, text in answer.headers.items()]
    return Made(value, answer.topic, answer.key, headers)


class Outgoing:
    """Writes the records of one integration."""

    def __init__(self, naming: Naming, source: str) -> None:
        self._naming, self._source = naming, source

    def answers(self, work: Work, answers: Iterable[Made]) -> list[Record]:
        """The records of what a handler answered."""
        return [self._answer(work, each) for each in answers]

    def _answer(self, work: Work, answer: Made) -> Record:
        received = work.received
        name = answer.topic or work.route.answer
        assert name is not None
        key = received.key if answer.key is None else answer.key
        given: Mapping[str, bytes] = dict(answer.headers)
        kept = [each for each in received.headers if each[0] not in OWN and each[0] not in given]
        has_id = header(received.headers, EVENT_ID) is not None
        own = [each for each in self._about(place_of(received), name) if each[0] in OWN or not has_id]
        headers = (*kept, *(each for each in own if each[0] not in given), *answer.headers)
        return Record(self._naming.full(name), key, answer.value, headers)

    def letter(self, work: Work, title: str, detail: str, *, with_value: bool = True) -> Record:
        """A dead letter, in the shape of the engine's."""
        received = work.received
        id = place_of(received)
        instance = instance_of(received.headers)
        shown: Headers = tuple((name, HIDDEN if name.lower() in SECRET else value) for name, value in received.headers)
        letter = DeadLetter(
            id=id,
            topic=work.topic,
            partition=received.partition,
            offset=received.offset,
            at=_now(),
            title=title,
            detail=detail[:LONGEST_DETAIL],
            attempts=work.attempt,
            value=readable(received.value) if with_value else None,
            key=received.key,
            headers=readable_headers(shown),
            instance=None if instance is None else str(instance),
        )
        key = id if instance is None else str(instance)
        headers = (*echoed(received.headers), *self._about(f"{id}-dead", DEAD_LETTER))
        return Record(self._naming.full(DEAD_LETTER), key, encode(letter), headers)

    def _about(self, id: str, name: str) -> Iterable[tuple[str, bytes]]:
        kind = f"procession.{self._naming.short(name)}"
        return cloud_event(id, kind, self._source, None, _now())


def reason(error: BaseException) -> tuple[str, str]:
    """Title and detail of a letter."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return ("Rejected.", str(error)) if isinstance(error, Reject) else ("The handler failed.", said)


def _now() -> str:
    return format_instant(time.time_ns() // 1_000)
