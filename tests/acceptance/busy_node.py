"""A node that does all that can be done: it starts orders, and does the jobs, tasks and messages of all that anybody started.

    python busy_node.py URL FIRST LAST

It starts the orders with these numbers, some of them twice, and says on standard output what it was told was done.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

from procession import CommandRejected, Engine


def say(*fact: object) -> None:
    os.write(1, (" ".join(map(str, fact)) + "\n").encode())


class Busy:
    def __init__(self, url: str, first: int, last: int) -> None:
        self.engine = Engine(url)
        self.numbers = self.count(first, last)

    def count(self, first: int, last: int) -> Iterator[int]:
        for number in range(first, last):
            yield number
            if number % 5 == 0:
                yield number

    def start(self) -> None:
        number = next(self.numbers, None)
        if number is None:
            time.sleep(0.1)
            return
        key = f"k{number}"
        order = self.engine.start("order", {"id": key, "amount": number}, business_key=key, idempotency_key=key)
        say("start", order.id, key)
        self.engine.publish_message("paid", key, {"paid": key}, message_id=f"pay-{key}")

    def jobs(self) -> None:
        for type, name in (("charge", "charged"), ("pack", "packed")):
            for job in self.engine.activate_jobs(type, max_jobs=2, lock=1.0):
                self.engine.complete_job(job.id, job.token, {name: job.variables["id"]})
                say("job", job.instance, job.id)

    def tasks(self) -> None:
        for task in self.engine.tasks(limit=20).items[-2:]:
            self.engine.complete_task(task.id, {"checked": task.instance})
            say("task", task.instance, task.id)

    def for_ever(self, work: Callable[[], None]) -> None:
        while True:
            try:
                work()
            except CommandRejected as refused:
                if refused.status not in (404, 409):  # the other one was faster
                    say("fault", refused)
            except Exception as error:  # noqa: BLE001
                say("fault", repr(error))
            time.sleep(0.01)


if __name__ == "__main__":
    node = Busy(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    for each in (node.start, node.jobs, node.tasks):
        threading.Thread(target=node.for_ever, args=(each,), daemon=True).start()
    say("ready")
    time.sleep(120)
