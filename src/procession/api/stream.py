"""The live channel: what happens, as it happens, by server-sent events and by WebSocket. The same messages on both."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Annotated, Any, Literal

import msgspec
from litestar.types import Receive
from msgspec import Meta, Struct

from procession.api.edge import Edge
from procession.api.fields import Instance, Process
from procession.api.logs import REQUEST
from procession.api.operations import JSON, Answer, Call, Query, Stream, operation
from procession.api.problems import MEDIA, problem, refusal
from procession.engine.codec import decode, encode
from procession.errors import CommandRejected, StorageError
from procession.runtime.live import KINDS, RESYNC, Listener, parse_filter, socket_text, sse_bytes
from procession.runtime.live.shapes import MESSAGES

EVENTS = "text/event-stream"
HEARTBEAT = b": \n\n"
EVENT_ID = r"^[0-9]{1,19}(\.[0-9]{1,9})?$"
DATA = {"anyOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in MESSAGES]}
SOME_KINDS = "^({0})(,({0}))*$".format("|".join(KINDS))
MOST_SUBSCRIPTIONS = 100
REMEMBERED = 5_000
"""Ids that a socket remembers, so that a message that concerns two of its subscriptions comes once."""


class EventsQuery(Query):
    """What to follow."""

    instance: Annotated[Instance | None, Meta(description="It, and its subprocesses.")] = None
    definition: Process | None = None
    tasks: Annotated[Literal["mine"] | None, Meta(description="Only tasks that concern the reader.")] = None
    kinds: Annotated[
        str | None,
        Meta(
            description="Names of events, with commas.",
            examples=["status,task"],
            extra_json_schema={"pattern": SOME_KINDS},
        ),
    ] = None
    after: Annotated[
        Annotated[str, Meta(pattern=EVENT_ID)] | None,
        Meta(
            description="The id of an event, or with `instance` a position of its history: what came after it is sent first."
        ),
    ] = None


class LiveEvent(Struct):
    """One event of the stream."""

    id: Annotated[str, Meta(description="For `Last-Event-ID` and `after`.", pattern=r"^[0-9]{1,19}\.[0-9]{1,9}$")]
    event: Annotated[str, Meta(description="What happened.", extra_json_schema={"enum": [*KINDS, RESYNC]})]
    data: Annotated[
        str,
        Meta(
            description="JSON, as the event says.", extra_json_schema={"contentMediaType": JSON, "contentSchema": DATA}
        ),
    ]


@operation(
    "GET", "/api/events", tag="live", media=EVENTS, query=EventsQuery, answers=LiveEvent, refusals=(404,),
    headers={"Last-Event-ID": "The last event that was received: the ones after it are sent first."},
)  # fmt: skip
async def follow_events(call: Call) -> Answer:
    """Follow what happens, by server-sent events.

    Events: `progress`, `status`, `data`, `action`, `task`, `exception`, `access`; and `resync` for a client that was too slow: it
    must read again what it shows. Ids grow; a client that reconnects with `Last-Event-ID` misses nothing. Rights are checked for
    each message. A comment comes every 15 s when nothing happens.
    """
    edge, query = call.edge, call.query
    edge.identity.check_origin(call.headers, edge.origins)
    given = {
        name: getattr(query, name) for name in ("instance", "definition", "tasks") if getattr(query, name) is not None
    }
    if query.kinds is not None:
        given["kinds"] = [part for part in query.kinds.split(",") if part]
    assert call.who is not None
    after = call.headers.get("last-event-id") or query.after
    listener = await edge.streams.listen(call.who, parse_filter(given), after)

    async def following() -> bytes | None:
        try:
            async with asyncio.timeout(edge.limits.heartbeat):
                messages = await listener.get()
        except TimeoutError:
            return HEARTBEAT
        edge.metrics.told(messages)
        return b"".join(map(sse_bytes, messages)) if messages else None

    return Answer(Stream(following, lambda: edge.streams.leave(listener)), media=EVENTS)


async def socket(edge: Edge, scope: Any, receive: Receive, send: Any) -> None:
    """One WebSocket connection: checked before it is accepted."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    await receive()  # websocket.connect
    try:
        if scope["raw_path"].partition(b"?")[0].rstrip(b"/") != b"/api/ws":
            raise refusal(404, "Not found.", "There is no socket at this address.", "error.not_found")
        edge.identity.check_origin(headers, edge.origins)
        who = await edge.identity.principal(headers, "GET")
        if edge.closing:
            raise refusal(503, "Service unavailable.", "The server is shutting down.", "error.shutdown")
    except (CommandRejected, StorageError) as error:
        document = problem(error, "/api/ws", REQUEST.get())
        head = {"type": "websocket.http.response.start", "status": document["status"]}
        await send({**head, "headers": [(b"content-type", MEDIA.encode())]})
        await send({"type": "websocket.http.response.body", "body": encode(document), "more_body": False})
        return
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await _Conversation(edge, who, receive, send).run()


