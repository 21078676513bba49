"""Kills this process at a named point of the commit path. Everything is wrapped from outside: the product knows nothing of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from procession.runtime.processor import Processor
from procession.storage import postgres, sqlite
from procession.storage.postgres import PostgresStorage
from procession.storage.postgres_ear import Ear
from procession.storage.sqlite import SqliteStorage

COMMON = (
    "load",  # a batch is about to be read
    "decided",  # it is decided, nothing is written
    "committed",  # it is written, nobody knows it
    "publishing",  # before listeners are told of it
    "answering",  # before the answers
    "answered",  # after them
    "leased",  # jobs were handed out, and nobody has them yet
    "due",  # timers were found, or claimed, and are not fired yet
    "opened",  # the store is open and nothing else
)
POINTS = {
    "sqlite": (*COMMON, "written"),  # in the transaction, before its COMMIT
    "postgresql": (
        *COMMON,
        "sending",  # before the one statement of the commit
        "sent",  # the statement is on its way, or being carried out
        "refused",  # somebody else was faster, and it is about to be decided again
        "telling",  # before the other nodes are told
    ),
}

_armed: dict[str, int] = {}


def arm(point: str, passages: int) -> None:
    """Die at so many more passages of a point; only one point is armed at a time."""
    _armed.clear()
    _armed[point] = passages


def disarm() -> None:
    _armed.clear()


def die(point: str) -> None:
    os.write(1, f"trap {point}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def passed(point: str) -> bool:
    """Whether it is time to die here."""
    left = _armed.get(point)
    if left is None:
        return False
    _armed[point] = left - 1
    return left <= 1


def passing(point: str) -> None:
    if passed(point):
        die(point)


def install() -> None:
    """Set the traps, unarmed."""
    for store in (PostgresStorage, SqliteStorage):
        _around(store, "load", before="load")
        _around(store, "commit", before="decided", after="committed")
        _around(store, "lease_jobs", after="leased")
        _around(store, "due", after="due")
        _around(store, "open", after="opened")
    _around(sqlite, "commit", before="written")
    _around(postgres, "conflict", after="refused")
    _in_front(Ear, "_news", "telling")
    _around_sending()
    _in_front(Processor, "_answer", "answering", after="answered")
    make = Processor.__init__

    def init(self: Processor, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        self.committed.append(lambda batch: passing("publishing"))

    Processor.__init__ = init


def _around(owner: Any, name: str, before: str = "", after: str = "") -> None:
    whole: Callable[..., Any] = getattr(owner, name)

    async def wrapped(*given: Any, **named: Any) -> Any:
        passing(before)
        result = await whole(*given, **named)
        passing(after)
        return result

    setattr(owner, name, wrapped)


def _in_front(owner: Any, name: str, before: str, after: str = "") -> None:
    whole: Callable[..., Any] = getattr(owner, name)

    def wrapped(*given: Any, **named: Any) -> Any:
        passing(before)
        result = whole(*given, **named)
        passing(after)
        return result

    setattr(owner, name, wrapped)


def _around_sending() -> None:
    whole = PostgresStorage._commit

    async def wrapped(self: PostgresStorage, connection: Any, batch: Any) -> None:
        passing("sending")
        if not passed("sent"):
            return await whole(self, connection, batch)
        sending = asyncio.ensure_future(whole(self, connection, batch))
        await asyncio.wait([sending], timeout=0.001)
        die("sent")

    PostgresStorage._commit = wrapped
