"""A worker does what is there, tries again what failed, and stops without losing anything."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from procession import BpmnError, Client, Engine, StorageError, VirtualClock, Worker
from procession.testing import server as running_server
from procession.worker import Backoff, Retry, Router

ROOT = Path(__file__).parent.parent.parent.parent

ORDER = b"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    targetNamespace="urn:test" id="d">
  <bpmn:process id="order" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="pack"/>
    <bpmn:serviceTask id="pack">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="pack" retries="4"/>
        <zeebe:taskHeaders><zeebe:header key="box" value="small"/></zeebe:taskHeaders>
      </bpmn:extensionElements>
      <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:boundaryEvent id="broken" attachedToRef="pack">
      <bpmn:outgoing>f4</bpmn:outgoing><bpmn:errorEventDefinition id="ed" errorRef="e"/>
    </bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f4" sourceRef="broken" targetRef="thrown_away"/>
    <bpmn:endEvent id="thrown_away"><bpmn:incoming>f4</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="pack" targetRef="send"/>
    <bpmn:serviceTask id="send">
      <bpmn:extensionElements><zeebe:taskDefinition type="send"/></bpmn:extensionElements>
      <bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="f3" sourceRef="send" targetRef="sent"/>
    <bpmn:endEvent id="sent"><bpmn:incoming>f3</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
  <bpmn:error id="e" errorCode="BROKEN"/>
</bpmn:definitions>
"""


@pytest.fixture(scope="module")
def server():
    with running_server(("order.bpmn", ORDER)) as running:
        yield running


class Remote(Client):
    """A client of a server whose clock the test moves, as it moves that of an engine."""

    def __init__(self, server):
        super().__init__(server.url, user="admin", password=server.password("admin"))
        self.clock = server


def clean(client):
    """End what a test left behind."""
    while page := client.instances(status=["STARTED", "ON_HOLD"], limit=1000).items:
        for instance in page:
            client.terminate(instance.id)


@contextmanager
def engine_on(store, tmp_path):
    url = "memory:" if store == "memory" else f"sqlite:///{tmp_path}/worker.db"
    with Engine(url, clock=VirtualClock()) as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        yield engine


