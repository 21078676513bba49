"""Events to rows and back: what a transaction changed in the store, and the state that the rows stand for.

`project` reads which things the events touched, and writes each of them once, as it is after the last event. What was born
and died within the transaction leaves no row but its history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from procession.engine import events as e
from procession.engine.apply import fold
from procession.engine.codec import decode, decode_events, encode
from procession.engine.state import (
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
    derive,
)
from procession.storage import (
    Batch,
    CallRow,
    HistoryRow,
    IncidentRow,
    InstanceRow,
    InstanceRows,
    JobRow,
    KeptRow,
    LoopRow,
    OutboxRow,
    OutputRow,
    SubscriptionRow,
    TaskRow,
    TimerRow,
    TokenRow,
    VariableRow,
)

_strings = msgspec.json.Decoder(list[str])
_headers = msgspec.json.Decoder(dict[str, str])


def history_row(state: ProcessInstance, actor: str, command: str, reason: str, events: Sequence[e.Event]) -> HistoryRow:
    return HistoryRow(state.id, state.position, state.at, actor, command, reason, encode(events))


def catch_up(state: ProcessInstance, missed: Sequence[HistoryRow]) -> ProcessInstance:
    """Let the state be as what others did has left it: rows of history, oldest first, without a gap."""
    for row in missed:
        fold(state, decode_events(row.events), row.at)
        state.position = row.position
    settle(state)
    return state


def settle(state: ProcessInstance) -> None:
    """Forget what a decision notes for itself."""
    state.touched.clear()
    state.counted.clear()


# -- what events touch ------------------------------------------------------------------------------------------------


class Touched:
    """Ids of what a transaction changed."""

    __slots__ = (
        "born",
        "ended",
        "gone",
        "incidents",
        "kept",
        "loops",
        "names",
        "outputs",
        "records",
        "reset",
        "resumed",
        "scopes",
        "tokens",
        "waits",
    )

    def __init__(self) -> None:
        self.tokens: set[int] = set()
        self.names: dict[int, set[str]] = {}  # scope → variables
        self.scopes: set[int] = set()  # closed
        self.reset = False  # the root variables were patched: any of them may be gone
        self.loops: set[int] = set()
        self.ended: set[int] = set()  # loops
        self.outputs: list[tuple[int, int]] = []
        self.waits: set[int] = set()
        self.born: set[int] = set()
        self.gone: dict[int, str] = {}  # wait → kind
        self.incidents: list[e.IncidentRaised] = []
        self.records: list[e.RecordSent] = []
        self.kept = 0
        self.resumed = False


Toucher = Callable[[Touched, Any], None]


def _token(touched: Touched, event: Any) -> None:
    touched.tokens.add(event.token)


def _nothing(touched: Touched, event: Any) -> None:
    pass


def _started(touched: Touched, event: e.InstanceStarted) -> None:
    touched.names.setdefault(0, set()).update(event.variables)


def _set(touched: Touched, event: e.VariablesSet | e.VariablesReplaced) -> None:
    names = touched.names.get(event.scope)
    if names is None:
        touched.names[event.scope] = set(event.values)
    else:
        names.update(event.values)


def _patched(touched: Touched, event: e.VariablesPatched) -> None:
    touched.names.setdefault(0, set()).update(event.patch)
    touched.reset = True


def _locals(touched: Touched, event: e.LocalsSet) -> None:
    touched.names.setdefault(event.token, set()).update(event.values)


def _closed(touched: Touched, event: e.ScopeClosed) -> None:
    touched.scopes.add(event.token)


def _joined(touched: Touched, event: e.JoinFired) -> None:
    touched.tokens.update(event.consumed)
    touched.tokens.add(event.survivor)


def _loop(touched: Touched, event: e.LoopStarted | e.LoopEnded) -> None:
    touched.tokens.add(event.token)
    touched.loops.add(event.token)
    if isinstance(event, e.LoopEnded):
        touched.ended.add(event.token)


def _item(touched: Touched, event: e.ItemFinished) -> None:
    touched.outputs.append((event.token, event.index))


def _born(field: str) -> Toucher:
    def touch(touched: Touched, event: Any) -> None:
        number = getattr(event, field)
        touched.tokens.add(event.token)
        touched.waits.add(number)
        touched.born.add(number)

    return touch


def _changed(field: str) -> Toucher:
    def touch(touched: Touched, event: Any) -> None:
        touched.tokens.add(event.token)
        touched.waits.add(getattr(event, field))

    return touch


def _gone(field: str, kind: str) -> Toucher:
    def touch(touched: Touched, event: Any) -> None:
        touched.tokens.add(event.token)
        touched.gone[getattr(event, field)] = kind

    return touch


def _fired(touched: Touched, event: e.TimerFired) -> None:
    touched.tokens.add(event.token)
    if event.due:
        touched.waits.add(event.timer)
    else:
        touched.gone[event.timer] = "timer"


def _received(touched: Touched, event: e.MessageReceived) -> None:
    touched.tokens.add(event.token)
    if event.closed:
        touched.gone[event.subscription] = "subscription"


def _cancelled(touched: Touched, event: e.WaitCancelled) -> None:
    touched.tokens.add(event.token)
    touched.gone[event.wait] = event.kind


def _raised(touched: Touched, event: e.IncidentRaised) -> None:
    touched.tokens.add(event.token)
    touched.incidents.append(event)
    touched.born.add(event.incident)


def _sent(touched: Touched, event: e.RecordSent) -> None:
    touched.records.append(event)


def _kept(touched: Touched, event: e.CommandKept) -> None:
    touched.kept += 1


def _resumed(touched: Touched, event: e.InstanceResumed) -> None:
    touched.resumed = True


TOUCHERS: dict[type, Toucher] = {
    e.InstanceStarted: _started,
    e.InstanceEnded: _nothing,
    e.InstanceHeld: _nothing,
    e.InstanceResumed: _resumed,
    e.CommandKept: _kept,
    e.StepsCounted: _nothing,
    e.VariablesSet: _set,
    e.VariablesReplaced: _set,
    e.VariablesPatched: _patched,
    e.LocalsSet: _locals,
    e.ScopeClosed: _closed,
    e.TokenCreated: lambda t, event: t.tokens.update((event.token, event.parent or event.token)),
    e.TokenAdvanced: _token,
    e.TokenHeld: _token,
    e.TokenResumed: _token,
    e.TokenExecuted: _token,
    e.TokenEnded: _token,
    e.JoinReached: _token,
    e.JoinFired: _joined,
    e.LoopStarted: _loop,
    e.ItemFinished: _item,
    e.LoopEnded: _loop,
    e.JobCreated: _born("job"),
    e.JobCompleted: _gone("job", "job"),
    e.JobFailed: _changed("job"),
    e.JobErrorThrown: _gone("job", "job"),
    e.JobRetriesSet: _changed("job"),
    e.TaskCreated: _born("task"),
    e.TaskAssigned: _changed("task"),
    e.TaskCompleted: _gone("task", "task"),
    e.TimerScheduled: _born("timer"),
    e.TimerFired: _fired,
    e.SubscriptionOpened: _born("subscription"),
    e.MessageReceived: _received,
    e.ResponseTimedOut: _token,
    e.CallStarted: _born("child"),
    e.CallEnded: _gone("child", "call"),
    e.WaitCancelled: _cancelled,
    e.IncidentRaised: _raised,
    e.IncidentResolved: _gone("incident", "incident"),
    e.MessagePublished: _nothing,
    e.RecordSent: _sent,
}


LASTING: frozenset[type] = frozenset({e.IncidentRaised, e.RecordSent})
"""Events whose rows stay when the instance is over."""


# -- writing ----------------------------------------------------------------------------------------------------------


def project(
    batch: Batch, state: ProcessInstance, events: Sequence[e.Event], *, position: int, first_token: int, kept: int
) -> None:
    """Add what `events` changed to the batch.

    `position`, `first_token` and `kept` are what the store has: the position that was read (-1: the instance is new), the
    number of the first token that is not there yet, and how many kept commands are.
    """
    if position < 0 and not state.live:
        _project_over(batch, state, events)
        return
    touched = Touched()
    for event in events:
        TOUCHERS[event.__class__](touched, event)
    row = instance_row(state)
    if position < 0:
        batch.new.append(row)
    else:
        batch.changed.append((row, position))
    _project_variables(batch, state, touched, first_token)
    _project_tokens(batch, state, touched, first_token)
    _project_waits(batch, state, touched)
    _project_records(batch, state, touched)
    if touched.resumed or (not state.live and kept):
        batch.kept_gone.append((state.id,))
    if touched.kept and state.kept:
        for number, command in list(enumerate(state.kept))[-touched.kept :]:
            batch.kept.append(KeptRow(state.id, number, command))
    state.counted.clear()


def _project_over(batch: Batch, state: ProcessInstance, events: Sequence[e.Event]) -> None:
    """Born and over in one transaction: of what was alive in it nothing is left to be written."""
    batch.new.append(instance_row(state))
    for name, value in state.variables.items():
        batch.variables.append(VariableRow(state.id, 0, name, encode(value)))
    lasting = [event for event in events if event.__class__ in LASTING]
    if lasting:
        touched = Touched()
        for event in lasting:
            TOUCHERS[event.__class__](touched, event)
        _project_waits(batch, state, touched)
        _project_records(batch, state, touched)
    state.counted.clear()


def _project_records(batch: Batch, state: ProcessInstance, touched: Touched) -> None:
    for record in touched.records:
        batch.outbox.append(
            OutboxRow(
                record.record,
                state.id,
                record.topic,
                record.key,
                encode(record.headers),
                record.value.encode(),
                state.at,
            )
        )


def instance_row(state: ProcessInstance) -> InstanceRow:
    ready = 1 if state.steps and state.status == STARTED else 0
    return InstanceRow(
        state.id,
        state.definition,
        state.name,
        state.version,
        state.status,
        state.position,
        state.business_key,
        state.started_by,
        state.started,
        state.ended,
        state.parent,
        state.parent_token,
        state.root,
        state.next_token,
        state.next_order,
        state.steps,
        ready,
        state.incidents,
    )


def _project_variables(batch: Batch, state: ProcessInstance, touched: Touched, first_token: int) -> None:
    instance = state.id
    for scope in touched.scopes:
        if scope < first_token:  # the store removes before it puts: the scope may have been opened again since
            batch.scopes_gone.append((instance, scope))
    for scope, names in touched.names.items():
        values = state.locals.get(scope) if scope else state.variables
        if values is None:
            continue
        for name in names:
            if name in values:
                batch.variables.append(VariableRow(instance, scope, name, encode(values[name])))
            elif scope == 0 and touched.reset:
                batch.variables_gone.append((instance, 0, name))


def _project_tokens(batch: Batch, state: ProcessInstance, touched: Touched, first_token: int) -> None:
    instance, tokens = state.id, state.tokens
    for number in touched.tokens | state.counted:
        token = tokens.get(number)
        if token is not None:
            batch.tokens.append(
                TokenRow(
                    instance,
                    number,
                    token.parent,
                    token.scope,
                    token.node,
                    token.start_node,
                    token.flow,
                    token.state,
                    token.status,
                    token.version,
                    token.updated,
                    token.holding,
                    token.count,
                    token.finished,
                    token.joined,
                    token.item,
                )
            )
        elif number and number < first_token:
            batch.tokens_gone.append((instance, number))
    for number in touched.loops:
        loop = state.loops.get(number)
        if loop is not None:
            batch.loops.append(LoopRow(instance, number, encode(loop.items)))
        if number in touched.ended and number < first_token:
            batch.loops_gone.append((instance, number))
    for number, index in touched.outputs:
        loop = state.loops.get(number)
        if loop is not None and index in loop.outputs:
            batch.outputs.append(OutputRow(instance, number, index, encode(loop.outputs[index])))


def _project_waits(batch: Batch, state: ProcessInstance, touched: Touched) -> None:
    for number in touched.waits:
        wait = state.waits.get(number)
        if wait is not None:
            _WRITERS[wait.__class__](batch, state, wait)
    for event in touched.incidents:
        resolved = None if event.incident in state.waits else state.at
        batch.incidents.append(
            IncidentRow(
                event.incident,
                state.id,
                state.name,
                event.token,
                event.node,
                event.source,
                event.type,
                event.cause,
                event.message,
                event.details,
                state.at,
                event.job,
                resolved,
            )
        )
    for number, kind in touched.gone.items():
        if number in touched.born:
            continue
        if kind == "incident":
            batch.incidents_resolved.append((state.at, number))
        else:
            getattr(batch, _GONE[kind]).append((number,))


_GONE = {
    "job": "jobs_gone",
    "task": "tasks_gone",
    "timer": "timers_gone",
    "subscription": "subscriptions_gone",
    "call": "calls_gone",
}


def _write_job(batch: Batch, state: ProcessInstance, job: Job) -> None:
    batch.jobs.append(
        JobRow(job.id, state.id, job.token, job.node, job.type, job.retries, encode(job.headers), job.created, job.due)
    )


def _write_task(batch: Batch, state: ProcessInstance, task: UserTaskItem) -> None:
    batch.tasks.append(
        TaskRow(
            task.id,
            state.id,
            task.token,
            state.name,
            task.node,
            task.name,
            task.lane,
            task.assignee,
            encode(task.groups),
            encode(task.users),
            task.created,
            task.due,
            task.follow_up,
            task.priority,
            task.form,
            state.definition,
        )
    )


def _write_timer(batch: Batch, state: ProcessInstance, timer: Timer) -> None:
    batch.timers.append(
        TimerRow(
            timer.id,
            state.id,
            timer.token,
            timer.node,
            timer.due,
            timer.kind,
            timer.rule,
            timer.zone,
            timer.number,
            timer.anchor,
        )
    )


def _write_subscription(batch: Batch, state: ProcessInstance, wait: Subscription) -> None:
    batch.subscriptions.append(
        SubscriptionRow(wait.id, state.id, wait.token, state.name, wait.node, wait.name, wait.key)
    )


def _write_call(batch: Batch, state: ProcessInstance, call: Call) -> None:
    batch.calls.append(CallRow(call.id, state.id, call.token, call.node, call.process))


_WRITERS: dict[type, Callable[[Batch, ProcessInstance, Any], None]] = {
    Job: _write_job,
    UserTaskItem: _write_task,
    Timer: _write_timer,
    Subscription: _write_subscription,
    Call: _write_call,
}


# -- reading ----------------------------------------------------------------------------------------------------------


def restore(rows: InstanceRows) -> ProcessInstance:
    """The state that the rows of an instance stand for."""
    row = rows.instance
    state = ProcessInstance(
        row.id,
        row.definition,
        row.name,
        row.version,
        row.status,
        row.position,
        row.business_key,
        row.started_by,
        row.started,
        row.ended,
        row.parent,
        row.parent_token,
        row.root,
        next_token=row.next_token,
        next_order=row.next_order,
        steps=row.steps,
    )
    for variable in rows.variables:
        target = state.locals.setdefault(variable.scope, {}) if variable.scope else state.variables
        target[variable.name] = decode(variable.value)
    for token in rows.tokens:
        state.tokens[token.id] = Token(*token[1:])
    for loop in rows.loops:
        state.loops[loop.token] = Loop(decode(loop.items))
    for output in rows.outputs:
        state.loops[output.token].outputs[output.index] = decode(output.value)
    state.kept = [kept.command for kept in sorted(rows.kept, key=lambda k: k.number)]
    for job in rows.jobs:
        state.waits[job.id] = Job(
            job.id, job.token, job.node, job.type, job.retries, _headers.decode(job.headers), job.created, job.due
        )
    for task in rows.tasks:
        state.waits[task.id] = UserTaskItem(
            task.id,
            task.token,
            task.node,
            task.name,
            task.lane,
            task.created,
            task.assignee,
            tuple(_strings.decode(task.groups)),
            tuple(_strings.decode(task.users)),
            task.due,
            task.follow_up,
            task.priority,
            task.form,
        )
    for timer in rows.timers:
        state.waits[timer.id] = Timer(timer.id, *timer[2:])
    for subscription in rows.subscriptions:
        state.waits[subscription.id] = Subscription(
            subscription.id, subscription.token, subscription.node, subscription.name, subscription.key
        )
    for call in rows.calls:
        state.waits[call.id] = Call(call.id, call.token, call.node, call.process)
    for incident in rows.incidents:
        state.waits[incident.id] = Incident(
            incident.id,
            incident.token,
            incident.node,
            incident.source,
            incident.type,
            incident.cause,
            incident.message,
            incident.details,
            incident.raised,
            incident.job,
        )
    derive(state)
    return state
