"""SpiffWorkflow on the same files: in memory, and stored with one commit for each instance."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState
from workloads import BPMN, emit, rate, scratch


def specification(file: str, process: str) -> object:
    parser = BpmnParser()
    parser.add_bpmn_file(str(BPMN / file))
    return parser.get_spec(process)


def run(spec: object, **data: object) -> BpmnWorkflow:
    workflow = BpmnWorkflow(spec)
    workflow.get_next_task(state=TaskState.READY).data.update(data)
    workflow.do_engine_steps()
    return workflow


def main() -> None:
    w1, w2 = specification("w1_straight.bpmn", "w1"), specification("w2_parallel.bpmn", "w2")
    assert run(w1, x=0).last_task.data["x"] == 5
    rate("spiff.w1.memory", lambda: run(w1, x=0))
    rate("spiff.w2.memory", lambda: run(w2))
    serializer = BpmnWorkflowSerializer()
    connection = sqlite3.connect(str(Path(scratch()) / "s.db"), isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE instance(id INTEGER PRIMARY KEY, state TEXT)",
    ):
        connection.execute(statement)

    def stored() -> None:
        workflow = run(w1, x=0)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO instance(state) VALUES(?)", (serializer.serialize_json(workflow),))
        connection.execute("COMMIT")

    rate("spiff.w1.sqlite", stored)
    w3, w4 = specification("w3_loop.bpmn", "w3"), specification("w4_multi_parallel.bpmn", "w4p")
    for turns in (10, 100, 400):
        begin = time.process_time()
        done = run(w3, i=0, n=turns).last_task.data["i"]
        emit(f"spiff.w3.{turns}", (time.process_time() - begin) / done * 1e6, "us/turn", turns=done)
    for items in (10, 100, 1000):
        begin = time.process_time()
        run(w4, items=list(range(items)))
        emit(f"spiff.w4.parallel.{items}", (time.process_time() - begin) / items * 1e6, "us/item")


if __name__ == "__main__":
    main()
