"""Where jobs come from and results go: an engine in this program, or a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from procession.errors import CommandRejected, StorageError
from procession.runtime.reports import Report
from procession.runtime.views import JobView

SERVER = ("http://", "https://")


class JobSource(Protocol):
    """What a worker needs. `waits`: whether asking for jobs can wait until there are some."""

    waits: bool

    def activate_jobs(self, type: str, *, worker: str, max_jobs: int, lock: float, wait: float = 0.0) -> list[JobView]:
        """Take jobs of one type, for `lock` seconds."""

    def report_jobs(self, reports: Sequence[Report]) -> Sequence[Exception | None]:
        """Hand in what came of jobs; for each report what went wrong, or None."""

    def hang_up(self) -> None:
        """Wait for jobs no longer; those that are on their way still arrive."""

    def close(self) -> None:
        """End it."""


class EngineLike(Protocol):
    """An engine, as far as jobs go."""

    def activate_jobs(self, type: str, *, worker: str, max_jobs: int, lock: float) -> list[JobView]: ...

    def ask_complete_job(self, id: str, token: int, variables: Mapping[str, Any] | None = None) -> Any: ...

    def submit(self, ask: Any) -> Any: ...

    def wait(self, ask: Any) -> Any: ...

    def fail_job(
        self, id: str, token: int, message: str, *, retries: int | None = None, backoff: float = 0.0
    ) -> Any: ...

    def throw_error(
        self, id: str, token: int, code: str, message: str = "", variables: Mapping[str, Any] | None = None
    ) -> Any: ...

    def extend_job(self, id: str, token: int, lock: float) -> bool: ...

    def release_job(self, id: str, token: int) -> bool: ...

    def close(self) -> None: ...


class ClientLike(Protocol):
    """A client of a server, as far as jobs go."""

    def activate_jobs(
        self, type: str, *, worker: str, max_jobs: int, lock: float, wait: float = 0.0
    ) -> list[JobView]: ...

    def report_jobs(self, reports: Sequence[Report]) -> Sequence[Exception | None]: ...

    def apart(self, timeout: float) -> ClientLike: ...

    def hang_up(self) -> None: ...

    def close(self) -> None: ...


Target = EngineLike | ClientLike | str
"""What a worker is given: an engine, a client, or the URL of a store or a server."""


class EngineSource:
    """An engine in this program. Completions that are handed in together share a commit."""

    waits = False

    def __init__(self, engine: EngineLike, *, ours: bool) -> None:
        self._engine, self._ours = engine, ours

    def activate_jobs(self, type: str, *, worker: str, max_jobs: int, lock: float, wait: float = 0.0) -> list[JobView]:
        """Answers at once: who asks looks again later."""
        return self._engine.activate_jobs(type, worker=worker, max_jobs=max_jobs, lock=lock)

    def report_jobs(self, reports: Sequence[Report]) -> Sequence[Exception | None]:
        """Completions are queued before the first is waited for, so that they are decided together."""
        submitted: dict[int, Any] = {}
        outcomes: list[Exception | None] = [None] * len(reports)
        for place, report in enumerate(reports):
            try:
                if report.outcome == "complete":
                    ask = self._engine.ask_complete_job(report.id, report.token, report.variables)
                    submitted[place] = self._engine.submit(ask)
            except Exception as error:  # noqa: BLE001  each report fails alone; whoever made it is told
                outcomes[place] = error
        for place, report in enumerate(reports):
            try:
                if place in submitted:
                    self._engine.wait(submitted[place])
                elif outcomes[place] is None:
                    self._report(report)
            except Exception as error:  # noqa: BLE001
                outcomes[place] = error
        return outcomes

    def hang_up(self) -> None:
        """Nobody waits here."""

    def close(self) -> None:
        """End the engine, where it was made for the worker."""
        if self._ours:
            self._engine.close()

    def _report(self, report: Report) -> None:
        id, token, kept = report.id, report.token, True
        match report.outcome:
            case "fail":
                pause = report.backoff_ms / 1000
                self._engine.fail_job(id, token, report.message, retries=report.retries, backoff=pause)
            case "error":
                self._engine.throw_error(id, token, report.code, report.message, report.variables)
            case "extend":
                kept = self._engine.extend_job(id, token, report.lock_ms / 1000)
            case "release":
                kept = self._engine.release_job(id, token)
        if not kept:
            raise CommandRejected(409, "Lease is lost.", "The job is not ours any more.", key="error.state.lease_lost")


class ServerSource:
    """A server. Polls and reports have connections of their own, so that none waits for the other."""

    waits = True

    def __init__(self, client: ClientLike, lock: float, *, ours: bool) -> None:
        self._client, self._ours = client, ours
        timeout = min(30.0, max(5.0, lock / 2))
        self._polls, self._reports = client.apart(timeout), client.apart(timeout)

    def activate_jobs(self, type: str, *, worker: str, max_jobs: int, lock: float, wait: float = 0.0) -> list[JobView]:
        """A long poll, where `wait` is given."""
        return self._polls.activate_jobs(type, worker=worker, max_jobs=max_jobs, lock=lock, wait=wait)

    def report_jobs(self, reports: Sequence[Report]) -> Sequence[Exception | None]:
        """In as few requests as the server takes. What the server could not do now is a `StorageError`."""
        return [_passing(error) for error in self._reports.report_jobs(reports)]

    def hang_up(self) -> None:
        """End the polls."""
        self._polls.hang_up()

    def close(self) -> None:
        """End every connection of the worker."""
        self._polls.close()
        self._reports.close()
        if self._ours:
            self._client.close()


def open_source(
    target: Target, lock: float, *, token: str | None = None, user: str | None = None, password: str | None = None
) -> JobSource:
    """What the target stands for. Found by name: a worker on an engine needs no client, and one of a server no engine."""
    if isinstance(target, str):
        if target.startswith(SERVER):
            client = import_module("procession.client").Client(target, token=token, user=user, password=password)
            return ServerSource(client, lock, ours=True)
        return EngineSource(import_module("procession.app").Engine(target), ours=True)
    if hasattr(target, "apart"):
        return ServerSource(cast(ClientLike, target), lock, ours=False)
    return EngineSource(target, ours=False)


def _passing(error: Exception | None) -> Exception | None:
    """Too many requests is nothing that is wrong with a report: it passes."""
    if isinstance(error, CommandRejected) and error.status == 429:
        return StorageError(str(error))
    return error
