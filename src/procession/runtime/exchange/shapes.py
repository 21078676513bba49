"""What is in the records: the JSON of each topic. AsyncAPI's document is made of these.

Names are those of the HTTP API. Times are ISO 8601, UTC, with microseconds; ids are decimal strings. Fields may be added, none is
renamed. What comes in may have fields that are not listed; they are left alone.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field


class StartRequest(Struct, kw_only=True, rename="camel"):
    """Start a process: `core.trigger.start.process`. The record's key is yours; it comes back with the answer."""

    process_definition_name: str
    data: dict[str, Any] = {}
    start_condition: str | None = None
    business_key: str | None = None


class Problem(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Why something was not done: the fields of an `application/problem+json` of the HTTP API."""

    title: str
    status: int
    detail: str = ""
    error_key: str = ""
    missing: list[str] = []


class StartConfirmation(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What came of a start: `core.confirm.start.process`. Of `instance` and `problem` the one is there."""

    process_definition_name: str
    instance: dict[str, Any] | UnsetType = UNSET
    """As the HTTP API answers a start."""
    problem: Problem | UnsetType = UNSET


class Owner(Struct, kw_only=True, rename="camel"):
    """Who a task is given to."""

    username: str


class Operation(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Something to do to an instance or one of its tasks.

    HOLD, UNHOLD and TERMINATE want `processInstanceUuid` (or `processInstanceId`); ASSIGN and UNASSIGN want `taskId`, and ASSIGN
    wants an `owner`. `author` is who asks, as the sender says it: it is kept as part of the reason.
    """

    operation_type: str
    process_instance_uuid: str | None = None
    process_instance_id: str | int | None = None
    task_id: str | int | None = None
    owner: Owner | None = None
    author: str | None = None
    reason: str | None = None
    request_id: Any = field(name="requestID", default=None)


class Operations(Struct, kw_only=True, rename="camel"):
    """Several of them: each is done or refused for itself, all in one transaction."""

    operations: list[Operation]


class OperationResult(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What came of one: `done`, or a problem."""

    operation_type: str
    done: bool
    request_id: Any = field(name="requestID", default=None)
    process_instance_id: str | None = None
    task_id: str | None = None
    problem: Problem | None = None


class OperationResults(Struct, kw_only=True, rename="camel"):
    """What came of several, in their order."""

    operations: list[OperationResult]


class MessageEvent(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A BPMN message: `core.message.event.process`. `ttl` is an ISO 8601 duration (PT1H where it is missing)."""

    name: str
    correlation_key: str | None = None
    variables: dict[str, Any] = {}
    message_id: str | None = None
    ttl: str | None = None


class JobOffer(Struct, kw_only=True, rename="camel"):
    """A job: `job.{type}`. It is yours until the `deadline`; then it is offered again with another `token`."""

    id: str
    token: int
    type: str
    instance: str
    node: str
    variables: dict[str, Any]
    headers: dict[str, Any]
    retries: int
    deadline: str


class JobResult(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What came of a job: `engine.receive.job`. `id` and `token` are the offer's.

    With an `errorCode` it throws a BPMN error; with a `failure` it is tried again while it has `retries` (one less where none are
    given), after `backoffMs`; else it is completed with the `variables`.
    """

    id: str
    token: int
    variables: dict[str, Any] = {}
    error_code: str | None = None
    failure: str | None = None
    message: str = ""
    retries: int | None = None
    backoff_ms: int = 0


class Notice(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Something that happened to an instance: `core.notify.process`, `.token`, `.task`, `.exception`.

    `seq` is the position in the history of the instance, `number` counts what happened at that position.
    """

    kind: str
    """What happened: instance-started, token-advanced, task-completed, incident-raised …: the names of the events of history."""
    instance: str
    seq: int
    number: int
    at: str
    actor: str
    process_definition_name: str
    version: int
    business_key: str | None = None
    token: str | None = None
    node: str | None = None
    task: str | None = None
    details: dict[str, Any] = {}


class AuditEntry(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Who did what: `core.save.audit`."""

    instance: str
    seq: int
    at: str
    actor: str
    command: str
    subject: str
    event: str
    subject_identifier: str
    process_definition_name: str
    version: int
    business_key: str | None = None
    reason: str = ""


class ScreenNotice(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """An instance has changed: `ui.notify`. Whoever shows it reads it again, as of `seq` or later."""

    instance: str
    root_instance: str
    seq: int
    at: str
    actor: str
    process_definition_name: str
    version: int
    kinds: list[str]
    business_key: str | None = None


class IndexDocument(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What can be searched for of an instance: `core.index.process`, of processes whose settings have an `index`.

    `keys` has what is at each of its paths as of `seq`; what is marked as sensitive is left out.
    """

    id: str
    process_definition_name: str
    version: int
    state: str
    date_started: str
    seq: int
    keys: dict[str, Any]
    business_key: str | None = None
    date_ended: str | None = None


class DeadLetter(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A record that could not be handled: `dead-letter`. `value` is what it was: JSON where it is JSON, else a text."""

    id: str
    topic: str
    partition: int
    offset: int
    at: str
    title: str
    detail: str
    attempts: int
    value: Any
    key: str | None = None
    headers: list[tuple[str, str]] = []
    instance: str | None = None
