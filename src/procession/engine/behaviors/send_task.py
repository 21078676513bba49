"""Send tasks (BPMN 2.0, 10.3.3.2): by a job worker, as a BPMN message, or as a record on a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import RecordSpec, SendTask
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior, executed
from procession.engine.behaviors.service_task import PlannedJob, open_job, plan_job
from procession.engine.codec import encode
from procession.engine.placeholders import resolve
from procession.engine.state import Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedMessage, plan_message


class SendTaskBehavior(ActivityBehavior):
    def prepare(
        self, step: Step, token: Token, node: SendTask, variables: Mapping[str, Any]
    ) -> PlannedJob | PlannedMessage | e.RecordSent:
        if node.job is not None:
            return plan_job(step, node, node.job, variables)
        if node.message is not None:
            return plan_message(step, node.id, node.message, variables)
        assert node.record is not None
        return self._record(step, token, node, node.record, variables)

    def perform(
        self, step: Step, token: Token, node: SendTask, plan: PlannedJob | PlannedMessage | e.RecordSent
    ) -> Token | None:
        if isinstance(plan, PlannedJob):
            open_job(step, token, plan)
            return None
        if isinstance(plan, PlannedMessage):
            plan.publish(step, token)
        else:
            step.record(plan)
        return executed(step, token, node)

    def _record(
        self, step: Step, token: Token, node: SendTask, spec: RecordSpec, variables: Mapping[str, Any]
    ) -> e.RecordSent:
        instance = str(step.state.id)
        names = {"processInstanceId": instance, "processInstanceUuid": instance}
        headers = {"processInstanceId": instance}
        for name, value in resolve(step, node, "headers", spec.headers, variables, names).items():
            headers[name] = value if isinstance(value, str) else str(value)
        body = resolve(step, node, "message", spec.message, variables, names)
        topic = resolve(step, node, "topic", f'{{"topic": "{spec.topic}"}}', variables, names)["topic"]
        key = step.text(spec.key, variables, f"The record key of '{step.label(node.id)}'") or instance
        return e.RecordSent(step.new_id(), token.id, str(topic), key, encode(body).decode(), headers)
