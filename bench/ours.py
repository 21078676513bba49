"""This engine on the workloads: alone and with the memory store, on SQLite, on PostgreSQL.

python ours.py [PART…]      parts: memory growth sqlite turns items vars postgres
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from workloads import POSTGRES, cost, emit, feel, missing, rate, scratch

from procession import Engine, VirtualClock
from procession.bpmn import read_bpmn
from procession.definition import ProcessDefinition
from procession.engine.access import SYSTEM
from procession.engine.commands import Continue, StartInstance
from procession.engine.decide import decide
from procession.engine.state import ProcessInstance

IN_FLIGHT = 100
WAITS = b"""<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="defs" targetNamespace="urn:bench"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><bpmn:process id="waits" isExecutable="true">
 <bpmn:startEvent id="start"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
 <bpmn:serviceTask id="work"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>
 <bpmn:incoming>a</bpmn:incoming><bpmn:incoming>b</bpmn:incoming><bpmn:outgoing>c</bpmn:outgoing></bpmn:serviceTask>
 <bpmn:exclusiveGateway id="again" default="d"><bpmn:incoming>c</bpmn:incoming><bpmn:outgoing>b</bpmn:outgoing>
 <bpmn:outgoing>d</bpmn:outgoing></bpmn:exclusiveGateway>
 <bpmn:endEvent id="end"><bpmn:incoming>d</bpmn:incoming></bpmn:endEvent>
 <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="work"/><bpmn:sequenceFlow id="c" sourceRef="work" targetRef="again"/>
 <bpmn:sequenceFlow id="b" sourceRef="again" targetRef="work"><bpmn:conditionExpression>=more</bpmn:conditionExpression>
 </bpmn:sequenceFlow><bpmn:sequenceFlow id="d" sourceRef="again" targetRef="end"/></bpmn:process></bpmn:definitions>"""


def definition(name: str) -> ProcessDefinition:
    return read_bpmn(feel(name), name).processes[0]


_ids = itertools.count(1).__next__


def alone(process: ProcessDefinition, variables: dict[str, object]) -> ProcessInstance:
    """The engine by itself: state and events are made, nothing is stored."""
    state = ProcessInstance(_ids())
    command = StartInstance(1, process.name, 1, variables)
    decide(process, state, command, at=1, new_id=_ids, principal=SYSTEM)
    while state.steps:
        decide(process, state, Continue(state.id), at=1, new_id=_ids, principal=SYSTEM)
    assert state.status == "FINISHED", state.status
    return state


def opened(store: str, *files: str) -> Engine:
    engine = Engine(store)
    engine.deploy(*((name, feel(name)) for name in files), publish=True)
    return engine


def in_flight(engine: Engine, name: str, variables: dict[str, object]) -> None:
    asks = [engine.submit(engine.ask_start(name, variables)) for _ in range(IN_FLIGHT)]
    for ask in asks:
        engine.wait(ask)


def memory() -> None:
    w1, w2 = definition("w1_straight.bpmn"), definition("w2_parallel.bpmn")
    assert alone(w1, {"x": 0}).variables == {"x": 5}
    rate("ours.w1.engine", lambda: [alone(w1, {"x": 0}) for _ in range(100)], 100)
    rate("ours.w2.engine", lambda: [alone(w2, {}) for _ in range(100)], 100)
    with opened("memory:", "w1_straight.bpmn") as engine:
        rate("ours.w1.memory", lambda: in_flight(engine, "w1", {"x": 0}), IN_FLIGHT)


def stored(name: str, store: str) -> None:
    """W1 and W2, a commit carrying what is in flight; W1 by one caller that waits for each."""
    with opened(store, "w1_straight.bpmn", "w2_parallel.bpmn") as engine:
        rate(f"ours.w1.{name}.100", lambda: in_flight(engine, "w1", {"x": 0}), IN_FLIGHT)
        rate(f"ours.w1.{name}.1", lambda: engine.start("w1", {"x": 0}))
        rate(f"ours.w2.{name}.100", lambda: in_flight(engine, "w2", {}), IN_FLIGHT)


def waiting(name: str, store: str) -> None:
    """W5: start, then complete the user task: two durable steps for each instance, 100 in flight."""
    with opened(store, "w5_wait.bpmn") as engine:

        def both() -> None:
            in_flight(engine, "w5", {"x": 0})
            tasks = engine.tasks(limit=IN_FLIGHT).items
            asks = [engine.submit(engine.ask_complete_task(task.id, {"ok": True})) for task in tasks]
            for ask in asks:
                engine.wait(ask)

        rate(f"ours.w5.{name}.100", both, 2 * IN_FLIGHT, unit="steps/s")


def growth() -> None:
    w3 = definition("w3_loop.bpmn")
    for turns in (10, 100, 1_000, 10_000, 100_000):
        repeat = max(1, 1_000 // turns)
        cost(
            f"ours.w3.{turns}",
            lambda turns=turns, repeat=repeat: [alone(w3, {"i": 0, "n": turns}) for _ in range(repeat)],
            turns * repeat,
            unit="us/turn",
        )
    for kind in ("parallel", "sequential"):
        w4 = definition(f"w4_multi_{kind}.bpmn")
        for items in (10, 100, 1_000, 10_000):
            repeat = max(1, 1_000 // items)
            cost(
                f"ours.w4.{kind}.{items}",
                lambda w4=w4, items=items, repeat=repeat: [
                    alone(w4, {"items": list(range(items))}) for _ in range(repeat)
                ],
                items * repeat,
                unit="us/item",
            )


def durable_turns() -> None:
    for turns in (10, 100_000):
        with opened(f"sqlite:///{scratch()}/w3.db", "w3_loop.bpmn") as engine:
            repeat = max(1, 1_000 // turns)
            cost(
                f"ours.w3.sqlite.{turns}",
                lambda engine=engine, turns=turns, repeat=repeat: [
                    engine.wait(ask)
                    for ask in [engine.submit(engine.ask_start("w3", {"i": 0, "n": turns})) for _ in range(repeat)]
                ],
                turns * repeat,
                unit="us/turn",
            )


JOBS = b"""<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="defs" targetNamespace="urn:bench"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><bpmn:process id="jobs" isExecutable="true">
 <bpmn:startEvent id="start"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
 <bpmn:serviceTask id="work"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>
 <bpmn:incoming>a</bpmn:incoming><bpmn:outgoing>b</bpmn:outgoing><bpmn:multiInstanceLoopCharacteristics>
 <bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=items" inputElement="item" outputCollection="results"
 outputElement="=result"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>
 <bpmn:endEvent id="end"><bpmn:incoming>b</bpmn:incoming></bpmn:endEvent>
 <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="work"/><bpmn:sequenceFlow id="b" sourceRef="work" targetRef="end"/>
 </bpmn:process></bpmn:definitions>"""


def durable_items() -> None:
    """A job for each item of one instance, completed ten to a commit: what an item costs beside 10 or 10,000 others."""
    for items in (10, 100, 1_000, 10_000):
        with Engine(f"sqlite:///{scratch()}/j.db", clock=VirtualClock()) as engine:
            engine.deploy(("jobs.bpmn", JOBS), publish=True)
            begin, done = time.process_time(), 0
            for _ in range(max(1, 1_000 // items)):
                id = engine.start("jobs", {"items": list(range(items))}).id
                while jobs := engine.activate_jobs("work", max_jobs=10, fetch=["item"]):
                    asks = [engine.ask_complete_job(job.id, job.token, {"result": done}) for job in jobs]
                    for ask in [engine.submit(ask) for ask in asks]:
                        engine.wait(ask)
                    done += len(jobs)
                assert engine.instance(id).completed
            emit(f"ours.jobs.sqlite.{items}", (time.process_time() - begin) / done * 1e6, "us/item")


def untouched() -> None:
    """What a durable step costs beside a variable that nobody touches."""
    for kilobytes in (0, 1, 100):
        beside(kilobytes)


def beside(kilobytes: int) -> None:
    """CPU time of a step, and the bytes that it writes."""
    folder = scratch()
    with Engine(f"sqlite:///{folder}/v.db", clock=VirtualClock()) as engine:
        engine.deploy(("waits.bpmn", WAITS), publish=True)
        engine.start("waits", {"more": True, "body": "x" * 1024 * kilobytes})
        wal = Path(folder) / "v.db-wal"

        def turn() -> None:
            job = engine.activate_jobs("work", max_jobs=1)[0]
            engine.complete_job(job.id, job.token, {"n": 1})

        for _ in range(20):
            turn()
        before, cpu = wal.stat().st_size, time.process_time()
        turns = 200
        leased = 0.0
        for _ in range(turns):
            begin = time.process_time()
            job = engine.activate_jobs("work", max_jobs=1)[0]
            leased += time.process_time() - begin
            engine.complete_job(job.id, job.token, {"n": 1})
        spent = time.process_time() - cpu - leased
        grown = max(0, wal.stat().st_size - before)
        emit(f"ours.step.vars_{kilobytes}KB", spent / turns * 1e6, "us/step", wal_bytes=round(grown / turns))


def sqlite() -> None:
    stored("sqlite", f"sqlite:///{scratch()}/w1.db")
    waiting("sqlite", f"sqlite:///{scratch()}/w5.db")


def postgres() -> None:
    if not POSTGRES:
        return missing("ours.postgres", "no PostgreSQL")
    stored("postgres", POSTGRES)
    waiting("postgres", POSTGRES)


if __name__ == "__main__":
    parts = {
        "memory": memory,
        "growth": growth,
        "sqlite": sqlite,
        "turns": durable_turns,
        "items": durable_items,
        "vars": untouched,
        "postgres": postgres,
    }
    for part in sys.argv[1:] or parts:
        parts[part]()
