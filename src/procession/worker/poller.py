"""Takes jobs while there is room for them, and keeps the leases of those that are held."""

from __future__ import annotations

import logging
import time

from procession.errors import CommandRejected, StorageError
from procession.worker.pool import Held, Pool
from procession.worker.router import Route
from procession.worker.source import JobSource

log = logging.getLogger("procession.worker")


class Poller:
    """Asks for one type after the other, each time beginning with the next, so that no type starves."""

    def __init__(self, source: JobSource, routes: dict[str, Route], pool: Pool, *, name: str, lock: float) -> None:
        self._source, self._pool, self._name, self._lock = source, pool, name, lock
        self._routes = list(routes.values())

    def take(self, most: int) -> int:
        """Lease up to so many jobs and queue them; how many there were."""
        taken = 0
        for route in self._routes:
            if taken >= most:
                break
            until = time.monotonic() + self._lock
            jobs = self._source.activate_jobs(route.type, worker=self._name, max_jobs=most - taken, lock=self._lock)
            for job in jobs:
                self._pool.add(Held(job, route, until))
            taken += len(jobs)
        self._routes.append(self._routes.pop(0))
        return taken

    def keep_leases(self) -> None:
        """Extend every lease of which half is over."""
        for held in self._pool.held():
            now = time.monotonic()
            if held.lost or held.until - now > self._lock / 2:
                continue
            if self._extend(held):
                held.until = now + self._lock

    def release(self, jobs: list[Held]) -> None:
        """Give back what was not started, so that another worker can have it at once."""
        for held in jobs:
            try:
                self._source.release_job(held.job.id, held.job.token)
            except (CommandRejected, StorageError) as error:
                log.warning("%s was not given back, its lease will run out: %s", held, error)

    def _extend(self, held: Held) -> bool:
        try:
            kept = self._source.extend_job(held.job.id, held.job.token, self._lock)
            reason = "somebody else has it"
        except CommandRejected as error:
            kept, reason = False, str(error)
        except StorageError as error:
            if held.until > time.monotonic():  # there will be another try before it runs out
                log.warning("%s: its lease was not extended yet: %s", held, error)
                return False
            kept, reason = False, str(error)
        if not kept:
            log.warning("%s: its lease is lost: %s", held, reason)
            self._pool.drop(held)
        return kept
