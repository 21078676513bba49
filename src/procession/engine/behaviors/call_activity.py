"""Call activities (BPMN 2.0, 13.3.5): a child instance of another process runs, and the token waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import CallActivity
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior
from procession.engine.state import Token
from procession.engine.step import Step


class CallActivityBehavior(ActivityBehavior):
    def prepare(
        self, step: Step, token: Token, node: CallActivity, variables: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        process = step.required(node.process, variables, f"The process that '{step.label(node.id)}' calls")
        if node.propagate_parent:
            return process, dict(variables.items())
        names = {mapping.target.split(".")[0] for mapping in node.inputs}
        return process, {name: variables[name] for name in sorted(names)}

    def perform(self, step: Step, token: Token, node: CallActivity, plan: tuple[str, dict[str, Any]]) -> Token | None:
        process, variables = plan
        step.record(e.CallStarted(step.new_id(), token.id, process, variables))
        return None
