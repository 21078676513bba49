"""What much of everything costs: a store with a million instances that wait, or have ended, many definitions, timers, jobs.

python crowd.py STORE [PART…]      STORE: sqlite postgres; parts: waiting finished definitions timers items
CROWD=10000 makes it smaller.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ours import IN_FLIGHT, JOBS, in_flight
from workloads import POSTGRES, emit, feel, missing, scratch

from procession import Engine, VirtualClock
from procession.testing import process

MANY = int(os.environ.get("CROWD", "1000000"))
DEFINITIONS = max(1, MANY // 1_000)
TIMERS = MANY // 10
ITEMS = MANY // 100
HURRY = 3.0  # seconds of one measurement
NAP = process("nap").start().catch_timer("rest", "PT1H").end().build()


def fill(engine: Engine, name: str, count: int) -> float:
    """Start so many, a thousand to a commit; how many a second."""
    began = time.perf_counter()
    for _ in range(count // 1_000):
        for ask in [engine.submit(engine.ask_start(name, {"x": 0})) for _ in range(1_000)]:
            engine.wait(ask)
    return count / (time.perf_counter() - began)


def speed(work: Callable[[], object], units: int = 1) -> float:
    """Units a second."""
    work()
    began, calls = time.perf_counter(), 0
    while (wall := time.perf_counter() - began) < HURRY:
        work()
        calls += 1
    return calls * units / wall


def settle(store: str) -> None:
    """Let what was written come to rest on the disk, which is still busy with it long after it is safe."""
    if not store.startswith("sqlite"):
        size(store)  # with a checkpoint
    os.sync()
    time.sleep(1.0)


def starts(engine: Engine, store: str) -> float:
    """W1 started, so many in flight: instances a second."""
    settle(store)
    return speed(lambda: in_flight(engine, "w1", {"x": 0}), IN_FLIGHT)


def size(store: str) -> int:
    """Bytes on the disk."""
    if store.startswith("sqlite"):
        path = Path(store.removeprefix("sqlite:///"))
        return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))

    async def asked() -> int:
        import asyncpg

        connection = await asyncpg.connect(store.partition("?")[0])
        try:
            await connection.execute("CHECKPOINT")
            return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
        finally:
            await connection.close()

    return asyncio.run(asked())


def fresh(store: str, part: str) -> dict[str, Any]:
    """What a process says that opens the store and works on it."""
    done = subprocess.run([sys.executable, __file__, "fresh", store, part], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def look(store: str, part: str) -> None:
    """In a process of its own: how long it takes to open the store, what it has in memory then, and how quick it works."""
    began = time.perf_counter()
    with Engine(store) as engine:
        told: dict[str, Any] = {"open_s": time.perf_counter() - began}
        if part == "waiting":
            chance = random.Random(7)
            newest = int(engine.tasks(limit=1).items[0].id)
            ids = [
                task.id
                for _ in range(20)
                for task in engine.tasks(limit=100, cursor=str(chance.randrange(newest))).items
            ]
            ids = list(dict.fromkeys(ids or [task.id for task in engine.tasks(limit=1_000).items]))[:1_000]
            began = time.perf_counter()
            for ask in [engine.submit(engine.ask_complete_task(id, {"ok": True})) for id in ids]:
                engine.wait(ask)
            told["complete_us"] = (time.perf_counter() - began) / len(ids) * 1e6
        else:
            engine.start("d0", {})
        status = Path("/proc/self/status").read_text()
        told["rss_mib"] = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    print(json.dumps(told))


def waiting(name: str, store: str) -> None:
    """A crowd that waits for people: what a start costs beside it, and a node that comes up."""
    with Engine(store) as engine:
        engine.deploy(("w1.bpmn", feel("w1_straight.bpmn")), ("w5.bpmn", feel("w5_wait.bpmn")), publish=True)
        fill(engine, "w5", 2_000)
        empty, before = starts(engine, store), size(store)
        emit(f"crowd.{name}.waiting.filled", fill(engine, "w5", MANY), "inst/s")
        emit(f"crowd.{name}.waiting.bytes", (size(store) - before) / MANY, "bytes")
        beside = starts(engine, store)
        emit(f"crowd.{name}.waiting.starts", beside / empty, "of an empty store", rate=round(beside))
    told = fresh(store, "waiting")
    emit(f"crowd.{name}.waiting.open", told["open_s"], "s")
    emit(f"crowd.{name}.waiting.memory", told["rss_mib"], "MiB")
    emit(f"crowd.{name}.waiting.complete", told["complete_us"], "us")


def finished(name: str, store: str) -> None:
    """A crowd that has ended."""
    with Engine(store) as engine:
        engine.deploy(("w1.bpmn", feel("w1_straight.bpmn")), publish=True)
        fill(engine, "w1", 2_000)
        empty, before = starts(engine, store), size(store)
        emit(f"crowd.{name}.finished.filled", fill(engine, "w1", MANY), "inst/s")
        emit(f"crowd.{name}.finished.bytes", (size(store) - before) / MANY, "bytes")
        beside = starts(engine, store)
        emit(f"crowd.{name}.finished.starts", beside / empty, "of an empty store", rate=round(beside))
        began = time.perf_counter()
        for _ in range(20):
            engine.instances(definition="w1", status="FINISHED", limit=50)
        emit(f"crowd.{name}.finished.list", (time.perf_counter() - began) / 20 * 1e3, "ms")


def definitions(name: str, store: str) -> None:
    """Many processes, each published."""
    with Engine(store) as engine:
        for number in range(DEFINITIONS):
            built = process(f"d{number}").start().script("set", "=1", "x").user_task("wait").end().build()
            began = time.perf_counter()
            engine.deploy((f"d{number}.bpmn", built), publish=True)
            last = time.perf_counter() - began
        emit(f"crowd.{name}.definitions.deploy", last * 1e3, "ms")
        one = speed(lambda: in_flight(engine, "d0", {}), IN_FLIGHT)
        turn = iter(range(10**9))

        def another() -> None:
            asks = [engine.submit(engine.ask_start(f"d{next(turn) % DEFINITIONS}", {})) for _ in range(IN_FLIGHT)]
            for ask in asks:
                engine.wait(ask)

        emit(f"crowd.{name}.definitions.all", speed(another, IN_FLIGHT) / one, "of always the same")
    told = fresh(store, "definitions")
    emit(f"crowd.{name}.definitions.open", told["open_s"], "s")
    emit(f"crowd.{name}.definitions.memory", told["rss_mib"], "MiB")


def timers(name: str, store: str) -> None:
    """Timers that come due at one moment."""
    clock = VirtualClock()
    with Engine(store, clock=clock) as engine:
        engine.deploy(("nap.bpmn", NAP), publish=True)
        fill(engine, "nap", TIMERS)
        clock.advance("PT2H")
        began = time.perf_counter()
        fired = engine.run_due()
        seconds = time.perf_counter() - began
        assert fired == TIMERS, fired
        assert not engine.counts()["timer"]
        emit(f"crowd.{name}.timers", TIMERS / seconds, "timers/s", seconds=round(seconds, 2))


def items(name: str, store: str) -> None:
    """One instance with many jobs, each completed by a call of its own, one after the other."""
    with Engine(store, clock=VirtualClock()) as engine:
        engine.deploy(("jobs.bpmn", JOBS), publish=True)
        costs = {}
        for count in (100, ITEMS):
            id = engine.start("jobs", {"items": list(range(count))}).id
            spent, done = 0.0, 0
            while jobs := engine.activate_jobs("work", max_jobs=1_000, fetch=["item"]):
                for job in jobs:
                    began = time.perf_counter()
                    engine.complete_job(job.id, job.token, {"result": done})
                    spent += time.perf_counter() - began
                    done += 1
            assert engine.instance(id).completed
            costs[count] = spent / done * 1e6
        emit(f"crowd.{name}.items", costs[ITEMS], "us/item")
        emit(f"crowd.{name}.items.growth", costs[ITEMS] / costs[100], "of 100 items")


def main() -> None:
    store, *parts = sys.argv[1:]
    if store == "fresh":
        return look(*parts)
    if store == "postgres" and not POSTGRES:
        return missing("crowd.postgres", "no PostgreSQL")
    every = {
        "waiting": waiting,
        "finished": finished,
        "definitions": definitions,
        "timers": timers,
        "items": items,
    }
    for part in parts or every:
        url = f"{POSTGRES}?schema={part}" if store == "postgres" else f"sqlite:///{scratch()}/{part}.db"
        every[part](store, url)


if __name__ == "__main__":
    main()
