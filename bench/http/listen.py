"""Holds many live streams open and does nothing with them.

python bench/http/listen.py URL --token T --listeners 10000

prints a JSON line when all are open. At end of input one more, and ends: the bytes that came since, how many heard an event, when
the first did and when the last (by the clock of the machine, which other processes have too).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import uvloop

AT_ONCE = 100
"""Connections that are being opened at a time: the server's queue for them is short."""


class Stream(asyncio.Protocol):
    """One listener."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bytes = 0
        self.lost = False
        self.heard: float | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if data.startswith(b"HTTP/1.1 200"):
                self.opened.set_result(None)
            else:
                self.opened.set_exception(RuntimeError(f"A listener was refused: {data[:300]!r}"))
        self.bytes += len(data)
        if self.heard is None and b"event: status" in data:
            self.heard = time.perf_counter()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(RuntimeError("A listener was cut off before it was answered."))


async def hold(host: str, port: int, request: bytes, listeners: int) -> None:
    """Open them, wait for the end of input, close them."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> Stream:
        async with gate:
            stream: Stream = (await loop.create_connection(lambda: Stream(request), host, port))[1]
            await asyncio.wait_for(stream.opened, 60)
            return stream

    streams = await asyncio.gather(*(one() for _ in range(listeners)))
    print(json.dumps({"name": "listen", "open": len(streams)}), flush=True)
    before = sum(stream.bytes for stream in streams)
    await loop.run_in_executor(None, sys.stdin.read)
    heard = sorted(stream.heard for stream in streams if stream.heard is not None)
    line = {
        "name": "listened",
        "bytes": sum(stream.bytes for stream in streams) - before,
        "lost": sum(stream.lost for stream in streams),
        "heard": len(heard),
        "first": heard[0] if heard else None,
        "last": heard[-1] if heard else None,
    }
    print(json.dumps(line), flush=True)
    for stream in streams:
        stream.transport.abort()


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--token", required=True)
    parser.add_argument("--listeners", type=int, required=True)
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    where = urlsplit(given.url)
    head = f"Host: {where.netloc}\r\nAuthorization: Bearer {given.token}\r\n\r\n"
    request = f"GET /api/events?definition=w5&kinds=status HTTP/1.1\r\n{head}".encode()
    uvloop.run(hold(where.hostname or "", where.port or 80, request, given.listeners))


if __name__ == "__main__":
    main()
