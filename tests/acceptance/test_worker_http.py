"""Workers in programs of their own, against a real server: shared work, cut connections, a server that is killed."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from procession import Client, CommandRejected, Worker
from procession.client import AnswerLost
from procession.testing import process
from procession.testing import server as running_server
from tests.acceptance.waiting import until
from tests.acceptance.wire import wire

ROOT = Path(__file__).parents[2]
TYPES = ("pack", "send", "bill")
FILES = [
    (f"{name}.bpmn", process(name).start().service_task("work", job=name).user_task("look").end().build())
    for name in TYPES
]  # fmt: skip
REAL_TIME = {"virtual_clock": "false"}


@pytest.fixture(autouse=True)
def _heard(caplog):
    caplog.set_level(logging.INFO, logger="procession.worker")


@pytest.fixture(scope="module")
def server():
    with running_server(*FILES, users={"wally": ["worker"], "ana": ["clerk"]}, settings=REAL_TIME) as running:
        yield running


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client
        while page := client.instances(status="STARTED", limit=1000).items:
            for instance in page:
                client.terminate(instance.id)


def worker_for(server, *, url=None, **options):
    return Worker(url or server.url, user="wally", password=server.password("wally"), **options)


def done(client, ids):
    return all(client.instance(id).waiting_at == ["look"] for id in ids)


def completions(client, id):
    """How often the job of an instance was completed."""
    return sum(event[0] == "job-completed" for row in client.history(id) for event in row.events)


# -- doing the work ---------------------------------------------------------------------------------------------------


def test_a_job_is_done_as_soon_as_there_is_one(server, client):
    worker = worker_for(server)
    worker.job("pack")(lambda job: {"packed": True})
    with worker:
        time.sleep(0.5)
        begun = time.monotonic()
        id = client.start("pack").id
        until(lambda: done(client, [id]))
        assert time.monotonic() - begun < 1.5
        assert client.instance(id).variables == {"packed": True}


def test_two_workers_share_the_jobs_and_each_is_done_once(server, client):
    by: Counter[str] = Counter()
    workers = [worker_for(server, name=f"w{number}", concurrency=2, max_jobs=2) for number in (1, 2)]
    for worker in workers:

        @worker.job("pack")
        def pack(job):
            by[job.worker] += 1
            time.sleep(0.01)

    ids = [client.start("pack").id for _ in range(40)]
    for worker in workers:
        worker.start()
    until(lambda: done(client, ids))
    for worker in workers:
        worker.stop()
    assert sum(by.values()) == 40 and len(by) == 2
    assert {completions(client, id) for id in ids} == {1}


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_one_place_is_enough_for_several_types(server, client, kind):
    """No type starves, however few jobs are held."""
    worker, running, most = worker_for(server, concurrency=1, max_jobs=1), 0, 0
    lock = threading.Lock()

    def enter(change):
        nonlocal running, most
        with lock:
            running += change
            most = max(most, running)

    def work(job):
        enter(1)
        time.sleep(0.01)
        enter(-1)

    async def work_async(job):
        work(job)

    for name in TYPES:
        worker.job(name)(work if kind == "function" else work_async)
    with worker:
        time.sleep(0.3)  # every type is waited for
        ids = [client.start(name).id for _ in range(5) for name in TYPES]
        until(lambda: done(client, ids))
    assert most == 1


def test_what_there_is_no_room_for_is_given_back_at_once(server, client, caplog):
    """Two long polls get a job each, and there is room for one: the other job is for other workers."""
    busy, finish = worker_for(server, name="busy", concurrency=1, max_jobs=1), threading.Event()
    for name in TYPES:
        busy.job(name)(lambda job: finish.wait(20) and None)
    with busy:
        time.sleep(0.5)
        ids = [client.start(name).id for name in TYPES]
        until(lambda: busy._pool is not None and busy._pool.held())
        time.sleep(0.3)
        taken = [job for name in TYPES for job in client.activate_jobs(name, worker="free")]
        assert len(taken) == 2
        assert len(busy._pool.held()) == 1
        for job in taken:
            client.complete_job(job.id, job.token)
        finish.set()
        until(lambda: done(client, ids))


def test_many_jobs_are_reported_in_few_requests(tmp_path):
    """With an access log the server shows what was asked of it."""
    settings = {**REAL_TIME, "access_log": "true"}
    with running_server(*FILES, folder=tmp_path, settings=settings) as server, server.client() as client:
        ids = [client.start("pack").id for _ in range(300)]
        worker = Worker(client, concurrency=4, max_jobs=200)
        worker.job("pack")(lambda job: None)
        with worker:
            until(lambda: len(client.instances(node="look", limit=1000).items) == 300)
        log = server.log.read_text()
        assert {completions(client, id) for id in ids[::25]} == {1}
    assert 0 < log.count("/api/jobs/report") <= 60
    assert 0 < log.count("/api/jobs/activate") <= 60
    assert log.count("/complete") == 0


def test_a_client_that_was_given_is_not_closed(server, client):
    worker = Worker(client)
    worker.job("pack")(lambda job: None)
    id = client.start("pack").id
    assert worker.run(until_idle=True) == 1
    assert done(client, [id])


# -- connections are cut -------------------------------------------------------------------------------------------------


def test_a_report_whose_answer_is_lost_is_sent_again_and_understood(server, client, caplog):
    with wire(server.url) as line:
        worker = worker_for(server, url=line.url)
        worker.job("pack")(lambda job: {"packed": True})
        line.lose_answer_to("/api/jobs/report")
        with worker:
            id = client.start("pack").id
            until(lambda: "was reported again after a lost answer" in caplog.text)
        assert line.lost == 1
    assert done(client, [id]) and completions(client, id) == 1
    assert "results cannot be handed in for now" in caplog.text
    assert "dropped" not in caplog.text


def test_a_failure_whose_answer_is_lost_counts_once(server, client, caplog):
    with wire(server.url) as line:
        worker, tries = worker_for(server, url=line.url), []

        @worker.job("pack", backoff=0.2)
        def pack(job):
            tries.append(job.retries)
            if len(tries) == 1:
                raise ConnectionError("the scales do not answer")

        line.lose_answer_to("/api/jobs/report")
        with worker:
            id = client.start("pack").id
            until(lambda: done(client, [id]))
        assert line.lost == 1
    assert tries == [3, 2]


def test_a_poll_whose_answer_is_lost_only_costs_time(server, client):
    """Nobody knows of the jobs that were in it, until their lease is over."""
    with wire(server.url) as line:
        worker = worker_for(server, url=line.url, lock=1.0)
        worker.job("pack")(lambda job: None)
        line.lose_answer_to("/api/jobs/activate")
        with worker:
            id = client.start("pack").id
            until(lambda: done(client, [id]))
        assert line.lost == 1
    assert completions(client, id) == 1


def test_a_start_whose_answer_is_lost_starts_one_instance(server, client):
    with wire(server.url) as line, Client(line.url, user="ana", password=server.password("ana")) as far:
        line.lose_answer_to("/start", 2)
        started = far.start("pack", business_key="only one")
        assert line.lost == 2
    assert [each.id for each in client.instances(business_key="only one").items] == [started.id]


def test_a_completion_whose_answer_is_lost_is_not_repeated_but_can_be_looked_up(server, client):
    client.deploy(("look.bpmn", process("look").start().user_task("a").user_task("b").end().build()), publish=True)
    started = client.start("look")
    (task,) = client.tasks(instance=started.id).items
    with wire(server.url) as line, Client(line.url, user="ana", password=server.password("ana")) as far:
        line.lose_answer_to("/complete")
        with pytest.raises(AnswerLost, match="Whether it was done is not known"):
            far.complete_task(task.id, {"done": 1})
        with pytest.raises(CommandRejected) as refused:
            far.task(task.id)
        assert refused.value.status == 404
        assert far.instance(started.id).waiting_at == ["b"]


# -- the server is killed, is away, comes back ---------------------------------------------------------------------------


@pytest.fixture
def mortal(tmp_path):
    with running_server(*FILES, folder=tmp_path, users={"wally": ["worker"]}, settings=REAL_TIME) as running:
        yield running


def port_of(server):
    return int(server.url.rpartition(":")[2])


def test_a_server_that_is_killed_under_a_worker_loses_nothing_and_is_found_again(mortal, caplog):
    with Client(mortal.url, user="admin", password=mortal.password("admin"), timeout=60) as client:
        ids: list[str] = []
        runs: Counter[str] = Counter()
        # what was in an answer that the server could not send any more is nobody's, until the lease is over
        worker = worker_for(mortal, concurrency=4, max_jobs=20, lock=2.0)

        @worker.job("pack")
        def pack(job):
            runs[job.instance] += 1
            time.sleep(0.005)
            return {"packed": True}

        stop = threading.Event()

        def order():
            while not stop.is_set():
                ids.append(client.start("pack").id)

        ordering = threading.Thread(target=order)
        with worker:
            ordering.start()
            for _ in range(3):
                done_before = len(runs)
                until(lambda before=done_before: len(runs) > before + 20)
                mortal.kill()
                time.sleep(0.3)
                mortal.start(port_of(mortal))
            stop.set()
            ordering.join()
            until(lambda: done(client, ids[-3:]))
            until(lambda: not client.instances(node="work").items)
        assert done(client, ids)
        assert {completions(client, id) for id in ids} == {1}
        assert len(client.instances(limit=1000).items) == min(1000, len(ids)), "a cut start did not start twice"
    assert "no jobs for now" in caplog.text
    assert "the server is back" in caplog.text


def test_a_result_waits_for_a_server_that_is_away_for_longer_than_the_lease(mortal, caplog):
    with Client(mortal.url, user="admin", password=mortal.password("admin"), timeout=60) as client:
        worker, started, finish = worker_for(mortal, lock=0.5), threading.Event(), threading.Event()
        worker.job("pack")(lambda job: started.set() or (finish.wait(30) and {"by": "us"}))
        id = client.start("pack").id
        with worker:
            assert started.wait(20)
            mortal.kill()
            time.sleep(1.0)
            finish.set()
            time.sleep(0.2)
            mortal.start(port_of(mortal))
            until(lambda: done(client, [id]))
        assert client.instance(id).variables == {"by": "us"}
        assert completions(client, id) == 1
    assert "its lease ran out" in caplog.text


def test_a_lease_that_somebody_else_has_by_then_is_lost(mortal, caplog):
    with Client(mortal.url, user="admin", password=mortal.password("admin"), timeout=60) as client:
        with wire(mortal.url) as line:
            worker, started, finish = worker_for(mortal, url=line.url, lock=0.5), threading.Event(), threading.Event()
            worker.job("pack")(lambda job: started.set() or (finish.wait(30) and {"by": "the slow one"}))
            id = client.start("pack").id
            with worker:
                assert started.wait(20)
                line.close()  # the worker is cut off; the server is not
                (taken,) = client.activate_jobs("pack", worker="the quick one", lock=60, wait=10)
                assert client.complete_job(taken.id, taken.token, {"by": "the quick one"}) == id
                finish.set()
                worker.stop(grace=0.5)
        assert client.instance(id).variables == {"by": "the quick one"}
        assert completions(client, id) == 1
    assert "its result will be dropped" in caplog.text


def test_a_server_that_stops_gracefully_and_comes_back_is_found_again(mortal):
    worker = worker_for(mortal)
    worker.job("pack")(lambda job: None)
    with worker, Client(mortal.url, user="admin", password=mortal.password("admin"), timeout=60) as client:
        time.sleep(0.3)
        begun = time.monotonic()
        mortal.stop()
        assert time.monotonic() - begun < 8, "a long poll does not keep a server from ending"
        mortal.start(port_of(mortal))
        id = client.start("pack").id
        until(lambda: done(client, [id]))


def test_a_worker_may_be_there_before_its_server(mortal, caplog):
    port = port_of(mortal)
    mortal.stop()
    worker = worker_for(mortal)
    worker.job("pack")(lambda job: None)
    with worker:
        until(lambda: "no jobs for now" in caplog.text)
        mortal.start(port)
        with mortal.client() as client:
            id = client.start("pack").id
            until(lambda: done(client, [id]))


# -- stopping, and what stops it -----------------------------------------------------------------------------------------


def test_stopping_does_not_wait_for_a_long_poll(server):
    worker = worker_for(server)
    for name in TYPES:
        worker.job(name)(lambda job: None)
    worker.start()
    time.sleep(0.5)
    begun = time.monotonic()
    worker.stop()
    assert time.monotonic() - begun < 2


def test_stopping_does_not_wait_for_a_server_that_hangs(mortal, caplog):
    worker = worker_for(mortal)
    worker.job("pack")(lambda job: None)
    worker.start()
    time.sleep(0.5)
    os.kill(mortal.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        worker.stop(grace=0.5)
        assert time.monotonic() - begun < 8
    finally:
        os.kill(mortal.pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("options", "status"), [({"token": "nonsense"}, 401), ({"user": "wally", "password": "wrong"}, 401)]
)
def test_credentials_that_are_not_taken_stop_the_worker_with_an_error(server, options, status):
    worker = Worker(server.url, **options)
    for name in TYPES:
        worker.job(name)(lambda job: None)
    with pytest.raises(CommandRejected) as refused:
        worker.run()
    assert refused.value.status == status


def test_a_user_who_is_no_worker_stops_the_worker_with_an_error(server):
    worker = Worker(server.url, user="ana", password=server.password("ana"))
    worker.job("pack")(lambda job: None)
    with pytest.raises(CommandRejected, match="only worker or admin may") as refused:
        worker.run(until_idle=True)
    assert refused.value.status == 403


FAR = """
import sys, threading, time
from procession import Client, StorageError, Worker
url = sys.argv[1]
with Client(url) as client:
    worker, done = Worker(url), threading.Event()
    for name in ("pack", "send"):
        worker.job(name)(lambda job: {"secure": True})
    with client.events(definition="pack", kinds=["status"]) as happening, worker:
        id = client.start("pack").id
        assert next(happening).data["instance"] == id
        while client.instance(id).waiting_at != ["look"]:
            time.sleep(0.01)
        time.sleep(0.3)
        begun = time.monotonic()
        worker.stop()
        assert time.monotonic() - begun < 2, "a long poll ends at once"
