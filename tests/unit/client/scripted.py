"""A server that does what a test says, in order: answer this, break the connection there. For what a real one does rarely."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from procession.engine.codec import encode


@dataclass(frozen=True)
class Answer:
    """What to answer; `cut` breaks the connection `before` the answer, or in the `middle` of it."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] | None = None
    media: str = "application/json"
    cut: str = ""


CUT = Answer(cut="before")


def problem(status: int, title: str = "No.", **more: Any) -> Answer:
    return Answer(status, {"title": title, "status": status, **more}, media="application/problem+json")


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Scripted:
    """Answers with the next of `script`, and with the last one from then on. A function makes its answer of the request."""

    def __init__(self, script: Sequence[Answer | Callable[[Asked], Answer]]) -> None:
        self.script = deque(script)
        self.asked: list[Asked] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 20

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                with outer.lock:
                    outer.asked.append(asked)
                    answer = outer.script[0] if len(outer.script) == 1 else outer.script.popleft()
                outer.answer(self, answer if isinstance(answer, Answer) else answer(asked))

            do_GET = do_POST = do_PATCH = do  # noqa: N815

            def handle(self) -> None:
                with suppress(ConnectionError):  # the client went away, as clients do
                    super().handle()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False  # so that closing waits for them
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.cut == "before":
            return self.cut(handler)
        body = answer.body if isinstance(answer.body, bytes) else encode(answer.body)
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.media)
        for name, value in (answer.headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) + (100 if answer.cut else 0)))
        handler.end_headers()
        handler.wfile.write(body)
        if answer.cut:
            self.cut(handler)
        return None

    def cut(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    @property
    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@contextmanager
def scripted(*script: Answer | Callable[[Asked], Answer]) -> Iterator[Scripted]:
    made = Scripted(script)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
