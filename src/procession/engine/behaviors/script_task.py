"""Script and business rule tasks whose script is FEEL: evaluated within the transaction; others are jobs."""

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

    automatic = True

    def prepare(
        self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
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
        self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask, plan: dict[str, Any]
    ) -> Token | None:
        if node.outputs and plan:
            step.record(e.LocalsSet(token.id, plan))
        else:
            step.write(token, plan)
        return executed(step, token, node)


class ScriptJobBehavior(ActivityBehavior):
    """A script in another language: a job worker runs it."""

    def prepare(
        self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask, variables: Mapping[str, Any]
    ) -> PlannedJob:
        assert node.job is not None
        return plan_job(step, node, node.job, variables)

    def perform(self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask, plan: PlannedJob) -> Token | None:
        open_job(step, token, plan)
        return None


class ScriptOrJobBehavior:
    """Chooses by what the task says."""

    def __init__(self) -> None:
        self.script, self.job = ScriptTaskBehavior(), ScriptJobBehavior()

    def enter(self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask) -> Token | None:
        return (self.script if node.job is None else self.job).enter(step, token, node)

    def complete(self, step: Step, token: Token, node: ScriptTask | BusinessRuleTask) -> Token | None:
        return self.script.complete(step, token, node)
