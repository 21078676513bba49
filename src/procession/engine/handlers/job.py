"""What workers report. Whether the lease is theirs was checked against the store, in the same transaction."""

from __future__ import annotations

from procession.engine import events as e
from procession.engine.access import Principal, require_role
from procession.engine.behaviors.activity import accept
from procession.engine.behaviors.multi_instance import arrive_again
from procession.engine.commands import Command, CompleteJob, FailJob, ThrowJobError
from procession.engine.handlers.common import refuse_ended, waiting
from procession.engine.state import Job
from procession.engine.step import Step, Stuck
from procession.engine.triggers.error import catcher, throw
from procession.errors import CommandRejected


def check_report(command: Command, principal: Principal) -> None:
    """What refuses a worker's command whatever the state: said at once, also where the command is kept for later."""
    if not isinstance(command, CompleteJob | FailJob | ThrowJobError):
        return
    require_role(principal, "report on jobs", "worker")
    if isinstance(command, FailJob) and ((command.retries or 0) < 0 or command.backoff < 0):
        raise CommandRejected(422, "Not valid.", "retries and backoff must not be negative.", key="error.validation")


def complete_job(step: Step, command: CompleteJob, principal: Principal) -> None:
    check_report(command, principal)
    refuse_ended(step)
    job = waiting(step, command.job, Job, "Job")
    token = step.state.tokens[job.token]
    _resolve_incidents(step, job)
    step.record(e.JobCompleted(job.id, token.id, command.worker))
    accept(step, token, _outputs_of(step, token.node), command.variables)
    step.ready.append(token)


def fail_job(step: Step, command: FailJob, principal: Principal) -> None:
    """Try again later while tries are left; then it needs a repair."""
    check_report(command, principal)
    refuse_ended(step)
    job = waiting(step, command.job, Job, "Job")
    if job.retries == 0:
        detail = f"Job {job.id} has failed for the last time already; it needs a repair."
        raise CommandRejected(409, "Job has no retries left.", detail, key="error.state.no_retries")
    retries = max(0, job.retries - 1) if command.retries is None else command.retries
    due = step.at + command.backoff if command.backoff else 0
    step.record(e.JobFailed(job.id, job.token, retries, command.message, due))
    if retries == 0:
        token = step.state.tokens[job.token]
        step.raise_incident(
            token,
            Stuck(
                "JobFailed",
                f"Worker of '{job.type}' failed and no retries are left: {command.message}"[:2000],
                source="Action",
                cause=job.type,
                details=command.message,
            ),
            job.id,
        )


def throw_job_error(step: Step, command: ThrowJobError, principal: Principal) -> None:
    """A BPMN error: caught by a boundary event, else an incident on the job."""
    check_report(command, principal)
    refuse_ended(step)
    job = waiting(step, command.job, Job, "Job")
    token = step.state.tokens[job.token]
    _resolve_incidents(step, job)
    step.record(e.JobErrorThrown(job.id, token.id, command.code, command.message))
    if catcher(step, token, command.code) is not None or step.state.parent is not None:
        throw(step, token, command.code, command.message, command.variables)
        return
    arrive_again(step, token)
    step.raise_incident(
        token,
        Stuck(
            "UncaughtError",
            f"Nothing catches the error {command.code!r} of job '{job.type}': {command.message or 'no message'}. "
            "Retry to run the job again.",
            cause=command.code,
        ),
    )


def _resolve_incidents(step: Step, job: Job) -> None:
    for number in list(step.state.tokens[job.token].waits):
        wait = step.state.waits[number]
        if getattr(wait, "job", None) == job.id:
            step.record(e.IncidentResolved(number, job.token))


def _outputs_of(step: Step, node: str) -> object:
    """Throwing events with a job map their results too; end events have no outputs."""
    return step.nodes[node] if hasattr(step.nodes[node], "outputs") else _NO_OUTPUTS


class _NoOutputs:
    outputs = ()


_NO_OUTPUTS = _NoOutputs()
