"""The shapes of the contract. Attributes are snake_case here and camelCase in JSON; ids are strings.

`seq` is the position of history that an answer was true at (of a definition: the number of changes to the definitions);
`allowed` says for each action true, or the reason why not. What is said of an attribute here, the description of the HTTP API
says too.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from procession.engine.codec import decode, encode
from procession.engine.state import FINISHED

T = TypeVar("T")

STATUSES = ("CREATED", "STARTED", "ON_HOLD", "FINISHED", "FAILED", "TERMINATED", "DISMISSED", "EXPIRED", "ABORTED")
"""How far an instance can be."""

Id = Annotated[str, Meta(description="An id: a decimal number.", pattern="^[0-9]{1,19}$")]
Instant = Annotated[
    str, Meta(description="A moment: ISO 8601, UTC, microseconds.", extra_json_schema={"format": "date-time"})
]
Version = Annotated[int, Meta(description="Of the process definition: 1, 2, 3….", ge=1)]
Process = Annotated[str, Meta(description="The name of a process definition: the id of the process in its BPMN file.")]
Title = Annotated[str, Meta(description="The process's name in the BPMN file; its id, where it has none.")]
Stage = Annotated[str | None, Meta(description="`procession:stage` of the node.")]
Node = Annotated[str, Meta(description="The id of a flow node in the BPMN file.")]
User = Annotated[str, Meta(description="The name of a user.")]
Seq = Annotated[
    int,
    Meta(description="The position of history that this was true at: a live subscription can start after it.", ge=0),
]
Allowed = Annotated[
    dict[str, bool | str], Meta(description="For each action true, or the reason why the reader may not do it now.")
]
Variables = Annotated[dict[str, Any], Meta(description="Data of the process; what is sensitive reads ***.")]
Status = Annotated[
    str,
    Meta(
        description="How far the instance is.",
        extra_json_schema={"enum": list(STATUSES)},
    ),
]


class View(Struct, rename="camel", kw_only=True):
    """The base of every answer."""


# -- instances --------------------------------------------------------------------------------------------------------


class TokenView(View):
    """A thread of control in an instance."""

    id: Annotated[Id, Meta(description="Counts within the instance.")]
    parent_token_id: Annotated[
        Id | None, Meta(description="The token that was split, or that waits on the subprocess; null: a root.")
    ]
    version: Annotated[int, Meta(description="Grows with every change of the token.")]
    state: Annotated[
        str,
        Meta(
            description="ACTIVE, ON_HOLD (its children run), INACTIVE (it ended), ABORTED, DISMISSED, EXPIRED, TERMINATED."
        ),
    ]
    status_current_node: Annotated[
        str, Meta(description="How far it is on its node: ARRIVED, EXECUTING, EXECUTED_COMPLETE ….")
    ]
    start_node_id: Annotated[Node, Meta(description="Where it began.")]
    current_node_id: Node
    current_node_name: Annotated[str, Meta(description="The node's name; its id, where it has none.")]
    sync_node_tokens_count: Annotated[int, Meta(description="How many children a split made of it.")]
    sync_node_tokens_finished: Annotated[int, Meta(description="How many of them have ended.")]
    date_updated: Instant
    nodes_action_states: Annotated[
        list[dict[str, Any]], Meta(description="The nodes that it visited; only in the list of tokens.")
    ] = []
    back_seq: Annotated[
        dict[str, list[str]], Meta(description="`nodes`: those that it can go back to; only in the list of tokens.")
    ] = {}


class ExceptionView(View):
    """Why a token cannot go on."""

    id: Id
    instance: Id
    token_id: Annotated[Id, Meta(description="The token that cannot go on.")]
    node: Node
    source: Annotated[str, Meta(description="The kind of node.")]
    type: Annotated[str, Meta(description="What went wrong, as one word.")]
    cause_type: Annotated[str, Meta(description="What that came of.")]
    message: Annotated[str, Meta(description="What is wrong, and what to do about it.")]
    details: Annotated[str, Meta(description="More of it, such as what a worker said.")]
    date: Instant
    resolved: Annotated[Instant | None, Meta(description="null while it is open.")]
    seq: Seq
    allowed: Allowed


class InstanceView(View):
    """One instance as it was at history position `seq`."""

    id: Id
    process_definition_name: Process
    process_title: Title
    version: Version
    state: Status
    business_key: Annotated[str | None, Meta(description="What the one who started it calls it.")]
    started_by: User
    date_started: Instant
    date_ended: Annotated[Instant | None, Meta(description="null while it runs.")]
    parent: Annotated[Id | None, Meta(description="The instance that called it.")]
    root: Annotated[Id, Meta(description="The instance that all of them go back to: itself, where it has no parent.")]
    tokens: Annotated[list[TokenView], Meta(description="Those that live.")]
    variables: Variables
    general_data: Annotated[Any, Meta(description="What the definition says of every instance.")]
    sub_processes: Annotated[list[Id], Meta(description="Instances that it waits for.")]
    exceptions: Annotated[list[ExceptionView], Meta(description="Those that are open.")]
    waits: Annotated[
        list[dict[str, Any]],
        Meta(description="By `kind`: task, job, timer, expiry, message, exception, child, join, engine."),
    ]
    seq: Seq
    allowed: Allowed
    template_config: Annotated[list[Any], Meta(description="Of screens; not used yet.")] = []

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


class PlaceView(View):
    """A node with tokens that no child token runs for."""

    node: Node
    name: Annotated[str, Meta(description="The node's name; its id, where it has none.")]
    stage: Stage
    count: Annotated[int, Meta(description="How many tokens.")]


class InstanceSummary(View):
    """One line of a list of instances. `exceptions` counts the open ones."""

    id: Id
    process_definition_name: Process
    process_title: Title
    version: Version
    state: Status
    business_key: Annotated[str | None, Meta(description="What the one who started it calls it.")]
    started_by: User
    date_started: Instant
    date_ended: Annotated[Instant | None, Meta(description="null while it runs.")]
    parent: Annotated[Id | None, Meta(description="The instance that called it.")]
    root: Annotated[Id, Meta(description="The instance that all of them go back to: itself, where it has no parent.")]
    exceptions: Annotated[int, Meta(description="How many are open.")]
    waiting_at: Annotated[list[PlaceView], Meta(description="Where it is, while it runs: five nodes at most, by id.")]
    waiting_at_more: Annotated[int, Meta(description="How many nodes there are beside them.")]
    seq: Seq
    allowed: Allowed


class NodeDataView(View):
    """What a screen of a node needs. `token` and `task` are what is on the node now, the oldest of several."""

    instance: Id
    node: Node
    name: Annotated[str, Meta(description="The node's name.")]
    type: Annotated[str, Meta(description="The name of its element in BPMN: userTask.")]
    token: Id | None
    task: Annotated[Id | None, Meta(description="The user task that is open on it.")]
    data: Variables
    actions: Annotated[list[Any], Meta(description="Not used yet.")]
    seq: Seq
    allowed: Allowed


class HistoryView(View):
    """One transaction of an instance; `events` are the tagged arrays of the log."""

    position: Annotated[int, Meta(description="1, 2, 3…: the `seq` of the instance after it.")]
    at: Instant
    actor: Annotated[str, Meta(description="Who did it: a user, or `system`.")]
    command: Annotated[str, Meta(description="What was asked for.")]
    reason: Annotated[str, Meta(description="What who asked gave as the reason.")]
    events: Annotated[list[Any], Meta(description="What followed: tagged arrays, the kind of event first.")]
    instance: Annotated[Id | UnsetType, Meta(description="Where the list is not of one instance.")] = UNSET


# -- for who started it -----------------------------------------------------------------------------------------------

Far = Annotated[
    str,
    Meta(
        description="How far it is.",
        extra_json_schema={"enum": ["done", "current", "failed", "next", "skipped"]},
    ),
]


class StepProgress(View):
    """Work, or an event with a name, that an instance has come to."""

    name: Annotated[str, Meta(description="The node's name; its id, where it has none.")]
    state: Far
    since: Annotated[Instant | None, Meta(description="When it was first come to.")]
    until: Annotated[Instant | None, Meta(description="When it was last left; null while it is current.")]
    lane: Annotated[str | None, Meta(description="The name of the swimlane.")]
    assignee: Annotated[str | None, Meta(description="Always null: who does it is not told here.")] = None


class StageProgress(View):
    """A stage of a process, in the order in which it is come to."""

    name: Annotated[str, Meta(description="`procession:stage`; empty where the process names none.")]
    state: Far
    since: Annotated[Instant | None, Meta(description="When it was first come to.")]
    until: Annotated[Instant | None, Meta(description="When it was last left; null while it is current.")]
    steps: Annotated[list[StepProgress], Meta(description="Those that were come to.")]


class ProgressView(View):
    """How far an instance is, in plain words."""

    instance: Id
    process_definition_name: Process
    process_title: Title
    business_key: Annotated[str | None, Meta(description="What the one who started it calls it.")]
    state: Status
    date_started: Instant
    date_ended: Annotated[Instant | None, Meta(description="null while it runs.")]
    stages: Annotated[list[StageProgress], Meta(description="All of them, in their order.")]
    seq: Seq
    allowed: Allowed


# -- what would be ----------------------------------------------------------------------------------------------------


class PreviewEvent(View):
    """What the live channel would tell."""

    event: Annotated[str, Meta(description="status, progress, data, task or exception.")]
    data: Annotated[dict[str, Any], Meta(description="As in the live channel.")]


class EndedWait(View):
    """Something that would not be waited for any more."""

    kind: Annotated[str, Meta(description="task, job, timer, message or child.")]
    node: Node
    name: Annotated[str, Meta(description="The node's name; its id, where it has none.")]
    instance: Annotated[Id, Meta(description="The instance that waits for it.")]


class PreviewView(View):
    """What an operation would do: decided as it would be, and not done."""

    instance: Annotated[InstanceView, Meta(description="As it would be; `seq` is where it was when this was decided.")]
    events: Annotated[list[PreviewEvent], Meta(description="Of every instance that would change: the first 1,000.")]
    events_more: Annotated[int, Meta(description="How many more there are.")]
    ended: Annotated[list[EndedWait], Meta(description="What nobody would wait for any more: the first 1,000.")]
    ended_more: Annotated[int, Meta(description="How many more there are.")]


# -- work -------------------------------------------------------------------------------------------------------------


class TaskView(View):
    """Work for a person. Who may not see the instance does not learn its business key, nor who started it."""

    id: Id
    instance: Id
    process_definition_name: Process
    process_title: Title
    version: Version
    business_key: Annotated[str | None, Meta(description="What the one who started the instance calls it.")]
    started_by: Annotated[str | None, Meta(description="Who started the instance.")]
    date_started: Annotated[Instant, Meta(description="When the instance was started.")]
    node: Node
    stage: Stage
    name: Annotated[str, Meta(description="What is to be done.")]
    lane: Annotated[str | None, Meta(description="The name of the swimlane.")]
    state: Annotated[str, Meta(description="CREATED, or ASSIGNED once somebody has it.")]
    assignee: Annotated[str | None, Meta(description="Whose it is.")]
    candidate_roles: Annotated[list[str], Meta(description="Who may take it, by role.")]
    candidate_users: Annotated[list[str], Meta(description="Who may take it, by name.")]
    date_created: Instant
    due: Instant | None
    follow_up: Annotated[Instant | None, Meta(description="When it is to be looked at again.")]
    priority: Annotated[int, Meta(description="0 to 100; more is more urgent.")]
    form: Annotated[str | None, Meta(description="The form to fill in, as the BPMN file refers to it.")]
    seq: Seq
    allowed: Allowed


class TaskFormView(View):
    """What a screen of a task needs: what is asked for, what is known already, and what its reader has typed so far."""

    task: TaskView
    source: Annotated[
        str | None,
        Meta(description="Where the schema is from: form, or dataModel where the task has no form that is there."),
    ]
    schema: Annotated[dict[str, Any] | None, Meta(description="A JSON schema; null: nothing is known of the data.")]
    data: Variables
    instructions: Annotated[str, Meta(description="What the BPMN file says of the task.")]
    draft: Annotated[
        dict[str, Any] | None, Meta(description="What the reader has typed and not sent yet; nobody else sees it.")
    ]
    draft_date: Annotated[Instant | None, Meta(description="When that was kept.")]


class DraftView(View):
    """A draft was kept."""

    draft_date: Instant


class JobView(View):
    """A job that was handed out. `token` is the fencing number, to be given back with the result."""

    id: Id
    token: Annotated[int, Meta(description="The fencing number of the lease.")]
    type: Annotated[str, Meta(description="What kind of work it is.")]
    instance: Id
    node: Node
    variables: Annotated[
        dict[str, Any], Meta(description="What the job sees: everything, or what `fetchVariables` names.")
    ]
    headers: Annotated[dict[str, str], Meta(description="Constants of the node in the BPMN file.")]
    retries: Annotated[int, Meta(description="Tries that are left, this one included.")]
    deadline: Annotated[Instant, Meta(description="Until then it is the worker's.")]
    worker: Annotated[str | None, Meta(description="Who has it.")]


class MessageView(View):
    """What became of a published message."""

    id: Id
    duplicate: Annotated[bool, Meta(description="It was published before: nothing was done again.")]
    instances: Annotated[list[Id], Meta(description="Who received it.")]
    buffered: Annotated[bool, Meta(description="Nobody waits for it yet: it is kept for its time to live.")]


# -- definitions ------------------------------------------------------------------------------------------------------


class DefinitionView(View):
    """A version of a process."""

    id: Id
    name: Process
    version: Version
    title: Annotated[str, Meta(description="The process's name in the BPMN file.")]
    description: Annotated[
        str,
        Meta(description="What the BPMN file says of the process; in lists of the published version only."),
    ]
    state: Annotated[str, Meta(description="draft, published or deprecated.")]
    file: Annotated[str, Meta(description="What the file was called.")]
    digest: Annotated[str, Meta(description="The SHA-256 of the file; where it has forms, of it and of them.")]
    date_deployed: Instant
    deployed_by: User
    seq: Annotated[int, Meta(description="Counts the changes to the definitions.")]
    allowed: Allowed


class ParameterView(View):
    """Something to be sent with a start: a dotted path, its JSON type (null: any), and whether it must be there."""

    name: Annotated[str, Meta(description="A dotted path: client.name.")]
    type: Annotated[str | None, Meta(description="A type of JSON; null: any.")]
    mandatory: Annotated[bool, Meta(description="A start without it is refused.")]


class StartView(View):
    """Where a process can begin. `trigger` is none (by request), timer or message; `allowed`: true, or why not."""

    node: Node
    name: Annotated[str, Meta(description="The node's name.")]
    description: Annotated[str, Meta(description="What the BPMN file says of it.")]
    condition: Annotated[str | None, Meta(description="The `startCondition` that chooses it.")]
    trigger: Annotated[str, Meta(description="none (by request), timer or message.")]
    parameters: Annotated[list[ParameterView], Meta(description="What is to be sent with a start.")]
    form: Annotated[str | None, Meta(description="The form to fill in, as the BPMN file refers to it.")]
    schema: Annotated[
        dict[str, Any] | None,
        Meta(
            description="A JSON schema to draw the screen of a start from: the form; else made of the parameters; else the data "
            "model. null: nothing is known, or it is not started by request."
        ),
    ]
    allowed: Annotated[bool | str, Meta(description="true, or the reason why the reader may not start here.")]


class LaneView(View):
    """A swimlane: for each operation that it says something of, the roles."""

    id: Annotated[str, Meta(description="In the BPMN file.")]
    name: Annotated[str, Meta(description="For people.")]
    access: Annotated[
        dict[str, list[str]], Meta(description="For each operation (execute, view, hold …) the roles that may.")
    ]


class NodeView(View):
    """A flow node; `type` is the name of its element in BPMN, `parent` the sub-process that it is in."""

    id: Node
    name: Annotated[str, Meta(description="For people.")]
    description: Annotated[str, Meta(description="What the BPMN file says of it.")]
    type: Annotated[str, Meta(description="The name of its element in BPMN: userTask.")]
    lane: Annotated[str | None, Meta(description="The id of its swimlane.")]
    parent: Annotated[str | None, Meta(description="The subprocess that it is in.")]
    stage: Stage


class SettingsView(View):
    """What holds for every instance: `expiry` is a duration or a cron rule, `zone` the time zone it counts in."""

    expiry: Annotated[str | None, Meta(description="When an instance expires: a duration, or a cron rule.")]
    zone: Annotated[str, Meta(description="The time zone that it counts in.")]
    general_data: Annotated[Any, Meta(description="What every instance shows as `generalData`.")]


class FormView(View):
    """A form that came with the file: a JSON schema."""

    key: Annotated[str, Meta(description="As the BPMN file refers to it.")]
    nodes: Annotated[list[Node], Meta(description="The user tasks and start events that refer to it.")]


class DefinitionDetail(DefinitionView):
    """One version of a process, with what is in it."""

    starts: Annotated[list[StartView], Meta(description="Where it can begin.")]
    data_model: Annotated[dict[str, Any] | None, Meta(description="A JSON schema of its data.")]
    lanes: Annotated[list[LaneView], Meta(description="Its swimlanes.")]
    nodes: Annotated[list[NodeView], Meta(description="Its flow nodes.")]
    stages: Annotated[list[str], Meta(description="Its stages, in the order in which the flows first reach them.")]
    forms: Annotated[list[FormView], Meta(description="Its forms: those that were added with it.")]
    settings: Annotated[SettingsView, Meta(description="What holds for every instance.")]


# -- logs -------------------------------------------------------------------------------------------------------------


class FailedStartView(View):
    """A start that was refused."""

    id: Id
    process_definition_name: Annotated[
        str, Meta(description="What was to be started; perhaps there is no such process.")
    ]
    date: Instant
    actor: User
    status: Annotated[int, Meta(description="As the start was answered.")]
    title: Annotated[str, Meta(description="As the start was answered.")]
    detail: Annotated[str, Meta(description="As the start was answered.")]
    data: Annotated[Any, Meta(description="What was sent; what is sensitive reads ***.")]
    start_condition: Annotated[str | None, Meta(description="What the start node was chosen by.")] = None
    business_key: Annotated[str | None, Meta(description="What the one who started it calls it.")] = None


class AuditView(View):
    """Who did what to what. What was done to an instance has its `position` of history."""

    id: Annotated[str, Meta(description="Of the entry.")]
    date: Instant
    user: Annotated[str, Meta(description="Who did it.")]
    subject: Annotated[str, Meta(description="What kind of thing it was done to.")]
    event: Annotated[str, Meta(description="What was done.")]
    subject_identifier: Annotated[str, Meta(description="To which.")]
    status: Annotated[str, Meta(description="success or failure.")]
    detail: Annotated[str, Meta(description="More about it.")]
    instance: Id | UnsetType = UNSET
    position: Annotated[int | UnsetType, Meta(description="In the history of the instance.")] = UNSET


# -- who asks, and lists ----------------------------------------------------------------------------------------------


class MeView(View):
    """Who is logged in. `allowed` has what is done outside of a process (deploy, operate, work, admin), and `monitor`: whether
    there is a process to watch."""

    name: User
    roles: Annotated[
        list[str], Meta(description="Those of the platform (admin, operator, editor, worker) and those of processes.")
    ]
    expires: Annotated[Instant | None, Meta(description="When one must log in again.")]
    allowed: Allowed
    csrf_token: Annotated[str | UnsetType, Meta(description="For X-CSRF-Token; only where one came by session.")] = (
        UNSET
    )


class Page(View, Generic[T]):
    """A part of a list; `next` is the cursor of the part after it, null at the end.

    A page may have no items and yet a `next`: then there was much that its reader may not see.
    """

    items: list[T]
    next: str | None = None
    last_event_id: str | UnsetType = UNSET


def to_dict(view: Any) -> Any:
    """JSON-ready: the names of the contract, decimals kept."""
    return decode(encode(view))
