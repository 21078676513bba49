"""Where the time of W1 goes, 100 in flight: interpret, encode, write, commit, and the rest, in microseconds an instance.

python stages.py [STORE…]      STORE: memory sqlite postgres
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ours import IN_FLIGHT, in_flight, opened
from workloads import POSTGRES, emit, missing, scratch

from procession.runtime import work
from procession.storage import sqlite

SECONDS = 3.0
spent: Counter[str] = Counter()


def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, with a clock."""

    def run(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent[stage] += time.perf_counter() - began

    return run


def timed_async(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same coroutine function, with a clock."""

    async def run(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return await function(*given, **named)
        finally:
            spent[stage] += time.perf_counter() - began

    return run


def watch() -> None:
    """Put clocks around the stages."""
    work.decide = timed("interpret", work.decide)  # type: ignore[attr-defined]
    work.history_row = timed("encode", work.history_row)  # type: ignore[attr-defined]
    work.project = timed("encode", work.project)  # type: ignore[attr-defined]
    sqlite.write = timed("write", sqlite.write)  # type: ignore[attr-defined]
    sqlite.commit = timed_async("commit", sqlite.commit)  # type: ignore[attr-defined]


def stages(name: str, store: str) -> None:
    with opened(store, "w1_straight.bpmn") as engine:
        engine.storage.commit = timed_async("store", engine.storage.commit)  # type: ignore[method-assign]
        in_flight(engine, "w1", {"x": 0})
        spent.clear()
        began, calls = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            in_flight(engine, "w1", {"x": 0})
            calls += 1
        whole = time.perf_counter() - began
    if name != "sqlite":  # one call: what is written and what is committed cannot be told apart from here
        spent["write and commit"] = spent["store"]
    spent["rest"] = whole - sum(spent[stage] for stage in ("interpret", "encode", "store"))
    del spent["store"]
    for stage, seconds in spent.items():
        emit(f"stages.{name}.{stage.replace(' ', '_')}", seconds / calls / IN_FLIGHT * 1e6, "us/inst")
    emit(f"stages.{name}.whole", whole / calls / IN_FLIGHT * 1e6, "us/inst")


def main() -> None:
    watch()
    for name in sys.argv[1:] or ("memory", "sqlite", "postgres"):
        if name == "postgres" and not POSTGRES:
            missing("stages.postgres", "no PostgreSQL")
            continue
        spent.clear()
        stages(name, {"memory": "memory:", "sqlite": f"sqlite:///{scratch()}/w1.db", "postgres": POSTGRES}[name])


if __name__ == "__main__":
    main()
