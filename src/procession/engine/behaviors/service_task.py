"""Service tasks (BPMN 2.0, 10.3.3.1): the work is handed to a job worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procession.definition import FlowNode, JobSpec, ServiceTask
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior
from procession.engine.state import Token
from procession.engine.step import Step

MOST_RETRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job, evaluated but not yet recorded."""

    type: str
    retries: int
    headers: dict[str, str]


def plan_job(step: Step, node: FlowNode, spec: JobSpec, variables: Mapping[str, Any]) -> PlannedJob:
    """Evaluate type and retries."""
    type_ = step.required(spec.type, variables, f"The job type of '{step.label(node.id)}'")
    value = step.value(spec.retries, variables)
    try:
        retries = int(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else -1
    except (ValueError, OverflowError):
        retries = -1
    if not 1 <= retries <= MOST_RETRIES:
        what = f"The retries of '{step.label(node.id)}'"
        step.stuck_value(spec.retries, variables, value, what, f"a whole number from 1 to {MOST_RETRIES:,}")
    return PlannedJob(type_, retries, dict(spec.headers))


def open_job(step: Step, token: Token, job: PlannedJob) -> None:
    step.record(e.JobCreated(step.new_id(), token.id, job.type, job.retries, job.headers))


class ServiceTaskBehavior(ActivityBehavior):
    def prepare(self, step: Step, token: Token, node: ServiceTask, variables: Mapping[str, Any]) -> PlannedJob:
        return plan_job(step, node, node.job, variables)

    def perform(self, step: Step, token: Token, node: ServiceTask, plan: PlannedJob) -> Token | None:
        open_job(step, token, plan)
        return None
