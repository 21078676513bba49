"""What has to be done without anybody asking: timers that come due, runs to go on with, messages that wait or expire."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from procession.engine.commands import Continue, FireTimer
from procession.errors import CommandRejected, StorageError
from procession.runtime.asks import Ask, Match
from procession.runtime.intake import Intake
from procession.runtime.processor import subject

log = logging.getLogger("procession")

DUE_AT_ONCE = 500

EVERY, EVERY_SHARED = 5.0, 0.5
"""Seconds between two looks at the latest; shorter where other nodes may die and leave something to do."""

PASSES = 1_000
"""What is done may be followed by more that is due at once; so often in one go."""

SHARE = 1_000_000
"""Microseconds for which a node keeps timers for itself that it is about to fire, and for which the others leave a run to
the node that is at it. After that long anybody takes over what a node has left that died."""

ASIDE = 600_000_000
"""Microseconds until a chore that failed for a reason of ours is tried again."""


def run_due(intake: Intake, aside: dict[str, int] | None = None) -> int:
    """Fire everything that is due now and go on with every run that was cut off; how many commands that took.

    A chore that fails for a reason of ours does not keep the others from being done; its error is raised at the end.
    `aside` remembers such chores from call to call, with the time from which they are tried again.
    """
    processor = intake.processor
    now = processor.now()
    failed: dict[str, int] = {} if aside is None else aside
    for name in [name for name, until in failed.items() if until <= now]:
        del failed[name]
    failure: Exception | None = None
    count = 0
    for number in range(PASSES):
        asks = [ask for ask in _due(intake, DUE_AT_ONCE + len(failed), number == 0) if subject(ask) not in failed]
        for ask in asks:
            intake.submit(ask)
        fired, known, stopped = 0, len(failed), None
        for ask in asks:
            try:
                fired += intake.wait(ask) != 0
            except CommandRejected:
                pass  # somebody else was faster: the timer is gone, the instance is over
            except StorageError as error:
                stopped = error
            except Exception as error:  # noqa: BLE001  a defect of ours: logged, and the others go on
                failed[subject(ask)] = now + ASIDE
                failure = error
        if stopped is not None:
            raise stopped
        count += fired
        if not intake.flush(1) and not fired and len(failed) == known:
            break
    intake.alone(processor.storage.expire_messages(processor.now()))
    if failure is not None:
        raise failure
    return count


def _due(intake: Intake, limit: int, messages: bool) -> list[Ask]:
    processor, storage = intake.processor, intake.processor.storage
    now = processor.now()
    due = intake.alone(storage.due(now, limit, now + SHARE if storage.shared else 0))
    asks = [Ask(FireTimer(timer.id)) for timer in due.timers] + [Ask(timer) for timer in due.starts]
    left = intake.alone(storage.ready(limit, now - SHARE if storage.shared else None))
    asks += [Ask(Continue(instance)) for instance in left]
    if messages:
        asks += [Ask(Match(name, key)) for name, key in intake.alone(storage.overlooked(limit))]
    return asks


class Reconciler:
    """Does the chores in a thread of its own, when they come due and at least every few seconds."""

    def __init__(self, intake: Intake, now: Callable[[], int], every: float | None = None) -> None:
        self._intake, self._now = intake, now
        self._every = every or (EVERY_SHARED if intake.processor.storage.shared else EVERY)
        self._wake = threading.Event()
        self._stop = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun already."""
        with self._starting:
            if self._thread is None and not self._stop:
                self._thread = threading.Thread(target=self._run, name="procession-reconciler", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Something may come due earlier than was known."""
        self._wake.set()

    def stop(self) -> None:
        """End it for good, after what it is doing."""
        with self._starting:
            self._stop = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        aside: dict[str, int] = {}
        while not self._stop:
            self._wake.clear()
            pause = self._every
            try:
                began = self._now()
                run_due(self._intake, aside)
                due = self._intake.alone(self._intake.processor.storage.next_due())
                if due is not None:
                    # what was due before and still is cannot be done now: no reason to hurry
                    pause = min(pause, 1.0 if due <= began else max(0.0, (due - self._now()) / 1_000_000))
            except StorageError as error:
                log.warning("chores are put off: %s", error)
            except Exception:
                log.exception("chores failed; tried again in %s s", self._every)
            if not self._stop:
                self._wake.wait(max(pause, 0.001))
