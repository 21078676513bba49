"""The live channel, by server-sent events: what happens, as it happens, without a gap across lost connections."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from procession.client.connection import Connection
from procession.engine.codec import decode
from procession.errors import CommandRejected, StorageError

SILENCE = 45.0
"""Seconds without even a heartbeat (one comes every 15) after which a connection counts as dead."""

LARGEST = 64_000_000
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0


class LiveEvent(Struct, frozen=True):
    """One message of the live channel. `id`: what to go on after. `event` says what happened, `data` to what."""

    id: str | None
    event: str
    data: Any


class Events:
    """Iterates over what happens, and waits for it. Ends when it, or its client, is closed.

    A lost connection is opened again, for as long as it takes, and goes on after the last event that was received. After a
    `resync` event (we were too slow, or away for too long) read again what you show.
    """

    def __init__(self, connection: Connection, query: Mapping[str, Any], after: str | None) -> None:
        self._connection, self._query, self._after = connection, dict(query), after
        self._response: httpx2.Response | None = None
        self._source: Iterator[httpx2.ServerSentEvent] | None = None
        self._was_open = False
        self._reading = threading.Lock()

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> LiveEvent:
        """The next event, once there is one."""
        with self._reading:
            while not self._connection.closed:
                try:
                    event = next(self._open())
                    data = decode(event.data)
                except (httpx2.SSEError, msgspec.DecodeError) as error:
                    self._leave()
                    raise self._connection.stranger(str(error)) from None
                except (StopIteration, httpx2.TransportError):  # the server shuts down, or the connection broke
                    self._leave()
                else:
                    self._after = event.id or self._after
                    return LiveEvent(event.id or None, event.event, data)
            self._leave()
            raise StopIteration

    def close(self) -> None:
        """End it; whoever waits for the next event is told that there is none."""
        self._connection.close()
        with self._reading:
            self._leave()

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Iterator[httpx2.ServerSentEvent]:
        """What comes in, over a connection that is opened if there is none."""
        if self._source is not None:
            return self._source
        pause, began = FIRST_PAUSE, time.monotonic()
        while True:
            headers = {"Accept": "text/event-stream"}
            if self._after is not None:
                headers["Last-Event-ID"] = self._after
            try:
                self._response = self._connection.stream("/api/events", self._query, headers, SILENCE)
            except StorageError:
                if self._connection.closed:
                    return iter(())
                if not self._was_open and time.monotonic() - began > self._connection.timeout:
                    raise
            except CommandRejected as error:
                if error.status != 429:
                    raise
            else:
                self._was_open = True
                self._source = iter(httpx2.EventSource(self._response, max_event_size=LARGEST))
                return self._source
            self._connection.pause(pause * random.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE, pause * 2)

    def _leave(self) -> None:
        response, self._response, self._source = self._response, None, None
        if response is not None:
            response.close()
