"""Runs one job and reports what came of it.

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
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from procession.errors import CommandRejected, StorageError
from procession.runtime.views import JobView
from procession.worker.errors import BpmnError, Retry
from procession.worker.pool import Held
from procession.worker.source import JobSource

log = logging.getLogger("procession.worker")

NOT_OURS = frozenset({404, 409, 410})
LONGEST_MESSAGE = 2_000
MOST_REMEMBERED = 10_000


class Executor:
    """Calls handlers, and keeps count of attempts for the back-off (in `attempts`, by job)."""

    def __init__(self, source: JobSource, name: str, attempts: dict[str, int]) -> None:
        self._source, self._name, self._attempts = source, name, attempts
        self._loop: Any = None
        self._starting = threading.Lock()

    def run(self, held: Held) -> None:
        """Do the job and report it."""
        if held.lost:
            return
        job = held.job
        try:
            variables = self._result(held)
        except BpmnError as error:
            log.info("%s: BPMN error %s", held, error)
            report = _throwing(self._source, job, error)
        except BaseException as error:  # noqa: BLE001  (a handler's sys.exit must not end a thread of the pool)
            self._fail(held, error)
            return
        else:
            report = _completing(self._source, job, variables)
        self._attempts.pop(job.id, None)
        self._report(held, report, may_fail=True)

    def cancel(self) -> None:
        """Cancel coroutines that run; functions in threads cannot be cancelled."""
        if self._loop is not None:
            self._loop.cancel_all()

    def close(self) -> None:
        """End the event loop, if one was needed."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _result(self, held: Held) -> dict[str, Any] | None:
        result = held.route.handler(held.job)
        if inspect.isawaitable(result):
            result = self._event_loop().result_of(result)
        if result is not None and not isinstance(result, dict):
            raise TypeError(f"the handler returned {type(result).__name__}; it must return a dict or None")
        return result

    def _event_loop(self) -> Any:
        with self._starting:
            if self._loop is None:  # asyncio costs 60 ms to import, and many workers never need it
                self._loop = import_module("procession.worker.event_loop").EventLoop(self._name)
            return self._loop

    def _fail(self, held: Held, error: BaseException) -> None:
        if held.lost:
            log.warning("%s: its lease was lost, so its failure was dropped", held, exc_info=error)
            return
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
        expected = isinstance(error, Retry)
        log.warning("%s failed: %s; %s", held, message, outcome, exc_info=None if expected else error)
        self._report(
            held, lambda: self._source.fail_job(job.id, job.token, message, retries=left, backoff=pause), may_fail=False
        )

    def _remember(self, job: str, attempt: int) -> None:
        self._attempts[job] = attempt
        while len(self._attempts) > MOST_REMEMBERED:
            self._attempts.pop(next(iter(self._attempts)), None)

    def _report(self, held: Held, report: Callable[[], Any], *, may_fail: bool) -> None:
        pause = 0.05
        while not held.lost:
            try:
                report()
                return
            except StorageError as error:
                if time.monotonic() + pause >= held.until:
                    log.warning("%s: the store did not take its result in time: %s", held, error)
                    return
                time.sleep(pause)
                pause = min(2.0, pause * 2)
            except (CommandRejected, TypeError, ValueError) as error:
                if may_fail and not (isinstance(error, CommandRejected) and error.status in NOT_OURS):
                    self._fail(held, error)
                    return
                log.warning("%s: its result was dropped: %s", held, error)
                return
        log.warning("%s: its lease was lost, so its result was dropped", held)


def describe(error: BaseException) -> str:
    """The type and the text of an exception, for people who repair the process; no stack trace."""
    name = type(error).__name__
    text = str(error).strip()
    return (f"{name}: {text}" if text else name)[:LONGEST_MESSAGE]


def _completing(source: JobSource, job: JobView, variables: dict[str, Any] | None) -> Callable[[], Any]:
    return lambda: source.complete_job(job.id, job.token, variables)


def _throwing(source: JobSource, job: JobView, error: BpmnError) -> Callable[[], Any]:
    return lambda: source.throw_error(job.id, job.token, error.code, error.message, error.variables)
