"""Everything that can have happened to an instance. History is made of these; they are read for ever.

Stored as JSON arrays: the tag, then the fields in order. A new field goes to the end and has a default.
Times are microseconds since the epoch, UTC. What an event needs of the clock is in the transaction that carries it.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from procession.engine.state import INACTIVE


def _tag(name: str) -> str:
    """InstanceStarted → instance-started."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class Fact(Struct, array_like=True, tag_field="event", tag=_tag, gc=False):
    """The base of every event. JSON values make no cycles, so the collector need not look."""


# -- the instance -----------------------------------------------------------------------------------------------------


class InstanceStarted(Fact):
    definition: int
    name: str
    version: int
    variables: dict[str, Any]
    started_by: str
    business_key: str | None = None
    parent: int | None = None
    parent_token: int | None = None
    root: int = 0
    inherited_from: int | None = None


class InstanceEnded(Fact):
    """`error`: the BPMN error that nobody caught in it, for the parent's call activity."""

    status: str
    error: str | None = None
    message: str | None = None


class InstanceHeld(Fact):
    pass


class InstanceResumed(Fact):
    pass


class CommandKept(Fact):
    """A completion came while the instance was on hold; it takes effect when it is resumed."""

    command: str


class StepsCounted(Fact):
    """How many nodes were visited since the last wait; 0: somebody outside moved the instance."""

    steps: int


# -- data -------------------------------------------------------------------------------------------------------------


class VariablesSet(Fact):
    """Values were merged into a scope (0: the root): objects deeply, everything else replaced."""

    scope: int
    values: dict[str, Any]


class VariablesReplaced(Fact):
    """Values took the place of what was there, objects too: nothing was merged."""

    scope: int
    values: dict[str, Any]


class VariablesPatched(Fact):
    """A JSON merge patch was applied to the root variables."""

    patch: dict[str, Any]


class LocalsSet(Fact):
    """Variables were declared in the scope that a token owns."""

    token: int
    values: dict[str, Any]


class ScopeClosed(Fact):
    token: int


# -- tokens -----------------------------------------------------------------------------------------------------------


class TokenCreated(Fact):
    """`added`: beside the others, so the parent counts one more. `item`: its index in a multi-instance loop."""

    token: int
    parent: int | None
    scope: int
    node: str
    flow: str | None = None
    added: bool = False
    item: int | None = None


class TokenAdvanced(Fact):
    """The token left its node and arrived on another. No flow: an event took it off its activity.

    No flow and the same node: it is back to before its work began.
    """

    token: int
    flow: str | None
    node: str


class TokenHeld(Fact):
    """The token became a parent: of the branches of a split, or of what runs inside its activity."""

    token: int
    holding: str
    count: int


class TokenResumed(Fact):
    """What ran inside the token's activity is done."""

    token: int


class TokenExecuted(Fact):
    """The work of the token's node is done, it may leave."""

    token: int


class TokenEnded(Fact):
    token: int
    state: str = INACTIVE


class JoinReached(Fact):
    token: int


class JoinFired(Fact):
    """A join took `consumed`; `survivor` goes on: one of them, or the parent whose live children they were."""

    node: str
    scope: int
    consumed: list[int]
    survivor: int


# -- multi-instance ---------------------------------------------------------------------------------------------------


class LoopStarted(Fact):
    token: int
    items: list[Any]


class ItemFinished(Fact):
    token: int
    index: int
    output: Any = None


class LoopEnded(Fact):
    token: int


# -- what tokens wait for ---------------------------------------------------------------------------------------------


class JobCreated(Fact):
    job: int
    token: int
    type: str
    retries: int
    headers: dict[str, str]


class JobCompleted(Fact):
    job: int
    token: int
    worker: str | None = None


class JobFailed(Fact):
    """The worker could not do it; handed out again from `due` on, while `retries` are left."""

    job: int
    token: int
    retries: int
    message: str
    due: int = 0


