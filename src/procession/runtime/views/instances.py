"""Views of instances, their tokens, and what they wait for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, get_args

import msgspec

from procession.definition import MASK, FlowNode, ProcessDefinition
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal, permission
from procession.engine.codec import decode
from procession.engine.events import Event
from procession.engine.state import (
    Call,
    Incident,
    Job,
    ProcessInstance,
    Subscription,
    Timer,
    Token,
    UserTaskItem,
    Wait,
    visible,
)
from procession.engine.triggers.stream import stream_of
from procession.runtime.views import allowed
from procession.runtime.views.masking import hidden, mask, masked_events, masked_key
from procession.runtime.views.shapes import (
    Allowed,
    ExceptionView,
    HistoryView,
    InstanceSummary,
    InstanceView,
    NodeDataView,
    PlaceView,
    TokenView,
)
from procession.storage import HistoryRow, IncidentRow, InstanceRow


def instant(us: int | None) -> str | None:
    """A moment that may be none."""
    return None if us is None else format_instant(us)


def text(number: int | None) -> str | None:
    """An id that may be none."""
    return None if number is None else str(number)


def element(node: FlowNode) -> str:
    """What a node is called in BPMN: userTask, startEvent."""
    name = node.__class__.__name__
    return name[0].lower() + name[1:]


def instance_view(
    state: ProcessInstance, definition: ProcessDefinition, principal: Principal, *, past: bool = False
) -> InstanceView:
    """Everything about an instance, and what the principal may do with it: nothing, where it is the `past`."""
    may = allowed.on_past() if past else allowed_on(state, definition, principal)
    return InstanceView(
        id=str(state.id),
        process_definition_name=state.name,
        process_title=definition.label,
        version=state.version,
        state=state.status,
        business_key=state.business_key,
        started_by=state.started_by,
        date_started=format_instant(state.started),
        date_ended=instant(state.ended),
        parent=text(state.parent),
        root=str(state.root),
        tokens=[token_view(token, definition) for token in state.tokens.values()],
        variables=mask(state.variables, definition, principal),
        general_data=definition.settings.general_data,
        sub_processes=[str(wait.id) for wait in state.waits.values() if isinstance(wait, Call)],
        exceptions=[
            incident_view(state, wait, {"retry": may["retry"]})
            for wait in state.waits.values()
            if isinstance(wait, Incident)
        ],
        waits=waits_view(state, definition, hidden(principal, definition)),
        seq=state.position,
        allowed=may,
    )


def instance_outline(state: ProcessInstance, definition: ProcessDefinition, principal: Principal) -> InstanceView:
    """For who may do something to an instance and not look into it (hold, but not view): what became of it, no more."""
    return InstanceView(
        id=str(state.id),
        process_definition_name=state.name,
        process_title=definition.label,
        version=state.version,
        state=state.status,
        business_key=None,
        started_by=MASK,
        date_started=format_instant(state.started),
        date_ended=instant(state.ended),
        parent=None,
        root=str(state.id),
        tokens=[],
        variables={},
        general_data=None,
        sub_processes=[],
        exceptions=[],
        waits=[],
        seq=state.position,
        allowed=allowed_on(state, definition, principal),
    )


def instance_after(state: ProcessInstance, definition: ProcessDefinition, principal: Principal) -> InstanceView:
    """For who did something to an instance: all of it, or its outline where they may not look into it."""
    if permission(principal, definition, "view", owner=state.started_by) is not None:
        return instance_outline(state, definition, principal)
    return instance_view(state, definition, principal)


def allowed_on(state: ProcessInstance, definition: ProcessDefinition, principal: Principal) -> Allowed:
    """For each action on an instance true, or the reason why not."""
    return allowed.on_instance(
        principal,
        definition,
        status=state.status,
        started_by=state.started_by,
        child=state.parent is not None,
        stuck=state.incidents > 0,
        nodes=[token.node for token in state.tokens.values()],
    )


PLACES = 5
"""So many nodes a line of a list names."""


def instance_summary(
    row: InstanceRow, definition: ProcessDefinition, principal: Principal, places: Sequence[tuple[str, int]]
) -> InstanceSummary:
    """One line of a list. `places` are the nodes that have its tokens, with how many of them no child token runs for."""
    waiting = [(node, count) for node, count in places if count]
    return InstanceSummary(
        id=str(row.id),
        process_definition_name=row.name,
        process_title=definition.label,
        version=row.version,
        state=row.status,
        business_key=row.business_key,
        started_by=row.started_by,
        date_started=format_instant(row.started),
        date_ended=instant(row.ended),
        parent=text(row.parent),
        root=str(row.root),
        exceptions=row.incidents,
        waiting_at=[_place(definition, node, count) for node, count in waiting[:PLACES]],
        waiting_at_more=max(len(waiting) - PLACES, 0),
        seq=row.position,
        allowed=allowed.on_instance(
            principal,
            definition,
            status=row.status,
            started_by=row.started_by,
            child=row.parent is not None,
            stuck=row.incidents > 0,
            nodes=[node for node, _ in places],
        ),
    )


def _place(definition: ProcessDefinition, number: str, count: int) -> PlaceView:
    node = definition.nodes.get(number)
    if node is None:
        return PlaceView(node=number, name=number, stage=None, count=count)
    return PlaceView(node=number, name=node.label, stage=node.stage, count=count)


def token_view(
    token: Token, definition: ProcessDefinition, visits: Sequence[tuple[str, int]] | None = None
) -> TokenView:
    """A token; with `visits` (the nodes that it was on, and since when) also where it can go back to."""
    node = definition.nodes.get(token.node)
    view = TokenView(
        id=str(token.id),
        parent_token_id=text(token.parent),
        version=token.version,
        state=token.state,
        status_current_node=token.status,
        start_node_id=token.start_node,
        current_node_id=token.node,
        current_node_name=node.label if node is not None else token.node,
        sync_node_tokens_count=token.count,
        sync_node_tokens_finished=token.finished,
        date_updated=format_instant(token.updated),
    )
    if visits is not None:
        view.nodes_action_states = [
            {
                "nodeId": number,
                "name": definition.nodes[number].name if number in definition.nodes else number,
                "arrivedDate": format_instant(at),
                "actionStateData": None,
            }
            for number, at in visits
        ]
        view.back_seq = {"nodes": _back_sequence([number for number, _ in visits], definition)}
    return view


def _back_sequence(nodes: list[str], definition: ProcessDefinition) -> list[str]:
    """The nodes one can go back to: those since the last one that forbids it."""
    for index in range(len(nodes) - 1, -1, -1):
        node = definition.nodes.get(nodes[index])
        if node is not None and not node.can_go_back:
            return nodes[index:]
    return nodes


def waits_view(
    state: ProcessInstance, definition: ProcessDefinition, paths: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Everything that an instance waits for: also joins, and the engine itself in the middle of a long run."""
    waits = [_wait(wait, definition, paths) for wait in state.waits.values()]
    for (scope, node), flows in state.joins.items():
        for tokens in flows.values():
            waits += [{"kind": "join", "id": None, "token": str(t), "node": node, "scope": str(scope)} for t in tokens]
    if state.steps:
        waits.append({"kind": "engine", "id": None, "token": None, "node": None})
    return waits


