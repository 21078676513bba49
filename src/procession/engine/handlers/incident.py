"""Repairing: an operator lets a token go on after the cause was mended."""

from __future__ import annotations

from procession.engine import events as e
from procession.engine.access import Principal
from procession.engine.commands import RetryToken
from procession.engine.handlers.common import refuse_held, require
from procession.engine.handlers.instance import ask_joins_again
from procession.engine.state import Incident, Job
from procession.engine.step import Step
from procession.errors import CommandRejected


def retry_token(step: Step, command: RetryToken, principal: Principal) -> None:
    """Resolve the incidents of a token: its job is handed out again, or its node is tried again."""
    refuse_held(step)
    require(step, principal, "repair")
    token = step.state.tokens.get(command.token)
    if token is None:
        raise CommandRejected(404, "Token not found.", f"The instance has no live token {command.token}.")
    waits = [step.state.waits[number] for number in token.waits]
    incidents = [wait for wait in waits if isinstance(wait, Incident)]
    if not incidents:
        raise CommandRejected(
            409, "Token has no exception.", "There is nothing to retry.", key="error.state.no_exception"
        )
    if command.retries < 1:
        raise CommandRejected(422, "Not valid.", "retries must be at least 1.", key="error.validation")
    for incident in incidents:
        step.record(e.IncidentResolved(incident.id, token.id))
        job = step.state.waits.get(incident.job) if incident.job is not None else None
        if isinstance(job, Job):
            step.record(e.JobRetriesSet(job.id, token.id, command.retries))
    ask_joins_again(step)  # where an endless loop was stopped, they were not asked any more
    step.ready.append(token)
