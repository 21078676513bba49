"""For those who watch the server: does it live, may it be sent requests, and its figures."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated

from msgspec import Meta, Struct

from procession.api.edge import Edge
from procession.api.metrics import MOST_STUCK, TEXT
from procession.api.operations import Answer, Call, operation
from procession.engine.access import require_role
from procession.errors import StorageError
from procession.runtime.exchange.exchange import Exchange

PATIENCE = 2.0
"""Seconds in which the store must answer."""

BRIEF = 0.2
"""Seconds for which a count that takes the store longer is waited for: then what it said last must do."""


class Live(Struct):
    """It answers, so it lives."""

    status: Annotated[str, Meta(description="up.")]


class Ready(Struct):
    """Whether requests are taken."""

    status: Annotated[str, Meta(description="ready, or not ready.")]
    checks: Annotated[dict[str, str], Meta(description="Of each part: up, or what is wrong.")]


@operation("GET", "/health/live", tag="health", answers=Live, public=True)
async def get_live(call: Call) -> Live:
    """Whether the server lives. If this does not answer, start it again."""
    return Live("up")


@operation("GET", "/health/ready", tag="health", answers=Ready, public=True, also=(503,))
async def get_ready(call: Call) -> Answer:
    """Whether the server takes requests: the engine runs and the store answers; else 503.

    `instances` and `bus` are for people. An instance that waits for nothing it can name makes no server unready, nor does a bus
    that is away: the engine goes on, and records wait.
    """
    engine = "shutting down" if call.edge.closing else "up" if call.node.running else "down"
    store, instances = await asyncio.gather(_store(call.edge), _instances(call.edge))
    checks = {"engine": engine, "store": store, "instances": instances}
    if call.edge.exchange is not None:
        checks["bus"] = _bus(call.edge.exchange)
    ready = engine == store == "up"
    return Answer(Ready("ready" if ready else "not ready", checks), 200 if ready else 503)


async def _store(edge: Edge) -> str:
    """One query that costs next to nothing."""
    try:
        async with asyncio.timeout(PATIENCE):
            await edge.node.read(edge.node.storage.ping())
    except TimeoutError:
        return f"no answer in {PATIENCE:g} s"
    except StorageError:
        return "down"
    return "up"


def _bus(exchange: Exchange) -> str:
    """Whether records come and go, as far as is known. Why not is told to operators only: it may name machines."""
    exchange.watch.look()  # for who asks next: nobody waits for it
    stopped = exchange.sight().errors
    return "up" if not stopped else "down" if "looking" in stopped else f"{' and '.join(stopped)} cannot be done now"


async def _instances(edge: Edge) -> str:
    """Whether every live instance can say what it waits for."""
    stuck = await edge.metrics.stuck(BRIEF)
    if stuck is None:
        return "not counted"
    if stuck == 0:
        return "up"
    number = f"{stuck} or more" if stuck >= MOST_STUCK else str(stuck)
    return "1 waits for nothing that it can name" if stuck == 1 else f"{number} wait for nothing that they can name"


@operation("GET", "/metrics", tag="health", media=TEXT, refusals=(401, 403), public=True)
async def get_metrics(call: Call) -> Answer:
    """Figures in Prometheus' text format. Needs the role `operator`, or the metrics token as bearer."""
    if not _has_metrics_token(call):
        who = await call.edge.identity.principal(call.headers, "GET")
        require_role(who.principal, "see the metrics", "operator")
    return Answer(await call.edge.metrics.text(), 200, TEXT)


def _has_metrics_token(call: Call) -> bool:
    wanted = call.edge.metrics_token
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    if not wanted or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), wanted.encode())
