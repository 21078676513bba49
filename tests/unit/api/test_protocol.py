"""What one connection may do before a request costs anything. A tiny application stands behind the real protocol."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from procession.api.protocol import LARGEST_HEAD, LARGEST_REST, LONGEST_TARGET, MOST_HEADERS, bounded


async def application(scope, receive, send):
    """Answers its path, after the body; `/early` answers at once, `/slow` later."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    if scope["path"] != "/early":
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
    body = scope["path"].encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(most: int = 100, head_seconds: float = 5.0):
    config = Config(application, http=bounded(most, head_seconds), ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()

    def protocol():
        return config.http_protocol_class(config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield Wire(server.sockets[0].getsockname()[1], state)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()


class Wire:
    """Says bytes, and hears what comes until the other side hangs up."""

    def __init__(self, port, state):
        self.port, self.state = port, state

    async def open(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def hear(self, *parts: bytes, pause: float = 0.0) -> bytes:
        reader, writer = await self.open()
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()


async def drip(writer, said: bytes, *, size: int, pause: float) -> None:
    for begin in range(0, len(said), size):
        writer.write(said[begin : begin + size])
        await writer.drain()
        await asyncio.sleep(pause)


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def problem_of(heard: bytes) -> dict:
    head, _, body = heard.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    document = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    return document


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (get("/x", *(f"A{number}: 1" for number in range(MOST_HEADERS))), 431),
        (get("/x", "A: " + "a" * LARGEST_HEAD * 2), 431),
        (get("/x", *(f"A{number}: {'a' * 2000}" for number in range(90))), 431),
        (get("/" + "x" * LONGEST_TARGET), 414),
        (b"this is not HTTP\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", 400),
    ],
    ids=["many", "long", "much", "target", "words", "tls", "lengths", "smuggled"],
)
def test_what_stands_before_a_body_has_bounds(said, status):
    async def story():
        async with serving() as wire:
            assert problem_of(await wire.hear(said))["status"] == status
            assert not wire.state.tasks, "the application never saw it"

    run(story())


def test_a_head_within_the_bounds_is_taken():
    async def story():
        async with serving() as wire:
            headers = [f"A{number}: {'a' * 500}" for number in range(MOST_HEADERS - 2)]
            heard = await wire.hear(get("/" + "x" * 8_000, *headers, "Connection: close"))
            assert heard.startswith(b"HTTP/1.1 200")

    run(story())


def test_a_header_that_never_ends_is_refused_while_it_comes():
    async def story():
        async with serving() as wire:
            reader, writer = await wire.open()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
            said = 0
            while not wire.state.connections or not next(iter(wire.state.connections))._refused:
                writer.write(b"a" * 10_000)
                said += 10_000
                assert said < 5 * LARGEST_HEAD
                await asyncio.sleep(0.01)
            assert problem_of(await reader.read())["status"] == 431
            writer.close()

    run(story())


@pytest.mark.parametrize("said", [b"", b"GET /x HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "half"])
def test_a_head_that_does_not_come_ends_the_connection(said):
    async def story():
        async with serving(head_seconds=0.3) as wire:
            began = time.monotonic()
            assert await wire.hear(said) == b""
            assert 0.2 < time.monotonic() - began < 3

    run(story())


def test_a_head_that_drips_ends_the_connection():
    """Each byte in time, and the whole never."""

    async def story():
        async with serving(head_seconds=0.3) as wire:
            _, writer = await wire.open()
            began = time.monotonic()
            with pytest.raises(ConnectionError):
                await drip(writer, get("/" + "x" * 1_000), size=1, pause=0.02)
            assert time.monotonic() - began < 3
            writer.close()

    run(story())


def test_the_time_for_a_head_begins_again_with_each_request():
    async def story():
        async with serving(head_seconds=0.4) as wire:
            heard = await wire.hear(get("/a"), get("/b"), get("/c"), get("/d", "Connection: close"), pause=0.25)
            assert heard.count(b"HTTP/1.1 200") == 4

    run(story())


def test_a_bad_request_behind_a_good_one_leaves_its_answer_whole():
    async def story():
        async with serving() as wire:
            heard = await wire.hear(get("/slow") + b"this is not HTTP\r\n\r\n")
            assert heard.startswith(b"HTTP/1.1 200")
            assert heard.endswith(b"\r\n\r\n/slow")

    run(story())


def test_too_many_connections():
    async def story():
        async with serving(most=2) as wire:
            kept = [await wire.open() for _ in range(2)]
            while len(wire.state.connections) < 2:
                await asyncio.sleep(0.01)
            assert problem_of(await wire.hear())["status"] == 503
            kept[0][1].close()
            while len(wire.state.connections) > 1:
                await asyncio.sleep(0.01)
            assert (await wire.hear(get("/x", "Connection: close"))).startswith(b"HTTP/1.1 200")
            kept[1][1].close()

    run(story())


def test_what_comes_after_an_early_answer_is_dropped_up_to_a_bound():
    async def story():
        async with serving() as wire:
            head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
            reader, writer = await wire.open()
            writer.write(head)
            assert (await reader.readuntil(b"/early")).startswith(b"HTTP/1.1 200")
            with pytest.raises(ConnectionError):
                await drip(writer, b"x" * 8 * LARGEST_REST, size=50_000, pause=0)
            writer.close()

    run(story())


def test_a_body_after_an_early_answer_lets_the_next_request_in():
    async def story():
        async with serving() as wire:
            body = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
            heard = await wire.hear(body, b"12345" + get("/next", "Connection: close"), pause=0.05)
            assert heard.endswith(b"/next")

    run(story())


def test_an_upgrade_to_something_unknown_is_an_ordinary_request():
    async def story():
        async with serving() as wire:
            heard = await wire.hear(get("/x", "Connection: Upgrade", "Upgrade: h2c"))
            assert heard.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in heard

    run(story())
