"""What an evaluation is given, and what it may use up."""

from __future__ import annotations

from typing import Any

from procession.errors import ProcessionError

MAX_TEXT = 10_000_000  # characters in one string
MAX_CALLS = 100  # calls of FEEL functions inside one another; each takes a few frames of Python's stack


class FeelLimitExceeded(ProcessionError):
    """The expression would take too many steps, calls or characters."""


class Environment:
    """The moment, the time zone and the step budget of an evaluation."""

    __slots__ = ("at", "limit", "zone")

    def __init__(self, at: int, zone: str = "UTC", limit: int = 1_000_000) -> None:
        self.at, self.zone, self.limit = at, zone, limit


class Run:
    """One evaluation: what is left of its budget."""

    __slots__ = ("calls", "env", "left")

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.left = env.limit
        self.calls = 0

    def spend(self, steps: int) -> None:
        """Take steps from the budget."""
        self.left -= steps
        if self.left < 0:
            raise FeelLimitExceeded(f"The expression needs more than {self.env.limit} steps.")


def bounded(text: str) -> str:
    """The text itself, if it is not too long."""
    if len(text) > MAX_TEXT:
        raise FeelLimitExceeded(f"The expression makes a string of more than {MAX_TEXT} characters.")
    return text


def too_deep() -> Any:
    """Python's stack is used up, by calls or by data nested too deeply."""
    raise FeelLimitExceeded("The expression or its data is nested too deeply.")
