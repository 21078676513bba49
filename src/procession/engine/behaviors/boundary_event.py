"""Boundary events (BPMN 2.0, 13.5.3): wait while the activity runs; interrupting, they end it and take over its token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import Activity, BoundaryEvent, MessageTrigger, TimerTrigger
from procession.engine import events as e
from procession.engine.behaviors.base import map_outputs
from procession.engine.leave import choose, go
from procession.engine.state import ABORTED, Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedSubscription, plan_subscription
from procession.engine.triggers.timer import PlannedTimer, plan_timer


def plan_boundary(step: Step, node: Activity, variables: Mapping[str, Any]) -> list[PlannedTimer | PlannedSubscription]:
    """Evaluate what the boundary events of an activity wait for. Error events wait for nothing: errors find them."""
    planned: list[PlannedTimer | PlannedSubscription] = []
    for number in node.boundaries:
        boundary = step.nodes[number]
        assert isinstance(boundary, BoundaryEvent)
        if isinstance(boundary.trigger, TimerTrigger):
            planned.append(plan_timer(step, number, boundary.trigger, variables))
        elif isinstance(boundary.trigger, MessageTrigger):
            planned.append(plan_subscription(step, number, boundary.trigger, variables))
    return planned


def interrupt(step: Step, host: Token, boundary: BoundaryEvent, variables: dict[str, Any]) -> None:
    """End everything in the activity; its token goes on from the boundary event."""
    step.cancel_inside(host, ABORTED)
    step.cancel_waits(host)
    step.close_scope(host)
    step.record(e.TokenAdvanced(host.id, None, boundary.id))
    _hand_over(step, host, boundary, variables)


def branch(step: Step, host: Token, boundary: BoundaryEvent, variables: dict[str, Any]) -> None:
    """The activity runs on; a token beside its own goes on from the boundary event."""
    token = step.create_token(boundary.id, parent=host.parent, scope=host.scope, added=True)
    _hand_over(step, token, boundary, variables)


def _hand_over(step: Step, token: Token, boundary: BoundaryEvent, variables: dict[str, Any]) -> None:
    if variables:
        if boundary.outputs:
            step.record(e.LocalsSet(token.id, variables))
        else:
            step.write(token, variables)
    step.record(e.TokenExecuted(token.id))
    step.ready.append(token)


class BoundaryEventBehavior:
    """A token is on a boundary event only after it happened."""

    def enter(self, step: Step, token: Token, node: BoundaryEvent) -> Token | None:
        return self.complete(step, token, node)

    def complete(self, step: Step, token: Token, node: BoundaryEvent) -> Token | None:
        values = map_outputs(step, token, node.outputs)
        flows = choose(step, node, None, step.preview(token, values, own=False))
        step.close_scope(token)
        step.write(token, values, own=False)
        return go(step, token, flows)
