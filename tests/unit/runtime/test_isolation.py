"""What callers get is theirs: changing it does not change an instance."""

from __future__ import annotations

from procession import Engine
from procession.testing import process

ORDER = process("order").start().service_task("pack", job="pack").user_task("check").end().build()


def test_nobody_changes_an_instance_through_an_answer():
    data = {"order": {"lines": [1, 2]}}
    with Engine() as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        order = engine.start("order", data)
        data["order"]["lines"].append("the caller's own")
        order.variables["order"]["lines"].append("an answer's")
        job = engine.activate_jobs("pack")[0]
        job.variables["order"]["lines"].append("a worker's")
        job.variables["order"]["new"] = True
        engine.complete_job(job.id, job.token)
        assert engine.instance(order.id).variables == {"order": {"lines": [1, 2]}}
        task = engine.tasks(instance=order.id).items[0]
        assert engine.complete_task(task.id).variables == {"order": {"lines": [1, 2]}}


def test_an_instance_that_is_asked_for_jobs_is_read_from_the_store_once(monkeypatch):
    with Engine() as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        for _ in range(3):
            engine.start("order", {})
        reads = []
        load = engine.storage.load

        async def counted(need):
            found = await load(need)
            reads.extend(found.instances)
            return found

        monkeypatch.setattr(engine.storage, "load", counted)
        assert len(engine.activate_jobs("pack", max_jobs=3)) == 3
        assert reads == []
