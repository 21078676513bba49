"""Tasks without a kind, and manual tasks: the engine has nothing to do (BPMN 2.0, 10.3.3)."""

from __future__ import annotations

from typing import Any

from procession.engine.behaviors.activity import ActivityBehavior, executed
from procession.engine.state import Token
from procession.engine.step import Step


class TaskBehavior(ActivityBehavior):
    def automatic(self, node: Any) -> bool:
        return True

    def perform(self, step: Step, token: Token, node: Any, plan: Any) -> Token | None:
        return executed(step, token, node)
