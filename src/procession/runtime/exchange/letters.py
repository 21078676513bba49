"""Letters: records that could not be handled, kept with the reason until they are tried again, replayed or dismissed."""

from __future__ import annotations

from typing import Any

import msgspec

from procession.bus import Headers, Received, Record
from procession.definition.iso8601 import format_instant
from procession.engine.codec import decode, encode
from procession.runtime.checks import remark
from procession.runtime.exchange.headers import instance_of, kept_headers, read_headers
from procession.runtime.exchange.shapes import DeadLetter
from procession.storage import LetterRow, MessageRow

_answer = msgspec.json.Decoder(tuple[str, int, int, str | None, list[tuple[str, bytes]], int])

WAITING, DEAD, REPLAYED, DISMISSED = "waiting", "dead", "replayed", "dismissed"


NOWHERE = -1
"""The partition and offset of a letter whose record never came to the bus."""

LONGEST_DETAIL = 2_000


def letter_of(
    record: Received, id: int, at: int, attempts: int, title: str, detail: str, due: int | None = None
) -> LetterRow:
    """A letter that keeps a record; with a `due` moment it is tried again then."""
    return LetterRow(
        id,
        record.topic,
        record.partition,
        record.offset,
        None if record.key is None else remark(record.key),
        kept_headers(record.headers),
        record.value,
        record.at,
        at,
        attempts,
        due,
        DEAD if due is None else WAITING,
        instance_of(record.headers),
        remark(title),
        remark(detail[:LONGEST_DETAIL]),
        None,
        None,
    )


def unsent(record: Record, id: int, at: int, title: str, detail: str) -> LetterRow:
    """A letter of a record that the bus does not take."""
    never = Received(record.topic, NOWHERE, NOWHERE, record.key, record.value, record.headers, at)
    return letter_of(never, id, at, 1, title, detail)


def record_of(letter: LetterRow) -> Received:
    """The record that a letter keeps."""
    headers = read_headers(letter.headers)
    return Received(letter.topic, letter.partition, letter.offset, letter.key, letter.value, headers, letter.published)


def kept_answer(record: Received) -> bytes:
    """What is kept of the record of an answer that nobody waits for yet; its value is kept apart."""
    return encode([record.topic, record.partition, record.offset, record.key, list(record.headers), record.at])


def answer_of(row: MessageRow) -> Received:
    """The record of such an answer."""
    assert row.record is not None
    topic, partition, offset, key, headers, at = _answer.decode(row.record)
    return Received(topic, partition, offset, key, row.variables, tuple(headers), at)


def readable(value: bytes) -> Any:
    """The value of a record for people: JSON where it is JSON, else a text."""
    try:
        return decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value.decode("utf-8", "replace")


def readable_headers(headers: Headers) -> list[tuple[str, str]]:
    """Names and values for people."""
    return [(name, value.decode("utf-8", "replace")) for name, value in headers]


def dead_letter(letter: LetterRow) -> DeadLetter:
    """What is said of a dead letter on the bus."""
    return DeadLetter(
        id=str(letter.id),
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        at=format_instant(letter.at),
        title=letter.title,
        detail=letter.detail,
        attempts=letter.attempts,
        value=readable(letter.value),
        key=letter.key,
        headers=readable_headers(read_headers(letter.headers)),
        instance=None if letter.instance is None else str(letter.instance),
    )
