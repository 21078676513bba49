"""A program that is killed: several threads and a worker on one SQLite file. It prints each fact once it is acknowledged.

    python victim.py URL SEED FIRST_KEY LAST_KEY

Facts are lines on standard output, written with one call each: the kernel has them when the process is gone.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
from collections.abc import Callable

from procession import CommandRejected, Engine, StorageError, Worker

LOCK = 0.5
"""Seconds that a job stays with a worker that was killed."""


def say(*fact: object) -> None:
    """The caller has its answer: from now on it must be true for ever."""
    os.write(1, (" ".join(map(str, fact)) + "\n").encode())


class Victim:
    def __init__(self, url: str, seed: int, first: int, last: int) -> None:
        self.engine = Engine(url)
        self.seed, self.first, self.last = seed, first, last
        self.keys = iter(range(first, last))
        self.started: list[tuple[str, str]] = []

    def run(self) -> None:
        worker = Worker(self.engine, name=f"worker-{os.getpid()}", concurrency=2, lock=LOCK, poll=0.02)
        worker.job("charge")(lambda job: {"charged": job.variables["id"]})
        worker.start()
        loops: list[Callable[[random.Random], None]] = [self.start, self.start, self.pay, self.pack, self.check]
        for number, loop in enumerate([*loops, self.steer, self.spin]):
            chance = random.Random(self.seed * 100 + number)
            threading.Thread(target=self.for_ever, args=(loop, chance), daemon=True).start()
        say("ready")
        time.sleep(60)

    def for_ever(self, loop: Callable[[random.Random], None], chance: random.Random) -> None:
        while True:
            try:
                loop(chance)
            except CommandRejected as refused:
                if refused.status not in (404, 409):
                    say("refused", refused)
            except StorageError as error:
                say("storage", error)
            except Exception as error:  # noqa: BLE001
                say("broken", repr(error))

    def start(self, chance: random.Random) -> None:
        """Keys come more than once: again after a kill, and from both threads."""
        repeated = chance.randrange(self.first, self.last)
        number = repeated if chance.random() < 0.3 else next(self.keys, repeated)
        key = f"k{number}"
        say("try", key)
        order = self.engine.start("order", {"id": key, "amount": number}, business_key=key, idempotency_key=key)
        say("start", key, order.id)
        self.started.append((key, order.id))

    def pay(self, chance: random.Random) -> None:
        if not self.started:
            time.sleep(0.002)
            return
        key, _ = chance.choice(self.started)
        message = self.engine.publish_message("paid", key, {"paid": key}, message_id=f"pay-{key}")
        say("paid", key, message.id)

    def pack(self, chance: random.Random) -> None:
        for job in self.engine.activate_jobs("pack", worker="packer", max_jobs=3, lock=LOCK):
            if chance.random() < 0.1:
                self.engine.fail_job(job.id, job.token, "the box was too small", retries=3, backoff=0.01)
                say("failed", job.id)
            else:
                self.engine.complete_job(job.id, job.token, {"packed": job.variables["id"]})
                say("job", job.id, job.instance)
        time.sleep(0.002)

    def check(self, chance: random.Random) -> None:
        for task in self.engine.tasks(limit=20).items:
            if chance.random() < 0.3:
                self.engine.complete_task(task.id, {"checked": task.instance})
                say("task", task.id, task.instance)
        time.sleep(0.002)

    def steer(self, chance: random.Random) -> None:
        """Hold and resume, change data, and now and then end one."""
        time.sleep(0.01)
        if not self.started:
            return
        _, instance = chance.choice(self.started)
        turn = chance.random()
        if turn < 0.05:
            self.engine.terminate(instance, "it was cancelled")
            say("terminated", instance)
        elif turn < 0.5:
            note = f"{self.seed}-{chance.random()}"
            self.engine.set_variables(instance, {"notes": {note: True}})
            say("note", instance, note)
        else:
            self.engine.hold(instance)
            self.engine.unhold(instance)
            say("held", instance)

    def spin(self, chance: random.Random) -> None:
        key = f"spin-{self.seed}"
        spun = self.engine.start("spin", {"n": 0}, idempotency_key=key, business_key=key)
        say("spun", key, spun.id, spun.status)
        time.sleep(0.2)


if __name__ == "__main__":
    logging.getLogger("procession").setLevel(logging.CRITICAL)  # that leases are lost is what this is about
    url, seed, first, last = sys.argv[1:]
    Victim(url, int(seed), int(first), int(last)).run()
