"""Headers of records: names and bytes on the bus, base64 in a store.

`processInstanceId`, `destinationId` and `callbacksForAction` say where an answer goes; whoever answers returns all headers that
they received. CloudEvents (binary mode of the Kafka binding, version 1.0.2) adds `ce_…`, and W3C the `traceparent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from procession.bus import Headers
from procession.engine.codec import encode

INSTANCE, INSTANCE_TOO = "processInstanceId", "processInstanceUuid"
DESTINATION = "destinationId"
CALLBACK_TOPIC = "callbackTopic"
JWT = "jwt"
TRACE = "traceparent"
CLOUD_EVENT = "ce_"
EVENT_ID, EVENT_SOURCE = "ce_id", "ce_source"
OUR_OWN = (CLOUD_EVENT, "content-type")
"""How the headers begin that a record gets anew when it is published."""

SECRET = frozenset({JWT, "authorization"})
"""Headers that are credentials: they are read, and neither kept nor passed on."""

HIDDEN = b"***"
"""What is kept in their place, so that a record that came with some is not taken for one that came without."""

_kept = msgspec.json.Decoder(list[tuple[str, bytes]] | dict[str, Any])


def header(headers: Headers, name: str) -> str | None:
    """The text of the last header of a name."""
    found = next((value for each, value in reversed(headers) if each == name), None)
    return None if found is None else found.decode("utf-8", "replace")


def instance_of(headers: Headers) -> int | None:
    """The id of the instance that a record is about, as its headers say."""
    text = header(headers, INSTANCE) or header(headers, INSTANCE_TOO) or ""
    return int(text) if text.isascii() and text.isdecimal() and int(text) < 2**63 else None


def kept_headers(headers: Headers) -> bytes:
    """As a store has them, without secrets."""
    return encode([(name, HIDDEN if name.lower() in SECRET else value) for name, value in headers])


def read_headers(stored: bytes) -> Headers:
    """Those of a store; of what a process sends they are an object with texts."""
    found = _kept.decode(stored)
    if isinstance(found, Mapping):
        return tuple((name, str(value).encode()) for name, value in found.items())
    return tuple(found)


def echoed(headers: Headers) -> Headers:
    """What goes back to whoever sent these: all but what each record has of its own, and secrets."""
    return tuple(
        (name, value) for name, value in headers if not name.startswith(OUR_OWN) and name.lower() not in SECRET
    )


def cloud_event(id: str, kind: str, source: str, subject: str | None, time: str) -> Iterable[tuple[str, bytes]]:
    """The attributes of CloudEvents 1.0, binary mode, and what the value is."""
    yield "ce_specversion", b"1.0"
    yield "ce_id", id.encode()
    yield "ce_type", kind.encode()
    yield "ce_source", source.encode()
    if subject is not None:
        yield "ce_subject", subject.encode()
    yield "ce_time", time.encode()
    yield "content-type", b"application/json"