@pytest.fixture(params=["memory", "sqlite"])
def embedded(request, tmp_path):
    """An engine in this program."""
    with engine_on(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture(params=["memory", "sqlite", "server"])
def engine(request, tmp_path):
    """The same, or what looks like one and is a server."""
    if request.param != "server":
        with engine_on(request.param, tmp_path) as engine:
            yield engine
        return
    with Remote(request.getfixturevalue("server")) as client:
        yield client
        clean(client)


def eventually(check, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


# -- what a handler gets and gives ------------------------------------------------------------------------------------


def test_a_function_and_a_coroutine_function_do_jobs(engine):
    worker = Worker(engine, name="w1")
    seen = []

    @worker.job("pack")
    def pack(job):
        seen.append((job.type, job.node, job.instance, job.variables, job.headers, job.retries, job.worker))
        assert job.deadline > "2030"
        return {"packed": True}

    @worker.job("send")
    async def send(job):
        await asyncio.sleep(0)
        return {"sent": job.variables["packed"]}

    order = engine.start("order", {"sku": "book"})
    assert worker.run(until_idle=True) == 2
    order = engine.instance(order.id)
    assert order.completed
    assert order.variables == {"sku": "book", "packed": True, "sent": True}
    assert seen == [("pack", "pack", order.id, {"sku": "book"}, {"box": "small"}, 4, "w1")]


def test_none_is_no_variables(engine):
    worker = Worker(engine)
    worker.job("pack")(lambda job: None)
    order = engine.start("order")
    worker.run(until_idle=True)
    assert engine.instance(order.id).waiting_at == ["send"]
    assert engine.instance(order.id).variables == {}


def test_a_decorated_function_stays_a_function():
    worker = Worker("memory:")

    @worker.job("pack")
    def pack(job):
        return {"job": job}

    assert pack(1) == {"job": 1}


def test_routers_of_several_modules_are_included(engine):
    first, second = Router(), Worker("memory:")
    first.job("pack")(lambda job: None)
    second.job("send")(lambda job: None)
    worker = Worker(engine)
    worker.include(first)
    worker.include(second)
    order = engine.start("order")
    worker.run(until_idle=True)
    assert engine.instance(order.id).completed


def test_two_handlers_for_one_type_are_refused():
    worker = Worker("memory:")
    worker.job("pack")(lambda job: None)
    with pytest.raises(ValueError, match="Two handlers for jobs of type 'pack'"):
        worker.job("pack")(lambda job: None)


def test_what_cannot_work_is_refused_at_once():
    with pytest.raises(ValueError, match="for the URL of a server"):
        Worker("memory:", token="abc")
    with pytest.raises(ValueError, match="at least one job"):
        Worker("memory:", concurrency=0)
    with pytest.raises(ValueError, match="at least once"):
        Worker("memory:").job("pack", retries=0)
    with pytest.raises(RuntimeError, match="no handlers"):
        Worker("memory:").run()


def test_asyncio_is_imported_only_for_coroutines():
    code = """
import sys
from procession import Engine, Worker
worker = Worker(Engine())
worker.job("pack")(lambda job: None)
worker.run(until_idle=True)
assert "asyncio" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=with_source())


# -- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["functions", "coroutines"])
def test_as_many_handlers_run_at_once_as_were_allowed_and_no_more(engine, kind):
    worker = Worker(engine, concurrency=4)
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(4)

    def enter():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)

    def leave():
        nonlocal running
        with lock:
            running -= 1

    def pack(job):
        enter()
        together.wait(10)
        leave()

    async def pack_async(job):
        enter()
        await asyncio.get_running_loop().run_in_executor(None, together.wait, 10)
        leave()

    worker.job("pack")(pack if kind == "functions" else pack_async)
    for _ in range(12):
        engine.start("order")
    assert worker.run(until_idle=True) == 12
    assert most == 4


def test_two_workers_share_the_jobs(engine):
    done = []
    workers = [Worker(engine, name=f"w{number}", concurrency=1, max_jobs=1, poll=0.01) for number in (1, 2)]
    for worker in workers:
        worker.job("pack")(lambda job: done.append(job.id) or time.sleep(0.005))
    for _ in range(40):
        engine.start("order")
    for worker in workers:
        worker.start()
    eventually(lambda: len(done) == 40)
    for worker in workers:
        worker.stop()
    assert len(set(done)) == 40
    assert all(worker.handled for worker in workers)


# -- failures ---------------------------------------------------------------------------------------------------------


def failing(engine, error, **options):
    """A worker whose jobs of type pack fail, and how often they were tried."""
    worker, tries = Worker(engine), []

    @worker.job("pack", **options)
    def pack(job):
        tries.append(job.retries)
        raise error

    return worker, tries


def test_a_failed_job_is_tried_again_later_each_time_and_then_needs_a_repair(engine, caplog):
    worker, tries = failing(engine, ConnectionError("the scales do not answer"), backoff=2)
    order = engine.start("order")
    worker.run(until_idle=True)
    for pause, left in ((2, 3), (4, 2), (8, 1)):
        engine.clock.advance(pause - 0.001)
        worker.run(until_idle=True)
        assert tries[-1] == left + 1, "too early"
        engine.clock.advance(0.001)
        worker.run(until_idle=True)
        assert tries[-1] == left
    assert tries == [4, 3, 2, 1]

    (exception,) = engine.instance(order.id).exceptions
    assert exception.message.endswith("ConnectionError: the scales do not answer")
    assert "Traceback" not in exception.message + exception.details
    assert "Traceback" in caplog.text  # for those who run the worker

    mended = Worker(engine)
    mended.job("pack")(lambda job: None)
    engine.retry(order.id)
    mended.run(until_idle=True)
    assert engine.instance(order.id).waiting_at == ["send"]


def test_backoff_is_a_number_or_a_function(engine):
    assert [Backoff()(attempt) for attempt in (1, 2, 3)] == [1, 2, 4]
    assert Backoff(most=60)(1_000_000) == 60
    worker, tries = failing(engine, ValueError("no"), backoff=lambda attempt: 100 * attempt)
    engine.start("order")
    worker.run(until_idle=True)
    engine.clock.advance(99)
    assert worker.run(until_idle=True) == 0
    engine.clock.advance(1)
    assert worker.run(until_idle=True) == 1
    engine.clock.advance(199)
    assert worker.run(until_idle=True) == 1 - 1
    assert len(tries) == 2


def test_a_worker_may_try_less_often_than_the_process_says(engine):
    worker, tries = failing(engine, ValueError("no"), retries=2, backoff=0)
    order = engine.start("order")
    worker.run(until_idle=True)
    assert len(tries) == 2
    assert engine.instance(order.id).exceptions


def test_retry_says_when_and_how_often(engine):
    worker, tries = failing(engine, Retry("the shop opens at nine", backoff=3600, retries=7))
    order = engine.start("order")
    worker.run(until_idle=True)
    engine.clock.advance(3599)
    assert worker.run(until_idle=True) == 0
    engine.clock.advance(1)
    worker.run(until_idle=True)
    assert tries == [4, 7]
    assert engine.instance(order.id).exceptions == []


def test_retry_may_give_up_at_once(engine):
    worker, _ = failing(engine, Retry("there is no such shop", retries=0))
    order = engine.start("order")
    worker.run(until_idle=True)
    (exception,) = engine.instance(order.id).exceptions
    assert "there is no such shop" in exception.message


@pytest.mark.parametrize(
    ("error", "backoff"), [(ValueError("no"), lambda attempt: 1 / 0), (Retry("no", backoff=float("inf")), None)]
)
def test_a_back_off_that_makes_no_sense_leaves_the_job_to_its_lease(engine, caplog, error, backoff):
    worker, tries = failing(engine, error, backoff=backoff)
    order = engine.start("order")
    worker.run(until_idle=True)
    assert "its back-off cannot be worked out, so its lease will run out" in caplog.text
    assert worker.run(until_idle=True) == 0
    engine.clock.advance(61)
    worker.run(until_idle=True)
    assert tries == [4, 4]
    assert engine.instance(order.id).waiting_at == ["pack"]


def test_a_bpmn_error_goes_where_it_is_caught(engine):
    worker, tries = failing(engine, BpmnError("BROKEN", "It fell.", {"height": 2}))
    order = engine.start("order")
    worker.run(until_idle=True)
    order = engine.instance(order.id)
    assert order.completed
    assert order.variables["height"] == 2
    assert len(tries) == 1


def test_a_bpmn_error_that_nothing_catches_is_an_exception(engine):
    worker, _ = failing(engine, BpmnError("STOLEN"))
    order = engine.start("order")
    worker.run(until_idle=True)
    (exception,) = engine.instance(order.id).exceptions
    assert "STOLEN" in exception.message


@pytest.mark.parametrize(
    ("result", "message"), [(5, "returned int; it must return a dict"), ({"x": object()}, "Data must be JSON")]
)
def test_a_result_that_is_no_data_fails_the_job(engine, result, message):
    worker = Worker(engine)
    worker.job("pack", retries=1)(lambda job: result)
    order = engine.start("order")
    worker.run(until_idle=True)
    (exception,) = engine.instance(order.id).exceptions
    assert message in exception.message


def test_sys_exit_in_a_handler_fails_the_job_and_not_the_worker(engine):
    worker = Worker(engine, concurrency=1)
    calls = []

    @worker.job("pack", retries=1)
    def pack(job):
        calls.append(job.id)
        if len(calls) == 1:
            sys.exit("enough")

    engine.start("order")
    second = engine.start("order")
    worker.run(until_idle=True)
    assert engine.instance(second.id).waiting_at == ["send"]


def test_an_async_handler_fails_like_any_other(engine):
    worker = Worker(engine)

    @worker.job("pack", retries=1)
    async def pack(job):
        await asyncio.sleep(0)
        raise LookupError("no box")

    order = engine.start("order")
    worker.run(until_idle=True)
    assert engine.instance(order.id).exceptions[0].message.endswith("LookupError: no box")


# -- leases -----------------------------------------------------------------------------------------------------------


def test_the_lease_of_a_long_job_is_extended(tmp_path):
    with Engine(f"sqlite:///{tmp_path}/lease.db") as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        worker, finish = Worker(engine, lock=0.3, poll=0.02), threading.Event()
        worker.job("pack")(lambda job: finish.wait(10) and None)
        order = engine.start("order")
        with worker:
            eventually(lambda: worker._pool is not None and worker._pool.held())
            deadline = time.monotonic() + 1.0
            while time.monotonic() < deadline:
                assert engine.activate_jobs("pack", worker="thief") == []
                time.sleep(0.02)
            finish.set()
            eventually(lambda: engine.instance(order.id).waiting_at == ["send"])


def test_a_lost_lease_is_logged_and_its_result_dropped(engine, caplog):
    worker, started, finish = Worker(engine, lock=30, poll=0.01), threading.Event(), threading.Event()

    @worker.job("pack")
    def pack(job):
        started.set()
        finish.wait(10)
        return {"by": "the slow one"}

    order = engine.start("order")
    with worker:
        assert started.wait(10)
        engine.clock.advance(31)  # our clock stands still in between, as on a machine that slept
        (taken,) = engine.activate_jobs("pack", worker="the quick one")
        finish.set()
        eventually(lambda: "its result was dropped" in caplog.text)
    assert engine.instance(order.id).waiting_at == ["pack"]
    engine.complete_job(taken.id, taken.token, {"by": "the quick one"})
    assert engine.instance(order.id).variables == {"by": "the quick one"}


def test_a_lease_that_cannot_be_extended_is_known_before_the_handler_ends(engine, caplog):
    worker, started, finish = Worker(engine, lock=2.0, poll=0.01), threading.Event(), threading.Event()
    worker.job("pack")(lambda job: started.set() or (finish.wait(10) and {"by": "us"}))
    order = engine.start("order")
    with worker:
        assert started.wait(10)
        engine.terminate(order.id)
        eventually(lambda: "its lease is lost" in caplog.text)
        finish.set()
    assert "so its result was dropped" in caplog.text
    assert engine.instance(order.id).status == "TERMINATED"


# -- the store has a bad day --------------------------------------------------------------------------------------------


class Flaky:
    """An engine whose store fails for a while."""

    def __init__(self, engine, **failures):
        self._engine, self._failures = engine, failures

    def __getattr__(self, name):
        if self._failures.get(name, 0) > 0:
            self._failures[name] -= 1

            def fail(*arguments, **options):
                raise StorageError("the disk is full")

            return fail
        return getattr(self._engine, name)


@pytest.mark.parametrize("failing", ["submit", "wait"])
def test_a_store_that_fails_for_a_while_is_asked_again(embedded, caplog, failing):
    worker = Worker(Flaky(embedded, **{"activate_jobs": 2, failing: 2}), poll=0.01)
    worker.job("pack")(lambda job: {"packed": True})
    order = embedded.start("order")
    with worker:
        eventually(lambda: embedded.instance(order.id).waiting_at == ["send"])
    assert "no jobs for now: the disk is full" in caplog.text
    assert caplog.text.count("results cannot be handed in for now: the disk is full") == 1


# -- stopping -----------------------------------------------------------------------------------------------------------


def test_stopping_finishes_what_runs_and_gives_back_the_rest(engine):
    worker = Worker(engine, concurrency=1, max_jobs=5, poll=0.01)
    started, finish, done = threading.Event(), threading.Event(), []

    @worker.job("pack")
    def pack(job):
        started.set()
        finish.wait(10)
        done.append(job.id)

    for _ in range(5):
        engine.start("order")
    worker.start()
    assert started.wait(10)
    eventually(lambda: engine.activate_jobs("pack", max_jobs=9) == [])
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    time.sleep(0.1)
    assert stopping.is_alive(), "it waits for the running job"
    finish.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert len(done) == 1
    assert len(engine.activate_jobs("pack", max_jobs=9)) == 4, "nobody has to wait for their leases"


def test_stopping_does_not_wait_for_ever(engine, caplog):
    worker, started, finish = Worker(engine, poll=0.01), threading.Event(), threading.Event()
    worker.job("pack")(lambda job: started.set() or (finish.wait(10) and {"late": True}))
    order = engine.start("order")
    worker.start()
    assert started.wait(10)
    begun = time.monotonic()
    worker.stop(grace=0.1)
    assert time.monotonic() - begun < 5
    finish.set()
    eventually(lambda: "so its result was dropped" in caplog.text)
    assert engine.instance(order.id).variables == {}


def test_a_coroutine_is_cancelled_when_the_grace_is_over(engine):
    worker, started, cancelled = Worker(engine, poll=0.01), threading.Event(), threading.Event()

    @worker.job("pack")
    async def pack(job):
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    engine.start("order")
    worker.start()
    assert started.wait(10)
    worker.stop(grace=0.05)
    assert cancelled.wait(5)


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_a_handler_may_stop_its_worker(engine, kind):
    worker = Worker(engine, poll=0.01)

    async def stop(job):
        worker.stop()

    worker.job("pack")(stop if kind == "coroutine" else lambda job: worker.stop())
    order = engine.start("order")
    worker.run()
    assert engine.instance(order.id).waiting_at == ["send"]


def test_a_worker_can_be_started_again_but_not_twice(engine):
    worker = Worker(engine, poll=0.01)
    worker.job("pack")(lambda job: None)
    with worker, pytest.raises(RuntimeError, match="running already"):
        worker.start()
    order = engine.start("order")
    with worker:
        eventually(lambda: engine.instance(order.id).waiting_at == ["send"])


def test_a_worker_on_a_url_has_an_engine_of_its_own(tmp_path):
    url = f"sqlite:///{tmp_path}/own.db"
    with Engine(url) as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        order = engine.start("order")
        worker = Worker(url)
        worker.job("pack")(lambda job: {"packed": True})
        assert worker.run(until_idle=True) == 1
        assert engine.instance(order.id).waiting_at == ["send"]


PROGRAM = """
import logging, sys, time
from procession import Worker
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
worker = Worker(sys.argv[1], concurrency=1, max_jobs=3, poll=0.02)

@worker.job("pack")
def pack(job):
    print("packing", flush=True)
    time.sleep(float(sys.argv[2]))
    return {"packed": True}

worker.run()
print("stopped", flush=True)
"""


def with_source():
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_a_worker_gracefully(tmp_path, number):
    url = f"sqlite:///{tmp_path}/signal.db"
    with Engine(url) as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        orders = [engine.start("order") for _ in range(3)]
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, url, "0.5"], stdout=subprocess.PIPE, env=with_source(), text=True
        )
        assert program.stdout is not None
        assert program.stdout.readline() == "packing\n"
        program.send_signal(number)
        rest, _ = program.communicate(timeout=20)
        assert program.returncode == 0
        assert rest == "stopped\n"
        waiting = sorted(engine.instance(order.id).waiting_at[0] for order in orders)
        assert waiting == ["pack", "pack", "send"], "the running one was finished"
        assert len(engine.activate_jobs("pack", max_jobs=9)) == 2, "the others were given back"


def test_a_second_signal_does_not_wait(tmp_path):
    url = f"sqlite:///{tmp_path}/signals.db"
    with Engine(url) as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        engine.start("order")
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, url, "60"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=with_source(),
            text=True,
        )
        assert program.stdout is not None
        assert program.stdout.readline() == "packing\n"
        program.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        program.send_signal(signal.SIGTERM)
        rest, _ = program.communicate(timeout=10)
        assert (program.returncode, rest) == (0, "stopped\n")


@pytest.fixture(autouse=True)
def _heard(caplog):
    caplog.set_level(logging.INFO, logger="procession.worker")
