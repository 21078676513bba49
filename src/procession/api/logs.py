"""How a server logs: a line for each event, for people or as JSON, with the request and trace it belongs to, without secrets.

Everything logs through the standard library (`procession.*`); structlog only writes the lines.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from procession.runtime.asks import TRACEPARENT

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered."""

FIELDS = ("instance", "method", "path", "status", "ms", "client", "request", "trace")
"""What a line may have beside its text, if `extra` says it."""

HIDDEN = "***"
SECRETS = re.compile(
    r"(?P<before>\b(?:bearer|basic)\s+|procession_session=|[\"']?(?:password|secret|access_token|csrfToken|token)[\"']?\s*[:=]\s*[\"']?)"
    r"(?P<secret>[^\s\"',;}]+)|(?P<jwt>\beyJ[\w-]+\.[\w-]+\.[\w-]+)",
    re.IGNORECASE,
)
CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160)) if number != 9}

log = logging.getLogger("procession.access")

Event = MutableMapping[str, Any]


def configure(level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Log to `stream` (stderr) from now on: `form` is console, json, or auto (console where people watch)."""
    out = sys.stderr if stream is None else stream
    people = form == "console" or (form == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(people, out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("procession").setLevel(level.upper())


def _formatter(people: bool, colors: bool) -> logging.Formatter:
    render: Any
    if people:
        render = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
        last = [_one_line, render]
    else:
        order = ("time", "level", "logger", "event")
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
        last = [_first(order), render]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp" if people else "time"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(FIELDS),
            _with_request,
            structlog.processors.format_exc_info,
            _without_secrets,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _with_request(logger: Any, method: str, event: Event) -> Event:
    if request := REQUEST.get():
        event.setdefault("request", request)
    if parent := TRACEPARENT.get():
        event.setdefault("trace", parent.split("-")[1])
    return event


def _without_secrets(logger: Any, method: str, event: Event) -> Event:
    """The last line of defence: nothing logs a secret on purpose."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = SECRETS.sub(_hide, value)
    return event


def _hide(found: re.Match[str]) -> str:
    return f"{found['before'] or ''}{HIDDEN}"


def _one_line(logger: Any, method: str, event: Event) -> Event:
    """What a client chose cannot look like a line of ours, nor steer the terminal."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = value.translate(CONTROLS)
    return event


def _first(order: tuple[str, ...]) -> Any:
    def arrange(logger: Any, method: str, event: Event) -> Event:
        return {**{name: event[name] for name in order if name in event}, **event}

    return arrange


class AccessLog:
    """An application that logs a line for each request to the one inside. Query strings may hold data of people: not logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, request = 0, ""

        async def noting(message: Message) -> None:
            nonlocal status, request
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                request = next((v.decode() for k, v in message.get("headers", ()) if k == b"x-request-id"), "")
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            path = scope["raw_path"].decode("latin-1")
            client = scope.get("client")
            fields: dict[str, Any] = {
                "method": scope.get("method", "GET"),
                "path": path,
                "status": status,
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "client": client[0] if client else "",
            }
            if request:
                fields["request"] = request
            log.info("request", extra=fields)
