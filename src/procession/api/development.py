"""For tests and development: a server whose clock is moved by hand."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta, Struct

from procession.api.fields import Duration
from procession.api.operations import Body, Call, operation
from procession.api.problems import refusal
from procession.definition.iso8601 import format_instant
from procession.runtime import checks
from procession.runtime.chores import run_due
from procession.runtime.clock import VirtualClock
from procession.runtime.views import Instant


class Advance(Body):
    """How far."""

    by: Annotated[Duration, Meta(description="ISO 8601, such as PT1H.")] = "PT0S"


class Now(Struct):
    """The time afterwards."""

    now: Instant
    done: Annotated[int, Meta(description="How many commands came due.")]


@operation(
    "POST", "/api/dev/clock", tag="development", body=Advance, body_required=False, answers=Now, refusals=(403, 404)
)
async def advance_clock(call: Call) -> Now:
    """Move the time of a development server, and do what comes due. Needs the role `admin`."""
    clock = call.node.clock
    if not isinstance(clock, VirtualClock):
        raise refusal(404, "Not found.", "This server has the time of the machine.", "error.not_found")
    if not call.principal.admin:
        raise refusal(403, "Forbidden", "Only admin may move the time.", "error.forbidden")
    checks.duration(call.body.by, "by")
    clock.advance(call.body.by)
    done = await asyncio.to_thread(run_due, call.node.intake)
    return Now(format_instant(clock.now()), done)
