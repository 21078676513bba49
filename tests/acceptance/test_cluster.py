"""Several nodes on one PostgreSQL database: equal, started again when they die; each tells its clients what the others did."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from procession import Client, Engine
from procession.testing import process
from tests.acceptance.programs import running

GOOD = {"PROCESSION_SECRET": secrets.token_urlsafe(48)}
PASSWORD = "correct horse battery"
ORDER = process("order").start().service_task("pack", job="pack").user_task("check").end().build()


@pytest.fixture(scope="module")
def url(postgresql):
    url = postgresql.url()
    with Engine(url) as engine:
        engine.deploy(("order.bpmn", ORDER), publish=True)
        engine.users.add("admin", PASSWORD, ["admin"])
    return url


def ports() -> int:
    """The first of two ports that nobody uses."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture(scope="module")
def cluster(url, tmp_path_factory):
    """Two nodes: the address that they share, and that of each."""
    first = ports()
    options = ("--store", url, "--port", "0", "--workers", "2", "--worker-ports", str(first))
    with running("serve", *options, cwd=tmp_path_factory.mktemp("cluster"), **GOOD) as serving:
        yield serving, serving.address(), f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}"
        assert serving.stop() == 0


def client(address: str) -> Client:
    return Client(address, user="admin", password=PASSWORD)


def workers_of(serving) -> list[int]:
    """The ids of the processes that serve."""
    children = Path(f"/proc/{serving.process.pid}/task/{serving.process.pid}/children").read_text().split()
    return sorted(map(int, children))


def test_an_instance_goes_on_at_any_node(cluster):
    _, _, one, two = cluster
    with client(one) as here, client(two) as there:
        for _ in range(20):
            order = here.start("order", {"amount": 1})
            [job] = there.activate_jobs("pack", worker="w", max_jobs=1, lock=30.0, wait=5.0)
            assert job.instance == order.id
            here.complete_job(job.id, job.token, {"packed": True})
            [task] = there.tasks(instance=order.id).items
            assert there.complete_task(task.id, {"ok": True}).state == "FINISHED"
            assert here.instance(order.id).state == "FINISHED"


def test_a_worker_that_waits_at_one_node_is_given_what_comes_at_the_other(cluster):
    _, _, one, two = cluster
    with client(one) as here, client(two) as there:
        waits = []
        for _ in range(5):
            found = []
            waiting = threading.Thread(
                target=lambda found=found: found.extend(there.activate_jobs("pack", worker="w", lock=30.0, wait=20.0))
            )
            waiting.start()
            time.sleep(0.3)
            began = time.monotonic()
            order = here.start("order", {})
            waiting.join(20)
            waits.append(time.monotonic() - began)
            assert [job.instance for job in found] == [order.id]
        # it looks by itself once a second; told, it is there at once. One of five is enough on a busy machine
        assert min(waits) < 0.5


def test_who_listens_at_one_node_hears_what_happens_at_the_other(cluster):
    _, _, one, two = cluster
    with client(one) as here, client(two) as there:
        heard: list[str] = []
        listening = threading.Event()

        def listen():
            for event in there.events(definition="order", kinds=["status"]):
                heard.append(event.data["instance"])
                if len(heard) == 10:
                    return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        listening.wait(1.0)
        orders = [here.start("order", {}).id for _ in range(10)]
        listener.join(20)
        assert heard == orders


def test_a_node_that_is_killed_is_noticed_by_nobody_but_its_clients(cluster):
    serving, shared, _, _ = cluster
    with httpx2.Client(base_url=shared, timeout=10.0) as http:
        token = http.post("/api/auth/login", json={"username": "admin", "password": PASSWORD}).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        before = workers_of(serving)
        started, failed = 0, 0
        for number in range(200):
            if number == 50:
                os.kill(before[0], signal.SIGKILL)
            try:
                key = {"idempotency-key": f"k{number}"}
                answer = httpx2.post(
                    f"{shared}/api/process/order/start", json={}, headers={**headers, **key}, timeout=10.0
                )
            except httpx2.TransportError:
                failed += 1
                continue
            assert answer.status_code == 201, answer.text
            started += 1
        assert failed <= 2
        serving.said("is started again")
        end = time.monotonic() + 20
        while len(workers_of(serving)) < 2:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert set(workers_of(serving)) != set(before)


