"""A program that is killed: several threads and a worker on one store. It prints each fact once it is acknowledged.

It is run by node.py. Facts are lines on standard output, written with one call each: the kernel has them when the process is
gone. A fact that ends in `@BEFORE:AFTER:CLIENT` says between which two moments of the machine's monotonic clock it was asked
for and answered, and to whom. What may have taken effect though it is not a fact is said before it is asked for.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from procession import CommandRejected, Engine, StorageError, Worker
from procession.errors import VersionConflict
from procession.runtime.views import JobView

LOCK = 0.5
"""Seconds that a job stays with a worker that was killed."""

HOT = 10.0
"""Seconds for which everybody changes one and the same instance."""


class Watch(Protocol):
    """Whether the clock of this process was ever set off: what it says of times is no evidence then."""

    was_off: bool


def hot() -> str:
    """The business key of the instance that everybody changes now."""
    return f"hot-{int(time.monotonic() / HOT)}"


def say(*fact: object) -> None:
    """The caller has its answer: from now on it must be true for ever."""
    os.write(1, (" ".join(map(str, fact)) + "\n").encode())


def stamp(before: int, client: str) -> str:
    """When something was asked for and answered, and who asked."""
    return f"@{before}:{time.monotonic_ns()}:{client}"


class Victim:
    def __init__(self, url: str, seed: int, first: int, last: int, watch: Watch) -> None:
        logging.getLogger("procession").setLevel(logging.CRITICAL)  # that leases are lost is what this is about
        self.system = Engine(url)
        self.engine = self.system.as_user("admin", ["admin"])
        self.seed, self.first, self.last, self.watch = seed, first, last, watch
        self.keys = iter(range(first, last))
        self.started: list[tuple[str, str]] = []
        self.worker = f"worker-{seed}"

    def run(self) -> None:
        worker = Worker(self.engine, name=self.worker, concurrency=2, lock=LOCK, poll=0.02)
        worker.job("charge")(self.charge)
        worker.start()
        loops: list[Callable[[random.Random, str], None]] = [self.start, self.start, self.pay, self.pack, self.check]
        for number, loop in enumerate([*loops, self.steer, self.note, self.spin]):
            chance = random.Random(self.seed * 100 + number)
            client = f"{self.seed}-{number}"
            threading.Thread(target=self.for_ever, args=(loop, chance, client), daemon=True).start()
        say("ready")
        threading.Event().wait()

    def for_ever(self, loop: Callable[[random.Random, str], None], chance: random.Random, client: str) -> None:
        while True:
            try:
                loop(chance, client)
            except CommandRejected as refused:
                if refused.status not in (404, 409):
                    say("refused", refused)
            except VersionConflict as error:
                say("conflict", error)
            except StorageError as error:
                say("storage", error)
                time.sleep(0.02)
            except Exception as error:  # noqa: BLE001
                say("broken", repr(error))

    def leased(self, job: JobView) -> None:
        say("lease", job.id, job.token, job.worker, job.deadline, LOCK, "off" if self.watch.was_off else "right")

    def start(self, chance: random.Random, client: str) -> None:
        """Keys come more than once: again after a kill, and from both threads."""
        repeated = chance.randrange(self.first, self.last)
        number = repeated if chance.random() < 0.3 else next(self.keys, repeated)
        key = f"k{number}"
        say("try", key)
        before = time.monotonic_ns()
        order = self.engine.start("order", {"id": key, "amount": number}, business_key=key, idempotency_key=key)
        say("start", key, order.id, stamp(before, client))
        self.started.append((key, order.id))

    def pay(self, chance: random.Random, client: str) -> None:
        if not self.started:
            time.sleep(0.002)
            return
        key, _ = chance.choice(self.started[-1000:])
        message = self.engine.publish_message("paid", key, {"paid": key}, message_id=f"pay-{key}")
        say("paid", key, message.id)

    def charge(self, job: JobView) -> dict[str, object]:
        self.leased(job)
        return {"charged": job.variables["id"]}

    def pack(self, chance: random.Random, client: str) -> None:
        for job in self.engine.activate_jobs("pack", worker=f"packer-{self.seed}", max_jobs=3, lock=LOCK):
            self.leased(job)
            if chance.random() < 0.1:
                say("back", job.id, job.token)
                self.engine.fail_job(job.id, job.token, "the box was too small", retries=3, backoff=0.01)
                say("failed", job.id)
            else:
                before = time.monotonic_ns()
                self.engine.complete_job(job.id, job.token, {"packed": job.variables["id"]})
                say("job", job.id, job.instance, job.worker, job.token, stamp(before, client))
        time.sleep(0.002)

    def check(self, chance: random.Random, client: str) -> None:
        for task in self.engine.tasks(limit=20).items:
            if chance.random() < 0.3:
                before = time.monotonic_ns()
                self.engine.complete_task(task.id, {"checked": task.instance})
                say("task", task.id, task.instance, stamp(before, client))
        time.sleep(0.002)

    def steer(self, chance: random.Random, client: str) -> None:
        """Hold and resume, and now and then end one."""
        time.sleep(0.01)
        if not self.started:
            return
        _, instance = chance.choice(self.started)
        if chance.random() < 0.1:
            self.engine.terminate(instance, "it was cancelled")
            say("terminated", instance)
        else:
            self.engine.hold(instance)
            self.engine.unhold(instance)
            say("held", instance)

    def note(self, chance: random.Random, client: str) -> None:
        """Change data, often of the instance that the others change as well."""
        time.sleep(0.005)
        if not self.started:
            return
        _, instance = chance.choice(self.started)
        if chance.random() < 0.5:
            key = hot()
            instance = self.engine.start("hot", {"id": key}, business_key=key, idempotency_key=key).id
        note = f"{client}-{chance.random()}"
        before = time.monotonic_ns()
        self.engine.set_variables(instance, {"notes": {note: True}})
        say("note", instance, note, stamp(before, client))

    def spin(self, chance: random.Random, client: str) -> None:
        """A long run, which several lives ask for until it is over."""
        key = f"spin-{self.seed // 5}"
        spun = self.engine.start("spin", {"n": 0}, idempotency_key=key, business_key=key)
        say("spun", key, spun.id, spun.status)
        time.sleep(0.2)
