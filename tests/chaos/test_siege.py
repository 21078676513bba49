"""A short siege of each store (`make chaos` is a long one): every fault, and everything is checked afterwards.

PROCESSION_CHAOS_SEED repeats a run as far as chance allows.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.chaos.siege import Plan, Report, besiege
from tests.conftest import need_postgresql

PLANS = {
    "postgresql": {"seconds": 25.0, "servers": 2, "victims": 1, "clients": 4, "pause": 0.3},
    "sqlite": {"seconds": 10.0, "servers": 1, "victims": 1, "clients": 4, "pause": 0.3},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", PLANS)
def test_a_siege(store, tmp_path):
    if store == "postgresql":
        need_postgresql()
    seed = int(os.environ.get("PROCESSION_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"PROCESSION_CHAOS_SEED={seed}")  # shown where it fails
    report = besiege(Plan(store, seed, **PLANS[store]), tmp_path / store)
    print(dict(report.faults), dict(report.checked))
    assert worked(report)
    assert sum(report.faults.values()) > 5
    assert report.restarts


def worked(report: Report) -> bool:
    """Whether enough happened for the check to mean something."""
    kinds = report.facts.kinds
    return len(report.facts.tried) > 100 and all(
        kinds[kind] for kind in ("start", "job", "task", "note", "paid", "lease")
    )
