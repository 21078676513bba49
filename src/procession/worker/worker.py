"""A worker: takes jobs, runs them, reports; until it is stopped."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from datetime import timedelta
from types import TracebackType

from procession.errors import StorageError
from procession.runtime.shutdown import PATIENCE, attend
from procession.worker.executor import Executor
from procession.worker.leases import Leases
from procession.worker.poller import LongPoller, Poller
from procession.worker.pool import Pool
from procession.worker.router import Router
from procession.worker.source import SERVER, JobSource, Target, open_source

log = logging.getLogger("procession.worker")


class Worker(Router):
    """Does the jobs of a server, a store or an engine.

    `target` is the URL of a server, with `token`, or `user` and `password` (else those of the environment, as for `Client`); a
    `Client`; an `Engine`; or the URL of a store for which the worker opens an engine of its own.

    At most `concurrency` handlers run at once; at most `max_jobs` jobs are taken (twice the concurrency, so that the next one
    is at hand). A job is leased for `lock` seconds at a time, and longer while its handler runs. A server is waited for with
    long polls, anything else is looked at every `poll` seconds. Asked to stop, the worker gives running handlers `grace` seconds.
    """

    def __init__(
        self,
        target: Target,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        name: str | None = None,
        max_jobs: int | None = None,
        concurrency: int = 8,
        lock: float | timedelta = 60.0,
        poll: float = 0.2,
        grace: float = 10.0,
    ) -> None:
        super().__init__()
        self._credentials = {"token": token, "user": user, "password": password}
        if any(self._credentials.values()) and not (isinstance(target, str) and target.startswith(SERVER)):
            raise ValueError("token, user and password are for the URL of a server.")
        if concurrency < 1:
            raise ValueError(f"A worker runs at least one job at once, so concurrency={concurrency} makes no sense.")
        self.target = target
        self.name = name or f"{platform.node() or 'worker'}-{os.getpid()}"
        self.concurrency = concurrency
        self.max_jobs = max(concurrency, 2 * concurrency if max_jobs is None else max_jobs)
        self.lock = lock.total_seconds() if isinstance(lock, timedelta) else float(lock)
        self.poll = poll
        self.grace = grace
        self.handled = 0
        self._attempts: dict[str, int] = {}
        self._source: JobSource | None = None
        self._pool: Pool | None = None
        self._executor: Executor | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._failure: BaseException | None = None

    # -- from outside -------------------------------------------------------------------------------------------------

    def run(self, *, until_idle: bool = False) -> int:
        """Work until somebody stops it (SIGTERM or SIGINT do), or with `until_idle` until there is nothing to do now.

        Returns how many jobs were run. A second signal does not wait for running handlers.
        """
        before = self.handled
        thread = self._start(until_idle)
        try:
            attend(thread, self._ask_to_stop, self.grace, noted=not until_idle)
        finally:
            self._end()
        return self.handled - before

    def start(self) -> Worker:
        """Work in the background."""
        self._start(until_idle=False)
        return self

    def stop(self, grace: float | None = None) -> None:
        """Take no more jobs, give the unstarted ones back, and wait for those that run (`grace` seconds at most).

        From inside a handler it returns at once, and the worker stops when the handler is done.
        """
        self._ask_to_stop(self.grace if grace is None else grace)
        thread = self._thread
        if thread is None or self._is_ours(threading.current_thread()):
            return
        thread.join()
        self._end()

    def __enter__(self) -> Worker:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _start(self, until_idle: bool) -> threading.Thread:
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError(f"The worker {self.name} is running already.")
        if not self.routes:
            raise RuntimeError("The worker has no handlers. Decorate a function with @worker.job('TYPE').")
        source = self._source = open_source(self.target, self.lock, **self._credentials)
        self._stopping.clear()
        self._failure = None
        self._grace = self.grace
        self._pool = Pool(self.concurrency, self.max_jobs, self.name)
        self._executor = Executor(source, self._pool, self.name, self._attempts)
        self._pool.open(self._executor.run, self._executor.spawn)
        leases = Leases(source, self._pool, self.name, self.lock)
        arguments = (source, self._pool, self._executor, leases, until_idle)
        thread = self._thread = threading.Thread(target=self._work, args=arguments, name=self.name, daemon=True)
        log.info("%s: waits for jobs of type %s", self.name, ", ".join(sorted(self.routes)))
        thread.start()
        return thread

    def _work(self, source: JobSource, pool: Pool, executor: Executor, leases: Leases, until_idle: bool) -> None:
        try:
            if source.waits and not until_idle:
                self._listen(source, pool, leases)
            else:
                self._turn(source, pool, leases, until_idle)
            self._wind_down(pool, executor, leases)
        except BaseException as error:  # noqa: BLE001  `_end` raises it where somebody can catch it
            self._fail(error)
        finally:
            self.handled += pool.handled
            pool.close()
            executor.close()

    def _turn(self, source: JobSource, pool: Pool, leases: Leases, until_idle: bool) -> None:
        poller = Poller(source, self.routes, pool, name=self.name, lock=self.lock)
        pause = self.poll
        while not self._stopping.is_set():
            leases.keep()
            handled, held = pool.handled, len(pool.held())
            try:
                taken = poller.take(self.max_jobs - held)
                pause = self.poll
            except StorageError as error:
                taken, pause = 0, min(5.0, pause * 2)
                log.warning("%s: no jobs for now: %s", self.name, error)
            if until_idle and not taken and not held:
                return
            pool.wait_for_room(min(pause, self.lock / 4), handled, self._stopping.is_set)

    def _listen(self, source: JobSource, pool: Pool, leases: Leases) -> None:
        poller = LongPoller(source, self.routes, pool, leases, name=self.name, failed=self._fail)
        poller.start()
        while not self._stopping.wait(min(self.lock / 4, 1.0)):
            leases.keep()
        poller.stop()

    def _wind_down(self, pool: Pool, executor: Executor, leases: Leases) -> None:
        leases.give_back(pool.take_back())
        begun = time.monotonic()
        while (left := begun + self._grace - time.monotonic()) > 0:
            if pool.wait_until_empty(min(left, PATIENCE, self.lock / 4)):
                return
            leases.keep()
        abandoned = pool.held()
        for held in abandoned:
            log.warning("%s is still running after %g s; its result will be dropped", held, self._grace)
            pool.drop(held)
        if abandoned:
            executor.cancel()

    def _fail(self, error: BaseException) -> None:
        """The first failure is the one that is raised."""
        if self._failure is None:
            self._failure = error
            log.error("%s: stopped by an error", self.name, exc_info=error)
            self._ask_to_stop(self._grace)

    def _ask_to_stop(self, grace: float) -> None:
        self._grace = grace
        self._stopping.set()
        if self._pool is not None:
            self._pool.nudge()

    def _is_ours(self, thread: threading.Thread) -> bool:
        if self._pool is None or self._executor is None:
            return False
        return thread is self._thread or self._pool.has(thread) or self._executor.has(thread)

    def _end(self) -> None:
        self._thread = None
        if self._source is not None:
            self._source.close()
        self._source = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
