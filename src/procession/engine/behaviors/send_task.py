"""Send tasks (BPMN 2.0, 10.3.3.2): by a job worker, as a BPMN message, or as records on topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import SendTask
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior, executed
from procession.engine.behaviors.service_task import PlannedJob, open_job, plan_job
from procession.engine.state import Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedMessage, plan_message
from procession.engine.triggers.record import plan_records


class SendTaskBehavior(ActivityBehavior):
    def prepare(
        self, step: Step, token: Token, node: SendTask, variables: Mapping[str, Any]
    ) -> PlannedJob | PlannedMessage | list[e.RecordSent]:
        if node.job is not None:
            return plan_job(step, node, node.job, variables)
        if node.message is not None:
            return plan_message(step, node.id, node.message, variables)
        return plan_records(step, token, node, node.records, variables)

    def perform(
        self, step: Step, token: Token, node: SendTask, plan: PlannedJob | PlannedMessage | list[e.RecordSent]
    ) -> Token | None:
        if isinstance(plan, PlannedJob):
            open_job(step, token, plan)
            return None
        if isinstance(plan, PlannedMessage):
            plan.publish(step, token)
        else:
            for record in plan:
                step.record(record)
        return executed(step, token, node)
