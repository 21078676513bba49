"""Hands in results in the background: those that come while a report is on its way go together with the next.

There is no delay: a lone result goes at once. What cannot be handed in now is kept and tried again, later each time.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from procession.errors import StorageError
from procession.runtime.reports import Report
from procession.worker.pool import Held
from procession.worker.source import JobSource

log = logging.getLogger("procession.worker")

SENDERS, SLOW = 4, 0.1
"""One report is on its way at a time; but what is slow (in seconds) does not hold up the rest, up to so many."""

BATCH = 1000
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


@dataclass(eq=False, slots=True)
class Entry:
    """A report that has to be handed in. In the end `error` is what went wrong, or None."""

    held: Held
    report: Report
    tries: int = 0
    error: Exception | None = None


class Reporter:
    """`settle` is told what became of reports, in one of the reporter's threads. A report whose lease is lost is not sent."""

    def __init__(self, source: JobSource, settle: Callable[[Sequence[Entry]], None], name: str) -> None:
        self._source, self._settle, self._name = source, settle, name
        self._queue: deque[Entry] = deque()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = self._sending = 0
        self._begun = self._not_before = 0.0
        self._pause = FIRST_PAUSE
        self._closed = False

    def add(self, held: Held, report: Report) -> None:
        """Hand it in soon."""
        entry = Entry(held, report)
        with self._changed:
            if not self._closed:
                self._queue.append(entry)
                if self._idle:
                    self._changed.notify()
                elif len(self._threads) < SENDERS:
                    name = f"{self._name}-report-{len(self._threads) + 1}"
                    thread = threading.Thread(target=self._send, name=name, daemon=True)
                    self._threads.append(thread)
                    thread.start()
                return
        held.lost = True
        self._settle([entry])

    def close(self) -> None:
        """Send no more; what is left is dropped."""
        with self._changed:
            self._closed = True
            left = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for entry in left:
            entry.held.lost = True
        self._settle(left)

    def _send(self) -> None:
        while (batch := self._next()) is not None:
            live = [entry for entry in batch if not entry.held.lost]
            try:
                errors = self._source.report_jobs([entry.report for entry in live]) if live else ()
            except Exception as fault:
                log.exception("%s: reports failed", self._name)
                errors = [fault] * len(live)
            for entry, error in zip(live, errors, strict=True):
                entry.tries += 1
                entry.error = error
            again = self._sent(live)
            if settled := [entry for entry in batch if entry not in again]:
                self._settle(settled)

    def _next(self) -> list[Entry] | None:
        with self._changed:
            while True:
                now = time.monotonic()
                ready = self._not_before
                if self._sending:
                    ready = max(ready, self._begun + SLOW)
                if self._queue and now >= ready:
                    batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                    self._sending += 1
                    self._begun = now
                    return batch
                if self._closed:
                    return None
                self._idle += 1
                self._changed.wait(ready - now if self._queue else None)
                self._idle -= 1

    def _sent(self, batch: Sequence[Entry]) -> set[Entry]:
        """Put back what could not be handed in now."""
        failed = [entry for entry in batch if isinstance(entry.error, StorageError)]
        with self._changed:
            self._sending -= 1
            if failed and not self._closed:
                if self._pause == FIRST_PAUSE:
                    log.warning("%s: results cannot be handed in for now: %s", self._name, failed[0].error)
                self._not_before = time.monotonic() + self._pause * random.uniform(0.5, 1.0)
                self._pause = min(LONGEST_PAUSE, self._pause * 2)
                self._queue.extendleft(reversed(failed))
            elif not failed:
                self._not_before, self._pause = 0.0, FIRST_PAUSE
            if self._queue:
                self._changed.notify()
            return set() if self._closed else set(failed)
