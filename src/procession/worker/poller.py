"""Takes jobs while there is room for them: by looking from time to time, or by long polls."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from procession.errors import CommandRejected, StorageError
from procession.worker.leases import Leases
from procession.worker.pool import Held, Pool
from procession.worker.router import Route
from procession.worker.source import JobSource

log = logging.getLogger("procession.worker")

LONG = 20.0
"""Seconds that a long poll waits at the server."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
PATIENCE = 3.0
"""Seconds for long polls to come back when the worker stops."""


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
            self._pool.add([Held(job, route, until) for job in jobs])
            taken += len(jobs)
        self._routes.append(self._routes.pop(0))
        return taken


class LongPoller:
    """A thread for each type: it waits at the server until there are jobs.

    One type has all the room there is. Of several, each waits for one job only, and when it gets one takes as many more as there
    is room for; so none keeps room from the others while it waits. A job for which there is no room by then is given back.
    """

    def __init__(
        self,
        source: JobSource,
        routes: dict[str, Route],
        pool: Pool,
        leases: Leases,
        *,
        name: str,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._source, self._pool, self._leases, self._name, self._failed = source, pool, leases, name, failed
        self._alone = len(routes) == 1
        self._stopping = threading.Event()
        self._away = False
        self._threads = [
            threading.Thread(target=self._poll, args=(route,), name=f"{name}-poll-{route.type}", daemon=True)
            for route in routes.values()
        ]

    def start(self) -> None:
        """Begin to wait for jobs."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait no longer. Jobs that were on their way are given back."""
        self._stopping.set()
        self._pool.nudge()
        self._source.hang_up()
        end = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _poll(self, route: Route) -> None:
        try:
            self._turn(route)
        except BaseException as error:  # noqa: BLE001  the worker's thread raises it
            self._failed(error)

    def _turn(self, route: Route) -> None:
        more, pause = False, FIRST_PAUSE
        while not self._stopping.is_set():
            everything = self._alone or more
            room = self._pool.promise(self._stopping.is_set, all=everything)
            if not room:
                return
            wait = LONG if self._alone or not more else 0.0
            begun = time.monotonic()
            try:
                held = self._ask(route, room if everything else 1, wait)
            except (StorageError, CommandRejected) as error:
                self._pool.keep((), room if everything else 0)
                if self._stopping.is_set():
                    return
                if not _passes(error):
                    raise
                self._say(error)
                self._stopping.wait(pause * random.uniform(0.5, 1.0))
                more, pause = False, min(LONGEST_PAUSE, pause * 2)
                continue
            self._say(None)
            more, pause = bool(held), FIRST_PAUSE
            if self._stopping.is_set() or not self._pool.keep(held, room if everything else 0):
                self._leases.give_back(held)
            if not held and time.monotonic() - begun < wait / 10:  # a server that shuts down answers without waiting
                self._stopping.wait(FIRST_PAUSE)

    def _ask(self, route: Route, most: int, wait: float) -> list[Held]:
        lock = self._leases.lock
        jobs = self._source.activate_jobs(route.type, worker=self._name, max_jobs=most, lock=lock, wait=wait)
        until = time.monotonic() + lock  # it answers as soon as it has them
        return [Held(job, route, until) for job in jobs]

    def _say(self, error: Exception | None) -> None:
        """That the server is away, and that it is back: once for all threads."""
        if error is not None and not self._away:
            self._away = True
            log.warning("%s: no jobs for now: %s", self._name, error)
        elif error is None and self._away:
            self._away = False
            log.info("%s: the server is back", self._name)


def _passes(error: Exception) -> bool:
    """Whether the same question may be answered later."""
    return isinstance(error, StorageError) or (
        isinstance(error, CommandRejected) and (error.status == 429 or (error.status >= 500 and error.status != 501))
    )
