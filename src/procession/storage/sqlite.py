"""The store in one SQLite file, for a laptop or a single server: nothing to install, durable when it says so.

Every method runs in the thread that calls it and never suspends. One thread at a time may write; queries use
connections of their own and may run beside a commit. Other processes may open the same file: the commit checks
positions inside the database, so that whoever is second decides again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import apsw

from procession.errors import StorageError
from procession.storage import (
    AuditRow,
    Batch,
    DefinitionRow,
    DraftRow,
    FormRow,
    Found,
    LeasedJob,
    Need,
    SessionRow,
    StartSubscriptionRow,
    StartTimerRow,
    UserRow,
)
from procession.storage.conflicts import numbered
from procession.storage.migrations import Migration
from procession.storage.sqlite_batch import conflict, read, write
from procession.storage.sqlite_file import MEMORY, SQL, SqliteFile, begin, commit, is_taken, roll_back
from procession.storage.sqlite_queries import SqliteQueries
from procession.storage.waiting import ELSEWHERE

TRUSTED = 100_000  # instances whose positions are remembered as sure, once other processes write too


class SqliteStorage(SqliteQueries):
    """A store in the file `path`, or in memory (`:memory:`).

    While no other process writes, a position that was read or written through this object stays right, and `load` does
    not look it up again. Once another one has written, it trusts what it has read or written since.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        super().__init__(SqliteFile(self.path))
        self._data_version = 0
        self._trusted: set[int] | None = None

    async def open(self) -> None:
        """Create or migrate the schema; refuse a newer one or a changed migration with a `StorageError`."""
        self._file.open()
        with self._file.writer as connection:
            self._data_version = connection.execute(SQL["data_version"]).get

    async def close(self) -> None:
        self._file.close()

    async def migrate(self, *, dry_run: bool = False) -> list[Migration]:
        """Bring the schema up to date, or only say what would be done; `open` does it too."""
        todo = self._file.migrations()
        if not dry_run:
            await self.open()
        return todo

    # -- the processor ------------------------------------------------------------------------------------------------

    async def load(self, need: Need) -> Found:
        with self._file.writer as connection:
            if self.path != MEMORY:
                self._notice_others(connection)
            return read(connection, need, self._trusted)

    async def commit(self, batch: Batch) -> None:
        elsewhere = ELSEWHERE.get()
        with self._file.writer as connection:
            await begin(connection, elsewhere)
            try:
                write(connection, batch)
            except apsw.ConstraintError as error:
                roll_back(connection)
                raise conflict(connection, batch, error) from None
            await commit(connection, elsewhere)
            if self._trusted is not None:
                self._trusted.update(row.id for row in batch.new)
                self._trusted.update(row.id for row, _ in batch.changed)

    def _notice_others(self, connection: apsw.Connection) -> None:
        """When another connection has written, no position that was known before is sure any more."""
        version = connection.execute(SQL["data_version"]).get
        if version != self._data_version or (self._trusted is not None and len(self._trusted) > TRUSTED):
            self._data_version = version
            self._trusted = set()

    async def lease_jobs(self, type: str, worker: str, limit: int, now: int, deadline: int) -> list[LeasedJob]:
        given = {"type": type, "worker": worker, "limit": limit, "now": now, "deadline": deadline}
        with self._file.writer as connection:
            rows = connection.execute(SQL["lease_jobs"], given).fetchall()
        return [LeasedJob.of(row) for row in sorted(rows)]

    async def extend_lease(self, job: int, fence: int, now: int, deadline: int) -> bool:
        return self._change("extend_lease", {"job": job, "fence": fence, "now": now, "deadline": deadline}) == 1

    async def release_lease(self, job: int, fence: int) -> bool:
        return self._change("release_lease", {"job": job, "fence": fence}) == 1

    async def expire_messages(self, now: int) -> int:
        return self._change("expire_messages", (now,))

    async def hold_role(self, role: str, holder: str, now: int, until: int) -> bool:
        return self._change("hold_role", {"role": role, "holder": holder, "now": now, "until": until}) == 1

    async def release_role(self, role: str, holder: str) -> None:
        self._change("release_role", (role, holder))

    # -- definitions --------------------------------------------------------------------------------------------------

    async def add_definitions(
        self, rows: Sequence[DefinitionRow], audit: Sequence[AuditRow], forms: Sequence[FormRow] = ()
    ) -> None:
        with self._file.writer as connection:
            connection.execute(SQL["begin"])
            try:
                connection.executemany(SQL["add_definition"], rows)
            except apsw.ConstraintError as error:
                if not is_taken(error):
                    raise
                raise numbered(rows) from None
            connection.executemany(SQL["add_form"], forms)
            self._definitions_change(connection, audit)

    async def publish(
        self,
        definition: int,
        timers: Sequence[StartTimerRow],
        subscriptions: Sequence[StartSubscriptionRow],
        audit: Sequence[AuditRow],
    ) -> None:
        which = {"definition": definition, "state": "published"}
        with self._file.writer as connection:
            connection.execute(SQL["begin"])
            self._set_state(connection, definition, "published")
            connection.execute(SQL["retire_published"], which)
            connection.execute(SQL["end_start_timers"], which)
            connection.execute(SQL["end_start_subscriptions"], which)
            connection.executemany(SQL["put_start_timer"], timers)
            connection.executemany(SQL["add_start_subscription"], subscriptions)
            self._definitions_change(connection, audit)

    async def deprecate(self, definition: int, audit: Sequence[AuditRow]) -> None:
        with self._file.writer as connection:
            connection.execute(SQL["begin"])
            self._set_state(connection, definition, "deprecated")
            connection.execute(SQL["remove_start_timers"], (definition,))
            connection.execute(SQL["remove_start_subscriptions"], (definition,))
            self._definitions_change(connection, audit)

    def _set_state(self, connection: apsw.Connection, definition: int, state: str) -> None:
        connection.execute(SQL["set_definition_state"], {"definition": definition, "state": state})
        if connection.changes() != 1:
            raise StorageError(f"There is no definition {definition}.")

    def _definitions_change(self, connection: apsw.Connection, audit: Sequence[AuditRow]) -> None:
        connection.executemany(SQL["add_audit"], audit)
        connection.execute(SQL["definitions_change"])
        connection.execute(SQL["commit"])

    # -- drafts -------------------------------------------------------------------------------------------------------

    async def put_draft(self, draft: DraftRow) -> bool:
        return self._change("put_draft", draft._asdict()) == 1

    async def remove_draft(self, task: int, user: str) -> bool:
        return self._change("remove_draft", (task, user)) == 1

    # -- the users ----------------------------------------------------------------------------------------------------

    async def put_user(self, user: UserRow, audit: Sequence[AuditRow]) -> None:
        with self._file.writer as connection:
            connection.execute(SQL["begin"])
            connection.execute(SQL["put_user"], user)
            connection.execute(SQL["end_sessions"], (user.name, user.stamp))
            connection.executemany(SQL["add_audit"], audit)
            connection.execute(SQL["commit"])

    async def remove_user(self, name: str, audit: Sequence[AuditRow]) -> bool:
        with self._file.writer as connection:
            connection.execute(SQL["begin"])
            connection.execute(SQL["remove_user"], (name,))
            removed = connection.changes() == 1
            if removed:
                connection.execute(SQL["remove_sessions"], (name,))
                connection.execute(SQL["remove_drafts_of"], (name,))
                connection.executemany(SQL["add_audit"], audit)
            connection.execute(SQL["commit"])
        return removed

    async def put_session(self, session: SessionRow) -> None:
        self._change("put_session", session)

    async def remove_session(self, id: str) -> bool:
        return self._change("remove_session", (id,)) == 1

    async def remove_sessions(self, user: str) -> int:
        return self._change("remove_sessions", (user,))

    async def expire_sessions(self, now: int) -> int:
        return self._change("expire_sessions", (now,))

    def _change(self, statement: str, given: Any) -> int:
        """One statement as a transaction of its own: how many rows it changed."""
        with self._file.writer as connection:
            connection.execute(SQL[statement], given)
            return connection.changes()
