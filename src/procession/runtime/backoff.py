"""How long to wait before what failed is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """`first` seconds after the first failure, `factor` times as long after each further one, never more than `most`."""

    first: float = 1.0
    factor: float = 2.0
    most: float = 300.0

    def __call__(self, attempt: int) -> float:
        """Seconds to wait after the attempt of that number (the first is 1)."""
        # A float overflows at about 1,000 attempts; by then every sensible back-off has reached its most.
        return min(self.most, self.first * self.factor ** min(attempt - 1, 64))


def backoff_of(value: float | Callable[[int], float] | None) -> Callable[[int], float]:
    """Seconds after the first failure (then doubled), or any function of the attempt's number."""
    if value is None:
        return Backoff()
    return value if callable(value) else Backoff(first=float(value))
