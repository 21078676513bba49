"""Where jobs come from, as far as a worker sees it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from procession.runtime.views import JobView


class JobSource(Protocol):
    """What a worker needs of an engine. `token` is the job's fencing number: only its latest holder may report."""

    def activate_jobs(self, type: str, *, worker: str, max_jobs: int, lock: float) -> list[JobView]:
        """Take jobs of one type, for `lock` seconds."""

    def complete_job(self, id: str, token: int, variables: Mapping[str, Any] | None = None) -> Any:
        """It is done."""

    def fail_job(self, id: str, token: int, message: str, *, retries: int | None = None, backoff: float = 0.0) -> Any:
        """It did not work; again after `backoff` seconds while tries are left."""

    def throw_error(
        self, id: str, token: int, code: str, message: str = "", variables: Mapping[str, Any] | None = None
    ) -> Any:
        """A BPMN error."""

    def extend_job(self, id: str, token: int, lock: float) -> bool:
        """Keep it for `lock` more seconds; false when somebody else has it by now."""

    def release_job(self, id: str, token: int) -> Any:
        """Give it back untouched."""

    def close(self) -> None:
        """End it."""


def check(target: object) -> None:
    """Refuse at once what can never be worked for."""
    if isinstance(target, str) and target.startswith(("http://", "https://")):
        raise NotImplementedError(
            f"A worker for a server ({target}) is not built yet. Give it the store: Worker('sqlite:///FILE.db')."
        )


def open_source(url: str) -> JobSource:
    """An engine of its own on that store. Found by name: the application knows the worker, not the other way round."""
    return cast(JobSource, import_module("procession.app").Engine(url))
