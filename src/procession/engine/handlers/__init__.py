"""One file per family of commands: what each may do, and what it records. `HANDLERS` is the closed table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from procession.engine import commands as c
from procession.engine.access import Principal
from procession.engine.handlers import event, incident, instance, job, start, task
from procession.engine.step import Step

Handler = Callable[[Step, Any, Principal], None]

HANDLERS: dict[type, Handler] = {
    c.StartInstance: start.start_instance,
    c.Continue: instance.continue_instance,
    c.CompleteJob: job.complete_job,
    c.FailJob: job.fail_job,
    c.ThrowJobError: job.throw_job_error,
    c.ClaimTask: task.claim_task,
    c.ReleaseTask: task.release_task,
    c.AssignTask: task.assign_task,
    c.CompleteTask: task.complete_task,
    c.FireTimer: event.fire_timer,
    c.DeliverMessage: event.deliver_message,
    c.FinishCall: instance.finish_call,
    c.FailCall: instance.fail_call,
    c.HoldInstance: instance.hold,
    c.UnholdInstance: instance.unhold,
    c.EndInstance: instance.end_instance,
    c.SetVariables: instance.set_variables,
    c.RetryToken: incident.retry_token,
}

KEPT: frozenset[type] = frozenset({c.CompleteJob, c.FailJob, c.ThrowJobError, c.FinishCall, c.FailCall})
"""What is kept while an instance is on hold, and takes effect when it is resumed."""