class _Conversation:
    """What a client asks for on one socket, and what it gets."""

    def __init__(self, edge: Edge, who: Any, receive: Receive, send: Any) -> None:
        self._edge, self._who, self._receive, self._send = edge, who, receive, send
        self._open: dict[str, tuple[Listener, asyncio.Task[None]]] = {}
        self._sent: OrderedDict[str, None] = OrderedDict()

    async def run(self) -> None:
        try:
            while True:
                message: Any = await self._receive()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    await self._take(message.get("text") or message.get("bytes") or "")
                except (CommandRejected, StorageError, msgspec.DecodeError, RecursionError) as error:
                    document = problem(error, "/api/ws", REQUEST.get())
                    await self._say("error", document)
                    if document["status"] == 401:  # whoever came in may do so no more
                        await self._send({"type": "websocket.close", "code": 1008, "reason": "unauthorized"})
                        return
        finally:
            pumps = [self._drop(key) for key in list(self._open)]
            await asyncio.gather(*pumps, return_exceptions=True)

    def _drop(self, key: str) -> asyncio.Task[None]:
        """End a subscription. Its pump may not even have begun, so the listener is left here."""
        listener, pump = self._open.pop(key)
        self._edge.streams.leave(listener)
        pump.cancel()
        return pump

    async def _take(self, text: str | bytes) -> None:
        asked = decode(text)
        if not isinstance(asked, dict) or not (
            {"subscribe"} <= set(asked) <= {"subscribe", "after"} or set(asked) == {"unsubscribe"}
        ):
            detail = 'Send {"subscribe": {…}, "after": …} or {"unsubscribe": {…}}.'
            raise refusal(422, "Not valid.", detail, "error.validation")
        given = asked.get("subscribe", asked.get("unsubscribe"))
        if not isinstance(given, dict):
            raise refusal(422, "Not valid.", "What to subscribe to must be an object of filters.", "error.validation")
        key = repr(sorted(given.items()))
        if key in self._open:
            self._drop(key)
        if "unsubscribe" in asked:
            await self._say("unsubscribed", given)
            return
        if len(self._open) >= MOST_SUBSCRIPTIONS:
            raise refusal(
                422, "Not valid.", f"A socket has {MOST_SUBSCRIPTIONS} subscriptions at most.", "error.validation"
            )
        after = asked.get("after")
        listener = await self._edge.streams.listen(
            self._who, parse_filter(given), None if after is None else str(after)
        )
        told = asyncio.Event()
        self._open[key] = listener, asyncio.create_task(self._pump(listener, told))
        await self._say("subscribed", given)
        told.set()

    async def _pump(self, listener: Listener, told: asyncio.Event) -> None:
        try:
            await told.wait()
            while messages := await listener.get():
                self._edge.metrics.told(messages)
                for message in messages:
                    if self._is_new(message.id):
                        await self._send({"type": "websocket.send", "bytes": None, "text": socket_text(message)})
            await self._send({"type": "websocket.close", "code": 1001, "reason": "going away"})
        finally:
            self._edge.streams.leave(listener)

    def _is_new(self, id: str | None) -> bool:
        if id is None:
            return True
        if id in self._sent:
            return False
        self._sent[id] = None
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        return True

    async def _say(self, event: str, data: Any) -> None:
        await self._send(
            {"type": "websocket.send", "bytes": None, "text": encode({"event": event, "data": data}).decode()}
        )
