"""Jobs for workers that read them on the bus: each is leased, and offered on the topic of its type until its time is over.

A lease carries a fencing number, so that of two results the later lease's counts. A job that was leased and not published, as
its node died, is leased again when its time is over: an offer may come twice, a result counts once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence

from procession.bus import Bus, BusError, Publisher, Record, TooLarge
from procession.bus.topics import JOB, Naming
from procession.definition.iso8601 import format_instant
from procession.engine.codec import encode
from procession.errors import StorageError
from procession.runtime.exchange.headers import INSTANCE, cloud_event
from procession.runtime.exchange.rates import Rates
from procession.runtime.exchange.shapes import JobOffer
from procession.runtime.machine import Machine
from procession.runtime.views import JobView
from procession.storage import Batch

log = logging.getLogger("procession.bus")

AT_ONCE = 500
EVERY = 1.0
"""Seconds between two looks at the latest: a lease or a back-off may be over."""

LOCK = 300_000_000
"""Microseconds for which a job is its reader's."""

WORKER = "bus"


class Offers:
    """The thread that offers jobs of some types."""

    def __init__(self, machine: Machine, bus: Bus, naming: Naming, types: Sequence[str], rates: Rates) -> None:
        self._machine, self._bus, self._naming, self._types, self._rates = machine, bus, naming, types, rates
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="procession-offers", daemon=True)
        self.error = ""  # why it cannot offer now
        machine.intake.processor.committed.append(self._committed)
        machine.storage.others.append(self._elsewhere)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Offer no more."""
        self._ended.set()
        self._wake.set()
        self._thread.join()

    def _committed(self, batch: Batch) -> None:
        if any(job.type in self._types for job in batch.jobs):
            self._wake.set()

    def _elsewhere(self, types: Collection[str]) -> None:
        if any(type in self._types for type in types):
            self._wake.set()

    def _run(self) -> None:
        publisher: Publisher | None = None
        failed = False
        while not self._ended.is_set():
            self._wake.clear()
            try:
                publisher = publisher or self._bus.publisher()
                while not self._ended.is_set() and sum(self._offer(publisher, type) for type in self._types):
                    pass  # each type in turn
                failed, self.error = False, ""
            except (BusError, StorageError) as error:
                self.error = str(error)
                log.log(logging.DEBUG if failed else logging.WARNING, "jobs are not offered for now: %s", error)
                failed = True
            except Exception as error:
                log.exception("offering jobs stumbled; it goes on")
                self.error = str(error)
                failed = True
            # each job that comes meanwhile would be leased and given back at once
            (self._ended if failed else self._wake).wait(EVERY)
        if publisher is not None:
            publisher.close()

    def _offer(self, publisher: Publisher, type: str) -> bool:
        """Offer what there is of a type; whether there may be more."""
        wanted, topic = publisher.topics(), self._naming.full(JOB + type)
        if wanted is not None and topic not in wanted:
            return False
        machine = self._machine
        jobs = machine.alone(machine.intake.processor.activate_jobs(type, WORKER, AT_ONCE, LOCK, None))
        if not jobs:
            return False
        try:
            self._publish(publisher, topic, jobs)
        except BusError:
            for job in jobs:
                machine.alone(machine.storage.release_lease(int(job.id), job.token))
            raise
        return len(jobs) == AT_ONCE

    def _publish(self, publisher: Publisher, topic: str, jobs: Sequence[JobView]) -> None:
        records = [self._record(topic, job) for job in jobs]
        while records:
            try:
                publisher.publish(records)
            except TooLarge as error:
                # its lease stays, so that it is not offered again at once; whoever asks for jobs over HTTP gets it afterwards
                log.error("a job is too large for '%s': %s", topic, error)
                self.error = str(error)
                records = [record for record in records if record != error.record]
            else:
                publisher.settled()
                self._rates.published(records)
                return

    def _record(self, topic: str, job: JobView) -> Record:
        offer = JobOffer(
            id=job.id,
            token=job.token,
            type=job.type,
            instance=job.instance,
            node=job.node,
            variables=job.variables,
            headers=dict(job.headers),
            retries=job.retries,
            deadline=job.deadline,
        )
        at = format_instant(self._machine.clock.now())
        id, kind = f"{job.id}-{job.token}", f"procession.{JOB}{job.type}"
        about = cloud_event(id, kind, self._naming.source, job.instance, at)
        return Record(topic, job.instance, encode(offer), ((INSTANCE, job.instance.encode()), *about))
