"""DBOS: a durable workflow of five steps, the shape of W1; every step is a commit.

python -m peers.dbos sqlite|postgres
"""

from __future__ import annotations

import logging
import sys

from dbos import DBOS
from workloads import POSTGRES, emit, missing, scratch, together

STEPS = 5


@DBOS.step()
def increased(x: int) -> int:
    return x + 1


@DBOS.workflow()
def w1(x: int) -> str:
    for _ in range(STEPS):
        x = increased(x)
    return "hi" if x > 3 else "lo"


def main(store: str) -> None:
    url = POSTGRES if store == "postgres" else f"sqlite:///{scratch()}/d.db"
    if not url:
        return missing(f"dbos.w1.{store}", "no PostgreSQL")
    DBOS(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})
    logging.disable(logging.WARNING)
    DBOS.launch()
    try:
        assert w1(0) == "hi"
        for threads in (1, 8):
            done, cpu_us = together(lambda: w1(0), threads)
            emit(f"dbos.w1.{store}.{threads}", done, "inst/s", cpu_us=round(cpu_us, 2))
            emit(f"dbos.steps.{store}.{threads}", done * STEPS, "steps/s", cpu_us=round(cpu_us / STEPS, 2))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1])
