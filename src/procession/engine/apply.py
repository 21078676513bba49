"""What each event means. `apply` is the only code that changes a state; it never refuses and never looks outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from procession.engine import events as e
from procession.engine.state import (
    ACTIVE,
    ARRIVED,
    EXECUTED_COMPLETE,
    EXECUTED_PARTIAL,
    EXECUTING,
    INACTIVE,
    MESSAGE_RESPONSE_TIMED_OUT,
    ON_HOLD,
    STARTED,
    Call,
    Incident,
    Job,
    Loop,
    ProcessInstance,
    Subscription,
    Timer,
    Token,
    UserTaskItem,
    Wait,
    enter_scope,
    merge,
    merge_patch,
    wait_at_join,
)

Applier = Callable[[ProcessInstance, Any], None]
F = TypeVar("F", bound=Applier)

APPLIERS: dict[type, Applier] = {}


def apply(state: ProcessInstance, event: e.Event) -> None:
    """Fold one fact into the state."""
    APPLIERS[event.__class__](state, event)


def applies(kind: type) -> Callable[[F], F]:
    def register(function: F) -> F:
        APPLIERS[kind] = function
        return function

    return register


def _touch(state: ProcessInstance, token: Token) -> None:
    token.version += 1
    token.updated = state.at


def _add_wait(state: ProcessInstance, wait: Wait, status: str | None) -> None:
    state.waits[wait.id] = wait
    token = state.tokens.get(wait.token)
    if token is not None:
        token.waits[wait.id] = None
        if status is not None:
            token.status = status
            _touch(state, token)


def _drop_wait(state: ProcessInstance, wait: int, token_id: int, status: str | None = None) -> None:
    state.waits.pop(wait, None)
    token = state.tokens.get(token_id)
    if token is not None:
        token.waits.pop(wait, None)
        if status is not None:
            token.status = status
            _touch(state, token)


def _remove(state: ProcessInstance, token: Token, final: str) -> None:
    """The token ends: it leaves every index and counts as finished in its parent."""
    del state.tokens[token.id]
    state.touched.add(token.scope)
    scope = state.scopes[token.scope]
    del scope[token.id]
    if not scope:
        del state.scopes[token.scope]
    if token.joined:
        _leave_join(state, token)
    if token.parent is not None and (parent := state.tokens.get(token.parent)) is not None:
        parent.children.pop(token.id, None)
        parent.finished += 1
        state.counted.add(parent.id)
        parent.version += 1
        parent.updated = state.at
    token.state = final
    if final == INACTIVE:
        token.status = EXECUTED_COMPLETE
    token.version += 1
    token.updated = state.at


def _leave_join(state: ProcessInstance, token: Token) -> None:
    at = (token.scope, token.node)
    flows = state.joins[at]
    assert token.flow is not None
    queue = flows[token.flow]
    queue.remove(token.id)
    if not queue:
        del flows[token.flow]
        if not flows:
            del state.joins[at]
    token.joined = 0


# -- the instance -----------------------------------------------------------------------------------------------------


@applies(e.InstanceStarted)
def _(state: ProcessInstance, event: e.InstanceStarted) -> None:
    state.definition, state.name, state.version = event.definition, event.name, event.version
    state.variables = dict(event.variables)
    state.started_by, state.business_key = event.started_by, event.business_key
    state.parent, state.parent_token = event.parent, event.parent_token
    state.root = event.root or state.id
    state.started = state.at
    state.status = STARTED


@applies(e.InstanceEnded)
def _(state: ProcessInstance, event: e.InstanceEnded) -> None:
    state.status = event.status
    state.ended = state.at
    state.kept = []


@applies(e.InstanceHeld)
def _(state: ProcessInstance, event: e.InstanceHeld) -> None:
    state.status = ON_HOLD


@applies(e.InstanceResumed)
def _(state: ProcessInstance, event: e.InstanceResumed) -> None:
    state.status = STARTED
    state.kept = []


@applies(e.CommandKept)
def _(state: ProcessInstance, event: e.CommandKept) -> None:
    state.kept.append(event.command.encode())


@applies(e.StepsCounted)
def _(state: ProcessInstance, event: e.StepsCounted) -> None:
    state.steps = event.steps


# -- data -------------------------------------------------------------------------------------------------------------


@applies(e.VariablesSet)
def variables_set(state: ProcessInstance, event: e.VariablesSet) -> None:
    variables = state.locals[event.scope] if event.scope else state.variables
    for name, value in event.values.items():
        # only two objects merge: everything else is replaced, and this loop runs at every script
        if value.__class__ is dict and name in variables:
            value = merge(variables[name], value)
        variables[name] = value


@applies(e.VariablesReplaced)
def _(state: ProcessInstance, event: e.VariablesReplaced) -> None:
    (state.locals[event.scope] if event.scope else state.variables).update(event.values)


@applies(e.VariablesPatched)
def _(state: ProcessInstance, event: e.VariablesPatched) -> None:
    state.variables = merge_patch(state.variables, event.patch)


@applies(e.LocalsSet)
def _(state: ProcessInstance, event: e.LocalsSet) -> None:
    state.locals.setdefault(event.token, {}).update(event.values)


@applies(e.ScopeClosed)
def _(state: ProcessInstance, event: e.ScopeClosed) -> None:
    state.locals.pop(event.token, None)


# -- tokens -----------------------------------------------------------------------------------------------------------


@applies(e.TokenCreated)
def _(state: ProcessInstance, event: e.TokenCreated) -> None:
    token = Token(
        event.token,
        event.parent,
        event.scope,
        event.node,
        event.node,
        event.flow,
        updated=state.at,
        item=event.item,
    )
    state.tokens[event.token] = token
    if event.token >= state.next_token:
        state.next_token = event.token + 1
    enter_scope(state, token)
    if event.added and event.parent is not None and (parent := state.tokens.get(event.parent)) is not None:
        parent.count += 1
        _touch(state, parent)


@applies(e.TokenAdvanced)
def token_advanced(state: ProcessInstance, event: e.TokenAdvanced) -> None:
    token = state.tokens[event.token]
    token.node = event.node
    token.flow = event.flow
    token.status = ARRIVED
    token.state = ACTIVE
    token.holding = ""
    token.version += 1
    token.updated = state.at


@applies(e.TokenHeld)
def _(state: ProcessInstance, event: e.TokenHeld) -> None:
    token = state.tokens[event.token]
    token.state, token.status = ON_HOLD, EXECUTING
    token.holding, token.count, token.finished = event.holding, event.count, 0
    _touch(state, token)


@applies(e.TokenResumed)
def _(state: ProcessInstance, event: e.TokenResumed) -> None:
    token = state.tokens[event.token]
    token.state, token.status, token.holding = ACTIVE, EXECUTED_COMPLETE, ""
    _touch(state, token)


@applies(e.TokenExecuted)
def _(state: ProcessInstance, event: e.TokenExecuted) -> None:
    token = state.tokens[event.token]
    token.status = EXECUTED_COMPLETE
    _touch(state, token)


@applies(e.TokenEnded)
def _(state: ProcessInstance, event: e.TokenEnded) -> None:
    _remove(state, state.tokens[event.token], event.state)


@applies(e.JoinReached)
def _(state: ProcessInstance, event: e.JoinReached) -> None:
    token = state.tokens[event.token]
    token.joined = state.next_order
    state.next_order += 1
    wait_at_join(state, token)
    _touch(state, token)


@applies(e.JoinFired)
def _(state: ProcessInstance, event: e.JoinFired) -> None:
    survivor = state.tokens[event.survivor]
    for number in event.consumed:
        token = state.tokens[number]
        if token is survivor:
            _leave_join(state, token)
        else:
            _remove(state, token, INACTIVE)
    survivor.node, survivor.flow = event.node, None
    survivor.state, survivor.status, survivor.holding = ACTIVE, EXECUTED_COMPLETE, ""
    _touch(state, survivor)


# -- multi-instance ---------------------------------------------------------------------------------------------------


@applies(e.LoopStarted)
def _(state: ProcessInstance, event: e.LoopStarted) -> None:
    token = state.tokens[event.token]
    state.loops[event.token] = Loop(event.items)
    token.state, token.status = ON_HOLD, EXECUTING
    token.holding, token.count, token.finished = "loop", len(event.items), 0
    _touch(state, token)


@applies(e.ItemFinished)
def _(state: ProcessInstance, event: e.ItemFinished) -> None:
    state.loops[event.token].outputs[event.index] = event.output


@applies(e.LoopEnded)
def _(state: ProcessInstance, event: e.LoopEnded) -> None:
    del state.loops[event.token]
    token = state.tokens[event.token]
    token.state, token.status, token.holding = ACTIVE, EXECUTED_COMPLETE, ""
    _touch(state, token)


# -- waits ------------------------------------------------------------------------------------------------------------


@applies(e.JobCreated)
def _(state: ProcessInstance, event: e.JobCreated) -> None:
    node = state.tokens[event.token].node
    job = Job(event.job, event.token, node, event.type, event.retries, event.headers, state.at)
    _add_wait(state, job, EXECUTING)


@applies(e.JobCompleted)
def _(state: ProcessInstance, event: e.JobCompleted) -> None:
    _drop_wait(state, event.job, event.token, EXECUTED_COMPLETE)


@applies(e.JobFailed)
def _(state: ProcessInstance, event: e.JobFailed) -> None:
    job = state.waits[event.job]
    assert isinstance(job, Job)
    job.retries, job.due = event.retries, event.due


@applies(e.JobErrorThrown)
def _(state: ProcessInstance, event: e.JobErrorThrown) -> None:
    _drop_wait(state, event.job, event.token)


@applies(e.JobRetriesSet)
def _(state: ProcessInstance, event: e.JobRetriesSet) -> None:
    job = state.waits[event.job]
    assert isinstance(job, Job)
    job.retries, job.due = event.retries, 0


@applies(e.TaskCreated)
def _(state: ProcessInstance, event: e.TaskCreated) -> None:
    task = UserTaskItem(
        event.task,
        event.token,
        state.tokens[event.token].node,
        event.name,
        event.lane,
        state.at,
        event.assignee,
        event.groups,
        event.users,
        event.due,
        event.follow_up,
        event.priority,
        event.form,
    )
    _add_wait(state, task, EXECUTED_PARTIAL)


@applies(e.TaskAssigned)
def _(state: ProcessInstance, event: e.TaskAssigned) -> None:
    task = state.waits[event.task]
    assert isinstance(task, UserTaskItem)
    task.assignee = event.assignee


@applies(e.TaskCompleted)
def _(state: ProcessInstance, event: e.TaskCompleted) -> None:
    _drop_wait(state, event.task, event.token, EXECUTED_COMPLETE)


@applies(e.TimerScheduled)
def _(state: ProcessInstance, event: e.TimerScheduled) -> None:
    timer = Timer(
        event.timer,
        event.token,
        event.node,
        event.due,
        event.kind,
        event.rule,
        event.zone,
        event.number,
        event.anchor,
    )
    _add_wait(state, timer, event.status)


@applies(e.TimerFired)
def _(state: ProcessInstance, event: e.TimerFired) -> None:
    if event.due:
        timer = state.waits[event.timer]
        assert isinstance(timer, Timer)
        timer.due, timer.number, timer.anchor = event.due, event.number, event.anchor
    else:
        _drop_wait(state, event.timer, event.token)


@applies(e.SubscriptionOpened)
def _(state: ProcessInstance, event: e.SubscriptionOpened) -> None:
    _add_wait(
        state,
        Subscription(event.subscription, event.token, event.node, event.name, event.key),
        event.status,
    )


@applies(e.MessageReceived)
def _(state: ProcessInstance, event: e.MessageReceived) -> None:
    if event.closed:
        _drop_wait(state, event.subscription, event.token)


@applies(e.ResponseTimedOut)
def _(state: ProcessInstance, event: e.ResponseTimedOut) -> None:
    token = state.tokens[event.token]
    token.status = MESSAGE_RESPONSE_TIMED_OUT
    _touch(state, token)


@applies(e.CallStarted)
def _(state: ProcessInstance, event: e.CallStarted) -> None:
    token = state.tokens[event.token]
    token.state, token.holding, token.count, token.finished = ON_HOLD, "call", 1, 0
    _add_wait(state, Call(event.child, event.token, token.node, event.process), EXECUTING)


@applies(e.CallEnded)
def _(state: ProcessInstance, event: e.CallEnded) -> None:
    token = state.tokens[event.token]
    token.state, token.holding, token.finished = ACTIVE, "", 1
    _drop_wait(state, event.child, event.token, EXECUTED_COMPLETE)


@applies(e.WaitCancelled)
def _(state: ProcessInstance, event: e.WaitCancelled) -> None:
    state.incidents -= event.kind == "incident"
    _drop_wait(state, event.wait, event.token)


@applies(e.IncidentRaised)
def _(state: ProcessInstance, event: e.IncidentRaised) -> None:
    incident = Incident(
        event.incident,
        event.token,
        event.node,
        event.source,
        event.type,
        event.cause,
        event.message,
        event.details,
        state.at,
        event.job,
    )
    _add_wait(state, incident, None)
    state.incidents += 1


@applies(e.IncidentResolved)
def _(state: ProcessInstance, event: e.IncidentResolved) -> None:
    state.incidents -= 1
    _drop_wait(state, event.incident, event.token)


@applies(e.MessagePublished)
def _(state: ProcessInstance, event: e.MessagePublished) -> None:
    """Nothing changes here: the message goes its own way."""


@applies(e.RecordSent)
def _(state: ProcessInstance, event: e.RecordSent) -> None:
    """Nothing changes here: the outbox has it."""


def fold(state: ProcessInstance, events: list[e.Event], at: int) -> None:
    """Apply one transaction of history."""
    state.at = at
    for event in events:
        APPLIERS[event.__class__](state, event)
    state.position += 1


__all__ = ["APPLIERS", "apply", "fold"]
