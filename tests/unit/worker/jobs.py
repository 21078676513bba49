"""Jobs without an engine."""

from __future__ import annotations

import time
from itertools import count

from procession.runtime.backoff import Backoff
from procession.runtime.views import JobView
from procession.worker.pool import Held
from procession.worker.router import Route

_numbers = count(1)


def job() -> JobView:
    number = str(next(_numbers))
    return JobView(
        id=number, token=1, type="pack", instance=number, node="pack", variables={}, headers={}, retries=3, deadline="",
        worker="w",
    )  # fmt: skip


def held(*, coroutine: bool = False, lock: float = 60.0) -> Held:
    route = Route("pack", lambda job: None, None, Backoff(), coroutine)
    return Held(job(), route, time.monotonic() + lock)
