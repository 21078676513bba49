"""What a handler gets and what it may give back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from procession.bus import Headers, Received
from procession.engine.codec import decode
from procession.runtime.exchange.headers import EVENT_ID, header, instance_of

if TYPE_CHECKING:
    from procession.integration.once import Database


class Reject(Exception):
    """This record can never be handled: it becomes a dead letter at once, with this reason."""


class RecordHeaders(Mapping[str, str]):
    """Headers by name, as text. A name may be there more than once: the last one counts, `all` has every one; `raw` is as it
    came."""

    def __init__(self, raw: Headers) -> None:
        self.raw = raw

    def __getitem__(self, name: str) -> str:
        found = header(self.raw, name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.raw))

    def __len__(self) -> int:
        return len(dict(self.raw))

    def all(self, name: str) -> list[bytes]:
        """Every value of a name, in order."""
        return [value for each, value in self.raw if each == name]


class IncomingRecord:
    """A record that came. `topic` is the short name where it is one of the platform's; `attempt` counts from 1."""

    def __init__(self, received: Received, topic: str, attempt: int, database: Database | None = None) -> None:
        self.received, self.topic, self.attempt = received, topic, attempt
        self._database = database

    @property
    def key(self) -> str | None:
        """What the record is about, for its order: of records that a process sends, the id of the instance."""
        return self.received.key

    @property
    def value(self) -> bytes:
        """The bytes."""
        return self.received.value

    @property
    def at(self) -> int:
        """When it was published, in microseconds since the epoch."""
        return self.received.at

    @cached_property
    def json(self) -> Any:
        """The value as JSON, fractions as decimals. A value that is none raises `Reject`."""
        try:
            return decode(self.received.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Reject(f"The value is not JSON: {error}") from None

    @cached_property
    def headers(self) -> RecordHeaders:
        """Names and texts."""
        return RecordHeaders(self.received.headers)

    @property
    def instance(self) -> str | None:
        """The id of the process instance that sent it, or that it is about."""
        found = instance_of(self.received.headers)
        return None if found is None else str(found)

    @property
    def id(self) -> str:
        """By which a repetition is known: the CloudEvents id, else the place on the bus."""
        return header(self.received.headers, EVENT_ID) or place_of(self.received)

    @property
    def database(self) -> Any:
        """The file of the handler's `Once`, in the transaction that notes the answer: what is written there happens once."""
        if self._database is None:
            raise RuntimeError("Only a function whose route has once=Once('FILE.db') has a database, and no coroutine.")
        return self._database.open()

    def __repr__(self) -> str:
        return f"<record {self.id} on {self.topic}, key {self.key}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """A record that goes out: a value (JSON), to another topic or with another key where these are given.

    `headers` come in addition to those that came; a name that came is replaced.
    """

    value: Any
    topic: str | None = None
    key: str | None = None
    headers: Mapping[str, str | bytes] = field(default_factory=dict)


def place_of(received: Received) -> str:
    """Where a record is on the bus."""
    return f"{received.topic}-{received.partition}-{received.offset}"
