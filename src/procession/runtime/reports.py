"""What workers hand in."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class Report(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What came of a job, or what is to become of its lease; in JSON as the HTTP interface takes it.

    `token` is the job's fencing number: of those who were given the job, only the latest may report.
    """

    id: str
    token: int
    outcome: Literal["complete", "fail", "error", "extend", "release"]
    variables: dict[str, Any] = {}
    message: str = ""
    retries: int | None = None  # that are left; None: one less than before
    backoff_ms: int = 0
    code: str = ""
    lock_ms: int = 60_000
