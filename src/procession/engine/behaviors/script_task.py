"""Script and business rule tasks: FEEL is evaluated within the transaction, other languages are a job worker's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import BusinessRuleTask, ScriptTask
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior, executed
from procession.engine.behaviors.service_task import PlannedJob, open_job, plan_job
from procession.engine.state import Token
from procession.engine.step import Step
from procession.feel import to_json


class ScriptTaskBehavior(ActivityBehavior):
    """The value becomes the result variable; with none it must be a context, whose entries become variables."""

    def automatic(self, node: ScriptTask | BusinessRuleTask) -> bool:
        return node.job is None

    def enter(self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask) -> Token | None:
        state = step.state
        if not node.plain or node.expression is None or node.result is None or state.locals:
            return super().enter(step, token, node)
        # what loops are made of: the same as prepare and perform, without the calls between them
        step.set_root({node.result: to_json(node.expression.fn(state.variables, step.env))})
        return step.take(token, node.outgoing[0])

    def prepare(
        self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask, variables: Mapping[str, Any]
    ) -> dict[str, Any] | PlannedJob:
        if node.job is not None:
            return plan_job(step, node, node.job, variables)
        expression = node.expression
        assert expression is not None
        value = to_json(expression.fn(variables, step.env))
        if node.result is not None:
            return {node.result: value}
        if value.__class__ is not dict:
            what = f"The value of '{step.label(node.id)}', which has no result variable,"
            step.stuck_value(expression, variables, value, what, "a context")
        return value

    def perform(
        self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask, plan: dict[str, Any] | PlannedJob
    ) -> Token | None:
        if isinstance(plan, PlannedJob):
            open_job(step, token, plan)
            return None
        if node.outputs and plan:
            step.record(e.LocalsSet(token.id, plan))
        else:
            step.write(token, plan)
        return executed(step, token, node)
