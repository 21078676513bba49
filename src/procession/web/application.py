"""Answers with the files of a build, and with the page that starts the application at every address that is no file's.

Only what was there when the server started is served, and found by its whole name: no address becomes a path of the disk.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from procession.web import policies
from procession.web.files import IDENTITY, LASTING, MEDIA, PAGE, Content, File, files_of
from procession.web.negotiation import encoding_for, has_already

Refuse = Callable[[Any, Any, int], Awaitable[None]]
"""Answers a request (scope, send) with a problem of this status."""

PLACEHOLDER = b"__CSP_NONCE__"
METHODS = ("GET", "HEAD")
FOR_EVER = b"public, max-age=31536000, immutable"
ASK_AGAIN = b"no-cache"

NOT_BUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The web application is not built</title>
<h1>The web application is not built</h1>
<p>In a checkout, <code>make ui</code> builds it (with Node 20.19 or newer); then start the server again.</p>
<p>The API works without it. It is described at <a href="/api/docs">/api/docs</a>.</p>
</html>
"""

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_NO_ROUTES = {*MEDIA, ".htm", ".php", ".xml"}
"""Endings of files. A process may be called a.b, so not every dot makes one."""


class WebApplication:
    """An ASGI application over the build in a folder."""

    def __init__(self, folder: Path, refuse: Refuse) -> None:
        self._refuse = refuse
        self._files = files_of(folder)
        self._page = self._files.pop(PAGE, None)
        self._folders = {LASTING[:-1], *(name.partition("/")[0] for name in self._files if "/" in name)}
        self._parts: list[bytes] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        path = _path(scope)
        file = None if path is None else self._files.get(path[1:])
        if file is None and (path is None or not self._is_route(path)):
            await self._refuse(scope, send, 404)
        elif scope["method"] not in METHODS:
            await self._refuse(scope, send, 405)
        elif file is not None:
            await self._send_file(file, scope, send)
        elif self._page is None:
            await _send(
                scope, send, 503, [(b"content-type", MEDIA[".html"].encode()), *policies.OF_A_PLAIN_PAGE], NOT_BUILT
            )
        else:
            await self._send_page(self._page, scope, send)

    def _is_route(self, path: str) -> bool:
        """Whether this is an address within the application, for which the page is sent."""
        if path in ("/", f"/{PAGE}"):
            return True
        segments = path[1:].removesuffix("/").split("/")
        if any(not each or each.startswith(".") for each in segments) or segments[0] in self._folders:
            return False
        return Path(segments[-1]).suffix.lower() not in _NO_ROUTES

    async def _send_page(self, page: File, scope: Any, send: Any) -> None:
        if self._parts is None:
            content = await _content(page, IDENTITY)
            if content is None:
                await self._refuse(scope, send, 404)
                return
            self._parts = content.data.split(PLACEHOLDER)
        nonce = secrets.token_urlsafe(18)
        headers = [(b"content-type", page.media.encode()), *policies.of_the_page(nonce)]
        await _send(scope, send, 200, headers, nonce.encode().join(self._parts))

    async def _send_file(self, file: File, scope: Any, send: Any) -> None:
        encoding = encoding_for(_header(scope, b"accept-encoding"), file.encodings)
        content = await _content(file, encoding)
        if content is None:
            await self._refuse(scope, send, 404)
            return
        headers = [
            (b"etag", content.tag.encode()),
            (b"cache-control", FOR_EVER if file.lasting else ASK_AGAIN),
            *policies.OF_A_FILE,
        ]
        if file.encodings:
            headers.append((b"vary", b"accept-encoding"))
        if has_already(_header(scope, b"if-none-match"), content.tag):
            await _send(scope, send, 304, headers)
            return
        headers.append((b"content-type", file.media.encode()))
        if encoding != IDENTITY:
            headers.append((b"content-encoding", encoding.encode()))
        await _send(scope, send, 200, headers, content.data)


async def _content(file: File, encoding: str) -> Content | None:
    """None: it has gone since the server started, as a new build makes them go."""
    try:
        return file.kept(encoding) or await asyncio.to_thread(file.read, encoding)
    except FileNotFoundError:
        return None


async def _send(scope: Any, send: Any, status: int, headers: Iterable[tuple[bytes, bytes]], data: bytes = b"") -> None:
    fields = list(headers)
    if status != 304:
        fields.append((b"content-length", b"%d" % len(data)))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})


def _path(scope: Any) -> str | None:
    """The address, decoded once. None: it is none that we have."""
    raw: bytes = scope["raw_path"]
    try:
        path = unquote_to_bytes(raw.partition(b"?")[0]).decode()
    except UnicodeDecodeError:
        return None
    return path if path.startswith("/") and not _FORBIDDEN.search(path) else None


def _header(scope: Any, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