print(client.url, "done")
"""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here to make a certificate")
def test_the_same_over_tls(server, client, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    own = {"PYTHONPATH": str(ROOT / "src"), "PROCESSION_USER": "admin", "PROCESSION_PASSWORD": server.password("admin")}
    with wire(server.url, context) as line:
        assert line.url.startswith("https://")
        for trusted, expected in ((certificate, 0), (None, 1)):
            environment = {**os.environ, **own} | ({"SSL_CERT_FILE": str(trusted)} if trusted else {})
            far = subprocess.run(
                [sys.executable, "-c", FAR, line.url], env=environment, capture_output=True, text=True, timeout=25
            )
            assert far.returncode == expected, far.stdout + far.stderr
            assert ("done" if trusted else "Is SSL_CERT_FILE set") in far.stdout + far.stderr


PROGRAM = """
import logging, sys, time
from procession import Worker
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
logging.getLogger("httpx2").setLevel(logging.WARNING)
worker = Worker(sys.argv[1], concurrency=1, max_jobs=3)

@worker.job("pack")
def pack(job):
    print("packing", flush=True)
    time.sleep(float(sys.argv[2]))
    return {"packed": True}

worker.run()
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_a_worker_gracefully(server, client, number):
    orders = [client.start("pack").id for _ in range(3)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "PROCESSION_USER": "wally",
        "PROCESSION_PASSWORD": server.password("wally"),
    }
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url, "0.5"], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "packing\n"
    program.send_signal(number)
    rest, _ = program.communicate(timeout=20)
    assert (program.returncode, rest) == (0, "stopped\n")
    waiting = sorted(client.instance(id).waiting_at[0] for id in orders)
    assert waiting == ["look", "work", "work"], "the running one was finished"
    assert len(client.activate_jobs("pack", max_jobs=9)) == 2, "the others were given back"


# -- what is written of it -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_a_job_is_done_by_hand_as_the_guide_says(server, client):
    page = (ROOT / "docs" / "howto" / "write-a-worker.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", page[page.index("## In another language") :], re.DOTALL)
    file = process("shop").start().service_task("work", job="charge-card").user_task("look").end().build()
    client.deploy(("shop.bpmn", file), publish=True)
    id = client.start("shop").id
    login = """TOKEN=$(curl -s "$URL/api/auth/login" --json "$LOGIN" | grep -o '"access_token":"[^"]*"' | cut -d'"' -f4)\n"""
    environment = {
        "PATH": os.environ["PATH"],
        "URL": server.url,
        "LOGIN": json.dumps({"username": "wally", "password": server.password("wally")}),
    }
    done_by_hand = subprocess.run(
        ["bash", "-eu", "-c", login + script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done_by_hand.returncode == 0, done_by_hand.stdout + done_by_hand.stderr
    assert client.instance(id).variables == {"paid": True}
    assert "deadline" in done_by_hand.stdout and "title" not in done_by_hand.stdout
