"""What a handler may raise, beside ordinary exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class BpmnError(Exception):
    """The business says no: the process goes on at the boundary event that catches this code.

    `variables` are merged into the process where the error is caught. An error that nothing catches is an incident.
    """

    def __init__(self, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message, self.variables = code, message, dict(variables or {})


class Retry(Exception):
    """It did not work this time, and the handler knows when to try again.

    `backoff` in seconds, else the back-off of the job's type; `retries` is how many tries are left, else one less than
    before; 0 gives up at once and shows the failure to an operator.
    """

    def __init__(self, message: str = "", *, backoff: float | None = None, retries: int | None = None) -> None:
        super().__init__(message)
        self.message, self.backoff, self.retries = message, backoff, retries
