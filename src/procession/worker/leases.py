"""Keeps the leases of the jobs that are held, and gives back what is not wanted."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from procession.errors import StorageError
from procession.runtime.reports import Report
from procession.worker.pool import Held, Pool
from procession.worker.source import JobSource

log = logging.getLogger("procession.worker")


class Leases:
    """Extends every lease of which half is over, all in one go."""

    def __init__(self, source: JobSource, pool: Pool, name: str, lock: float) -> None:
        self._source, self._pool, self._name, self.lock = source, pool, name, lock
        self._milliseconds = max(1, int(lock * 1000))
        self._look = 0.0

    def keep(self) -> None:
        """Extend what needs it; from time to time, however often it is called."""
        now = time.monotonic()
        if now < self._look:
            return
        self._look = now + self.lock / 8
        due = [held for held in self._pool.held() if not (held.lost or held.ended or held.until - now > self.lock / 2)]
        if not due:
            return
        reports = [
            Report(id=held.job.id, token=held.job.token, outcome="extend", lock_ms=self._milliseconds) for held in due
        ]
        for held, error in zip(due, self._source.report_jobs(reports), strict=True):
            if error is None:
                held.until = now + self.lock
            elif not held.ended:  # else its result was taken in the meantime
                self._refused(held, error)

    def give_back(self, jobs: Sequence[Held]) -> None:
        """What was not started, so that another worker can have it at once."""
        if not jobs:
            return
        reports = [Report(id=held.job.id, token=held.job.token, outcome="release") for held in jobs]
        for held, error in zip(jobs, self._source.report_jobs(reports), strict=True):
            if error is not None:
                log.warning("%s was not given back, its lease will run out: %s", held, error)

    def _refused(self, held: Held, error: Exception) -> None:
        over = held.until <= time.monotonic()
        if isinstance(error, StorageError) and not over:  # there will be another try before it runs out
            log.warning("%s: its lease was not extended yet: %s", held, error)
        elif over and held.started:
            if not held.late:
                held.late = True
                log.warning("%s: its lease ran out: %s Its result counts if nobody else takes the job", held, error)
        else:
            log.warning("%s: its lease is lost: %s", held, error)
            self._pool.drop(held)
