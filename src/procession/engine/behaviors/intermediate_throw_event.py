"""Intermediate throw events (BPMN 2.0, 13.5.4): publish a message, send records, or only mark that the token came by."""

from __future__ import annotations

from procession.definition import IntermediateThrowEvent
from procession.engine import events as e
from procession.engine.behaviors.base import map_inputs
from procession.engine.behaviors.boundary_event import BoundaryEventBehavior
from procession.engine.behaviors.service_task import open_job, plan_job
from procession.engine.state import Token
from procession.engine.step import Step
from procession.engine.triggers.message import plan_message
from procession.engine.triggers.record import plan_records


class IntermediateThrowEventBehavior(BoundaryEventBehavior):
    """Leaves as a boundary event does: its outputs are mapped, then it takes its flows."""

    def enter(self, step: Step, token: Token, node: IntermediateThrowEvent) -> Token | None:  # type: ignore[override]
        inputs = map_inputs(step, token, node.inputs)
        variables = step.view(token, inputs)
        job = plan_job(step, node, node.job, variables) if node.job is not None else None
        message = (
            plan_message(step, node.id, node.trigger, variables) if node.trigger is not None and job is None else None
        )
        records = plan_records(step, token, node, node.records, variables) if node.records else ()
        if inputs:
            step.record(e.LocalsSet(token.id, inputs))
        if job is not None:
            open_job(step, token, job)
            return None
        if message is not None:
            message.publish(step, token)
        for record in records:
            step.record(record)
        step.record(e.TokenExecuted(token.id))
        return token
