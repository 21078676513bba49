"""What has to be done without anybody asking: timers that come due, runs to go on with, messages that expire."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from procession.engine.commands import Continue, FireTimer
from procession.errors import CommandRejected, StorageError
from procession.runtime.asks import Ask
from procession.runtime.intake import Intake

log = logging.getLogger("procession")

DUE_AT_ONCE = 500


def run_due(intake: Intake) -> int:
    """Fire everything that is due now and go on with every run that was cut off; how many commands that took."""
    processor = intake.processor
    count = 0
    while True:
        due = intake.alone(processor.storage.due(processor.now(), DUE_AT_ONCE))
        asks = [Ask(FireTimer(timer.id)) for timer in due.timers] + [Ask(timer) for timer in due.starts]
        asks += [Ask(Continue(instance)) for instance in intake.alone(processor.storage.ready(DUE_AT_ONCE))]
        if not asks:
            break
        fired = 0
        for ask in [intake.submit(ask) for ask in asks]:
            try:
                intake.wait(ask)
                fired += 1
            except CommandRejected:
                pass  # somebody else was faster: the timer is gone, the instance is over
        count += fired
        if not fired:
            break
    intake.alone(processor.storage.expire_messages(processor.now()))
    return count


class Reconciler:
    """Does the chores in a thread of its own, when they come due and at least every few seconds."""

    def __init__(self, intake: Intake, now: Callable[[], int], every: float = 5.0) -> None:
        self._intake, self._now, self._every = intake, now, every
        self._wake = threading.Event()
        self._stop = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="procession-reconciler", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Something may come due earlier than was known."""
        self._wake.set()

    def stop(self) -> None:
        self._stop = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()
            pause = self._every
            try:
                run_due(self._intake)
                due = self._intake.alone(self._intake.processor.storage.next_due())
                if due is not None:
                    pause = min(pause, max(0.0, (due - self._now()) / 1_000_000))
            except StorageError as error:
                log.warning("chores are put off: %s", error)
            except Exception:
                log.exception("chores failed; tried again in %s s", self._every)
            if not self._stop:
                self._wake.wait(max(pause, 0.001))
