"""Messages as they go out, and their ids: the number of a row of history, and the message's place among those of the row."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from procession.engine.codec import encode
from procession.runtime.checks import LARGEST_ID, not_valid
from procession.runtime.live.shapes import Resync

RESYNC = "resync"

LAST = 999_999_999
"""An index behind every message of a row."""

OVERHEAD = 100
"""Bytes that a message takes beside its data, about."""


class Mark(NamedTuple):
    """A place in the stream of all messages; marks sort as the messages do."""

    number: int
    index: int = LAST  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.number}.{self.index}"


def parse_mark(text: str) -> Mark:
    """The id of an event."""
    number, dot, index = text.partition(".")
    if dot and _is_number(number, LARGEST_ID) and _is_number(index, LAST):
        return Mark(int(number), int(index))
    detail = (
        f"{ascii(text)[:50]} is no id of an event: two numbers with a dot, such as 4711.0. "
        "With the filter instance it may be a position of its history (seq)."
    )
    raise not_valid(detail, "/after")


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and int(text) <= most


class Message(Struct, frozen=True, gc=False):
    """One message, encoded. `mark`: whoever has read it goes on after this id."""

    event: str
    data: bytes
    mark: str

    @property
    def id(self) -> str | None:
        """By which a repetition is known; `resync` is never one."""
        return None if self.event == RESYNC else self.mark

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.data) + OVERHEAD


def resync(mark: str) -> Message:
    """Instead of everything up to a mark."""
    return Message(RESYNC, encode(Resync(mark)), mark)


def sse_bytes(message: Message) -> bytes:
    """A message as a server-sent event. JSON has no line breaks of its own, so that the data is one line."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (message.mark.encode(), message.event.encode(), message.data)


def socket_text(message: Message) -> str:
    """A message as a text of a WebSocket."""
    head = encode({"id": message.id, "event": message.event}).decode()
    return f'{head[:-1]},"data":{message.data.decode()}}}'
