"""The bus as operators see it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from procession.api.operations import Call, operation
from procession.engine.access import require_role
from procession.runtime.exchange.exchange import Exchange
from procession.runtime.exchange.watch import Sight
from procession.runtime.views import BusView

PATIENCE = 2.0
"""Seconds in which the bus must answer; after them what it said last must do."""


@operation("GET", "/api/bus", tag="bus", answers=BusView, refusals=(403,))
async def get_bus(call: Call) -> BusView:
    """The bus: its topics with what goes over them and what waits, what cannot be done now, and which processes take part.

    Needs the role `operator`. A bus that is away is told of in `errors`; the rest is then what it said last, and what the store
    knows. Counts of records are those of the server that answers.
    """
    require_role(call.principal, "see the bus", "operator")
    exchange = call.edge.exchange
    sight = Sight() if exchange is None else await look(exchange, PATIENCE)
    return await call.read(call.queries.bus(sight))


async def look(exchange: Exchange, patience: float) -> Sight:
    """How it looks now; the bus is not waited for longer than that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await asyncio.wrap_future(exchange.watch.look())
            return exchange.sight()
    sight = exchange.sight()
    return sight._replace(errors={"looking": f"no answer in {patience:g} s", **sight.errors})
