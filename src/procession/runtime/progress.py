"""How far an instance is, for the person who started it: stages and steps, in plain words, and no names of people."""

from __future__ import annotations

from collections.abc import Sequence

from procession.definition import (
    Activity,
    FlowNode,
    Gateway,
    IntermediateCatchEvent,
    IntermediateThrowEvent,
    ProcessDefinition,
    SubProcess,
)
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal
from procession.engine.state import Incident
from procession.runtime.replay import Replay, Stay
from procession.runtime.stages import nodes_in_order, stage_of_each, stages
from procession.runtime.views.instances import allowed_on, instant
from procession.runtime.views.shapes import ProgressView, StageProgress, StepProgress

DONE, CURRENT, FAILED, NEXT, SKIPPED = "done", "current", "failed", "next", "skipped"
OVER = frozenset({DONE, SKIPPED})


def progress_view(past: Replay, definition: ProcessDefinition, principal: Principal) -> ProgressView:
    """How far the instance is."""
    state, nodes, stage_of = past.state, nodes_in_order(definition), stage_of_each(definition)
    walk = Walk(past, definition)
    return ProgressView(
        instance=str(state.id),
        process_definition_name=state.name,
        process_title=definition.label,
        business_key=state.business_key,
        state=state.status,
        date_started=format_instant(state.started),
        date_ended=instant(state.ended),
        stages=[
            walk.stage(name, [node for node in nodes if stage_of[node.id] == name])
            for name in stages(definition) or [""]
        ],
        seq=state.position,
        allowed={"terminate": allowed_on(state, definition, principal)["terminate"]},
    )


class Walk:
    """Where an instance has been and is."""

    def __init__(self, past: Replay, definition: ProcessDefinition) -> None:
        state = past.state
        parents = {token.parent for token in state.tokens.values()}
        self._definition, self._stays, self._live = definition, past.stays, state.live
        self._here = {token.node for token in state.tokens.values() if token.id not in parents}
        self._cut = {node for node, stay in past.stays.items() if stay.cut}
        self._stuck = {wait.node for wait in state.waits.values() if isinstance(wait, Incident)}

    def stage(self, name: str, nodes: Sequence[FlowNode]) -> StageProgress:
        """A stage that has these nodes. Gateways count only while a token is on one."""
        numbers = {node.id for node in nodes}
        been = [node for node in nodes if node.id in self._stays and not isinstance(node, Gateway)]
        if numbers & self._stuck:
            state = FAILED
        elif numbers & self._here:
            state = CURRENT
        elif been:
            state = SKIPPED if not self._live and any(node.id in self._cut for node in been) else DONE
        else:
            state = NEXT if self._live else SKIPPED
        if not been and state in (NEXT, SKIPPED):
            return StageProgress(name=name, state=state, since=None, until=None, steps=[])
        stays = [self._stays[node.id] for node in been or nodes if node.id in self._stays]
        since, until = _span(stays, over=state in OVER)
        steps = [self._step(node) for node in been if _is_step(node)]
        return StageProgress(name=name, state=state, since=since, until=until, steps=steps)

    def _step(self, node: FlowNode) -> StepProgress:
        ended = SKIPPED if node.id in self._cut else DONE
        state = FAILED if node.id in self._stuck else CURRENT if node.id in self._here else ended
        since, until = _span([self._stays[node.id]], over=state in OVER)
        lane = self._definition.lanes.get(node.lane or "")
        name = lane.name if lane is not None else node.lane
        return StepProgress(name=node.label, state=state, since=since, until=until, lane=name)


def _span(stays: Sequence[Stay], *, over: bool) -> tuple[str | None, str | None]:
    """From the first arrival to the last leave."""
    ends = [stay.until for stay in stays if stay.until is not None]
    return (
        instant(min((stay.since for stay in stays), default=None)),
        instant(max(ends, default=None)) if over else None,
    )


def _is_step(node: FlowNode) -> bool:
    """Whether people understand it: work, also inside of a sub-process, and events that have a name."""
    if isinstance(node, IntermediateCatchEvent | IntermediateThrowEvent):
        return bool(node.name)
    return isinstance(node, Activity) and not isinstance(node, SubProcess)
