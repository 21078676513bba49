"""How long after the answer to a command its event reaches a listener. One process does both, so that one clock times them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httptools
import uvloop

PATIENCE = 10.0


class Client(asyncio.Protocol):
    """One connection; answers are read by the parser that the server uses too."""

    def __init__(self, host: str, token: str) -> None:
        self._head = f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()
        self.transport.write(f"{method} {path}{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def data_received(self, data: bytes) -> None:
        self.now = time.perf_counter()
        self._parser.feed_data(data)

    def begin(self) -> None:
        """Before each request."""

    def on_body(self, data: bytes) -> None:
        raise NotImplementedError


class Caller(Client):
    """Sends commands, one after the other."""

    def begin(self) -> None:
        self._body = b""
        self._answer: asyncio.Future[tuple[float, Any]] = asyncio.get_running_loop().create_future()

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if not 200 <= status < 300:
            self._answer.set_exception(RuntimeError(f"answered with {status}: {self._body[:300]!r}"))
        else:
            self._answer.set_result((self.now, json.loads(self._body)))

    async def call(self, path: str, body: object) -> tuple[float, Any]:
        """When the answer was there, and what it was."""
        self.send("POST", path, json.dumps(body).encode())
        return await asyncio.wait_for(self._answer, PATIENCE)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(RuntimeError("The server closed the connection."))


class Listener(Client):
    """One live stream: when each (instance, status) was heard of."""

    def begin(self) -> None:
        self.open = asyncio.Event()
        self.heard: dict[tuple[str, str], float] = {}
        self.waiting: dict[tuple[str, str], asyncio.Future[float]] = {}
        self._text = b""

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            raise RuntimeError(f"The live channel answered {self._parser.get_status_code()}.")
        self.open.set()

    def on_body(self, data: bytes) -> None:
        *events, self._text = (self._text + data).split(b"\n\n")
        for event in events:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if not line.startswith(b":"))
            if fields.get(b"event") == b"status":
                said = json.loads(fields[b"data"])
                key = (said["instance"], said["status"])
                self.heard.setdefault(key, self.now)
                if key in self.waiting:
                    self.waiting.pop(key).set_result(self.heard[key])

    async def hears(self, key: tuple[str, str]) -> float:
        """When the event arrived."""
        if key not in self.heard:
            self.waiting[key] = asyncio.get_running_loop().create_future()
            return await asyncio.wait_for(self.waiting[key], PATIENCE)
        return self.heard[key]


async def _delays(url: str, token: str, count: int) -> dict[str, list[float]]:
    where = urlsplit(url)
    loop = asyncio.get_running_loop()

    async def connect(kind: Callable[[str, str], Any]) -> Any:
        return (
            await loop.create_connection(lambda: kind(where.netloc, token), where.hostname or "", where.port or 80)
        )[1]

    caller, listener = await connect(Caller), await connect(Listener)
    listener.send("GET", "/api/events?definition=w5&kinds=status")
    await asyncio.wait_for(listener.open.wait(), PATIENCE)
    found: dict[str, list[float]] = {"start": [], "complete": []}
    for _ in range(count):
        answered, instance = await caller.call("/api/process/w5/start", {"x": 0})
        found["start"].append(await listener.hears((instance["id"], "STARTED")) - answered)
        task = next(wait["id"] for wait in instance["waits"] if wait["kind"] == "task")
        answered, instance = await caller.call(f"/api/tasks/{task}/complete", {"variables": {}})
        found["complete"].append(await listener.hears((instance["id"], "FINISHED")) - answered)
    for client in (caller, listener):
        client.transport.abort()
    return found


def delays(url: str, token: str, count: int) -> dict[str, list[float]]:
    """Seconds from each answer to its event, sorted. Negative: the event was first."""
    return {name: sorted(values) for name, values in uvloop.run(_delays(url, token, count)).items()}
