"""kill -9 of the server under eight clients, several times: what was answered is there afterwards, once.

PROCESSION_CHAOS_SECONDS makes it go on for as long as asked, PROCESSION_CHAOS_SEED repeats a run as far as chance allows.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from procession import Engine
from tests.chaos.evidence import Facts
from tests.chaos.orders import check
from tests.chaos.processes import FILES

ROOT = Path(__file__).parent.parent.parent
CLIENTS = 8
KILLS = 6
SECRET = "a secret for one test, which nobody has to guess"
PASSWORD = "correct horse battery"


class Server:
    """`procession serve` in a process of its own, on one file and always the same port."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "procession.cli", "serve", "--store", f"sqlite:///{self.path}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PROCESSION_SECRET": SECRET}
        with (self.path.parent / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("listening on http://"):
                self.port = int(line.rsplit(":", 1)[1])
                return
        raise AssertionError((self.path.parent / "server.log").read_text())

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        assert self.process.wait(30) == -9, (self.path.parent / "server.log").read_text()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Caller(threading.Thread):
    """One client: starts orders and does what they wait for. Notes what it was answered, in lines that `Facts` reads."""

    def __init__(self, server: Server, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.server, self.number, self.chance = server, number, random.Random(seed * 100 + number)
        self.lines: list[str] = []
        self.stop = threading.Event()
        self.keys = 0
        self.answers: Counter[int] = Counter()
        self._connection: http.client.HTTPConnection | None = None
        self._token = ""

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.turn()
            except (OSError, http.client.HTTPException):  # the server was killed: nothing was answered
                self.hang_up()
                time.sleep(0.02)
        self.hang_up()

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def turn(self) -> None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        if not self._token:
            body = {"username": "admin", "password": PASSWORD}
            self._token = self.call("POST", "/api/auth/login", body)["access_token"]
        key = f"k{self.number + CLIENTS * self.keys}"
        self.lines.append(f"try {key}\n")
        data = {"id": key, "amount": int(key[1:]), "businessKey": key}
        order = self.call("POST", "/api/process/order/start", data, {"Idempotency-Key": key})
        self.lines.append(f"start {key} {order['id']}\n")
        self.keys += 1  # unanswered, the same key is tried again
        for kind, name in (("charge", "charged"), ("pack", "packed")):
            for job in self.call("POST", "/api/jobs/activate", {"type": kind, "maxJobs": 2, "lockMs": 2000})["items"]:
                report = {"token": job["token"], "variables": {name: job["variables"]["id"]}}
                if self.call("POST", f"/api/jobs/{job['id']}/complete", report, missing=True):
                    self.lines.append(f"job {job['id']}\n")
        if self.chance.random() < 0.5:
            self.pay(key)
        for wait in order["waits"]:
            if wait["kind"] == "task" and self.chance.random() < 0.7:
                done = {"variables": {"checked": order["id"]}}
                if self.call("POST", f"/api/tasks/{wait['id']}/complete", done, missing=True):
                    self.lines.append(f"task {wait['id']}\n")

    def pay(self, key: str) -> None:
        message = {"name": "paid", "correlationKey": key, "variables": {"paid": key}, "messageId": f"pay-{key}"}
        answer = self.call("POST", "/api/messages", message)
        self.lines.append(f"paid {key} {answer['id']}\n")

    def call(self, method, path, body, headers=None, *, missing=False):
        """The answer; with `missing` None where it is not there any more: an earlier try took effect, unanswered."""
        assert self._connection is not None
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}", **(headers or {})}
        if not self._token:
            del sent["Authorization"]
        self._connection.request(method, path, json.dumps(body), sent)
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        self.answers[response.status] += 1
        if missing and response.status in (404, 409):
            return None
        if response.status == 429:
            raise OSError("many log in at once")
        assert response.status in (200, 201), answer
        return answer


@pytest.mark.timeout(0)
def test_what_the_server_answered_is_there_once(tmp_path):
    seed = int(os.environ.get("PROCESSION_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    end = time.monotonic() + float(os.environ.get("PROCESSION_CHAOS_SECONDS", "0"))
    number = 0
    while number == 0 or time.monotonic() < end:
        print(f"PROCESSION_CHAOS_SEED={seed + number}")  # shown where it fails
        siege(tmp_path / f"server-{number}.db", seed + number)
        number += 1


def siege(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with Engine(f"sqlite:///{path}") as engine:
        engine.deploy(*FILES, publish=True)
        engine.users.add("admin", PASSWORD, ["admin"])
    server = Server(path)
    server.start()
    callers = [Caller(server, number, seed) for number in range(CLIENTS)]
    for caller in callers:
        caller.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.3, 1.2))
            server.kill()
            server.start()
        time.sleep(0.5)
        for caller in callers:
            caller.stop.set()
        for caller in callers:
            caller.join(60)
            assert not caller.is_alive()
    finally:
        server.kill()
    facts = Facts()
    for caller in callers:
        facts.read(caller.lines)
    answers = sum((caller.answers for caller in callers), Counter())
    print(f"{len(facts.tried)} starts tried, {len(facts.started)} answered; {dict(facts.kinds)}; {dict(answers)}")
    assert len(facts.started) > 5 * CLIENTS
    assert facts.kinds["job"] and facts.kinds["task"] and facts.kinds["paid"]
    check(path, facts, CLIENTS * (1 + max(caller.keys for caller in callers)), by="admin")
