"""What an engine is made of: a store, its definitions, the processor with its queue, and the chores. Two faces stand on it:
`Engine` for programs that embed it, and `Node` for the edge."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from procession.bus.topics import Naming
from procession.engine.access import Principal
from procession.runtime.asks import Ask
from procession.runtime.chores import Reconciler
from procession.runtime.clock import Clock
from procession.runtime.definitions import Definitions
from procession.runtime.drive import drive
from procession.runtime.ids import NODES, Ids
from procession.runtime.intake import Intake
from procession.runtime.processor import Processor
from procession.runtime.queries import Queries
from procession.storage import Storage

T = TypeVar("T")


class Machine:
    """A store with everything that works on it. Thread-safe: commands of several threads share a commit.

    `number` tells the ids of this machine from those of others on the same store (None: one that nobody has here).
    """

    def __init__(self, storage: Storage, clock: Clock, number: int | None = None) -> None:
        self.storage, self.clock = storage, clock
        self.naming = Naming()  # that of the bus, once it is on one
        drive(storage.open())
        self.new_id = Ids(clock.now, _number_of(storage) if number is None else number)
        self.definitions = Definitions(storage, self.new_id, clock.now)
        self.intake = Intake(Processor(storage, self.definitions, clock.now, self.new_id))
        self._reconciler = Reconciler(self.intake, clock.now)
        self.intake.processor.alarmed = bool(
            storage.shared or self._scheduled() or drive(storage.ready(1)) or drive(storage.messages(limit=1))
        )
        self.look_after()

    def run(self, ask: Ask) -> Any:
        """Queue a command and wait for its answer."""
        return self.wait(self.intake.submit(ask))

    def wait(self, ask: Ask) -> Any:
        """The answer to a command that was submitted."""
        try:
            return self.intake.wait(ask)
        finally:
            self.look_after()

    def alone(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Write to the store in another way, while nobody commits."""
        return self.intake.alone(coroutine)

    def queries(self, principal: Principal) -> Queries:
        """Questions of this principal."""
        return Queries(self.storage, self.definitions, principal, self.naming)

    def look_after(self) -> None:
        """What goes on by itself needs somebody to look after it, whoever's commands it came of."""
        if self.intake.processor.alarmed:
            self._alarm()
            if self.clock.virtual:
                self.intake.flush()

    def wake(self) -> None:
        """The same where an event loop turns the crank: what goes on by itself goes on without being asked."""
        if self.intake.processor.alarmed:
            self._alarm()

    def published(self) -> None:
        """A definition was published: it may begin by itself."""
        if self._scheduled():
            self._alarm()

    def close(self) -> None:
        """Finish what is queued and release the store. A long run stops between two transactions, to go on later."""
        self.intake.close()
        self._reconciler.stop()
        self.intake.alone(self.storage.close())

    def _alarm(self) -> None:
        """Something was written that time or the engine itself goes on with."""
        self.intake.processor.alarmed = False
        if not self.clock.virtual:
            self._reconciler.start()
            self._reconciler.wake()

    def _scheduled(self) -> bool:
        return self.alone(self.storage.next_due()) is not None


def _number_of(storage: Storage) -> int | Callable[[], int]:
    """The number that a shared store gives; it may be another one after the connection was lost."""
    first = storage.number
    return _free_number() if first is None else lambda: storage.number or first


_numbers: set[int] = set()


def _free_number() -> int:
    """A number for the ids of an engine: none that another engine of this program has, and rarely one of another program's.

    Not the number of the operating system's process: in containers that is often the same.
    """
    if len(_numbers) > NODES // 2:
        _numbers.clear()
    number = random.SystemRandom().choice([number for number in range(NODES) if number not in _numbers])
    _numbers.add(number)
    return number
