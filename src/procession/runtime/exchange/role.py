"""A role that one node at a time has: taken when there is something to do, and kept for as long as that takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from procession.errors import StorageError
from procession.runtime.machine import Machine

log = logging.getLogger("procession.bus")

HELD, RENEW = 2_000_000, 1_000_000
"""Microseconds for which it is taken, and before the end of which it is taken again."""

BEAT = 0.5
"""Seconds between two looks of whoever keeps it."""


class Role:
    """For one thread, and one of its own that keeps the role while the other is busy with what may take long.

    A node that dies or freezes keeps nothing, and another one has the role when its time is over.
    """

    def __init__(self, machine: Machine, name: str, holder: str) -> None:
        self._machine, self._name, self._holder = machine, name, holder
        self._until = 0  # so long it is ours
        self._busy = False
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="procession-role", daemon=True)

    def start(self) -> None:
        """Be ready to keep it."""
        self._keeper.start()

    def hold(self) -> bool:
        """Have it, and for a while longer. `StorageError`."""
        now = self._machine.clock.now()
        if now < self._until - RENEW:
            return True
        held = self._machine.alone(self._machine.storage.hold_role(self._name, self._holder, now, now + HELD))
        self._until = now + HELD if held else 0
        return held

    @contextmanager
    def kept(self) -> Iterator[None]:
        """It is ours in the block, however long that takes."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def stop(self) -> None:
        """Give it up, so that others need not wait."""
        self._ended.set()
        self._keeper.join()
        if self._until:
            try:
                self._machine.alone(self._machine.storage.release_role(self._name, self._holder))
            except StorageError as error:
                log.debug("the role of the %s is left to time out: %s", self._name, error)

    def _keep(self) -> None:
        while not self._ended.wait(BEAT):
            if self._busy:
                try:
                    self.hold()
                except StorageError as error:
                    log.debug("the role of the %s is not kept for now: %s", self._name, error)
