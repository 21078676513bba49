"""What callers see: the shapes of the contract. Attributes are snake_case here and camelCase in JSON; ids are strings."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from procession.definition import ProcessDefinition
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal, permission
from procession.engine.codec import copy, decode, encode
from procession.engine.handlers.task import may_claim, may_complete
from procession.engine.state import (
    FINISHED,
    LIVE,
    ON_HOLD,
    Call,
    Incident,
    Job,
    ProcessInstance,
    Subscription,
    Timer,
    Token,
    UserTaskItem,
    Wait,
)
from procession.storage import DefinitionRow, IncidentRow, JobRow, Lease, TaskRow


class View(Struct, rename="camel", kw_only=True):
    """The base of every answer."""


class TokenView(View):
    id: str
    parent_token_id: str | None
    version: int
    state: str
    status_current_node: str
    start_node_id: str
    current_node_id: str
    current_node_name: str
    sync_node_tokens_count: int
    sync_node_tokens_finished: int
    date_updated: str
    nodes_action_states: list[dict[str, Any]] = []
    back_seq: dict[str, list[str]] = {}


class ExceptionView(View):
    id: str
    instance: str
    token_id: str
    node: str
    source: str
    type: str
    cause_type: str
    message: str
    details: str
    date: str
    resolved: str | None


class InstanceView(View):
    """One instance as it was at history position `seq`."""

    id: str
    process_definition_name: str
    version: int
    state: str
    business_key: str | None
    started_by: str
    date_started: str
    date_ended: str | None
    parent: str | None
    root: str
    tokens: list[TokenView]
    variables: dict[str, Any]
    general_data: Any
    sub_processes: list[str]
    exceptions: list[ExceptionView]
    waits: list[dict[str, Any]]
    seq: int
    allowed: dict[str, bool | str]
    template_config: list[Any] = []

    @property
    def status(self) -> str:
        """The same as `state`."""
        return self.state

    @property
    def completed(self) -> bool:
        """Whether it ran to its end."""
        return self.state == FINISHED

    @property
    def waiting_at(self) -> list[str]:
        """The nodes on which tokens are that no child token runs for, sorted."""
        parents = {token.parent_token_id for token in self.tokens if token.parent_token_id is not None}
        return sorted(token.current_node_id for token in self.tokens if token.id not in parents)


class InstanceSummary(View):
    """One line of a list of instances."""

    id: str
    process_definition_name: str
    version: int
    state: str
    business_key: str | None
    started_by: str
    date_started: str
    date_ended: str | None
    parent: str | None
    root: str
    exceptions: int
    seq: int


class TaskView(View):
    id: str
    instance: str
    process_definition_name: str
    node: str
    name: str
    lane: str | None
    state: str
    assignee: str | None
    candidate_roles: list[str]
    candidate_users: list[str]
    date_created: str
    due: str | None
    follow_up: str | None
    priority: int
    form: str | None
    allowed: dict[str, bool | str]


class JobView(View):
    """A job that was handed out. `token` is the fencing number, to be given back with the result."""

    id: str
    token: int
    type: str
    instance: str
    node: str
    variables: dict[str, Any]
    headers: dict[str, str]
    retries: int
    deadline: str
    worker: str | None


class DefinitionView(View):
    id: str
    name: str
    version: int
    title: str
    state: str
    file: str
    digest: str
    date_deployed: str
    deployed_by: str


class HistoryView(View):
    """One transaction of an instance; `events` are the tagged arrays of the log."""

    position: int
    at: str
    actor: str
    command: str
    reason: str
    events: list[Any]
    instance: str | UnsetType = UNSET


class MessageView(View):
    """What became of a published message."""

    id: str
    duplicate: bool
    instances: list[str]
    buffered: bool


class FailedStartView(View):
    id: str
    process_definition_name: str
    date: str
    actor: str
    status: int
    title: str
    detail: str
    data: Any


class AuditView(View):
    id: str
    date: str
    user: str
    subject: str
    event: str
    subject_identifier: str
    status: str
    detail: str


class Page(View):
    """A part of a list; `next` is the cursor of the part after it, None at the end."""

    items: list[Any]
    next: str | None = None


def to_dict(view: Any) -> Any:
    """JSON-ready: the names of the contract, decimals kept."""
    return decode(encode(view))


def instant(us: int | None) -> str | None:
    return None if us is None else format_instant(us)


# -- making them ------------------------------------------------------------------------------------------------------


def token_view(token: Token, definition: ProcessDefinition) -> TokenView:
    node = definition.nodes.get(token.node)
    return TokenView(
        id=str(token.id),
        parent_token_id=None if token.parent is None else str(token.parent),
        version=token.version,
        state=token.state,
        status_current_node=token.status,
        start_node_id=token.start_node,
        current_node_id=token.node,
        current_node_name=(node.name or node.id) if node is not None else token.node,
        sync_node_tokens_count=token.count,
        sync_node_tokens_finished=token.finished,
        date_updated=format_instant(token.updated),
    )


def wait_view(wait: Wait) -> dict[str, Any]:
    """Why a token does not go on: what for, since when or until when."""
    view: dict[str, Any] = {"id": str(wait.id), "token": str(wait.token), "node": wait.node}
    match wait:
        case Job():
            return {"kind": "job", **view, "type": wait.type, "retries": wait.retries, "due": instant(wait.due or None)}
        case UserTaskItem():
            return {"kind": "task", **view, "name": wait.name, "assignee": wait.assignee, "lane": wait.lane}
        case Timer():
            return {"kind": wait.kind if wait.kind == "expiry" else "timer", **view, "due": format_instant(wait.due)}
        case Subscription():
            return {"kind": "message", **view, "name": wait.name, "correlationKey": wait.key}
        case Incident():
            return {"kind": "exception", **view, "type": wait.type, "message": wait.message}
        case Call():
            return {"kind": "child", **view, "process": wait.process}


def waits_view(state: ProcessInstance) -> list[dict[str, Any]]:
    """Everything that an instance waits for: also joins, and the engine itself in the middle of a long run."""
    waits = [wait_view(wait) for wait in state.waits.values()]
    for (scope, node), flows in state.joins.items():
        for tokens in flows.values():
            waits += [{"kind": "join", "id": None, "token": str(t), "node": node, "scope": str(scope)} for t in tokens]
    if state.steps:
        waits.append({"kind": "engine", "id": None, "token": None, "node": None})
    return waits


def incident_view(instance: int, wait: Incident) -> ExceptionView:
    return ExceptionView(
        id=str(wait.id),
        instance=str(instance),
        token_id=str(wait.token),
        node=wait.node,
        source=wait.source,
        type=wait.type,
        cause_type=wait.cause,
        message=wait.message,
        details=wait.details,
        date=format_instant(wait.raised),
        resolved=None,
    )


def exception_view(row: IncidentRow) -> ExceptionView:
    return ExceptionView(
        id=str(row.id),
        instance=str(row.instance),
        token_id=str(row.token),
        node=row.node,
        source=row.source,
        type=row.type,
        cause_type=row.cause,
        message=row.message,
        details=row.details,
        date=format_instant(row.raised),
        resolved=instant(row.resolved),
    )


def instance_view(state: ProcessInstance, definition: ProcessDefinition, principal: Principal) -> InstanceView:
    """Everything about an instance, and what the principal may do with it."""
    return InstanceView(
        id=str(state.id),
        process_definition_name=state.name,
        version=state.version,
        state=state.status,
        business_key=state.business_key,
        started_by=state.started_by,
        date_started=format_instant(state.started),
        date_ended=instant(state.ended),
        parent=None if state.parent is None else str(state.parent),
        root=str(state.root),
        tokens=[token_view(token, definition) for token in state.tokens.values()],
        variables=mask(state.variables, definition, principal),
        general_data=definition.settings.general_data,
        sub_processes=[str(wait.id) for wait in state.waits.values() if isinstance(wait, Call)],
        exceptions=[incident_view(state.id, w) for w in state.waits.values() if isinstance(w, Incident)],
        waits=waits_view(state),
        seq=state.position,
        allowed=allowed(state, definition, principal),
    )


def allowed(state: ProcessInstance, definition: ProcessDefinition, principal: Principal) -> dict[str, bool | str]:
    """For each action on an instance true, or the reason why not."""
    if state.status not in LIVE:
        reason = f"the instance is {state.status}"
        return dict.fromkeys(("hold", "unhold", "terminate", "dismiss", "setVariables", "retry"), reason)
    held = state.status == ON_HOLD

    def may(operation: str, other: str | None = None) -> bool | str:
        return other or permission(principal, definition, operation, owner=state.started_by) or True

    return {
        "hold": may("hold", "the instance is on hold already" if held else None),
        "unhold": may("unhold", None if held else "the instance is not on hold"),
        "terminate": may("terminate"),
        "dismiss": may("terminate", None if state.parent is not None else "only a subprocess can be dismissed"),
        "setVariables": may("repair"),
        "retry": may("repair", None if state.incidents else "no token has an exception"),
    }


def mask(variables: dict[str, Any], definition: ProcessDefinition, principal: Principal) -> dict[str, Any]:
    """Variables as the principal may see them: sensitive ones are masked for everybody but the program that embeds us."""
    result: dict[str, Any] = copy(variables)  # of their own: the state is not the caller's to change
    if principal.system or not definition.sensitive:
        return result
    for path in definition.sensitive:
        result = _masked(result, path.split("."))
    return result


def _masked(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_masked(item, path) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    inner = "***" if len(path) == 1 else _masked(value[path[0]], path[1:])
    return {**value, path[0]: inner}


def task_view(row: TaskRow, definition: ProcessDefinition, principal: Principal) -> TaskView:
    groups, users = tuple(decode(row.groups)), tuple(decode(row.users))
    item = UserTaskItem(row.id, row.token, row.node, row.name, row.lane, row.created, row.assignee, groups, users)
    lane = definition.lanes.get(row.lane) if row.lane is not None else None
    roles = list(groups) or sorted(lane.access.get("execute", ()) if lane is not None else ())
    return TaskView(
        id=str(row.id),
        instance=str(row.instance),
        process_definition_name=row.process,
        node=row.node,
        name=row.name,
        lane=lane.name if lane is not None else row.lane,
        state="CREATED" if row.assignee is None else "ASSIGNED",
        assignee=row.assignee,
        candidate_roles=roles,
        candidate_users=list(users),
        date_created=format_instant(row.created),
        due=instant(row.due),
        follow_up=instant(row.follow_up),
        priority=row.priority,
        form=row.form,
        allowed={
            "complete": may_complete(principal, definition, item) or True,
            "claim": may_claim(principal, definition, item) or (row.assignee is None or "the task is yours already"),
            "release": _may_release(principal, definition, item),
            "assign": permission(principal, definition, "assign", row.lane or "") or True,
        },
    )


def _may_release(principal: Principal, definition: ProcessDefinition, item: UserTaskItem) -> bool | str:
    if item.assignee is None:
        return "nobody has taken it"
    if item.assignee == principal.name:
        return True
    return permission(principal, definition, "unassign", item.lane or "") or True


def job_view(row: JobRow, lease: Lease, variables: dict[str, Any]) -> JobView:
    return JobView(
        id=str(row.id),
        token=lease.fence,
        type=row.type,
        instance=str(row.instance),
        node=row.node,
        variables=variables,
        headers=decode(row.headers),
        retries=row.retries,
        deadline=format_instant(lease.deadline),
        worker=lease.worker,
    )


def definition_view(row: DefinitionRow) -> DefinitionView:
    return DefinitionView(
        id=str(row.id),
        name=row.name,
        version=row.version,
        title=row.title,
        state=row.state,
        file=row.file,
        digest=row.digest,
        date_deployed=format_instant(row.deployed),
        deployed_by=row.deployed_by,
    )
