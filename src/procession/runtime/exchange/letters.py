"""Letters: records that could not be handled, kept with the reason until they are tried again, replayed or dismissed."""

from __future__ import annotations

from typing import Any

import msgspec

from procession.bus import Headers, Received, Record
from procession.definition.iso8601 import format_instant
from procession.engine.codec import decode
from procession.runtime.exchange.headers import instance_of, kept_headers, read_headers
from procession.runtime.exchange.shapes import DeadLetter
from procession.storage import LetterRow

WAITING, DEAD, REPLAYED, DISMISSED = "waiting", "dead", "replayed", "dismissed"


NOWHERE = -1
"""The partition and offset of a letter whose record never came to the bus."""


def unsent(record: Record, id: int, at: int, title: str, detail: str) -> LetterRow:
    """A letter of a record that the bus does not take."""
    return LetterRow(
        id,
        record.topic,
        NOWHERE,
        NOWHERE,
        record.key,
        kept_headers(record.headers),
        record.value,
        at,
        at,
        1,
        None,
        DEAD,
        instance_of(record.headers),
        title,
        detail,
        None,
        None,
    )


def record_of(letter: LetterRow) -> Received:
    """The record that a letter keeps."""
    headers = read_headers(letter.headers)
    return Received(letter.topic, letter.partition, letter.offset, letter.key, letter.value, headers, letter.published)


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
