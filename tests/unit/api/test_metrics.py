"""The figures say what happened and what there is, and asking for them costs next to nothing."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from procession import VirtualClock
from procession.api import application
from procession.api import metrics as module
from procession.api.metrics import Metrics
from procession.engine import commands as c
from procession.engine.access import SYSTEM
from procession.errors import StorageError, VersionConflict
from procession.runtime.asks import Ask, Start
from procession.runtime.live import RESYNC, Message
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.storage.memory import MemoryStorage
from procession.storage.sqlite import SqliteStorage
from procession.testing import process

WAITS = process("waits").start().user_task("look").end().build()
TIMES = process("times").start().catch_timer("hour", duration="PT1H").end().build()
WORKS = process("works").start().service_task("pack").end().build()
SENDS = process("sends").start().send("tell", topic="told", body="{}").end().build()
RUNS = process("runs").start().end().build()


@asynccontextmanager
async def measured(storage):
    node = Node(Machine(storage, VirtualClock()))
    await node.open()
    metrics = Metrics(node)
    files = [("waits.bpmn", WAITS), ("times.bpmn", TIMES), ("runs.bpmn", RUNS)]
    files += [("works.bpmn", WORKS), ("sends.bpmn", SENDS)]
    await node.alone(node.definitions.deploy(files, SYSTEM, publish=True))
    try:
        yield node, metrics
    finally:
        await node.close()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    return MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "m.db")


async def figures(metrics) -> dict[str, float]:
    families = text_string_to_metric_families((await metrics.text()).decode())
    found = {}
    for family in families:
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def called(name: str):
    """The operation of this name."""
    (found,) = (each for each in application.operations() if each.name == name)
    return found


def start(name: str) -> Ask:
    return Ask(Start(name, {}), SYSTEM)


def test_what_there_is_and_what_was_committed(storage):
    async def story():
        async with measured(storage) as (node, metrics):
            first = await node.ask(start("waits"))
            await asyncio.gather(*(node.ask(start(name)) for name in ("waits", "times", "runs")))
            await node.ask(Ask(c.HoldInstance(first), SYSTEM))
            node.clock.advance("PT2H")
            found = await figures(metrics)
            assert found["procession_instances{status=STARTED}"] == 2
            assert found["procession_instances{status=ON_HOLD}"] == 1
            assert found["procession_instances{status=CREATED}"] == 0
            assert found["procession_tasks_open"] == 2
            assert found["procession_timers"] == 1
            assert found["procession_timer_lag_seconds"] == 3600
            assert found["procession_stuck"] == 0
            assert found["procession_store_up"] == 1
            assert found["procession_instances_started_total"] == 4
            assert found["procession_instances_ended_total{status=FINISHED}"] == 1
            assert found["procession_commit_steps_sum"] == 5
            assert found["procession_commit_steps_count"] == found["procession_commit_seconds_count"] <= 5
            assert found["procession_commit_seconds_sum"] > 0

    asyncio.run(story())


def test_what_could_be_done_and_is_not(storage):
    async def story():
        async with measured(storage) as (node, metrics):
            started = [await node.ask(start(name)) for name in ("works", "works", "times", "sends")]
            node.clock.advance("PT2M")
            await node.alone(node.storage.lease_jobs("pack", "w", 1, node.clock.now(), node.clock.now() + 1))
            await node.ask(Ask(c.SetVariables(started[2], {"a": 1}), SYSTEM))
            found = await figures(metrics)
            assert found["procession_jobs_open"] == 2
            assert found["procession_jobs_due"] == 1
            assert found["procession_job_lag_seconds"] == 120
            assert found["procession_timers_due"] == 0
            assert found["procession_timer_lag_seconds"] == 0
            assert found["procession_outbox_records"] == 1
            assert found["procession_outbox_lag_seconds"] == 120
            assert found["procession_commands_waiting"] == 0

    asyncio.run(story())


def test_how_batches_went(monkeypatch):
    class Contested(MemoryStorage):
        faster, broken = 2, False

        async def commit(self, batch):
            if self.faster:
                self.faster -= 1
                raise VersionConflict("Somebody else was faster.")
            if self.broken:
                raise StorageError("the disk is gone")
            await super().commit(batch)

    async def story():
        store = Contested()
        async with measured(store) as (node, metrics):
            held = await node.ask(start("waits"))
            store.broken = True
            with pytest.raises(StorageError):
                await node.ask(start("waits"))
            store.broken = False
            for command in (c.HoldInstance(held), c.HoldInstance(held)):
                await asyncio.gather(node.ask(Ask(command, SYSTEM)), return_exceptions=True)
            found = await figures(metrics)
            assert found["procession_conflicts_total"] == 2
            assert found["procession_commands_total{command=start,outcome=done}"] == 1
            assert found["procession_commands_total{command=start,outcome=failed}"] == 1
            assert found["procession_commands_total{command=hold,outcome=done}"] == 1
            assert found["procession_commands_total{command=hold,outcome=refused}"] == 1
            assert found["procession_batch_commands_sum"] == found["procession_batch_commands_count"] == 3
            assert found["procession_decide_seconds_count"] == 3
            assert found["procession_commit_seconds_count"] == 2

    asyncio.run(story())


def test_requests_are_counted_by_operation_and_kind_of_status():
    async def story():
        async with measured(MemoryStorage()) as (_, metrics):
            log_in, live = (called(name) for name in ("log_in", "get_live"))
            for call, status in ((live, 200), (live, 200), (live, 503), (log_in, 200), (log_in, 401), (log_in, 429)):
                metrics.request(call, status, 0.003)
            metrics.request(None, 404, 0.0)
            metrics.jobs_handed_out(3)
            metrics.told([Message("status", b"{}", "1.0"), Message(RESYNC, b"{}", "1.0")])
            metrics.watch("procession_live_listeners", "Open streams.", lambda: 7)
            found = await figures(metrics)
            assert found["procession_http_requests_total{operation=get_live,status=2xx}"] == 2
            assert found["procession_http_requests_total{operation=get_live,status=5xx}"] == 1
            assert found["procession_http_requests_total{operation=none,status=4xx}"] == 1
            assert found["procession_http_request_seconds_count{operation=get_live}"] == 3
            assert found["procession_http_request_seconds_bucket{le=0.0025,operation=get_live}"] == 0
            assert found["procession_http_request_seconds_bucket{le=0.005,operation=get_live}"] == 3
            assert found["procession_logins_refused_total"] == 2
            assert found["procession_jobs_handed_out_total"] == 3
            assert found["procession_live_messages_total"] == 2
            assert found["procession_live_resyncs_total"] == 1
            assert found["procession_live_listeners"] == 7

    asyncio.run(story())


def test_counting_a_request_takes_microseconds():
    async def story():
        async with measured(MemoryStorage()) as (_, metrics):
            call = called("get_live")
            began = time.perf_counter()
            for _ in range(20_000):
                metrics.request(call, 200, 0.003)
            assert (time.perf_counter() - began) / 20_000 < 20e-6  # it takes 1.5 µs; machines differ

    asyncio.run(story())


class Asked(MemoryStorage):
    """A store that counts how often it was asked, and that can be away."""

    def __init__(self):
        super().__init__()
        self.count, self.away, self.slow = 0, False, 0.0

    async def totals(self):
        self.count += 1
        if self.away:
            raise StorageError("the disk is gone")
        time.sleep(self.slow)  # in a reader's thread
        return await super().totals()


def test_scraping_does_not_hurt(monkeypatch):
    """Many who scrape at once ask the store once; and it is asked again the later the longer it took."""

    async def story():
        store = Asked()
        async with measured(store) as (_, metrics):
            monkeypatch.setattr(module, "FRESH", 0.0)
            monkeypatch.setattr(module, "FRESH_TOTALS", 0.01)
            store.slow = 0.1
            await asyncio.gather(*(metrics.text() for _ in range(20)))
            assert store.count == 1
            await asyncio.sleep(0.1)
            await metrics.text()
            assert store.count == 1, "it took 0.1 s, so it is left alone for 2 s"

    asyncio.run(story())


def test_a_store_that_does_not_answer_is_a_figure(monkeypatch):
    async def story():
        store = Asked()
        async with measured(store) as (_, metrics):
            monkeypatch.setattr(module, "FRESH", 0.0)
            monkeypatch.setattr(module, "FRESH_TOTALS", 0.0)
            monkeypatch.setattr(module, "SHARE", 0)
            assert (await figures(metrics))["procession_store_up"] == 1
            store.away = True
            await asyncio.sleep(0.1)
            found = await figures(metrics)
            assert found["procession_store_up"] == 0
            assert "procession_tasks_open" not in found

    asyncio.run(story())


def test_every_figure_is_in_the_documents(pytestconfig):
    async def story():
        async with measured(MemoryStorage()) as (_, metrics):
            return set(re.findall(r"^# TYPE (procession_\w+)", (await metrics.text()).decode(), re.MULTILINE))

    page = (pytestconfig.rootpath / "docs" / "howto" / "observe-a-server.md").read_text()
    assert {name for name in asyncio.run(story()) if not name.endswith("_created")} <= set(
        re.findall(r"`(procession_\w+)", page)
    )
