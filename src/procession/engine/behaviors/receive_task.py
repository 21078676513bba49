"""Receive tasks (BPMN 2.0, 10.3.3.2): wait for a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import ReceiveTask
from procession.engine.behaviors.activity import ActivityBehavior
from procession.engine.state import WAITING_MESSAGE, Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedSubscription, plan_subscription


class ReceiveTaskBehavior(ActivityBehavior):
    def prepare(self, step: Step, token: Token, node: ReceiveTask, variables: Mapping[str, Any]) -> PlannedSubscription:
        return plan_subscription(step, node.id, node.trigger, variables)

    def perform(self, step: Step, token: Token, node: ReceiveTask, plan: PlannedSubscription) -> Token | None:
        plan.open(step, token, WAITING_MESSAGE)
        return None
