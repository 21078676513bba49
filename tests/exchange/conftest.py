"""An engine on a bus in this program, and whoever is at the other end of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession import Engine
from procession.bus import Headers, Received, Record
from procession.bus.topics import Naming
from procession.engine.codec import decode, encode

PATIENCE = 30.0


class Partner:
    """Reads and writes topics by their short names, as an integration in any language would."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bus = engine.exchange.bus
        self.naming = Naming()
        self._publisher = self.bus.publisher()
        self._read: dict[str, Any] = {}

    def listen(self, *topics: str) -> None:
        """From now on."""
        for topic in topics:
            full = self.naming.full(topic)
            self._read[topic] = self.bus.subscribe(f"partner-{topic}", [full])

    def send(self, topic: str, value: Any, key: str | None = None, **headers: str) -> None:
        """A record; what is no bytes goes as JSON."""
        data = value if isinstance(value, bytes) else encode(value)
        given: Headers = tuple((name, text.encode()) for name, text in headers.items())
        self._publisher.publish([Record(self.naming.full(topic), key, data, given)])

    def answer(self, request: Received, topic: str, value: Any) -> None:
        """What a well-behaved partner says: with all headers that came."""
        self._publisher.publish([Record(self.naming.full(topic), request.key, encode(value), request.headers)])

    def get(self, topic: str, count: int = 1) -> list[Received]:
        """So many records of a topic that is listened to."""
        found: list[Received] = []
        subscription, end = self._read[topic], time.monotonic() + PATIENCE
        while len(found) < count:
            assert time.monotonic() < end, f"{topic}: {len(found)} of {count} records came"
            found += subscription.poll(count - len(found), 0.2)
            subscription.commit({(each.topic, each.partition): each.offset + 1 for each in found})
        return found

    def none(self, topic: str, wait: float = 0.3) -> None:
        """Nothing more comes."""
        assert self._read[topic].poll(1, wait) == []

    def value(self, topic: str) -> Any:
        """The JSON of the next record."""
        [record] = self.get(topic)
        return decode(record.value)


def eventually(question: Callable[[], Any], what: str = "it") -> Any:
    """The first answer that is true."""
    end = time.monotonic() + PATIENCE
    while not (found := question()):
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.01)
    return found


@pytest.fixture(params=["memory:", "sqlite"])
def engine(request, tmp_path) -> Iterator[Engine]:
    url = request.param if request.param == "memory:" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url) as engine:
        yield engine


@pytest.fixture
def partner(engine) -> Partner:
    return Partner(engine)


def headers(record: Received) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}
