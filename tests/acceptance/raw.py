"""HTTP byte by byte, for what no client would send; and what a decent refusal looks like."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from http.client import parse_headers
from typing import Any, NamedTuple

import jsonschema_rs

from procession.api.application import operations
from procession.api.openapi import document
from procession.engine.codec import encode
from tests.acceptance.running import METRICS_TOKEN, PASSWORD, SECRET, Running

LEAKS = (
    "Traceback", 'File "', ".py", "site-packages", "/work", "/usr/", "/home/", "/root", "/tmp/", "root:x", "sqlite",
    "apsw", "msgspec", "litestar", "uvicorn", "httptools", " object at 0x", SECRET, PASSWORD, METRICS_TOKEN,
)  # fmt: skip
"""What no answer may show: where the server's files are, what it is made of, what it keeps to itself."""

FIELDS = ("type", "title", "status", "detail", "instance", "errorKey", "defaultMessage")


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Raw:
    """One connection."""

    def __init__(self, server: Running) -> None:
        self.socket = server.connect()
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> Raw:
        self.socket.sendall(data)
        return self

    def end(self) -> Raw:
        """Send no more."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reply(self) -> Reply | None:
        """The next answer; None: the connection is closed."""
        try:
            line = self._file.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        status = int(line.split()[1])
        headers = {name.lower(): value for name, value in parse_headers(self._file).items()}
        if status in (100, 204, 304):
            return Reply(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Reply(status, headers, b"")  # a stream: whoever wants it reads on
        return Reply(status, headers, self._file.read(int(headers["content-length"])))

    def line(self) -> bytes:
        """What a stream says next."""
        return self._file.readline()


def request(
    method: str,
    path: str | bytes,
    body: bytes | None = None,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    media: str | None = "application/json",
) -> bytes:
    """A request as bytes. What `headers` say comes instead of what would be said; an empty text leaves it out."""
    path = path.encode() if isinstance(path, str) else path
    said = {"Host": "localhost"}
    if token is not None:
        said["Authorization"] = f"Bearer {token}"
    if body is not None:
        said["Content-Length"] = str(len(body))
        if media is not None:
            said["Content-Type"] = media
    said |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
    return method.encode() + b" " + path + b" HTTP/1.1\r\n" + head.encode("latin-1") + b"\r\n" + (body or b"")


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + (b"0\r\n\r\n" if end else b"")


_DOCUMENT = json.loads(encode(document(operations(), "0")))
_PROBLEM = jsonschema_rs.Draft202012Validator(
    {"$ref": "#/components/schemas/Problem", "components": _DOCUMENT["components"]}
)


def check_secrets(reply: Reply) -> None:
    """Nothing in an answer shows what is nobody's business."""
    text = reply.body.decode("utf-8", "replace") + str(dict(reply.headers))
    for leak in LEAKS:
        assert leak not in text, f"{leak} in {text}"
    assert "server" not in reply.headers


def decent(reply: Reply | None, status: int, path: str, says: str = "") -> dict[str, Any]:
    """The problem that was answered: with everything that the contract asks for, and nothing that it forbids."""
    assert reply is not None, "no answer"
    assert reply.status == status, (reply.status, reply.body[:500])
    assert reply.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = reply.json
    assert [error.message for error in _PROBLEM.iter_errors(found)] == []
    assert tuple(found)[: len(FIELDS)] == FIELDS
    assert found["status"] == status
    assert found["title"] == found["defaultMessage"]
    assert found["title"]
    assert found["detail"]
    assert found["instance"] == path.partition("?")[0]
    assert found["errorKey"].startswith("error.")
    if "x-request-id" in reply.headers:
        assert reply.headers["x-request-id"] == found["requestId"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
    shown = len(reply.body) - len(found["instance"]) - len(encode(found.get("problems", [])))
    assert shown < 1_500, "whoever sends much does not get it all back"
    assert says in reply.body.decode(), reply.body
    check_secrets(reply)
    return found
