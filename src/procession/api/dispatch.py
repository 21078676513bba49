"""From a request to an operation and back: who asks, what the body says, what the answer is, and what went wrong."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Receive
from msgspec import Struct

from procession.api.edge import Edge
from procession.api.logs import REQUEST
from procession.api.operations import JSON, Answer, Call, Nothing, Operation, Stream, Upload
from procession.api.origins import Headers, may_send, sharing
from procession.api.problems import MEDIA, headers_of, nothing_here, problem, refusal, wrong_method
from procession.api.routes import Routes
from procession.engine.codec import OUT_OF_RANGE, decode, encode
from procession.errors import CommandRejected
from procession.runtime.asks import TRACEPARENT

if TYPE_CHECKING:
    from procession.api.tracing import RequestTrace

log = logging.getLogger("procession.api")

Socket = Callable[[Edge, Any, Receive, Any], Awaitable[None]]

LONGEST_QUERY = 8_000
CHARSET = re.compile(r"\bcharset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
W3C_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Gone(Exception):
    """The client went away before it had said or heard everything."""


class Dispatch:
    """An ASGI application over a table of operations."""

    def __init__(self, operations: Iterable[Operation], edge: Edge, socket: Socket) -> None:
        self._routes, self._edge, self._socket = Routes(operations), edge, socket
        self._decoders: dict[int, msgspec.json.Decoder[Any]] = {}

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """Answer one request. Every outcome but the client's going away is an answer."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = _request_id(headers)
        REQUEST.set(request_id)
        if "traceparent" in headers and W3C_TRACE.fullmatch(headers["traceparent"]):
            TRACEPARENT.set(headers["traceparent"])
        if scope["type"] == "websocket":
            await self._socket(self._edge, scope, receive, send)
            return
        trace = None if self._edge.tracing is None else self._edge.tracing.request(headers, request_id)
        try:
            await self._respond(scope, receive, send, headers, request_id, trace)
        finally:
            if trace is not None:
                trace.over()

    async def _respond(
        self,
        scope: Any,
        receive: Receive,
        send: Any,
        headers: Mapping[str, str],
        request_id: str,
        trace: RequestTrace | None,
    ) -> None:
        began = time.perf_counter()
        key: str | None = None
        operation: Operation | None = None
        shared: Headers = sharing(headers, self._edge.origins) if self._edge.origins else ()
        try:
            operation, path = self._find(scope)
            if trace is not None:
                trace.found(operation, path)
            answer = await self._answer(operation, path, scope, headers, request_id, receive)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001  every error is an answer; `problem` logs what is ours
            document = problem(error, _path(scope), request_id)
            key = document["errorKey"]
            answer = Answer(document, document["status"], MEDIA)
            extra = [*headers_of(document), *shared]
            if shared and document["status"] == 405 and "access-control-request-method" in headers:
                answer, extra = Answer(None, 204), [*shared, *may_send(document["allow"])]
        else:
            extra = [*((name.encode(), value.encode()) for name, value in answer.headers), *shared]
        content = answer.content
        if isinstance(content, Stream) and scope["method"] == "HEAD":
            content.close()
            content = b""
        if isinstance(content, Stream):
            if trace is not None:
                trace.answered(200)
            await self._stream(content, answer, request_id, shared, receive, send)
            return
        data = content if isinstance(content, bytes) else b"" if answer.status == 204 else encode(content)
        media = answer.media
        status = answer.status or 200
        fields = [*ALWAYS, (b"x-request-id", request_id.encode())]
        if status != 204:
            fields += [(b"content-type", media.encode()), (b"content-length", b"%d" % len(data))]
        await send({"type": "http.response.start", "status": status, "headers": [*fields, *extra]})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data, "more_body": False}
        )
        self._edge.metrics.request(operation, status, time.perf_counter() - began)
        if trace is not None:
            trace.answered(status, key)

    async def _stream(
        self, stream: Stream, answer: Answer, request_id: str, shared: Headers, receive: Receive, send: Any
    ) -> None:
        fields = [(b"content-type", answer.media.encode()), *ALWAYS, (b"x-request-id", request_id.encode()), *shared]
        fields.append((b"x-accel-buffering", b"no"))  # for proxies that would keep it back
        leaving = asyncio.ensure_future(_leaving(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            while not leaving.done():
                coming = asyncio.ensure_future(stream.next())
                await asyncio.wait((coming, leaving), return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    return
                data = coming.result()
                await send({"type": "http.response.body", "body": data or b"", "more_body": data is not None})
                if data is None:
                    return
        finally:
            leaving.cancel()
            stream.close()

    def _find(self, scope: Any) -> tuple[Operation, Mapping[str, str]]:
        found = self._routes.find(scope["raw_path"].partition(b"?")[0])
        if found is None:
            raise nothing_here()
        operations, path = found
        method = scope["method"]
        operation = operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            allow = sorted({*operations, "HEAD"} if "GET" in operations else operations)
            raise wrong_method(method, allow)
        return operation, path

    async def _answer(
        self,
        operation: Operation,
        path: Mapping[str, str],
        scope: Any,
        headers: Mapping[str, str],
        request_id: str,
        receive: Receive,
    ) -> Answer:
        who = None
        if not operation.public:
            who = self._edge.identity.known(headers.get("authorization", ""))
            if who is None:
                who = await self._edge.identity.principal(headers, scope["method"])
            if operation.guard is not None:
                operation.guard(who.principal)
        query = _query(operation, scope["query_string"])
        body = None
        if operation.body is not None or operation.uploads:
            body = self._body(operation, headers, await self._read(operation, headers, receive))
        client = scope.get("client")
        call = Call(
            self._edge,
            who,
            path,
            query,
            body,
            headers,
            request_id,
            client[0] if client else "",
            scope["scheme"] == "https",
        )
        result = await (_while_there(operation, call, receive) if operation.waits else operation.handler(call))
        if isinstance(result, Answer):
            if result.status is None:
                result.status = operation.status
            return result
        return Answer(result, operation.status, operation.media)

    async def _read(self, operation: Operation, headers: Mapping[str, str], receive: Receive) -> bytes:
        limit = operation.limit
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise _unsupported(f"The body must come as it is, without Content-Encoding: {encoding[:50]}.")
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._edge.limits.body):
                while True:
                    message: Any = await receive()
                    if message["type"] != "http.request":
                        raise Gone
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(limit)
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        except TimeoutError:
            seconds = f"{self._edge.limits.body:g} s"
            raise refusal(408, "Request timeout.", f"The body did not arrive in {seconds}.", "error.timeout") from None

    def _body(self, operation: Operation, headers: Mapping[str, str], data: bytes) -> Any:
        content_type = headers.get("content-type", "")
        media, _, parameters = content_type.partition(";")
        media = media.strip().lower()
        if not data and not operation.body_required and not operation.uploads:
            return self._decode(operation, b"{}")
        if media in operation.uploads:
            return Upload(media, content_type, data)
        if operation.body is None or not (
            media == JSON or (media.startswith("application/") and media.endswith("+json"))
        ):
            wanted = [*operation.uploads, *([JSON] if operation.body is not None else [])]
            detail = f"The body must be {' or '.join(wanted)}" + (
                f", not {media[:100]}." if media else "; say so in Content-Type."
            )
            raise refusal(415, "Unsupported media type.", detail, "error.media_type", accept=wanted)
        charset = CHARSET.search(parameters)
        if charset is not None and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
            raise _unsupported(f"JSON is UTF-8, not {charset[1][:50]}.")
        return self._decode(operation, data)

    def _decode(self, operation: Operation, data: bytes) -> Any:
        if operation.body is dict:
            value = decode(data)
            if not isinstance(value, dict):
                raise msgspec.ValidationError(f"Expected `object`, got `{type(value).__name__}`")
            return value
        decoder = self._decoders.get(id(operation))
        if decoder is None:
            decoder = self._decoders[id(operation)] = msgspec.json.Decoder(operation.body, float_hook=Decimal)
        try:
            return decoder.decode(data)
        except InvalidOperation:
            raise msgspec.ValidationError(OUT_OF_RANGE) from None


async def answer_problem(error: Exception, scope: Any, send: Any) -> None:
    """Answer a request that has no operation."""
    request_id = _request_id({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
    REQUEST.set(request_id)
    document = problem(error, _path(scope), request_id)
    data = encode(document)
    fields = [
        *ALWAYS,
        (b"x-request-id", request_id.encode()),
        (b"content-type", MEDIA.encode()),
        (b"content-length", b"%d" % len(data)),
        *headers_of(document),
    ]
    await send({"type": "http.response.start", "status": document["status"], "headers": fields})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data, "more_body": False})


async def _leaving(receive: Receive) -> None:
    """Until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _while_there(operation: Operation, call: Call, receive: Receive) -> Any:
    """A call that may wait long ends when its client goes away: the handler is cancelled, and puts back what it took."""
    working = asyncio.ensure_future(operation.handler(call))
    leaving = asyncio.ensure_future(_leaving(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Gone
    finally:
        for future in (working, leaving):
            if not future.done():
                future.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def _query(operation: Operation, raw: bytes) -> Any:
    kind: type[Struct] = operation.query
    if kind is Nothing:
        if raw:
            raise refusal(422, "Not valid.", "There are no parameters here.", "error.validation")
        return None
    if len(raw) > LONGEST_QUERY:
        raise refusal(414, "URI too long.", f"The query string may have {LONGEST_QUERY:,} bytes.", "error.uri_too_long")
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=100, errors="strict"
        )
    except ValueError:
        raise refusal(400, "Malformed query string.", "It must be name=value&…, in UTF-8.", "error.malformed") from None
    given: dict[str, Any] = {}
    rest: dict[str, str] = {}
    for name, value in pairs:
        free = name.startswith("var.") and "variables" in kind.__struct_fields__
        known, key = (rest, name[4:]) if free else (given, name)
        if key in known:
            raise _wrong_parameter(name, "It is given twice.")
        known[key] = value
    if "variables" in given:
        raise _wrong_parameter("variables", "There is no such parameter here.")
    if rest:
        given["variables"] = rest
    try:
        result = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        if "unknown field" in message:
            place = message.split("`")[1]
            message = "There is no such parameter here"
        raise _wrong_parameter(place.rstrip("`"), message.replace("`", "'") + ".") from None
    for name, field in zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True):
        if name in given and getattr(result, field) is None:  # the text null
            raise _wrong_parameter(name, "Leave it out rather than to give null.")
    return result


def _wrong_parameter(name: str, message: str) -> CommandRejected:
    detail = f"{name}: {message}" if name else message
    return refusal(422, "Not valid.", detail, "error.validation", errors=[{"pointer": f"?{name}", "message": message}])


def _unsupported(detail: str) -> CommandRejected:
    return refusal(415, "Unsupported media type.", detail, "error.media_type")


def _too_large(limit: int) -> CommandRejected:
    return refusal(413, "Request is too large.", f"{limit:,} bytes are allowed.", "error.too_large")


def _path(scope: Any) -> str:
    """As it was asked for; the framework leaves only the part below its mount."""
    raw: bytes = scope["raw_path"]
    return raw.partition(b"?")[0].decode("latin-1")


def _request_id(headers: Mapping[str, str]) -> str:
    """The caller's own, where it is harmless, so that logs on both sides match."""
    given = headers.get("x-request-id", "")
    if 0 < len(given) <= 64 and given.isascii() and given.replace("-", "").replace("_", "").isalnum():
        return given
    return secrets.token_hex(8)
