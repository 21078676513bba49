"""Receive tasks (BPMN 2.0, 10.3.3.3): wait for a message, or for the first answer on one of some topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import BoundaryEvent, ReceiveTask, TimerTrigger
from procession.engine.behaviors.activity import ActivityBehavior
from procession.engine.state import WAITING_MESSAGE, Subscription, Timer, Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedSubscription, plan_subscription
from procession.engine.triggers.timer import PlannedTimer, plan_timer


class ReceiveTaskBehavior(ActivityBehavior):
    listening = WAITING_MESSAGE

    def prepare(
        self, step: Step, token: Token, node: ReceiveTask, variables: Mapping[str, Any]
    ) -> list[PlannedSubscription | PlannedTimer]:
        planned: list[PlannedSubscription | PlannedTimer] = []
        if node.trigger is not None:
            planned.append(plan_subscription(step, node.id, node.trigger, variables))
        if node.timeout is not None:
            planned.append(plan_timer(step, node.id, node.timeout, variables))
        return planned

    def perform(
        self, step: Step, token: Token, node: ReceiveTask, plan: list[PlannedSubscription | PlannedTimer]
    ) -> Token | None:
        for wait in plan:
            wait.open(step, token, WAITING_MESSAGE if isinstance(wait, PlannedSubscription) else None)
        return None


def give_up(step: Step, token: Token) -> None:
    """The task is over: nothing of its own is waited for any more. What is on its boundary ends when the token leaves."""
    for number in list(token.waits):
        wait = step.state.waits[number]
        if wait.node == token.node and isinstance(wait, Subscription | Timer):
            step.cancel_wait(wait)


def late_flow(step: Step, token: Token, node: ReceiveTask) -> tuple[Token, BoundaryEvent] | None:
    """The first interrupting timer on the boundary, and the token that it takes over: of a loop, that of all its items."""
    for number in node.boundaries:
        boundary = step.nodes[number]
        assert isinstance(boundary, BoundaryEvent)
        if boundary.interrupting and isinstance(boundary.trigger, TimerTrigger):
            host = token if token.item is None or token.parent is None else step.state.tokens[token.parent]
            return host, boundary
    return None
