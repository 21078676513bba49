"""The credit bureau of the example as a program of its own: over HTTP at the embedded bus of a server, on Apache Kafka, and over
HTTP at a server that is on Kafka."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import apsw
import httpx2
import pytest

from procession.testing import process, server
from tests.acceptance.waiting import until
from tests.services.apache_kafka import classpath

ROOT = Path(__file__).parents[2]
CARD = ROOT / "examples" / "credit_card" / "credit_card.bpmn"
BUREAU = ROOT / "examples" / "credit_card" / "bureau.py"
COMPANY = {"company": {"vat": "DE811907980"}, "client": {"name": "Bo", "income": 5000}}
ASKING = (
    process("asking").start().send("ask", topic="bureau.requests", body='{"name": "${name}"}')
    .receive("answer", streams={"engine.receive.bureau": "bureau"}).end()
)  # fmt: skip
CARDS = 150
QUICK = "?session.timeout.ms=3000&heartbeat.interval.ms=500"


@pytest.fixture(scope="module", params=["http", "kafka", "http to kafka"])
def bus(request):
    """The URL of the bus, and what the bureau is told of it (None: the server)."""
    if request.param == "http":
        return "memory:", None
    kafka = request.getfixturevalue("kafka")
    return kafka.url(), kafka.url() + QUICK if request.param == "kafka" else None


@pytest.fixture(scope="module")
def site(bus, tmp_path_factory):
    users = {"carl": ["clerk"], "mary": ["manager"], "worker": ["worker"]}
    settings = {"virtual_clock": "false", "bus": bus[0]}
    with server(CARD, users=users, folder=tmp_path_factory.mktemp("site"), settings=settings) as running:
        running.deploy(("asking.bpmn", ASKING.build()))
        yield running


class Bureau:
    """The example's program."""

    def __init__(self, site, bus, file):
        usual = {name: value for name, value in os.environ.items() if not name.startswith("PROCESSION_")}
        chosen = {
            "PROCESSION_URL": site.url,
            "PROCESSION_USER": "worker",
            "PROCESSION_PASSWORD": site.password("worker"),
        }
        if bus[1] is not None:
            chosen = {"PROCESSION_BUS": bus[1]}
        self.process = subprocess.Popen(
            [sys.executable, str(BUREAU)],
            env={**usual, "PYTHONPATH": str(ROOT / "src"), "BUREAU_FILE": str(file), **chosen},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, number):
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def bureau(site, bus, file="memory:"):
    program = Bureau(site, bus, file)
    try:
        yield program
    finally:
        code, said = program.end(signal.SIGTERM)
    assert code == 0, said
    assert "waits for records on bureau.requests" in said


def test_a_credit_card_goes_through(site, bus):
    clerk, manager, admin = site.client("carl"), site.client("mary"), site.client()
    with bureau(site, bus):
        card = clerk.start("credit_card", COMPANY, start_condition="PJ")
        (task,) = clerk.tasks(instance=card.id, node="fill_in").items
        clerk.complete_task(task.id, {"client": {"iban": "DE02120300000000202051"}, "amount": 20_000})
        until(lambda: admin.instance(card.id).waiting_at == ["review"])
        kinds = [event[0] for row in admin.history(card.id) for event in row.events]
        if "response-timed-out" not in kinds:  # a cold broker may take longer than the process waits
            assert admin.instance(card.id).variables["bureau"] == {"score": 704}
    (task,) = manager.tasks(instance=card.id, node="review").items
    manager.complete_task(task.id, {"approved": True})
    assert sorted(admin.instance(card.id).waiting_at) == ["produce_card", "sign_contract"]


def inquiries(file):
    if not file.exists():
        return []
    connection = apsw.Connection(str(file))
    connection.set_busy_timeout(10_000)
    try:
        return [request for (request,) in connection.execute("SELECT request FROM inquiries")]
    except apsw.SQLError:  # there is no table yet
        return []
    finally:
        connection.close()


def test_a_bureau_that_is_killed_in_the_middle_loses_nothing_and_does_nothing_twice(site, bus, tmp_path):
    admin, file = site.client(), tmp_path / "bureau.db"
    started = []

    def start():
        for number in range(CARDS):
            started.append(admin.start("asking", {"name": f"Client {number}"}).id)

    starting = threading.Thread(target=start)
    starting.start()
    for _ in range(3):
        before = len(inquiries(file))
        program = Bureau(site, bus, file)
        until(lambda n=before: len(inquiries(file)) > n, 60.0)
        program.end(signal.SIGKILL)
    starting.join(60.0)
    with bureau(site, bus, file):
        until(lambda: not admin.instances(definition="asking", status="STARTED", limit=1).items, 90.0)
    names = {admin.instance(each).variables["name"]: admin.instance(each).variables["bureau"] for each in started}
    assert len(names) == CARDS
    assert all(300 <= answer["score"] <= 850 for answer in names.values())
    asked = inquiries(file)
    assert len(asked) == len(set(asked)) == CARDS


def blocks(language):
    page = (ROOT / "docs" / "howto" / "write-an-integration.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def by_hand(language, site, bus, folder):
    """A program of the page, and what it takes to run it here."""
    answer = httpx2.post(f"{site.url}/api/auth/login", json={"username": "worker", "password": site.password("worker")})
    token = answer.json()["access_token"]
    variables = {"PROCESSION_URL": site.url, "PROCESSION_TOKEN": token, "PYTHONPATH": str(ROOT / "src")}
    if language == "js":
        (folder / "bureau.mjs").write_text(blocks("js")[0])
        return ["node", str(folder / "bureau.mjs")], variables
    if language == "java":
        (folder / "Bureau.java").write_text(blocks("java")[0])
        return ["java", "-cp", classpath(), str(folder / "Bureau.java"), bus[0].removeprefix("kafka://")], variables
    target = site.url if bus[1] is None else bus[1]
    (folder / "bureau.py").write_text(blocks("python")[0].replace("kafka://localhost:9092", target))
    return [sys.executable, str(folder / "bureau.py")], variables


@pytest.mark.parametrize("language", ["js", "java", "python"])
def test_the_programs_of_the_page_answer(language, site, bus, tmp_path):
    if language == ("js" if bus[1] is not None else "java"):
        pytest.skip("the page has it for the other bus")
    if language == "js" and shutil.which("node") is None:
        pytest.skip("there is no Node.js here")
    command, variables = by_hand(language, site, bus, tmp_path)
    admin = site.client()
    program = subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        started = [admin.start("asking", {"name": "Ana"}).id for _ in range(3)]
        until(lambda: all(admin.instance(each).completed for each in started) or program.poll() is not None, 60.0)
        scores = {admin.instance(each).variables["bureau"]["score"] for each in started}
        assert scores == {710 if language == "java" else 303}
    finally:
        program.terminate()
        said, _ = program.communicate(timeout=30)
        print(said)
    assert program.returncode == (143 if language == "java" else 0)
