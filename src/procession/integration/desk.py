"""Calls handlers in threads, and says what goes out.

| the handler | what follows |
| --- | --- |
| returns a value, an `Answer`, or several | it is published, and then the record is done |
| returns None | the record is done |
| raises `Reject`, or returns what is no JSON | a dead letter, at once |
| raises anything else | it is called again after a back-off; a dead letter when no tries are left |
"""

from __future__ import annotations

import inspect
import logging
import threading
from importlib import import_module
from typing import Any

from procession.integration.lanes import Lanes, Work
from procession.integration.once import Database
from procession.integration.outgoing import Made, Outgoing, made, reason
from procession.integration.post import Post
from procession.integration.records import IncomingRecord, Reject

log = logging.getLogger("procession.integration")


class Desk:
    """So many threads. Coroutines run on one event loop, and a thread waits for each."""

    def __init__(self, lanes: Lanes, outgoing: Outgoing, post: Post, group: str, size: int) -> None:
        self._lanes, self._outgoing, self._post, self._group = lanes, outgoing, post, group
        self._loop: Any = None
        self._starting = threading.Lock()
        self._threads = [
            threading.Thread(target=self._turn, name=f"{group}-{number + 1}", daemon=True) for number in range(size)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def has(self, thread: threading.Thread) -> bool:
        """Whether handlers run in it."""
        return thread in self._threads or (self._loop is not None and self._loop.thread is thread)

    def close(self) -> None:
        """Cancel coroutines that still run; functions in threads cannot be cancelled."""
        if self._loop is not None:
            self._loop.close()

    def _turn(self) -> None:
        while (work := self._lanes.take()) is not None:
            try:
                self._handle(work)
            except Exception:
                log.exception("%s: what came of a record is not known; it comes again", self._group)

    def _handle(self, work: Work) -> None:
        try:
            records = self._outgoing.answers(work, self._answers(work))
        except BaseException as error:
            if not isinstance(error, Reject) and work.attempt <= work.route.retries:
                self._again(work, error)
                return
            title, detail = reason(error)
            trouble = None if isinstance(error, Reject) else error
            log.error("%s becomes a dead letter: %s %s", _named(work), title, detail, exc_info=trouble)
            records = [self._outgoing.letter(work, title, detail)]
        self._post.send(work, records)
        self._lanes.done(work)

    def _again(self, work: Work, error: BaseException) -> None:
        pause = work.route.backoff(work.attempt)
        log.warning("%s failed, the next try in %g s: %s", _named(work), pause, error, exc_info=error)
        self._lanes.again(work, pause)

    def _answers(self, work: Work) -> list[Made]:
        once = work.route.once
        if once is None:
            return self._call(work, None)
        record = IncomingRecord(work.received, work.topic, work.attempt)
        scope = f"{self._group} {work.topic}"
        return once.run(scope, record.id, lambda database: self._call(work, database))

    def _call(self, work: Work, database: Database | None) -> list[Made]:
        handler = work.route.handler
        is_function = not inspect.iscoroutinefunction(handler)
        record = IncomingRecord(work.received, work.topic, work.attempt, database if is_function else None)
        result = handler(record)
        if inspect.isawaitable(result):
            result = self._event_loop().result_of(result)
        return made(result, work.route.answer)

    def _event_loop(self) -> Any:
        with self._starting:
            if self._loop is None:  # asyncio costs 60 ms to import, and many integrations never need it
                self._loop = import_module("procession.runtime.event_loop").EventLoop(self._group)
            return self._loop


def _named(work: Work) -> str:
    received = work.received
    return f"the record at {received.topic}-{received.partition}-{received.offset} (key {received.key})"
