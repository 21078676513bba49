"""Clients that speak HTTP to any of the nodes: start orders, and do what they wait for, for as long as they are let."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.chaos.nodes import Node
from tests.chaos.victim import hot, stamp

PASSWORD = "correct horse battery"
LOCK = 2.0
OWN = 1_000_000
"""Keys of clients begin here, so many for each; those below are the victims'."""


class Unanswered(Exception):
    """It may have taken effect or not."""


class Client(threading.Thread):
    """Notes what it was answered, in lines that `Facts` reads."""

    def __init__(self, nodes: Sequence[Node], number: int, seed: int) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.nodes, self.number, self.chance = nodes, number, random.Random(seed * 100 + number)
        self.client = f"client-{number}"
        self.lines: list[str] = []
        self.stop = threading.Event()
        self.keys = 0
        self.answers: Counter[str] = Counter()
        self.error: Exception | None = None
        self._node: Node | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._token = ""

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.turn()
            except (OSError, http.client.HTTPException, Unanswered) as error:
                self.answers[type(error).__name__] += 1
                self.hang_up()
                self.stop.wait(0.05)
            except Exception as error:  # noqa: BLE001  told by whoever started it
                self.error = error
                break
        self.hang_up()

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def say(self, *fact: object) -> None:
        self.lines.append(" ".join(map(str, fact)) + "\n")

    def turn(self) -> None:
        if self._connection is None or self.chance.random() < 0.05:
            self.hang_up()
            self._node = self.chance.choice(self.nodes)
            if self._node.address is None:
                raise Unanswered("it does not listen yet")
            self._connection = http.client.HTTPConnection("127.0.0.1", self._node.address, timeout=20)
        if not self._token:
            body = {"username": "admin", "password": PASSWORD}
            self._token = self.call("POST", "/api/auth/login", body)["access_token"]
        number = OWN * (self.number + 1) + self.keys
        key = f"k{number}"
        self.say("try", key)
        before = time.monotonic_ns()
        data = {"id": key, "amount": number, "businessKey": key}
        order = self.call("POST", "/api/process/order/start", data, {"Idempotency-Key": key})
        self.say("start", key, order["id"], stamp(before, self.client))
        self.keys += 1  # unanswered, the same key is tried again
        for kind, name in (("charge", "charged"), ("pack", "packed")):
            self.work(kind, name)
        if self.chance.random() < 0.7:
            self.pay(key)
        for wait in order["waits"]:
            if wait["kind"] == "task" and self.chance.random() < 0.7:
                before = time.monotonic_ns()
                done = {"variables": {"checked": order["id"]}}
                if self.call("POST", f"/api/tasks/{wait['id']}/complete", done, missing=True):
                    self.say("task", wait["id"], order["id"], stamp(before, self.client))
        if self.chance.random() < 0.3:
            self.note(order["id"])
        if self.chance.random() < 0.1:
            self.steer(order["id"])

    def work(self, kind: str, name: str) -> None:
        assert self._node is not None
        asked = {"type": kind, "maxJobs": 4, "lockMs": round(LOCK * 1000), "worker": self.client}
        if self.chance.random() < 0.1:
            asked["waitMs"] = 200
        off = self._node.was_off
        jobs = self.call("POST", "/api/jobs/activate", asked)["items"]
        clock = "off" if off or self._node.was_off else "right"
        for job in jobs:
            self.say("lease", job["id"], job["token"], job["worker"], job["deadline"], LOCK, clock)
        for job in jobs:
            before = time.monotonic_ns()
            if self.chance.random() < 0.05:
                self.say("back", job["id"], job["token"])
                failure = {"token": job["token"], "message": "the box was too small", "retries": 3, "backoffMs": 10}
                if self.call("POST", f"/api/jobs/{job['id']}/fail", failure, missing=True):
                    self.say("failed", job["id"])
                continue
            report = {"token": job["token"], "variables": {name: job["variables"]["id"]}}
            if self.call("POST", f"/api/jobs/{job['id']}/complete", report, missing=True):
                self.say("job", job["id"], job["instance"], self.client, job["token"], stamp(before, self.client))

    def pay(self, key: str) -> None:
        message = {"name": "paid", "correlationKey": key, "variables": {"paid": key}, "messageId": f"pay-{key}"}
        answer = self.call("POST", "/api/messages", message)
        self.say("paid", key, answer["id"])

    def note(self, instance: str) -> None:
        """Change data, often of the instance that the others change as well."""
        if self.chance.random() < 0.7:
            key = hot()
            data = {"id": key, "businessKey": key}
            instance = self.call("POST", "/api/process/hot/start", data, {"Idempotency-Key": key})["id"]
        note = f"{self.client}-{self.chance.random()}"
        before = time.monotonic_ns()
        if self.call("PATCH", f"/api/instances/{instance}/variables", {"notes": {note: True}}, missing=True):
            self.say("note", instance, note, stamp(before, self.client))

    def steer(self, instance: str) -> None:
        for operation in ("HOLD", "UNHOLD") if self.chance.random() < 0.8 else ("TERMINATE",):
            path = f"/api/instances/{instance}/operations"
            if self.call("POST", path, {"operationType": operation}, missing=True) is None:
                return
        self.say("held" if operation == "UNHOLD" else "terminated", instance)

    def call(
        self, method: str, path: str, body: Any, headers: dict[str, str] | None = None, *, missing: bool = False
    ) -> Any:
        """The answer; with `missing` None where it is not there any more: an earlier try took effect, unanswered."""
        assert self._connection is not None
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}", **(headers or {})}
        if not self._token:
            del sent["Authorization"]
        self._connection.request(method, path, json.dumps(body), sent)
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        self.answers[str(response.status)] += 1
        if missing and response.status in (404, 409):
            return None
        if response.status == 401:  # its clock is off
            self._token = ""
        if response.status in (401, 429, 503, 507):
            raise Unanswered(answer)
        assert response.status in (200, 201), (method, path, answer)
        return answer
