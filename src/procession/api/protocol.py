"""HTTP on one connection, with bounds: on what stands before a body, on how long that may take, and on how many there are.

uvicorn's protocol reads a head of any size for any time. This one answers 431, 414 or 400 and closes, or just closes, before
a request costs anything.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from procession.api.problems import MEDIA, phrase, problem, refusal
from procession.engine.codec import encode

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

MOST_HEADERS = 100
LARGEST_HEAD = 65_536
"""Bytes of the request line and all headers."""

LONGEST_TARGET = 16_384
"""Bytes of the request's target: path and query string."""

LARGEST_REST = 1 << 20
"""Bytes that are read and dropped after an answer was given before its request had ended."""

LINGER = 1.0
"""Seconds in which a client may read why it is refused, before what it still sends makes the system reset the connection."""


class Refused(Exception):
    """Raised inside of the parser, to make it stop."""


class Protocol(HttpToolsProtocol):
    """One connection. Subclasses set the bounds that are settings."""

    most_connections = 10_000
    head_seconds = 10.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = False
        self._head = 0  # bytes of it so far
        self._body_open = False  # the request that was read last has not ended
        self._dropped = 0
        self._refusal: tuple[int, str] | None = None
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.head_seconds, self._too_slow)
        if len(self.connections) > self.most_connections:
            self._refuse(503, "There are too many connections.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or (self._body_open and self.cycle.response_complete):
            self._dropped += len(data)
            if self._dropped > LARGEST_REST:
                self.transport.close()
                return
            if self._refused:
                return
        else:
            self._unset_keepalive_if_required()
        if self._in_head:
            self._head += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
            return
        except httptools.HttpParserError:
            self._refuse(*(self._refusal or (400, "This is not HTTP.")))
            return
        if self._in_head:
            if self._head > LARGEST_HEAD:
                self._refuse(431, f"The request line and headers may have {LARGEST_HEAD:,} bytes.")
            elif self._deadline is None:
                self._deadline = self.loop.call_later(self.head_seconds, self._too_slow)
        elif self._deadline is not None:
            self._cancel_deadline()

    # -- what the parser calls -----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head, self._dropped = True, 0, 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > LONGEST_TARGET:
            raise self._because(414, f"The address may have {LONGEST_TARGET:,} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise self._because(501, "Of Transfer-Encoding only chunked is known.")
        self.headers.append((name, value))
        self._head += len(name) + len(value) + 4
        if len(self.headers) > MOST_HEADERS:
            raise self._because(431, f"A request may have {MOST_HEADERS} headers.")
        if self._head > 2 * LARGEST_HEAD:  # what came in pieces is counted twice: exact enough for a bound
            raise self._because(431, f"The request line and headers may have {LARGEST_HEAD:,} bytes.")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._body_open = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._body_open = False
        super().on_message_complete()

    # -- the end of it -------------------------------------------------------------------------------------------------

    def _upgrade(self) -> None:
        self._cancel_deadline()
        if self._should_upgrade():
            self.handle_websocket_upgrade()
        else:  # an upgrade that we do not know is an ordinary request, and the last one
            self.cycle.keep_alive = False
            self._refused = True

    def _because(self, status: int, detail: str) -> Refused:
        self._refusal = (status, detail)
        return Refused(detail)

    def _refuse(self, status: int, detail: str) -> None:
        """Answer why, after what is being answered, and hear no more."""
        if self._refused:
            return
        self._refused = True
        self._cancel_deadline()
        if self._answering():
            self.cycle.keep_alive = False
            if not self._body_open or self.cycle.response_started or self.pipeline:
                return
            self.cycle.disconnected = True  # its body is broken off: nobody waits for the rest of it
            self.cycle.message_event.set()
        title = f"{phrase(status)}."
        document = problem(refusal(status, title, detail, "error." + title[:-1].lower().replace(" ", "_")), "", "")
        body = encode(document)
        head = f"content-type: {MEDIA}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(LINGER, self.transport.close)
        else:
            self.transport.close()

    def _too_slow(self) -> None:
        self._deadline = None
        if self._answering():
            self._refused = True
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded(most_connections: int, head_seconds: float = Protocol.head_seconds) -> type[Protocol]:
    """The protocol of a server with these bounds."""
    return type("BoundedProtocol", (Protocol,), {"most_connections": most_connections, "head_seconds": head_seconds})
