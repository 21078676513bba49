"""A closed loop over HTTP/1.1: each connection sends its next request when the answer to the last one is there.

python bench/http/load.py URL [--connections 1,8,64] [--seconds 3] [--warm-up 0.5] [--body '{"x": 0}'] [--token T]

prints a JSON line for each number of connections: rate, p50, p99, statuses. `%N%` in the body is a running number. With
`--each FILE` (`-` is stdin) every line `{"path": …, "body": …}` is sent once, and the run ends with the last one.

HTTP is made and read by hand here, so that the generator costs less than what it measures; `cpu` says how much of a core it took
(near 1: it was the limit itself).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

PATIENCE = 10.0
"""Seconds for the last answers."""


class Lost(Exception):
    """The server closed a connection, or did not answer in time, or spoke what is not understood here."""


class Measurement:
    """What the connections of one run share."""

    def __init__(self, requests: Iterator[bytes], begin: float, end: float) -> None:
        self.requests, self.begin, self.end = requests, begin, end
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.last = begin
        self.open = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def left(self) -> None:
        """A connection has nothing more to send."""
        self.open -= 1
        if self.open == 0 and not self.done.done():
            self.done.set_result(None)

    def fail(self, why: str) -> None:
        """The figures would mean nothing."""
        if not self.done.done():
            self.done.set_exception(Lost(why))


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, shared: Measurement) -> None:
        self.shared = shared
        self.rest = b""
        self.idle = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.shared.open += 1

    def send(self) -> None:
        """The next request, as long as there are some and there is time."""
        now = time.perf_counter()
        request = next(self.shared.requests, None) if now < self.shared.end else None
        if request is None:
            self.idle = True
            self.shared.left()
            return
        self.sent = now
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            self.rest = data
            return
        length = length_of(data[:head])
        if length is None:
            self.shared.fail(f"An answer without Content-Length is not understood here: {data[:80]!r}")
            return
        if len(data) < head + 4 + length:
            self.rest = data
            return
        self.rest = b""
        now = time.perf_counter()
        if self.sent >= self.shared.begin:
            self.shared.latencies.append(now - self.sent)
            self.shared.last = now
        self.shared.statuses[data[9:12].decode()] += 1
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.idle:
            self.shared.fail(f"The server closed a connection that waited for an answer. {error or ''}")


def length_of(head: bytes) -> int | None:
    """How long the body is; None: it is not said."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0 if head[9:12] in (b"204", b"304") else None


def request(method: str, host: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def numbered(make: Callable[[bytes], bytes], body: str) -> Iterator[bytes]:
    """The same request again and again, `%N%` counted up."""
    if "%N%" not in body:
        return itertools.repeat(make(body.encode()))
    return (make(body.replace("%N%", str(number)).encode()) for number in itertools.count(1))


async def measure(
    host: str, port: int, connections: int, requests: Iterator[bytes], seconds: float, warm_up: float
) -> dict[str, object]:
    """One run. `seconds` 0: until the requests are used up."""
    loop = asyncio.get_running_loop()
    now = time.perf_counter()
    shared = Measurement(requests, now + warm_up, now + warm_up + seconds if seconds else float("inf"))
    clients = [(await loop.create_connection(lambda: Connection(shared), host, port))[1] for _ in range(connections)]
    spent, began = time.process_time(), time.perf_counter()
    for client in clients:
        client.send()
    try:
        async with asyncio.timeout(warm_up + seconds + PATIENCE if seconds else None):
            await shared.done
    finally:
        for client in clients:
            client.transport.abort()
    found = sorted(shared.latencies)
    if not found:
        raise Lost("There was no answer after the warm-up.")
    elapsed = (min(shared.last, shared.end) if seconds else shared.last) - max(shared.begin, began)
    return {
        "name": "load",
        "connections": connections,
        "requests": len(found),
        "rate": round(len(found) / elapsed, 1),
        "p50_ms": round(found[len(found) // 2] * 1e3, 3),
        "p99_ms": round(found[min(len(found) - 1, len(found) * 99 // 100)] * 1e3, 3),
        "max_ms": round(found[-1] * 1e3, 3),
        "statuses": dict(shared.statuses),
        "cpu": round((time.process_time() - spent) / (time.perf_counter() - began), 2),
    }


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--method", default="POST")
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--body", default="{}")
    parser.add_argument("--token", help="an access token")
    parser.add_argument("--each", metavar="FILE", help="one request for each line")
    given = parser.parse_args()
    where = urlsplit(given.url)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {given.token}"} if given.token else {})
    path = where.path + (f"?{where.query}" if where.query else "")

    def make(body: bytes) -> bytes:
        return request(given.method, f"{host}:{port}", path, body, headers)

    gc.disable()  # a pause here would be taken for one of the server
    for connections in map(int, given.connections.split(",")):
        if given.each:
            text = sys.stdin.read() if given.each == "-" else Path(given.each).read_text(encoding="utf-8")
            lines = [json.loads(line) for line in text.splitlines() if line]
            each = [(line["path"], json.dumps(line["body"]).encode()) for line in lines]
            requests = iter([request(given.method, f"{host}:{port}", *one, headers) for one in each])
            run = measure(host, port, connections, requests, 0.0, 0.0)
        else:
            run = measure(host, port, connections, numbered(make, given.body), given.seconds, given.warm_up)
        try:
            print(json.dumps(uvloop.run(run)), flush=True)
        except (Lost, TimeoutError, OSError) as error:
            raise SystemExit(f"{given.url}: {error or 'the last answers did not come'}") from None


if __name__ == "__main__":
    main()
