"""Time by the clock of the machine: what is due happens by itself, and there is no thread where nothing is scheduled."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from procession import Engine
from procession.engine.events import TimerFired
from procession.testing import process
from tests.acceptance.test_threads import in_threads
from tests.acceptance.waiting import until
from tests.chaos import evidence

ROOT = Path(__file__).parent.parent.parent
TASK = process("task").start().user_task("fill").end().build()
NAP = process("nap").start().catch_timer("rest", "PT0.3S").user_task("fill").end().build()
EVERY = process("every").start(cycle="R3/PT0.2S").user_task("fill").end().build()
FILES = [("task.bpmn", TASK), ("nap.bpmn", NAP)]


@pytest.fixture
def engine(url):
    with Engine(url) as found:
        found.deploy(*FILES, publish=True)
        yield found


def watchers() -> int:
    """Threads that watch the clock."""
    return sum(thread.name == "procession-reconciler" for thread in threading.enumerate())


def fired(engine: Engine, instance: str) -> int:
    return sum(isinstance(event, TimerFired) for event in evidence.history(engine, int(instance)))


def test_a_timer_fires_by_itself(engine):
    nap = engine.start("nap")
    assert nap.waiting_at == ["rest"]
    until(lambda: engine.instance(nap.id).waiting_at == ["fill"])
    assert fired(engine, nap.id) == 1


def test_a_timer_of_a_command_that_was_submitted_fires_by_itself(engine):
    nap = engine.wait(engine.submit(engine.ask_start("nap")))
    until(lambda: engine.instance(nap).waiting_at == ["fill"])


def test_a_timer_that_comes_due_earlier_than_the_one_that_is_waited_for(engine):
    slow = process("slow").start().catch_timer("rest", "PT1H").end().build()
    engine.deploy(("slow.bpmn", slow), publish=True)
    engine.start("slow")
    nap = engine.start("nap")
    until(lambda: engine.instance(nap.id).waiting_at == ["fill"])


def test_a_timer_fires_after_the_store_is_opened_again(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    with Engine(url) as engine:
        engine.deploy(*FILES, publish=True)
        naps = [engine.start("nap").id for _ in range(3)]
    with Engine(url) as engine:
        until(lambda: all(engine.instance(nap).waiting_at == ["fill"] for nap in naps))
        assert [fired(engine, nap) for nap in naps] == [1, 1, 1]
        late = engine.start("nap")
    time.sleep(0.4)  # it comes due while nobody is there
    with Engine(url) as engine:
        until(lambda: engine.instance(late.id).waiting_at == ["fill"])


def test_a_start_timer_starts_three_times_and_no_more(engine):
    engine.deploy(("every.bpmn", EVERY), publish=True)
    until(lambda: len(list(evidence.rows(engine, definition="every"))) == 3)
    until(lambda: engine.counts()["start_timer"] == 0)
    time.sleep(0.5)
    assert [row.started_by for row in evidence.rows(engine, definition="every")] == ["system"] * 3


def test_a_start_timer_goes_on_counting_after_the_store_is_opened_again(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    with Engine(url) as engine:
        engine.deploy(("every.bpmn", EVERY), publish=True)
        until(lambda: list(evidence.rows(engine)))
    with Engine(url) as engine:
        until(lambda: engine.counts()["start_timer"] == 0)
        time.sleep(0.3)
        assert len(list(evidence.rows(engine))) == 3


def test_an_instance_expires_by_itself(engine):
    short = process("short").settings(expiry="PT0.3S").start().user_task("fill").end().build()
    engine.deploy(("short.bpmn", short), publish=True)
    view = engine.start("short")
    until(lambda: engine.instance(view.id).state == "EXPIRED")
    evidence.check_nothing_left(engine)


def test_a_job_is_handed_out_again_after_its_backoff(engine):
    engine.deploy(("job.bpmn", process("job").start().service_task("work", retries=3).end().build()), publish=True)
    engine.start("job")
    (job,) = engine.activate_jobs("work")
    engine.fail_job(job.id, job.token, "not now", backoff=0.3)
    assert engine.activate_jobs("work") == []
    found = []
    until(lambda: found.extend(engine.activate_jobs("work")) or found)
    assert found[0].id == job.id
    assert found[0].retries == 2


def test_a_message_is_kept_for_its_time_only(engine):
    engine._machine._reconciler._every = 0.05
    receive = process("receive").start().catch_message("go", "go", "=k").end().build()
    engine.deploy(("receive.bpmn", receive), publish=True)
    engine.publish_message("go", "1", ttl=0.2)
    engine.publish_message("go", "2")
    until(lambda: engine.counts()["message"] == 1)
    assert engine.start("receive", {"k": "1"}).waiting_at == ["go"]
    assert engine.start("receive", {"k": "2"}).state == "FINISHED"


def test_there_is_no_thread_where_nothing_is_scheduled(url):
    before = watchers()
    with Engine(url) as engine:
        engine.deploy(*FILES, publish=True)
        order = engine.start("task")
        engine.complete_task(engine.tasks().items[0].id)
        assert engine.instance(order.id).state == "FINISHED"
        engine.publish("task")
        engine.run_due()
        assert watchers() == before
        engine.start("nap")
        assert watchers() == before + 1
    assert watchers() == before, "it ends with the engine"


def test_opening_a_store_in_which_nothing_is_scheduled_starts_no_thread(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    before = watchers()
    with Engine(url) as engine:
        engine.deploy(*FILES, publish=True)
        engine.start("task")
    with Engine(url) as engine:
        assert watchers() == before
        engine.start("nap")
    with Engine(url):
        assert watchers() == before + 1
    assert watchers() == before


def test_there_is_one_thread_however_many_ask_for_it(engine):
    before = watchers()
    in_threads(16, lambda _: engine.start("nap"))
    assert watchers() == before + 1


FORGETFUL = """
import sys
from procession import Engine
engine = Engine(sys.argv[1])
engine.deploy(sys.argv[2], publish=True)
for number in range(20):
    engine.start("hurry")
"""


def test_a_program_may_end_without_closing(url, tmp_path):
    """The thread that watches the clock neither keeps it from ending nor complains."""
    file = tmp_path / "hurry.bpmn"
    hurry = (
        process("hurry").start().catch_timer("a", "PT0.01S").script("s", "=1", "x").catch_timer("b", "PT0.01S").end()
    )
    file.write_bytes(hurry.build())
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-X", "dev", "-c", FORGETFUL, url, str(file)]
    ended = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    if url != "memory:":
        with Engine(url) as engine:
            assert len(list(evidence.rows(engine))) == 20
            until(lambda: not list(evidence.rows(engine, statuses=evidence.LIVE)))
            evidence.check_nothing_left(engine)
