"""Everything that can be asked of an instance. A command may be refused (`CommandRejected`); then nothing happened."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Request(Struct, tag_field="command", gc=False):
    """The base of every command."""


class StartInstance(Request, tag="start"):
    """Start by request, message, timer or call. `node` chooses the start event; None: by the rules for requests."""

    definition: int
    name: str
    version: int
    variables: dict[str, Any]
    start_condition: str | None = None
    node: str | None = None
    business_key: str | None = None
    parent: int | None = None
    parent_token: int | None = None
    root: int = 0
    inherited_from: int | None = None


class Continue(Request, tag="continue"):
    """Go on after the bound of one transaction was reached."""

    instance: int


class CompleteJob(Request, tag="complete-job"):
    job: int
    variables: dict[str, Any]
    worker: str | None = None


class FailJob(Request, tag="fail-job"):
    """`retries` None: one less than before. `backoff` in microseconds."""

    job: int
    message: str
    retries: int | None = None
    backoff: int = 0


class ThrowJobError(Request, tag="throw-job-error"):
    job: int
    code: str
    message: str = ""
    variables: dict[str, Any] = {}


class ClaimTask(Request, tag="claim-task"):
    task: int


class ReleaseTask(Request, tag="release-task"):
    task: int


class AssignTask(Request, tag="assign-task"):
    task: int
    assignee: str | None


class CompleteTask(Request, tag="complete-task"):
    task: int
    variables: dict[str, Any]


class FireTimer(Request, tag="fire-timer"):
    timer: int


class DeliverMessage(Request, tag="deliver-message"):
    """A message that was correlated with a subscription of the instance.

    An answer for a data stream brings a `value`, and says by `record` (topic/partition/offset) where it came from.
    """

    subscription: int
    message: int
    variables: dict[str, Any]
    value: Any = None
    record: str | None = None


class FinishCall(Request, tag="finish-call"):
    """A child instance ended. `error`: a BPMN error that nobody caught in it."""

    child: int
    status: str
    variables: dict[str, Any]
    error: str | None = None
    message: str | None = None


class FailCall(Request, tag="fail-call"):
    """A child instance could not be started."""

    child: int
    message: str
    details: str = ""


class HoldInstance(Request, tag="hold"):
    instance: int
    reason: str = ""


class UnholdInstance(Request, tag="unhold"):
    instance: int
    reason: str = ""


class EndInstance(Request, tag="end-instance"):
    """Ends everything at once: TERMINATED, DISMISSED, EXPIRED, ABORTED or FAILED."""

    instance: int
    status: str
    reason: str = ""


class SetVariables(Request, tag="set-variables"):
    """A JSON merge patch for the root variables."""

    instance: int
    patch: dict[str, Any]
    reason: str = ""


class RetryToken(Request, tag="retry"):
    """Go on after the repair. `retries`: for a job whose tries were used up."""

    instance: int
    token: int
    retries: int = 1
    reason: str = ""


Command = (
    StartInstance
    | Continue
    | CompleteJob
    | FailJob
    | ThrowJobError
    | ClaimTask
    | ReleaseTask
    | AssignTask
    | CompleteTask
    | FireTimer
    | DeliverMessage
    | FinishCall
    | FailCall
    | HoldInstance
    | UnholdInstance
    | EndInstance
    | SetVariables
    | RetryToken
)