def _wait(wait: Wait, definition: ProcessDefinition, paths: Collection[str]) -> dict[str, Any]:
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
            stream = stream_of(definition.nodes.get(wait.node), wait.name)
            if stream is not None:
                what = f"an answer on {stream.topic}"
                return {"kind": "message", **view, "name": what, "topic": stream.topic, "correlationKey": wait.key}
            key = masked_key(wait.key, definition.nodes.get(wait.node), paths)
            return {"kind": "message", **view, "name": wait.name, "correlationKey": key}
        case Incident():
            return {"kind": "exception", **view, "type": wait.type, "message": wait.message}
        case Call():
            return {"kind": "child", **view, "process": wait.process}


def incident_view(state: ProcessInstance, wait: Incident, may: Allowed) -> ExceptionView:
    """An open exception of an instance."""
    return ExceptionView(
        id=str(wait.id),
        instance=str(state.id),
        token_id=str(wait.token),
        node=wait.node,
        source=wait.source,
        type=wait.type,
        cause_type=wait.cause,
        message=wait.message,
        details=wait.details,
        date=format_instant(wait.raised),
        resolved=None,
        seq=state.position,
        allowed=may,
    )


def exception_view(row: IncidentRow, seq: int, may: Allowed) -> ExceptionView:
    """An exception of an instance at position `seq`."""
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
        seq=seq,
        allowed=may,
    )


def node_data_view(
    state: ProcessInstance, definition: ProcessDefinition, node: FlowNode, principal: Principal
) -> NodeDataView:
    """What a screen of a node needs: what the token on it sees; the root variables where none is."""
    token = min((token.id for token in state.tokens.values() if token.node == node.id), default=None)
    tasks = (w for w in state.waits.values() if isinstance(w, UserTaskItem) and w.node == node.id)
    task = min(tasks, key=lambda item: item.id, default=None)
    if task is not None:
        token = task.token
        may = allowed.on_task(principal, definition, task, status=state.status)
    else:
        reason = "no user task is open on the node" if state.live else f"the instance is {state.status}"
        may = dict.fromkeys(allowed.ON_TASK, reason)
    seen = state.variables if token is None else visible(state, token)
    return NodeDataView(
        instance=str(state.id),
        node=node.id,
        name=node.label,
        type=element(node),
        token=text(token),
        task=None if task is None else str(task.id),
        data=mask(seen, definition, principal),
        actions=[],
        seq=state.position,
        allowed=may,
    )


EVENT_KINDS = tuple(str(kind.__struct_config__.tag) for kind in get_args(Event))
"""What history calls its events."""

_events = msgspec.json.Decoder(list[msgspec.Raw])


def history_view(row: HistoryRow, paths: Collection[str], kinds: Collection[str] = ()) -> HistoryView:
    """One transaction, with what is sensitive masked. `kinds`: only events of these; no other is read."""
    return HistoryView(
        position=row.position,
        at=format_instant(row.at),
        actor=row.actor,
        command=row.command,
        reason=row.reason,
        events=masked_events(_of(kinds, row.events) if kinds else decode(row.events), paths),
    )


def _of(kinds: Collection[str], events: bytes) -> list[Any]:
    heads = tuple(f'["{kind}"'.encode() for kind in kinds)
    return [decode(raw) for raw in map(bytes, _events.decode(events)) if raw.startswith(heads)]
