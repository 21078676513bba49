"""Process instances: searching, looking, operating, repairing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from procession.api.asking import change, instance_id, listed
from procession.api.fields import Instance, Instant, Limit, Node, Process, Reason, Text, Token
from procession.api.operations import Answer, Body, Call, Many, PageQuery, Query, operation
from procession.api.problems import not_built
from procession.engine import commands as c
from procession.engine.codec import decode
from procession.runtime import checks, preview
from procession.runtime.views import (
    EVENT_KINDS,
    STATUSES,
    AuditView,
    ExceptionView,
    HistoryView,
    InstanceSummary,
    InstanceView,
    Page,
    PreviewView,
    ProgressView,
    RecordView,
    TokenView,
)
from procession.storage import InstanceFilter

INSTANCE = "/api/instances/{instance}"
SOME_KINDS = "^({0})(,({0}))*$".format("|".join(EVENT_KINDS))
SOME_STATUSES = "^({0})(,({0}))*$".format("|".join(STATUSES))
RECORDS = r"^[0-9]{1,19}\.[0-9]{1,19}\.[0-9]{1,19}$"
Position = Annotated[int, Meta(ge=0, le=checks.LARGEST_ID)]
REFUSALS = (403, 404, 409)


class InstanceQuery(PageQuery):
    """What instances must have to be listed. `variables` are those of `var.PATH=VALUE`."""

    definition: Process | None = None
    version: Annotated[
        Annotated[int, Meta(ge=1, le=999_999_999)] | None, Meta(description="Of the process definition.")
    ] = None
    status: Annotated[
        str | None,
        Meta(
            description="One, or several with commas.",
            examples=["STARTED,ON_HOLD"],
            extra_json_schema={"pattern": SOME_STATUSES},
        ),
    ] = None
    business_key: Annotated[Text | None, Meta(description="Exactly this one.", examples=["ana"])] = None
    started_by: Annotated[Text | None, Meta(description="Exactly this user.", examples=["clerk"])] = None
    started_after: Annotated[Instant | None, Meta(description="ISO 8601.")] = None
    started_before: Annotated[Instant | None, Meta(description="ISO 8601.")] = None
    parent: Annotated[Instance | None, Meta(description="Instances that this one called.")] = None
    node: Annotated[Node | None, Meta(description="Has a token on this node.")] = None
    exceptions: Annotated[bool | None, Meta(description="With open exceptions, or without.")] = None
    q: Annotated[Text | None, Meta(description="Part of the business key or of the name, or the whole id.")] = None
    variables: dict[str, str] = {}


class HistoryQuery(Query):
    """Which part of the history."""

    after: Annotated[Position, Meta(description="Entries with greater positions.")] = 0
    cursor: Annotated[Position | None, Meta(description="The `next` of the part before.")] = None
    limit: Limit = 50
    kinds: Annotated[
        str | None,
        Meta(
            description="Only events of these, with commas; entries without any are listed too.",
            examples=["task-created,task-completed"],
            extra_json_schema={"pattern": SOME_KINDS},
        ),
    ] = None


class RecordQuery(PageQuery):
    """Which part of the records."""

    cursor: Annotated[
        str | None, Meta(description="The `next` of the part before.", extra_json_schema={"pattern": RECORDS})
    ] = None


class StateQuery(Query):
    """The moment, as a position."""

    at: Annotated[Position | None, Meta(description="A position of the history; without it the latest.")] = None


class TokenQuery(Query):
    """Which tokens."""

    finished: Annotated[bool, Meta(description="Also those that ended: the latest 1,000.")] = True


class ExceptionQuery(PageQuery):
    """Which exceptions."""

    open: Annotated[bool, Meta(description="Only those that are not resolved.")] = False


class Operation(Body):
    """What to do with an instance."""

    operation_type: Annotated[
        Literal["HOLD", "UNHOLD", "TERMINATE", "DISMISS"],
        Meta(description="DISMISS gives up a child, whose parent goes on without its result."),
    ]
    reason: Reason = ""


class Retry(Body):
    """How to try again."""

    retries: Annotated[int, Meta(description="Tries for a job that has used up its own.", ge=1, le=1_000_000_000)] = 1
    reason: Reason = ""


class Preview(Body):
    """What would be done. What does not belong to the operation is refused."""

    operation: Annotated[
        Literal["HOLD", "UNHOLD", "TERMINATE", "DISMISS", "RETRY", "SET_VARIABLES"],
        Meta(description="As in the calls that do it."),
    ]
    token: Annotated[Token | None, Meta(description="Of RETRY: the token with the exception.")] = None
    retries: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000_000)] | None,
        Meta(description="Of RETRY: tries for a job that has used up its own; 1 where nothing is said."),
    ] = None
    variables: Annotated[dict[str, Any] | None, Meta(description="Of SET_VARIABLES: a JSON merge patch.")] = None


class Move(Body):
    """Where to."""

    node: Node
    reason: Reason = ""


class PatchQuery(Query):
    """Said of the change."""

    reason: Reason = ""


@operation(
    "GET", "/api/instances", tag="instances", answers=Many(InstanceSummary), query=InstanceQuery, refusals=(403, 404)
)
async def list_instances(call: Call) -> Answer | Page[Any]:
    """Search instances, newest first.

    `var.PATH=VALUE` finds by the value of a variable, as JSON or as text: `var.client.name=Ana`. It may be given for several.
    """
    query: InstanceQuery = call.query
    where = InstanceFilter(
        definition=checks.maybe_text(query.definition, "definition"),
        version=query.version,
        statuses=() if query.status is None else _statuses(query.status),
        business_key=checks.maybe_text(query.business_key, "businessKey"),
        parent=None if query.parent is None else checks.identity(query.parent, "Process instance"),
        node=checks.maybe_text(query.node, "node"),
        text=checks.maybe_text(query.q, "q"),
        started_by=checks.maybe_text(query.started_by, "startedBy"),
        started_after=checks.moment(query.started_after, "startedAfter"),
        started_before=checks.moment(query.started_before, "startedBefore"),
        incidents=query.exceptions,
        variables=checks.document({path: _value(text) for path, text in query.variables.items()}),
    )
    return await listed(call, call.queries.instances(where, query.limit, query.cursor))


@operation("GET", INSTANCE, tag="instances", answers=InstanceView, refusals=(404,))
async def get_instance(call: Call) -> InstanceView:
    """Everything about an instance."""
    return await call.read(call.queries.instance(instance_id(call)))


@operation("GET", INSTANCE + "/tokens", tag="instances", answers=Many(TokenView), query=TokenQuery, refusals=(404,))
async def list_tokens(call: Call) -> Answer | Page[Any]:
    """Its tokens, with the nodes that each visited."""
    return await listed(call, call.queries.tokens(instance_id(call), call.query.finished))


@operation("GET", INSTANCE + "/progress", tag="instances", answers=ProgressView, refusals=(404,))
async def get_progress(call: Call) -> ProgressView:
    """How far it is, in stages and steps, in plain words: for the person who started it."""
    return await call.read(call.queries.progress(instance_id(call)))


@operation(
    "GET", INSTANCE + "/history", tag="instances", answers=Many(HistoryView), query=HistoryQuery, refusals=(404,)
)
async def list_history(call: Call) -> Answer | Page[Any]:
    """Its event log, oldest first: one entry for each transaction."""
    query: HistoryQuery = call.query
    after = query.after if query.cursor is None else query.cursor
    kinds = () if query.kinds is None else tuple(query.kinds.split(","))
    return await listed(call, call.queries.history_page(instance_id(call), after, query.limit, kinds))


@operation("GET", INSTANCE + "/audit", tag="instances", answers=Many(AuditView), query=PageQuery, refusals=(404,))
async def list_instance_audit(call: Call) -> Answer | Page[Any]:
    """Who did what to it and when, newest first."""
    return await listed(call, call.queries.instance_audit(instance_id(call), call.query.limit, call.query.cursor))


@operation(
    "GET", INSTANCE + "/exceptions", tag="instances", answers=Many(ExceptionView), query=ExceptionQuery, refusals=(404,)
)  # fmt: skip
async def list_instance_exceptions(call: Call) -> Answer | Page[Any]:
    """Its exceptions, newest first."""
    query: ExceptionQuery = call.query
    question = call.queries.exceptions(instance_id(call), query.open, query.limit, query.cursor)
    return await listed(call, question)


@operation("GET", INSTANCE + "/records", tag="instances", answers=Many(RecordView), query=RecordQuery, refusals=(404,))
async def list_records(call: Call) -> Answer | Page[Any]:
    """What it sent and received on topics, and letters about it, oldest first.

    Where the data of the process has something sensitive, keys, headers and values are masked. What is in a letter, operators
    read there.
    """
    return await listed(call, call.queries.records(instance_id(call), call.query.limit, call.query.cursor))


@operation("GET", INSTANCE + "/state", tag="instances", answers=InstanceView, query=StateQuery, refusals=(404,))
async def get_state(call: Call) -> InstanceView:
    """The instance as it was at a position of its history."""
    at = call.query.at
    if at is None:
        return await call.read(call.queries.instance(instance_id(call)))
    return await call.read(call.queries.state_at(instance_id(call), checks.number(at, "at", 0, checks.LARGEST_ID)))


@operation("POST", INSTANCE + "/operations", tag="instances", body=Operation, answers=InstanceView, refusals=REFUSALS)
async def operate(call: Call) -> InstanceView:
    """Hold, resume, terminate, or give up a child instance."""
    number, reason = instance_id(call), checks.remark(call.body.reason)
    match call.body.operation_type:
        case "HOLD":
            return await change(call, c.HoldInstance(number, reason))
        case "UNHOLD":
            return await change(call, c.UnholdInstance(number, reason))
        case "TERMINATE":
            return await change(call, c.EndInstance(number, "TERMINATED", reason))
        case _:
            return await change(call, c.EndInstance(number, "DISMISSED", reason))


@operation("POST", INSTANCE + "/preview", tag="instances", body=Preview, answers=PreviewView, refusals=REFUSALS)
async def preview_operation(call: Call) -> PreviewView:
    """What an operation would do to an instance and to others, and what would end with it. Nothing is done.

    It is decided by the engine at this moment, and refused as the operation itself would be. Of a long run it is the first
    transaction. Ids of what would be created are not those that it will have.
    """
    body: Preview = call.body
    variables = None if body.variables is None else checks.own_document(body.variables)
    command = preview.operation(
        instance_id(call), body.operation, token=body.token, retries=body.retries, variables=variables
    )
    return await call.node.alone(preview.preview(call.node.intake.processor, command, call.principal))


@operation(
    "PATCH",
    INSTANCE + "/variables",
    tag="instances",
    body=dict,
    query=PatchQuery,
    answers=InstanceView,
    refusals=REFUSALS,
)
async def patch_variables(call: Call) -> InstanceView:
    """Change root variables by a JSON merge patch (RFC 7396)."""
    reason = checks.remark(call.query.reason)
    return await change(call, c.SetVariables(instance_id(call), checks.own_document(call.body), reason))


@operation(
    "POST", INSTANCE + "/tokens/{token}/retry", tag="instances", body=Retry, body_required=False, answers=InstanceView,
    refusals=REFUSALS,
)  # fmt: skip
async def retry_token(call: Call) -> InstanceView:
    """Let a token with an exception go on, after the repair."""
    retries = checks.number(call.body.retries, "retries", 1)
    token = checks.identity(call.path["token"], "Token")
    return await change(call, c.RetryToken(instance_id(call), token, retries, checks.remark(call.body.reason)))


@operation("POST", INSTANCE + "/tokens/{token}/move", tag="instances", body=Move, built=False)
async def move_token(call: Call) -> None:
    """Move a token to another node."""
    raise not_built("Moving tokens")


@operation("POST", INSTANCE + "/migrate", tag="instances", body=dict, body_required=False, built=False)
async def migrate_instance(call: Call) -> None:
    """Let an instance go on with another version of its process."""
    raise not_built("Migrating instances")


def _statuses(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    for status in found:
        if status not in STATUSES:
            raise checks.not_valid(f"{status[:50]!r} is no status; there are {', '.join(STATUSES)}.", "?status")
    return found


def _value(text: str) -> Any:
    try:
        return decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
