"""Work for programs: take jobs, keep them, hand in what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from procession.api.asking import Done, done
from procession.api.fields import Fence, Id, Lock, Retries, Text
from procession.api.operations import Body, Call, Many, operation
from procession.api.problems import Problem, problem, refusal
from procession.engine import commands as c
from procession.engine.access import require_role
from procession.errors import CommandRejected, StorageError
from procession.runtime import checks
from procession.runtime.views import Instant, JobView, Page, instant

REFUSALS = (403, 404, 409)
MOST_REPORTS = 1000
LONGEST_WAIT = 1_000_000_000
"""Milliseconds that may be asked for: the server does not wait that long."""


Variables = Annotated[dict[str, Any], Meta(description="The result: merged into the data of the process.")]
Message = Annotated[str, Meta(description="What went wrong, for people.")]
Left = Annotated[Retries | None, Meta(description="Tries that are left; null: one less than before.")]
Backoff = Annotated[
    int, Meta(description="Milliseconds until it is handed out again.", ge=0, le=checks.LONGEST_SPAN // 1000)
]
Code = Annotated[Text, Meta(description="The code of the error, as a boundary event names it.")]


class Activate(Body):
    """Which jobs, how many, and for how long."""

    type: Annotated[Text, Meta(description="The kind of work, as the BPMN file names it.")]
    worker: Annotated[Text, Meta(description="Who takes them, for people to see.")] = "worker"
    max_jobs: Annotated[int, Meta(description="So many at most.", ge=1, le=10_000)] = 1
    lock_ms: Lock = 60_000
    wait_ms: Annotated[
        int,
        Meta(description="How many milliseconds to wait for the first one; at most a minute.", ge=0, le=LONGEST_WAIT),
    ] = 0
    fetch_variables: Annotated[
        list[str] | None, Meta(description="Names of the variables that are wanted; null: all.")
    ] = None


class Result(Body):
    """What came of a job."""

    token: Fence
    variables: Variables = {}


class Failure(Body):
    """Why a job could not be done."""

    token: Fence
    message: Message = ""
    retries: Left = None
    backoff_ms: Backoff = 0


class BusinessError(Body):
    """A BPMN error, for a boundary event to catch."""

    token: Fence
    code: Code
    message: Message = ""
    variables: Variables = {}


class Extension(Body):
    """How much longer."""

    token: Fence
    lock_ms: Lock = 60_000


class Return(Body):
    """The lease to give back."""

    token: Fence


class Report(Body):
    """One of many: an outcome with the fields of its own call."""

    id: Annotated[Id, Meta(description="Of the job.")]
    token: Fence
    outcome: Annotated[
        Literal["complete", "fail", "error", "extend", "release"], Meta(description="The call that this stands for.")
    ]
    variables: Variables = {}
    message: Message = ""
    retries: Left = None
    backoff_ms: Backoff = 0
    code: Annotated[str, Meta(description="The code of the error.")] = ""
    lock_ms: Lock = 60_000


class Reports(Body):
    """Results of many jobs."""

    reports: Annotated[list[Report], Meta(description="Each is answered in its place.", max_length=MOST_REPORTS)]


class ReportAnswer(Struct, rename="camel"):
    """What one report would have been answered by itself."""

    id: Annotated[str, Meta(description="Of the job.")]
    status: Annotated[int, Meta(description="200, or the status of the problem.")]
    problem: Annotated[Problem | None, Meta(description="null where it took effect.")] = None


class Leased(Struct, rename="camel"):
    """A job that is kept, or was given back."""

    id: Annotated[str, Meta(description="Of the job.")]
    token: Fence
    deadline: Annotated[Instant | None, Meta(description="Until then it is the worker's; null: it was given back.")]


@operation(
    "POST", "/api/jobs/activate", tag="jobs", body=Activate, answers=Many(JobView), refusals=(403,), waits=True
)  # fmt: skip
async def activate_jobs(call: Call) -> Page[Any]:
    """Take jobs of one type: a long poll.

    Answers at once when there are some, else when one appears or `waitMs` are over (at most a minute). Each job is the worker's
    until its deadline; only who has its latest `token` may report. Needs the role `worker`.
    """
    body: Activate = call.body
    require_role(call.principal, "take jobs", "worker")
    jobs = await call.edge.handout.activate(
        checks.text(body.type, "The type of a job"),
        checks.text(body.worker, "The name of a worker"),
        body.max_jobs,
        body.lock_ms * 1000,
        body.fetch_variables,
        min(body.wait_ms / 1000, call.edge.limits.longest_wait),
    )
    call.edge.metrics.jobs_handed_out(len(jobs))
    return Page(items=jobs)


@operation("POST", "/api/jobs/{job}/complete", tag="jobs", body=Result, answers=Done, refusals=REFUSALS)
async def complete_job(call: Call) -> Done:
    """Hand in the result of a job."""
    return await _complete(call, _id(call), call.body)


@operation("POST", "/api/jobs/{job}/fail", tag="jobs", body=Failure, answers=Done, refusals=REFUSALS)
async def fail_job(call: Call) -> Done:
    """A job could not be done: it is handed out again, or needs a repair once no retries are left."""
    return await _fail(call, _id(call), call.body)


@operation("POST", "/api/jobs/{job}/error", tag="jobs", body=BusinessError, answers=Done, refusals=REFUSALS)
async def throw_job_error(call: Call) -> Done:
    """A job ends with a BPMN error."""
    return await _throw(call, _id(call), call.body)


@operation("POST", "/api/jobs/{job}/extend", tag="jobs", body=Extension, answers=Leased, refusals=REFUSALS)
async def extend_job(call: Call) -> Leased:
    """Keep a job longer, from now on."""
    return await _extend(call, _id(call), call.body)


@operation("POST", "/api/jobs/{job}/release", tag="jobs", body=Return, answers=Leased, refusals=REFUSALS)
async def release_job(call: Call) -> Leased:
    """Give a job back untouched, for another worker."""
    return await _release(call, _id(call), call.body)


@operation("POST", "/api/jobs/report", tag="jobs", body=Reports, answers=Many(ReportAnswer), refusals=(403,))
async def report_jobs(call: Call) -> Page[Any]:
    """Hand in many results at once.

    Each takes effect or not on its own, and is answered in its place. At most 1,000.
    """
    _require_worker(call)
    reports: Sequence[Report] = call.body.reports
    return Page(items=await asyncio.gather(*(_report(call, report) for report in reports)))


async def _report(call: Call, report: Report) -> ReportAnswer:
    try:
        await OUTCOMES[report.outcome](call, checks.identity(report.id, "Job"), report)
    except (CommandRejected, StorageError) as error:
        document = problem(error, f"/api/jobs/{report.id}/{report.outcome}", call.request_id)
        return ReportAnswer(report.id, document["status"], document)  # type: ignore[arg-type]
    return ReportAnswer(report.id, 200)


async def _complete(call: Call, job: int, body: Result | Report) -> Done:
    _require_worker(call)
    return await done(call, job, c.CompleteJob(job, checks.own_document(body.variables)), body.token)


async def _fail(call: Call, job: int, body: Failure | Report) -> Done:
    _require_worker(call)
    command = c.FailJob(job, checks.remark(body.message), body.retries, body.backoff_ms * 1000)
    return await done(call, job, command, body.token)


async def _throw(call: Call, job: int, body: BusinessError | Report) -> Done:
    _require_worker(call)
    code = checks.text(body.code, "The code of an error")
    command = c.ThrowJobError(job, code, checks.remark(body.message), checks.own_document(body.variables))
    return await done(call, job, command, body.token)


async def _extend(call: Call, job: int, body: Extension | Report) -> Leased:
    _require_worker(call)
    now = call.node.clock.now()
    deadline = now + body.lock_ms * 1000
    if not await call.node.alone(call.node.storage.extend_lease(job, body.token, now, deadline)):
        raise await _lost(call, job)
    return Leased(str(job), body.token, instant(deadline))


async def _release(call: Call, job: int, body: Return | Report) -> Leased:
    _require_worker(call)
    found = await call.read(call.node.storage.job(job))
    if found is None or not await call.node.alone(call.node.storage.release_lease(job, body.token)):
        raise await _lost(call, job)
    call.edge.handout.released(found.job.type)
    return Leased(str(job), body.token, None)


OUTCOMES: dict[str, Any] = {
    "complete": _complete, "fail": _fail, "error": _throw, "extend": _extend, "release": _release
}  # fmt: skip


def _require_worker(call: Call) -> None:
    """Before anything is looked up: who does no jobs does not learn which there are."""
    require_role(call.principal, "report on jobs", "worker")


async def _lost(call: Call, job: int) -> CommandRejected:
    if await call.read(call.node.storage.job(job)) is None:
        return refusal(404, "Job not found.", f"There is no open job {job}.", "error.job_not_found")
    return refusal(409, "Lease is lost.", f"Job {job} is not yours any more.", "error.state.lease_lost")


def _id(call: Call) -> int:
    return checks.identity(call.path["job"], "Job")
