"""What has to be done without anybody asking: timers that come due, runs to go on with, messages that wait or expire."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from procession.engine.commands import Continue, FireTimer
from procession.errors import CommandRejected, StorageError
from procession.runtime.asks import Ask, Match
from procession.runtime.ids import earliest
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

LATELY = 60_000_000
"""Microseconds in which messages and those who wait for them may have missed each other: far more than transactions last, and
than the clocks of nodes differ."""

ASIDE = 600_000_000
"""Microseconds until a chore that failed for a reason of ours is tried again."""


class Remembered:
    """What chores remember from one time to the next."""

    def __init__(self) -> None:
        self.aside: dict[
            str, int
        ] = {}  # chores that failed for a reason of ours, and from when on they are tried again
        self.looked = 0  # messages up to this id were held against those who wait


def run_due(intake: Intake, remembered: Remembered | None = None) -> int:
    """Fire everything that is due now and go on with every run that was cut off; how many commands that took.

    A chore that fails for a reason of ours does not keep the others from being done; its error is raised at the end.
    """
    remembered = remembered or Remembered()
    processor = intake.processor
    now = processor.now()
    failed = remembered.aside
    for name in [name for name, until in failed.items() if until <= now]:
        del failed[name]
    failure: Exception | None = None
    count = 0
    for number in range(PASSES):
        asks = _due(intake, DUE_AT_ONCE + len(failed))
        if number == 0:
            asks += _overlooked(intake, remembered)
        asks = [ask for ask in asks if subject(ask) not in failed]
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


def _due(intake: Intake, limit: int) -> list[Ask]:
    processor, storage = intake.processor, intake.processor.storage
    now = processor.now()
    due = intake.alone(storage.due(now, limit, now + SHARE if storage.shared else 0))
    asks = [Ask(FireTimer(timer.id)) for timer in due.timers] + [Ask(timer) for timer in due.starts]
    left = intake.alone(storage.ready(limit, now - SHARE if storage.shared else None))
    return asks + [Ask(Continue(instance)) for instance in left]


def _overlooked(intake: Intake, remembered: Remembered) -> list[Ask]:
    """Messages that are buffered though somebody waits: another process began to wait at the moment they came."""
    processor = intake.processor
    found = intake.alone(processor.storage.overlooked(remembered.looked, DUE_AT_ONCE))
    all_of_them = len(found) < DUE_AT_ONCE
    remembered.looked = earliest(processor.now() - LATELY) if all_of_them else found[-1][0]
    return [Ask(Match(name, key)) for name, key in dict.fromkeys((name, key) for _, name, key in found)]


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
        remembered = Remembered()
        level = logging.WARNING
        while not self._stop:
            self._wake.clear()
            pause = self._every
            try:
                began = self._now()
                run_due(self._intake, remembered)
                level = logging.WARNING
                due = self._intake.alone(self._intake.processor.storage.next_due())
                if due is not None:
                    # what was due before and still is cannot be done now: no reason to hurry
                    pause = min(pause, 1.0 if due <= began else max(0.0, (due - self._now()) / 1_000_000))
            except StorageError as error:
                log.log(level, "chores are put off: %s", error)
                level = logging.DEBUG  # a store that is away for an hour is said once
            except Exception:
                log.exception("chores failed; tried again in %s s", self._every)
            if not self._stop:
                self._wake.wait(max(pause, 0.001))
