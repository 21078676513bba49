"""The bus of a server, over HTTP: what a partner needs of it, without a client of Kafka.

Topics are named as in process files; the server knows what they are called on its bus. Who begins where, which topics there are
and how far others have read stays with the server.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from msgspec import Struct

from procession.bus import Begin, BusError, Partition, Received, Record, TooLarge, TopicSpec, TopicState
from procession.bus.topics import legal
from procession.client.connection import Connection
from procession.client.credentials import credentials
from procession.errors import CommandRejected, ProcessionError, StorageError

log = logging.getLogger("procession.integration")

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds for a request, beside what it may wait on purpose."""

MOST, LARGEST = 500, 1_000_000
"""Records and bytes of one request, where one record is not larger alone: less than a server takes."""

BUSY = frozenset({408, 429})


class _Came(Struct, rename="camel"):
    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    headers: list[tuple[str, bytes]]
    at: int


class _Polled(Struct, rename="camel"):
    records: list[_Came]
    assigned: list[tuple[str, int]]


class _Published(Struct, rename="camel"):
    published: int


class _Left(Struct, rename="camel"):
    left: bool


class HttpBus:
    """The bus of the server at `url`, for who has the role `worker`. Thread-safe."""

    durable = True

    def __init__(
        self, url: str, *, token: str | None = None, user: str | None = None, password: str | None = None
    ) -> None:
        self._connection = Connection(url, credentials(token, user, password), PATIENCE, patient=False)

    def publisher(self, name: str | None = None) -> HttpPublisher:
        """Over HTTP no publisher has a name."""
        self._check_open()
        if name is not None:
            _refuse("a publisher with a name")
        return HttpPublisher(self)

    def subscribe(
        self,
        group: str,
        topics: Iterable[str] = (),
        pattern: str | None = None,
        begin: Begin | None = None,
        *,
        latest: bool = False,
    ) -> HttpSubscription:
        """The server knows where the group is: nobody else says where to begin."""
        self._check_open()
        if begin is not None:
            _refuse("a reader that knows better where to begin")
        made = HttpSubscription(self, group, list(topics), pattern, latest)
        made.commit({})  # from now on it is a member
        return made

    def ensure(self, topics: Iterable[TopicSpec]) -> list[str]:
        """The server's bus makes topics when they are used, or its administrator does."""
        self._check_open()
        return []

    def describe(self) -> list[TopicState]:
        """Ask the server itself."""
        self._check_open()
        _refuse("to list topics")

    def lag(self, group: str) -> dict[Partition, int]:
        """Ask the server itself."""
        _refuse("to look how far groups are")

    def close(self) -> None:
        """End every request."""
        self._connection.close()

    def _check_open(self) -> None:
        if self._connection.closed:
            raise BusError("The bus is closed.")

    def ask(self, call: str, answer: type[T], body: Mapping[str, Any], wait: float = 0.0) -> T:
        """One request. What passes by itself is a `BusError`."""
        try:
            return self._connection.call("POST", f"/api/bus/{call}", answer, body=body, wait=wait)
        except StorageError as error:
            raise BusError(str(error)) from error
        except CommandRejected as error:
            if error.status in BUSY or error.status >= 500:
                raise BusError(str(error)) from error
            raise


class HttpPublisher:
    """Publishes, in as few requests as the server takes."""

    def __init__(self, bus: HttpBus) -> None:
        self._bus = bus
        self._settled: list[int] = []
        self._closed = False

    def publish(self, records: Sequence[Record]) -> None:
        if self._closed:
            raise BusError("The publisher is closed.")
        for record in records:
            if not legal(record.topic):
                raise BusError(f"{record.topic!r} is no name of a topic: 1 to 249 letters, digits, '.', '_' and '-'.")
        for part in _parts(records):
            self._publish(part)

    def settled(self) -> list[int]:
        settled, self._settled = self._settled, []
        return settled

    def topics(self) -> Collection[str] | None:
        return None

    def close(self) -> None:
        self._closed = True

    def _publish(self, records: Sequence[Record]) -> None:
        body = {"records": [_outgoing(record) for record in records]}
        try:
            self._bus.ask("publish", _Published, body)
        except CommandRejected as error:
            if error.status != 413:
                raise
            if len(records) > 1:
                for record in records:
                    self._publish([record])
                return
            raise TooLarge(f"{error.title} {error.detail}", records[0]) from None
        self._settled += [record.number for record in records if record.number]


class HttpSubscription:
    """A member of a group. Where an answer is lost, records may be lost with it: close it, and begin another one."""

    def __init__(self, bus: HttpBus, group: str, topics: list[str], pattern: str | None, latest: bool) -> None:
        self._bus = bus
        self._who = {"group": group, "member": secrets.token_hex(12)}
        self._what = {"topics": topics, "pattern": pattern, "latest": latest}
        self._assigned: frozenset[Partition] = frozenset()
        self._lock = threading.Lock()
        self._lost = self._begun = False

    def poll(self, limit: int, wait: float) -> list[Received]:
        found = self._ask({"maxRecords": min(limit, MOST), "waitMs": int(wait * 1000)}, wait)
        return [
            Received(each.topic, each.partition, each.offset, each.key, each.value, tuple(each.headers), each.at)
            for each in found.records
        ]

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        commit = [
            {"topic": topic, "partition": number, "offset": offset} for (topic, number), offset in offsets.items()
        ]
        self._ask({"maxRecords": 0, "commit": commit})

    def assigned(self) -> Collection[Partition]:
        return self._assigned

    def close(self) -> None:
        if self._begun:
            self._begun, self._lost = False, True
            try:
                self._bus.ask("leave", _Left, self._who)
            except ProcessionError as error:  # the server lets go of it by itself, a while later
                log.debug("leaving the group: %s", error)

    def _ask(self, more: Mapping[str, Any], wait: float = 0.0) -> _Polled:
        with self._lock:
            if self._lost:
                raise BusError("The subscription is closed, or an answer to it was lost: begin another one.")
            self._begun = True
            try:
                found = self._bus.ask("poll", _Polled, {**self._who, **self._what, **more}, wait)
            except BusError:
                self._lost = True
                raise
            self._assigned = frozenset(found.assigned)
            return found


def _parts(records: Sequence[Record]) -> Iterator[list[Record]]:
    """In order, each small enough for a request."""
    part: list[Record] = []
    size = 0
    for record in records:
        own = len(record.value) + sum(len(name) + len(value) for name, value in record.headers)
        if part and (len(part) == MOST or size + own > LARGEST):
            yield part
            part, size = [], 0
        part.append(record)
        size += own
    if part:
        yield part


def _outgoing(record: Record) -> dict[str, Any]:
    return {"topic": record.topic, "key": record.key, "value": record.value, "headers": record.headers}


def _refuse(what: str) -> NoReturn:
    raise ProcessionError(f"There is no such thing over HTTP: {what}. The bus is the server's.")
