"""End events (BPMN 2.0, 10.5.3 and 13.5.6): none, message, error and terminate; one without a trigger may send records."""

from __future__ import annotations

from typing import Any

from procession.definition import EndEvent, ErrorTrigger, MessageThrow, TerminateTrigger
from procession.engine import events as e
from procession.engine.behaviors.base import map_inputs
from procession.engine.behaviors.service_task import open_job, plan_job
from procession.engine.state import TERMINATED, Token
from procession.engine.step import Step, Stuck
from procession.engine.triggers.error import catcher, throw
from procession.engine.triggers.message import plan_message
from procession.engine.triggers.record import plan_records


class EndEventBehavior:
    def enter(self, step: Step, token: Token, node: EndEvent) -> Token | None:
        trigger = node.trigger
        if trigger is None and node.job is None and not node.records:
            step.end(token)
            return None
        inputs = map_inputs(step, token, node.inputs)
        if node.job is not None:
            job = plan_job(step, node, node.job, step.view(token, inputs))
            if inputs:
                step.record(e.LocalsSet(token.id, inputs))
            open_job(step, token, job)
        elif node.records:
            for record in plan_records(step, token, node, node.records, step.view(token, inputs)):
                step.record(record)
            step.end(token)
        elif isinstance(trigger, MessageThrow):
            message = plan_message(step, node.id, trigger, step.view(token, inputs))
            message.publish(step, token)
            step.end(token)
        elif isinstance(trigger, ErrorTrigger):
            self._error(step, token, node, trigger, inputs or {})
        else:
            assert isinstance(trigger, TerminateTrigger)
            terminate_scope(step, token)
        return None

    def complete(self, step: Step, token: Token, node: EndEvent) -> Token | None:
        step.close_scope(token)
        step.end(token)
        return None

    def _error(
        self, step: Step, token: Token, node: EndEvent, trigger: ErrorTrigger, variables: dict[str, Any]
    ) -> None:
        code = trigger.code or ""
        if catcher(step, token, code) is None and step.state.parent is None:
            raise Stuck(
                "UncaughtError",
                f"Nothing catches the error {code!r} thrown by '{step.label(node.id)}'. Add an error boundary event.",
            )
        throw(step, token, code, node.name or code, variables)


def terminate_scope(step: Step, token: Token) -> None:
    """Everything else in the scope of the end event ends; then its own token, and with it the sub-process or instance."""
    state = step.state
    above = {token.id}
    parent = token.parent
    while parent is not None and parent != token.scope:
        above.add(parent)
        parent = state.tokens[parent].parent
    for number in [n for n in state.scopes[token.scope] if n not in above]:
        other = state.tokens.get(number)
        if other is not None:  # else it ended with another one
            step.cancel_inside(other, TERMINATED)
            step.cancel_token(other, TERMINATED)
    step.end(token)
