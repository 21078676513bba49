"""Runs one job and says what came of it.

| the handler | the process |
| --- | --- |
| returns variables or None | goes on with them |
| raises `BpmnError` | goes on where the error is caught |
| raises `Retry` or anything else | the job failed: again after a back-off, or an incident when no tries are left |

A report that the engine does not take because the job is not ours any more is logged and dropped: somebody else does it now.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from procession.errors import CommandRejected
from procession.runtime import checks
from procession.runtime.reports import Report
from procession.worker.errors import BpmnError, Retry
from procession.worker.pool import Held, Pool
from procession.worker.reporter import Entry, Reporter
from procession.worker.source import JobSource

log = logging.getLogger("procession.worker")

NOT_OURS = frozenset({404, 409, 410})
NOBODY = frozenset({401, 403})
LONGEST_MESSAGE = 2_000
MOST_REMEMBERED = 10_000


class Executor:
    """Calls handlers, and keeps count of attempts for the back-off (in `attempts`, by job)."""

    def __init__(self, source: JobSource, pool: Pool, name: str, attempts: dict[str, int]) -> None:
        self._pool, self._name, self._attempts = pool, name, attempts
        self._reporter = Reporter(source, self._settle, name)
        self._loop: Any = None
        self._starting = threading.Lock()

    def run(self, held: Held) -> None:
        """Do the job, in a thread."""
        result: Any = None
        error: BaseException | None = None
        if not held.lost:
            try:
                result = held.route.handler(held.job)
                if inspect.isawaitable(result):
                    result = self._event_loop().result_of(result)
            except BaseException as raised:  # noqa: BLE001  (a handler's sys.exit must not end a thread of the pool)
                error = raised
        self._pool.leave(held)
        self._conclude(held, result, error)

    def spawn(self, jobs: Sequence[Held]) -> None:
        """Do jobs whose handlers are coroutines, on the event loop."""
        self._event_loop().spawn([self._run(held) for held in jobs])

    def cancel(self) -> None:
        """Cancel coroutines that run; functions in threads cannot be cancelled."""
        if self._loop is not None:
            self._loop.cancel_all()

    def has(self, thread: threading.Thread) -> bool:
        """Whether it is the event loop's."""
        return self._loop is not None and self._loop.thread is thread

    def close(self) -> None:
        """Report nothing more, and end the event loop, if one was needed."""
        self._reporter.close()
        if self._loop is not None:
            self._loop.close()

    async def _run(self, held: Held) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            if not held.lost:
                result = await held.route.handler(held.job)
        except BaseException as raised:  # noqa: BLE001  (as above)
            error = raised
        self._pool.leave(held)
        self._conclude(held, result, error)
        self._pool.begin()

    def _event_loop(self) -> Any:
        with self._starting:
            if self._loop is None:  # asyncio costs 60 ms to import, and many workers never need it
                self._loop = import_module("procession.runtime.event_loop").EventLoop(self._name)
            return self._loop

    # -- what came of it ----------------------------------------------------------------------------------------------

    def _conclude(self, held: Held, result: Any, error: BaseException | None) -> None:
        job = held.job
        if error is None and not (result is None or isinstance(result, dict)):
            error = TypeError(f"the handler returned {type(result).__name__}; it must return a dict or None")
        if error is None:
            report = Report(id=job.id, token=job.token, outcome="complete", variables=result or {})
        elif isinstance(error, BpmnError):
            log.info("%s: BPMN error %s", held, error)
            message, variables = checks.remark(error.message), error.variables
            report = Report(
                id=job.id, token=job.token, outcome="error", code=error.code, message=message, variables=variables
            )
        else:
            self._fail(held, error)
            return
        if self._attempts:
            self._attempts.pop(job.id, None)
        self._reporter.add(held, report)

    def _fail(self, held: Held, error: BaseException) -> None:
        if held.lost:
            log.warning("%s: its lease was lost, so its failure was dropped", held, exc_info=error)
            self._pool.finish([held])
            return
        try:
            report = self._failure(held, error)
        except Exception:
            log.exception("%s: its back-off cannot be worked out, so its lease will run out", held)
            self._pool.finish([held])
            return
        self._reporter.add(held, report)

    def _failure(self, held: Held, error: BaseException) -> Report:
        job, route = held.job, held.route
        attempt = self._attempts.get(job.id, 0) + 1
        left = max(0, job.retries - 1)
        if route.retries is not None:
            left = min(left, max(0, route.retries - attempt))
        pause = 0.0
        message = describe(error)
        if isinstance(error, Retry):
            message = error.message or message
            left = left if error.retries is None else error.retries
        if left:
            asked = error.backoff if isinstance(error, Retry) else None
            pause = route.backoff(attempt) if asked is None else asked
            self._remember(job.id, attempt)
            outcome = f"{left} {'try' if left == 1 else 'tries'} left, the next one in {pause:g} s"
        else:
            self._attempts.pop(job.id, None)
            outcome = "no tries left"
        milliseconds = -(-checks.span(pause, "backoff") // 1000)
        expected = isinstance(error, Retry)
        log.warning("%s failed: %s; %s", held, message, outcome, exc_info=None if expected else error)
        return Report(
            id=job.id,
            token=job.token,
            outcome="fail",
            message=checks.remark(message),
            retries=left,
            backoff_ms=milliseconds,
        )

    def _remember(self, job: str, attempt: int) -> None:
        self._attempts[job] = attempt
        while len(self._attempts) > MOST_REMEMBERED:
            self._attempts.pop(next(iter(self._attempts)), None)

    def _settle(self, entries: Sequence[Entry]) -> None:
        self._pool.finish([entry.held for entry in entries if self._settled(entry)])

    def _settled(self, entry: Entry) -> bool:
        """Say what became of a report; whether there is nothing more to report."""
        held, error = entry.held, entry.error
        if held.lost:
            log.warning("%s: its lease was lost, so its result was dropped", held)
        elif error is None:
            pass
        elif isinstance(error, CommandRejected) and error.status in NOT_OURS and entry.tries > 1:
            log.info(
                "%s was reported again after a lost answer, and is not ours any more: the first report was taken, or "
                "somebody else has the job (%s)",
                held,
                error,
            )
        elif isinstance(error, CommandRejected) and error.status in NOT_OURS | NOBODY:
            log.warning("%s: its result was dropped: %s", held, error)
        elif entry.report.outcome != "fail" and _is_wrong(error):
            self._fail(held, error)
            return False
        else:
            log.error("%s: reporting it failed; its lease will run out: %s", held, error, exc_info=_ours(error))
        return True


def describe(error: BaseException) -> str:
    """The type and the text of an exception, for people who repair the process; no stack trace."""
    name = type(error).__name__
    text = str(error).strip()
    return (f"{name}: {text}" if text else name)[:LONGEST_MESSAGE]


def _is_wrong(error: Exception) -> bool:
    """Whether it is the result that cannot be taken."""
    return isinstance(error, TypeError | ValueError) or (isinstance(error, CommandRejected) and error.status < 500)


def _ours(error: Exception) -> Exception | None:
    """An exception whose stack trace says more than its text."""
    return None if isinstance(error, CommandRejected) else error
