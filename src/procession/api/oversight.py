"""For operators, across instances: exceptions, refused starts, and who did what."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from procession.api.asking import listed
from procession.api.instances import ExceptionQuery
from procession.api.operations import Answer, Call, Many, PageQuery, operation
from procession.runtime.views import AuditView, ExceptionView, FailedStartView, Page

CURSOR = r"^[0-9]{0,19}\.([0-9]{1,19}\.[0-9]{1,19}|\.)$"


@operation(
    "GET", "/api/exceptions", tag="operations", answers=Many(ExceptionView), query=ExceptionQuery, refusals=(403,)
)
async def list_exceptions(call: Call) -> Answer | Page[Any]:
    """Exceptions of all instances, newest first. Needs the role `operator`."""
    query: ExceptionQuery = call.query
    return await listed(call, call.queries.exceptions(None, query.open, query.limit, query.cursor))


@operation(
    "GET", "/api/failed-starts", tag="operations", answers=Many(FailedStartView), query=PageQuery, refusals=(403,)
)
async def list_failed_starts(call: Call) -> Answer | Page[Any]:
    """Starts that were refused, newest first. Needs the role `operator`."""
    return await listed(call, call.queries.failed_starts(call.query.limit, call.query.cursor))


class AuditQuery(PageQuery):
    """Which part of the log."""

    cursor: Annotated[
        str | None, Meta(description="The `next` of the part before.", extra_json_schema={"pattern": CURSOR})
    ] = None


@operation("GET", "/api/audit", tag="operations", answers=Many(AuditView), query=AuditQuery, refusals=(403,))
async def list_audit(call: Call) -> Answer | Page[Any]:
    """Who did what, newest first: definitions, users, log-ins, and every change of an instance. Needs the role `operator`."""
    return await listed(call, call.queries.audit(call.query.limit, call.query.cursor))
