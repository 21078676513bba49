"""Publishes what the store has for others: the outbox, and what history says to those who follow.

One node at a time publishes, since only then the records of an instance keep their order; another one takes the role over within
two seconds. An older publisher of the same name is fenced by the bus: a node that comes back from the dead publishes nothing.
What was published and not yet forgotten is published again, with the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection

from procession.bus import Bus, BusError, Fenced, Publisher, Record, TooLarge, Unwritable
from procession.bus.topics import Naming
from procession.definition.iso8601 import format_instant
from procession.errors import StorageError
from procession.runtime.asks import Ask, Published
from procession.runtime.drive import drive
from procession.runtime.exchange.headers import OUR_OWN, cloud_event, read_headers
from procession.runtime.exchange.letters import unsent
from procession.runtime.exchange.notices import Notices
from procession.runtime.exchange.rates import Rates
from procession.runtime.exchange.role import Role
from procession.runtime.machine import Machine
from procession.storage import Batch, OutboxRow

log = logging.getLogger("procession.bus")

AT_ONCE = 2_000
EVERY, WHILE_OPEN = 0.5, 0.02
"""Seconds between two looks at the latest; and while records that were published are not done with."""

ROLE = "publisher"

SHORTEST, LONGEST = 60.0, 600.0
"""Seconds for which records are kept back whose topic cannot be written: to find that out may take half a minute."""

PAUSES = (0.05, 0.2, 1.0, 2.0)
"""Seconds until the bus is tried again, the last one for ever."""


class Outflow:
    """The thread that publishes."""

    def __init__(self, machine: Machine, bus: Bus, naming: Naming, holder: str, rates: Rates) -> None:
        self._machine, self._bus, self._naming, self._rates = machine, bus, naming, rates
        self._role = Role(machine, ROLE, holder)
        self._notices = Notices(machine, naming)
        self._publisher: Publisher | None = None
        self._blocked = Blocked()
        self._open: set[int] = set()  # numbers that were published, and that are not safe without us yet
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="procession-outflow", daemon=True)
        self.error = ""  # why it cannot publish now
        machine.intake.processor.committed.append(self._committed)
        machine.storage.others.append(self._elsewhere)

    def start(self) -> None:
        """Begin."""
        self._role.start()
        self._thread.start()

    def stop(self) -> None:
        """Publish no more. What is left is published by whoever starts next."""
        self._ended.set()
        self._wake.set()
        self._thread.join()

    def _committed(self, batch: Batch) -> None:
        if batch.outbox or (batch.history and self._notices.wanted):
            self._wake.set()

    def _elsewhere(self, types: Collection[str]) -> None:
        self._wake.set()

    def _run(self) -> None:
        tries = 0
        while not self._ended.is_set():
            self._wake.clear()
            pause = EVERY
            try:
                while not self._ended.is_set() and self._turn():
                    pass
                pause = WHILE_OPEN if self._open else EVERY
                tries, self.error = 0, self._blocked.why()
            except Fenced:
                log.info("another node publishes now")
                self._let_go()
            except (BusError, StorageError) as error:
                self.error = str(error)
                log.log(logging.DEBUG if tries else logging.WARNING, "records are not published for now: %s", error)
                self._let_go()
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                tries += 1
            except Exception as error:
                log.exception("publishing stumbled; it goes on")
                self.error = str(error)
                self._let_go()
                pause = PAUSES[-1]
            (self._ended if tries else self._wake).wait(pause)
        self._let_go()
        self._role.stop()

    def _turn(self) -> bool:
        """Publish one batch of each; whether there may be more."""
        publisher = self._publisher
        if publisher is None:
            if not drive(self._machine.storage.outbox(1)) and not self._notices.behind():
                return False
            if not self._role.hold():
                return False
            with self._role.kept():
                publisher = self._publisher = self._bus.publisher(self._naming.full("core.publisher"))
        wanted = publisher.topics()
        self._notices.want(wanted)
        more = self._publish(publisher, wanted)
        return self._follow(publisher) or more

    def _publish(self, publisher: Publisher, wanted: Collection[str] | None) -> bool:
        names = None if wanted is None else {self._naming.short(topic) for topic in wanted} | set(wanted)
        rows = drive(self._machine.storage.outbox(AT_ONCE + len(self._open), names, self._blocked.names()))
        records = [self._record(number, row) for number, row in rows if number not in self._open]
        if records:
            self._open.update(record.number for record in self._put(publisher, records))
        if done := [number for number in publisher.settled() if number in self._open]:
            self._machine.run(Ask(Published(done)))
            self._open.difference_update(done)
        return len(records) >= AT_ONCE

    def _follow(self, publisher: Publisher) -> bool:
        records, positions = self._notices.next(AT_ONCE, self._cloud_event)
        if not positions:
            return False
        blocked = self._blocked.names()
        if left := [record for record in records if record.topic not in blocked]:
            self._put(publisher, left)
            publisher.settled()
        self._machine.run(Ask(Published((), positions)))
        return True

    def _put(self, publisher: Publisher, records: list[Record]) -> list[Record]:
        """Publish what can be published; which records that were."""
        if records and not self._role.hold():
            raise Fenced("Another node has the role of the publisher.")
        while records:
            try:
                with self._role.kept():
                    publisher.publish(records)
            except TooLarge as error:
                self._too_large(error.record, error)
                records = [record for record in records if record != error.record]
            except Unwritable as error:
                log.warning("records for '%s' are kept back for a while: %s", error.topic, error)
                self._blocked.add(error, self._naming.short(error.topic))
                records = [record for record in records if record.topic != error.topic]
            else:
                break
        self._rates.published(records)
        return records

    def _too_large(self, record: Record, error: TooLarge) -> None:
        """It would hold up everything behind it for ever."""
        log.error(
            "a record of %s bytes for '%s' is kept as a letter: %s", f"{len(record.value):,}", record.topic, error
        )
        machine = self._machine
        letter = unsent(record, machine.new_id(), machine.clock.now(), "Too large.", str(error))
        machine.run(Ask(Published([record.number] if record.number else [], letters=[letter])))

    def _record(self, number: int, row: OutboxRow) -> Record:
        subject = str(row.instance) if row.instance else None
        own = tuple(each for each in read_headers(row.headers) if not each[0].startswith(OUR_OWN))
        headers = (*own, *self._cloud_event(str(row.id), row.topic, subject, row.created))
        return Record(self._naming.full(row.topic), row.key, row.value, headers, number)

    def _cloud_event(self, id: str, name: str, subject: str | None, at: int) -> list[tuple[str, bytes]]:
        return list(cloud_event(id, f"procession.{name}", self._naming.source, subject, format_instant(at)))

    def _let_go(self) -> None:
        publisher, self._publisher = self._publisher, None
        self._open.clear()
        if publisher is not None:
            try:
                publisher.close()
            except BusError as error:
                log.debug("closing the publisher: %s", error)


class Blocked:
    """Topics that cannot be written, until they are tried again: each time after twice as long."""

    def __init__(self) -> None:
        self._pauses: dict[str, float] = {}
        self._now: dict[str, tuple[float, str, str]] = {}  # until when, what processes call it, and why

    def add(self, error: Unwritable, name: str) -> None:
        """It could not be written."""
        pause = self._pauses[error.topic] = min(2 * self._pauses.get(error.topic, SHORTEST / 2), LONGEST)
        self._now[error.topic] = time.monotonic() + pause, name, str(error)

    def names(self) -> set[str]:
        """Those that are not tried now, in both ways to call them."""
        now = time.monotonic()
        self._now = {topic: each for topic, each in self._now.items() if each[0] > now}
        return {*self._now, *(name for _, name, _ in self._now.values())}

    def why(self) -> str:
        """What is wrong with them."""
        return " ".join(why for _, _, why in self._now.values())