class JobErrorThrown(Fact):
    job: int
    token: int
    code: str
    message: str


class JobRetriesSet(Fact):
    job: int
    token: int
    retries: int


class TaskCreated(Fact):
    task: int
    token: int
    name: str
    lane: str | None
    assignee: str | None = None
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    due: int | None = None
    follow_up: int | None = None
    priority: int = 50
    form: str | None = None


class TaskAssigned(Fact):
    """No assignee: it was given back."""

    task: int
    token: int
    assignee: str | None


class TaskCompleted(Fact):
    task: int
    token: int
    by: str


class TimerScheduled(Fact):
    timer: int
    token: int
    node: str
    due: int
    kind: str
    rule: str
    zone: str
    number: int = 1
    anchor: int = 0
    status: str | None = None  # of the token, where the timer is what it waits for


class TimerFired(Fact):
    """`due`: when it fires again (0: never)."""

    timer: int
    token: int
    node: str
    due: int = 0
    number: int = 0
    anchor: int = 0


class SubscriptionOpened(Fact):
    subscription: int
    token: int
    node: str
    name: str
    key: str
    status: str | None = None


class MessageReceived(Fact):
    """`closed`: the subscription ends with it. `record`: topic/partition/offset of an answer that came on a data stream."""

    subscription: int
    token: int
    node: str
    message: int
    closed: bool = True
    record: str | None = None


class ResponseTimedOut(Fact):
    """Nothing came in time; the token goes on without."""

    token: int
    node: str


class CallStarted(Fact):
    """A child instance of the latest published version of `process` is to be started with `variables`."""

    child: int
    token: int
    process: str
    variables: dict[str, Any]


class CallEnded(Fact):
    child: int
    token: int
    status: str


class WaitCancelled(Fact):
    """A job, task, timer, subscription, incident or call of the token is not waited for any more."""

    wait: int
    token: int
    kind: str


class IncidentRaised(Fact):
    incident: int
    token: int
    node: str
    source: str
    type: str
    cause: str
    message: str
    details: str = ""
    job: int | None = None


class IncidentResolved(Fact):
    incident: int
    token: int


# -- what goes out ----------------------------------------------------------------------------------------------------


class MessagePublished(Fact):
    """`ttl` in microseconds."""

    message: int
    token: int
    name: str
    key: str | None
    variables: dict[str, Any]
    ttl: int
    message_id: str | None = None


class RecordSent(Fact):
    record: int
    token: int
    topic: str
    key: str
    value: str
    headers: dict[str, str]
    node: str = ""  # unknown where it was sent before this was kept


OUTWARD: frozenset[type] = frozenset(
    {
        CallStarted,
        InstanceEnded,
        InstanceHeld,
        InstanceResumed,
        MessagePublished,
        SubscriptionOpened,
        WaitCancelled,
    }
)
"""Facts that may concern other instances: the runtime acts on them in the same transaction."""

Event = (
    InstanceStarted
    | InstanceEnded
    | InstanceHeld
    | InstanceResumed
    | CommandKept
    | StepsCounted
    | VariablesSet
    | VariablesReplaced
    | VariablesPatched
    | LocalsSet
    | ScopeClosed
    | TokenCreated
    | TokenAdvanced
    | TokenHeld
    | TokenResumed
    | TokenExecuted
    | TokenEnded
    | JoinReached
    | JoinFired
    | LoopStarted
    | ItemFinished
    | LoopEnded
    | JobCreated
    | JobCompleted
    | JobFailed
    | JobErrorThrown
    | JobRetriesSet
    | TaskCreated
    | TaskAssigned
    | TaskCompleted
    | TimerScheduled
    | TimerFired
    | SubscriptionOpened
    | MessageReceived
    | ResponseTimedOut
    | CallStarted
    | CallEnded
    | WaitCancelled
    | IncidentRaised
    | IncidentResolved
    | MessagePublished
    | RecordSent
)
