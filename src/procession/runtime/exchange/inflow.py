"""Takes records in: reads what the engine reads, decides it in batches, and goes on behind what is committed.

One thread for each node. Nodes share the partitions; where to begin with one says the store, so that a record takes effect once
whatever the bus remembers. A record never holds up those behind it: what cannot be handled becomes a letter.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence

from procession.bus import Bus, BusError, Partition, Received, Subscription, TopicSpec
from procession.bus.topics import MESSAGES, OPERATIONS, START, Naming
from procession.errors import CommandRejected, StorageError
from procession.runtime.asks import Ask, Lost
from procession.runtime.drive import drive
from procession.runtime.exchange.letters import record_of
from procession.runtime.exchange.orders import Orders
from procession.runtime.exchange.rates import Rates
from procession.runtime.exchange.taken import set_aside
from procession.runtime.machine import Machine

log = logging.getLogger("procession.bus")

AT_ONCE = 1_000
WAIT = 0.5
"""Seconds to wait for the first record: so long it takes to stop."""

PAUSES = (0.05, 0.2, 1.0, 2.0)
"""Seconds until the same is tried again, the last one for ever."""

LOOK = 1.0
"""Seconds between two looks at what is kept."""

TRIES = 3
"""So often a batch may fail while the store answers; then it is one of its records that the store does not take."""


class Inflow:
    """The thread that reads."""

    def __init__(
        self, machine: Machine, bus: Bus, orders: Orders, rates: Rates, topics: Sequence[TopicSpec] = ()
    ) -> None:
        self._machine, self._bus, self._orders, self._rates = machine, bus, orders, rates
        self._topics = list(topics)  # that are to be made if they are missing
        self._looked = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="procession-inflow", daemon=True)
        self.error = ""  # why it cannot read now

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more, and leave the group once what was read is done."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            subscription = None
            try:
                if self._topics and (made := self._bus.ensure(self._topics)):
                    log.info("made the topics %s", ", ".join(made))
                self._topics = []
                subscription = self._subscribe(self._orders.naming)
                while not self._stop.is_set():
                    records = subscription.poll(AT_ONCE, WAIT)
                    tries, self.error = 0, ""
                    if records and self._take(records):
                        subscription.commit(_behind(records))
                    self._look_after()
            except (BusError, StorageError) as error:
                self._say("records are not read for now: %s", error, tries)
                self._stop.wait(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
            except Exception as error:
                log.exception("reading records stumbled; it goes on")
                self.error = str(error)
                self._stop.wait(PAUSES[-1])
            finally:
                if subscription is not None:
                    _close(subscription)

    def _subscribe(self, naming: Naming) -> Subscription:
        topics = [naming.full(name) for name in (START, OPERATIONS, MESSAGES)]
        return self._bus.subscribe(self._orders.group, topics, naming.received, self._begin)

    def _begin(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """What the store says is right, also where it was put back to yesterday; where it has nothing, all is new to it."""
        rows = drive(self._machine.storage.positions(self._orders.group))
        known = {(row.topic, row.partition): row.next for row in rows}
        return {partition: known.get(partition, 0) for partition in partitions}

    def _look_after(self) -> None:
        """Once a second: letters that are to be tried again, and answers whose time is over."""
        if time.monotonic() - self._looked < LOOK:
            return
        storage, now = self._machine.storage, self._machine.clock.now()
        asks = [self._orders.ask(record_of(each), each) for each in drive(storage.letters_due(now, AT_ONCE))]
        asks += [Ask(Lost(each)) for each in drive(storage.lost_answers(now, AT_ONCE))]
        if asks and (failure := self._decide(asks)) is not None:
            raise failure
        self._looked = time.monotonic()

    def _take(self, records: Sequence[Received]) -> bool:
        """Decide them all; False: it was stopped before they were. What took effect is not done again."""
        tries = refused = 0
        while not self._stop.is_set():
            failure = self._decide([self._orders.ask(record) for record in records])
            if failure is None:
                self._rates.read(records)
                return True
            self._say("records are put off: %s", failure, tries)
            self._stop.wait(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1
            refused += self._answers()
            if refused >= TRIES:
                if len(records) > 1:
                    return all(self._take([record]) for record in records)
                self._machine.run(set_aside(self._orders.ask(records[0]), failure, self._machine.clock.now()))
                return True
        return False

    def _decide(self, asks: Sequence[Ask]) -> StorageError | None:
        """What the store could not do; everything else has its answer, or is a letter."""
        machine, failure = self._machine, None
        for ask in asks:
            machine.intake.submit(ask)
        for ask in asks:
            try:
                machine.wait(ask)
            except CommandRejected:
                pass  # answered, or a letter
            except StorageError as error:
                failure = error
            except Exception:  # noqa: BLE001  a defect of ours: logged and kept as a letter by the processor
                pass
        return failure

    def _answers(self) -> bool:
        try:
            drive(self._machine.storage.ping())
        except StorageError:
            return False
        return True

    def _say(self, text: str, error: Exception, tries: int) -> None:
        """Once: what is away for an hour is said once."""
        self.error = str(error)
        log.log(logging.DEBUG if tries else logging.WARNING, text, error)


def _behind(records: Sequence[Received]) -> dict[Partition, int]:
    return {(record.topic, record.partition): record.offset + 1 for record in records}


def _close(subscription: Subscription) -> None:
    try:
        subscription.close()
    except BusError as error:
        log.debug("leaving the group: %s", error)
