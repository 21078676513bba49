"""Time-ordered 64-bit ids: 41 bits of milliseconds since 2020, 10 bits of node, 12 bits of counter."""

from __future__ import annotations

import threading
from collections.abc import Callable

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
NODES = 1024
LATEST_MS = (1 << 41) - (1 << 32)  # in the summer of 2089; from then on ids only count


def earliest(moment: int) -> int:
    """An id below all that are given from a moment on; microseconds."""
    return max(0, moment // 1000 - EPOCH_MS) << 22


class Ids:
    """Gives ids that only grow, also when the clock stands still or many are asked for within a millisecond.

    `node` tells processes on one store apart (0 to 1023); where it may change, it is asked for each id.
    """

    def __init__(self, now: Callable[[], int], node: int | Callable[[], int] = 0) -> None:
        if isinstance(node, int) and not 0 <= node < NODES:
            raise ValueError(f"node must be 0 to 1023, not {node}")
        self._now, self._node = now, node
        self._ms, self._counter = 0, 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            ms = min(self._now() // 1000 - EPOCH_MS, LATEST_MS)
            if ms > self._ms:
                self._ms, self._counter = ms, 0
            elif self._counter < 4095:
                self._counter += 1
            else:
                self._ms, self._counter = self._ms + 1, 0
            node = self._node if isinstance(self._node, int) else self._node()
            return (self._ms << 22) | (node << 12) | self._counter
