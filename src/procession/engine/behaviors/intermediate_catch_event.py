"""Intermediate catch events (BPMN 2.0, 13.5.2): wait for a timer or a message."""

from __future__ import annotations

from collections.abc import Sequence

from procession.definition import FlowNode, IntermediateCatchEvent, MessageTrigger, ReceiveTask, TimerTrigger
from procession.engine.behaviors.boundary_event import BoundaryEventBehavior
from procession.engine.state import WAITING_MESSAGE_EVENT, WAITING_TIMER_EVENT, Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedSubscription, plan_subscription
from procession.engine.triggers.stream import plan_streams
from procession.engine.triggers.timer import PlannedTimer, plan_timer


def plan_waits(step: Step, token: Token, node: FlowNode) -> Sequence[PlannedTimer | PlannedSubscription]:
    """What a catching node waits for, evaluated for a token that is on the event-based gateway before it."""
    if isinstance(node, ReceiveTask) and node.trigger is None:
        return plan_streams(step, node)
    return [plan_wait(step, token, node)]


def plan_wait(step: Step, token: Token, node: FlowNode) -> PlannedTimer | PlannedSubscription:
    """What a catching node waits for, evaluated for a token that is on it, or on the event-based gateway before it."""
    assert isinstance(node, IntermediateCatchEvent | ReceiveTask)
    if isinstance(node.trigger, TimerTrigger):
        return plan_timer(step, node.id, node.trigger, step.view(token))
    assert isinstance(node.trigger, MessageTrigger)
    return plan_subscription(step, node.id, node.trigger, step.view(token))


class IntermediateCatchEventBehavior(BoundaryEventBehavior):
    """Leaves as a boundary event does: its outputs are mapped, then it takes its flows."""

    def enter(self, step: Step, token: Token, node: IntermediateCatchEvent) -> Token | None:  # type: ignore[override]
        wait = plan_wait(step, token, node)
        wait.open(step, token, WAITING_TIMER_EVENT if isinstance(wait, PlannedTimer) else WAITING_MESSAGE_EVENT)
        return None
