"""Puts the edge together: an application of Litestar that owns the engine's node from start-up to shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request, Response, asgi
from litestar.types import Receive, Scope, Send

from procession.api import (  # each enters its calls in the table
    auth,
    bus,
    definitions,
    development,
    documents,
    expressions,
    health,
    instances,
    jobs,
    letters,
    messages,
    oversight,
    processes,
    records,
    stream,
    tasks,
    users,
)
from procession.api.dispatch import Dispatch, answer_problem
from procession.api.edge import Edge, Limits
from procession.api.identity import Identity
from procession.api.metrics import Metrics
from procession.api.operations import TABLE, Operation
from procession.api.partners import Partners
from procession.api.problems import MEDIA, nothing_here, phrase, problem, refusal, wrong_method
from procession.api.streams import Streams
from procession.engine.access import Principal
from procession.runtime.exchange.exchange import Exchange
from procession.runtime.exchange.orders import Identify
from procession.runtime.handout import Handout
from procession.runtime.live import Hub
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.web import WebApplication

if TYPE_CHECKING:
    from procession.api.tracing import Tracing

RESOURCES = (
    auth, bus, definitions, development, documents, expressions, health, instances, jobs, letters, messages, oversight,
    processes, records, stream, tasks, users,
)  # fmt: skip
OURS = frozenset({"api", "health", "metrics"})
"""What an address of the API begins with; all others are the web application's."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a server is told. Times in seconds; `origins` are other sites whose pages may use it with a session.

    `web` is the folder with the web application's build, if it is to be served.
    """

    secret: str
    token_lifetime: float = 3600.0
    session_lifetime: float = 43_200.0
    origins: Sequence[str] = ()
    metrics_token: str | None = None
    limits: Limits = field(default_factory=Limits)
    web: Path | None = None
    tracing: Tracing | None = None
    exchange: Callable[[Machine, Identify], Exchange] | None = None
    """What puts the machine on a bus, with who tells whose an access token is."""


def operations(*, development: bool = False) -> list[Operation]:
    """The calls of a server. Those for development exist only where time is moved by hand."""
    return [each for each in TABLE if development or each.tag != "development"]


def build(open_machine: Callable[[], Machine], options: Options) -> Litestar:
    """The application. The machine is opened when it starts and closed when it ends; `app.state.edge` is there in between."""
    dispatch: Dispatch | None = None

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        nonlocal dispatch
        async with AsyncExitStack() as opened:
            node = Node(open_machine())
            opened.push_async_callback(node.close)
            await node.open()
            hub = Hub(node)
            opened.push_async_callback(hub.close)
            await hub.open()
            edge = _edge(node, hub, options)
            opened.callback(edge.wind_down)
            if options.exchange is not None:
                exchange = options.exchange(node.machine, _identify(edge.identity))
                opened.push_async_callback(asyncio.to_thread, exchange.close)
                edge.exchange = exchange.start()
                edge.metrics.follow(exchange)
                edge.partners = Partners(exchange)
                opened.push_async_callback(edge.partners.close)
            app.state.edge = edge
            dispatch = Dispatch(operations(development=node.clock.virtual), edge, stream.socket)
            yield

    web = _no_web if options.web is None else WebApplication(options.web, _refuse)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert dispatch is not None
        first = scope["path"].lstrip("/").partition("/")[0]
        await (dispatch if first in OURS else web)(scope, receive, send)

    def refuse(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
        """What the framework itself refuses."""
        status = getattr(error, "status_code", 500)
        refused = refusal(status, f"{phrase(status)}.", "See /api/docs.", "error.not_found") if status < 500 else error
        document = problem(refused, request.scope["path"], "")
        return Response(document, status_code=document["status"], media_type=MEDIA)

    # One mount: the framework would give /apis to a mount at /api.
    everything = asgi("/", is_mount=True, copy_scope=False)(answer)
    return Litestar(
        [everything],
        lifespan=[lifespan],
        exception_handlers={Exception: refuse},
        openapi_config=None,
        logging_config=None,
    )


async def _refuse(scope: Any, send: Any, status: int) -> None:
    """What the web application has no answer to."""
    error = wrong_method(scope["method"], ["GET", "HEAD"]) if status == 405 else nothing_here()
    await answer_problem(error, scope, send)


async def _no_web(scope: Any, receive: Any, send: Any) -> None:
    """Where there is only the API."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    else:
        await _refuse(scope, send, 404)


def _identify(identity: Identity) -> Identify:
    """Whose access token it is, for a thread to ask."""
    loop = asyncio.get_running_loop()

    def identify(token: str) -> Principal:
        asked = identity.principal({"authorization": f"Bearer {token}"}, "POST")
        return asyncio.run_coroutine_threadsafe(asked, loop).result().principal

    return identify


def _edge(node: Node, hub: Hub, options: Options) -> Edge:
    identity = Identity(
        node,
        secret=options.secret,
        token_lifetime=options.token_lifetime,
        session_lifetime=options.session_lifetime,
        origins=options.origins,
    )
    edge = Edge(
        node=node,
        identity=identity,
        hub=hub,
        handout=Handout(node),
        streams=Streams(hub, identity, options.limits),
        metrics=Metrics(node),
        limits=options.limits,
        origins=options.origins,
        metrics_token=options.metrics_token,
        tracing=options.tracing,
    )
    if options.tracing is not None:
        node.intake.processor.turned.append(options.tracing.turned)
    edge.metrics.watch("procession_live_listeners", "Open streams of the live channel.", lambda: len(edge.streams))
    edge.metrics.watch("procession_live_lag_seconds", "Since when listeners have not been told.", lambda: hub.lag)
    return edge