def test_each_node_has_its_own_figures(cluster, url):
    _, _, one, two = cluster
    with client(one) as here:
        here.start("order", {})
    for address in (one, two):
        assert httpx2.get(f"{address}/health/ready").json()["status"] == "ready"


def test_the_workers_end_with_whoever_started_them(url, tmp_path):
    with running("serve", "--store", url, "--port", "0", "--workers", "2", cwd=tmp_path, **GOOD) as serving:
        address = serving.address()
        workers = workers_of(serving)
        assert serving.stop(signal.SIGKILL) == -signal.SIGKILL
        end = time.monotonic() + 15
        while any(Path(f"/proc/{worker}").exists() and "Z" not in _state(worker) for worker in workers):
            assert time.monotonic() < end
            time.sleep(0.05)
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{address}/health/live", timeout=2.0)


def _state(number: int) -> str:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workers", "2"), "2 workers need a store that processes share"),
        (("--worker-ports", "9000"), "worker_ports are for several workers"),
        (
            ("--workers", "3", "--store", "postgresql://127.0.0.1:1/x", "--worker-ports", "65534"),
            "There are no 3 ports",
        ),
        (("--workers", "2", "--store", "postgresql://127.0.0.1:1/x", "--virtual-clock"), "one process's"),
    ],
)
def test_what_workers_cannot_do_is_refused(tmp_path, options, message):
    with running("serve", *options, cwd=tmp_path, **GOOD) as serving:
        serving.said(message)
        assert serving.ended() == 2


def test_workers_are_stopped_at_once_and_answer_what_they_took(url, tmp_path):
    """Ctrl-C in a terminal reaches the group of whoever started them: it is one signal for each, and not two."""
    options = ("--store", url, "--port", "0", "--workers", "2", "--grace", "PT20S")
    with ExitStack() as stack:
        serving = stack.enter_context(running("serve", *options, cwd=tmp_path, **GOOD))
        polls = [stack.enter_context(client(serving.address())) for _ in range(4)]
        for at in polls:
            assert at.definitions()  # it is logged in
        pool = stack.enter_context(ThreadPoolExecutor(4))
        waiting = [pool.submit(at.activate_jobs, "none", wait=60.0) for at in polls]
        assert {os.getpgid(worker) for worker in workers_of(serving)}.isdisjoint({os.getpgid(serving.process.pid)})
        time.sleep(1.0)
        assert serving.stop(signal.SIGINT) == 0
        assert [each.result(10) for each in waiting] == [[]] * 4


def test_what_a_killed_node_had_to_do_is_done_by_another(url, tmp_path):
    """Its timers, and the jobs that its workers had."""
    nap = process("nap").start().catch_timer("rest", "PT1S").service_task("wake", job="wake").end().build()
    with Engine(url) as engine:
        engine.deploy(("nap.bpmn", nap), publish=True)
        with running("serve", "--store", url, "--port", "0", cwd=tmp_path, **GOOD) as serving:
            with client(serving.address()) as at:
                naps = [at.start("nap", {}).id for _ in range(5)]
            assert serving.stop(signal.SIGKILL) == -signal.SIGKILL
        end, jobs = time.monotonic() + 30, []
        while len(jobs) < len(naps):
            assert time.monotonic() < end
            jobs += engine.activate_jobs("wake", max_jobs=10)
            time.sleep(0.05)
        assert {job.instance for job in jobs} == set(naps)


def test_workers_that_cannot_start_are_given_up(postgresql, tmp_path):
    nowhere = postgresql.url("nowhere")
    with running("serve", "--store", nowhere, "--port", "0", "--workers", "2", cwd=tmp_path, **GOOD) as serving:
        serving.said("does not exist")
        serving.said("No worker can be started", seconds=100.0)
        assert serving.ended() == 1


def test_the_store_is_made_and_told_of_by_the_command_line(postgresql, tmp_path):
    url = postgresql.url()
    with running("migrate-db", "--dry-run", "--store", url, cwd=tmp_path) as asking:
        asking.said("would apply 0001_initial")
        assert asking.ended() == 0
    with running("migrate-db", "--store", url, cwd=tmp_path) as making:
        making.said("applied 0001_initial")
        assert making.ended() == 0
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "procession.cli",
            "migrate-db",
            "--store",
            url.replace("://procession@", "://procession:hidden@"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is up to date" in done.stdout
    assert "hidden" not in done.stdout + done.stderr
