"""Publishes what comes of records, in the order in which it comes; a record is done once all that follows from it is on the
bus."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import NamedTuple

from procession.bus import Bus, BusError, Publisher, Record, TooLarge
from procession.integration.lanes import Progress, Work
from procession.integration.outgoing import Outgoing

log = logging.getLogger("procession.integration")

AT_ONCE = 500
PAUSES = (0.05, 0.2, 1.0, 2.0)
"""Seconds until the same is published again, the last one for ever."""


class Entry(NamedTuple):
    """What follows from a record."""

    work: Work
    records: Sequence[Record]


class Post:
    """One thread. `failed` is told of what no repetition mends."""

    def __init__(
        self, bus: Bus, outgoing: Outgoing, progress: Progress, failed: Callable[[BaseException], None]
    ) -> None:
        self._bus, self._outgoing, self._progress, self._failed = bus, outgoing, progress, failed
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._publisher: Publisher | None = None
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="procession-post", daemon=True)
        self.handled = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def send(self, work: Work, records: Sequence[Record]) -> None:
        """Publish these, and the record is done."""
        self._queue.put(Entry(work, records))

    def close(self, seconds: float) -> None:
        """Publish what there is, for so long at most. What is not published comes again."""
        self._queue.put(None)
        self._thread.join(seconds)
        self._given_up.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        going = True
        while going and not self._given_up.is_set():
            entries = [self._queue.get()]
            try:
                while len(entries) < AT_ONCE:
                    entries.append(self._queue.get_nowait())
            except Empty:
                pass
            going = None not in entries
            try:
                self._deliver([each for each in entries if each is not None])
            except BaseException as error:  # noqa: BLE001  the integration stops, and raises it where somebody sees it
                self._failed(error)
                break
        self._let_go()

    def _deliver(self, entries: Sequence[Entry]) -> None:
        try:
            self._publish([record for entry in entries for record in entry.records])
        except TooLarge as error:
            if len(entries) > 1:
                for entry in entries:
                    self._deliver([entry])
                return
            self._too_large(entries[0].work, error)
        if self._given_up.is_set():
            return
        for entry in entries:
            self._progress.end(entry.work)
        self.handled += len(entries)

    def _too_large(self, work: Work, error: TooLarge) -> None:
        """Its answer would hold up everything behind it for ever."""
        log.error("an answer becomes a dead letter: %s", error)
        letter = self._outgoing.letter(work, "Too large.", f"The answer is too large: {error}", with_value=False)
        try:
            self._publish([letter])
        except TooLarge as again:
            log.error("its dead letter is too large, too, so that nothing is left of it: %s", again)

    def _publish(self, records: Sequence[Record]) -> None:
        tries = 0
        while records and not self._given_up.is_set():
            try:
                self._publisher = self._publisher or self._bus.publisher()
                self._publisher.publish(records)
                self._publisher.settled()
                return
            except TooLarge:
                raise
            except BusError as error:
                log.log(logging.DEBUG if tries else logging.WARNING, "answers are not published for now: %s", error)
                self._let_go()
                self._given_up.wait(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1

    def _let_go(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            try:
                publisher.close()
            except BusError as error:
                log.debug("closing the publisher: %s", error)
