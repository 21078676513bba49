"""Remembers what was answered, so that a record that comes again gets the same answer, and its effect is not done twice.

What is certain: the answer is noted on disk before it is published. What is not: a process that dies after an effect and before
the note has done something that it does not know of, and does it again. Two ways close that gap:

- what the handler writes to `record.database` is in the same transaction as the note: both are there, or none;
- another system is given `record.id` as its idempotency key.

One file serves several integrations and processes; SQLite lets one of them write at a time. Without a file it is forgotten with
the process, which helps against repetitions while it runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import apsw
import msgspec

from procession.integration.outgoing import Made

WAIT = 30_000
"""Milliseconds to wait for another process that writes."""

OFTEN = 1_000
"""Notes after which old ones are looked for."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS procession_answered
    (scope TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, answers BLOB NOT NULL, PRIMARY KEY (scope, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS procession_answered_at ON procession_answered (at);
"""
FIND = "SELECT answers FROM procession_answered WHERE scope = ? AND id = ?"
NOTE = "INSERT INTO procession_answered VALUES (?, ?, ?, ?)"
FORGET = "DELETE FROM procession_answered WHERE at < ?"

_answers = msgspec.json.Decoder(list[Made])


class Known(BaseException):
    """Somebody else has answered it in the meantime. No handler shall catch this."""

    def __init__(self, answers: list[Made]) -> None:
        self.answers = answers
        super().__init__("It was answered in the meantime.")


class Once:
    """Answers by the id of their request, in a file (`bureau.db`, `sqlite:///bureau.db`), else in memory; kept for `keep`."""

    def __init__(self, where: str = "memory:", *, keep: float | timedelta = timedelta(days=30)) -> None:
        self._path = _path(where)
        self._keep = keep.total_seconds() if isinstance(keep, timedelta) else float(keep)
        self.lock = threading.RLock()
        self._opened: apsw.Connection | None = None
        self._notes = 0

    def run(self, scope: str, id: str, work: Callable[[Database], list[Made]]) -> list[Made]:
        """What was answered before, else what `work` answers now; noted when this returns."""
        with self.lock:
            known = self.find(scope, id)
        if known is not None:
            return known
        database = Database(self, scope, id)
        try:
            answers = work(database)
            database.note(answers)
            return answers
        except Known as found:
            return found.answers
        finally:
            database.close()

    def find(self, scope: str, id: str) -> list[Made] | None:
        """What was answered; whoever asks holds the lock."""
        for (answers,) in self.connection().execute(FIND, (scope, id)):
            return _answers.decode(bytes(answers))
        return None

    def connection(self) -> apsw.Connection:
        """The file; whoever uses it holds the lock."""
        if self._opened is None:
            opened = apsw.Connection(self._path)
            opened.set_busy_timeout(WAIT)
            opened.pragma("journal_mode", "wal")
            opened.pragma("synchronous", "full")
            opened.execute(SCHEMA)
            self._opened = opened
        return self._opened

    def write(self, scope: str, id: str, answers: list[Made]) -> None:
        """Within a transaction."""
        now = time.time()
        if self._notes % OFTEN == 0:
            self.connection().execute(FORGET, (int(now - self._keep),))
        self._notes += 1
        self.connection().execute(NOTE, (scope, id, int(now), msgspec.json.encode(answers)))

    def close(self) -> None:
        """Close the file; it is opened again where it is needed."""
        with self.lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None


class Database:
    """The transaction of one record: begun when the handler asks for it, else when the answer is noted."""

    def __init__(self, once: Once, scope: str, id: str) -> None:
        self._once, self._scope, self._id = once, scope, id
        self._begun = False

    def open(self) -> apsw.Connection:
        """The connection, in a transaction. It is the only one that writes until the handler is through."""
        once = self._once
        if not self._begun:
            once.lock.acquire()
            try:
                once.connection().execute("BEGIN IMMEDIATE")
            except BaseException:
                once.lock.release()
                raise
            self._begun = True
            if (known := once.find(self._scope, self._id)) is not None:
                raise Known(known)
        return once.connection()

    def note(self, answers: list[Made]) -> None:
        """Commit what was written, and the answer."""
        connection = self.open()
        self._once.write(self._scope, self._id, answers)
        connection.execute("COMMIT")
        self._begun = False
        self._once.lock.release()

    def close(self) -> None:
        """Undo what was not committed."""
        if self._begun:
            self._begun = False
            try:
                self._once.connection().execute("ROLLBACK")
            finally:
                self._once.lock.release()


def _path(where: str) -> str:
    if where in ("memory:", "memory://"):
        return ":memory:"
    if where.startswith("sqlite:"):
        path = unquote(urlsplit(where).path)
        if len(path) < 2:
            raise ValueError(f"{where!r} names no file; write bureau.db or sqlite:///bureau.db")
        return path[1:]
    return where
