"""The store on a PostgreSQL server (13 or newer), for any number of equal nodes.

A node owns nothing: a commit checks positions inside the database, so that of two nodes that decided the same instance one wins
and the other decides again. Work that waits (jobs, timers) is shared out by `SKIP LOCKED`. Nodes tell each other by `NOTIFY` that
something was committed, beside the commit and not in it, since commits that notify wait for each other; who misses it finds out
when it looks.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg

from procession.errors import StorageError, VersionConflict
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
from procession.storage.postgres_batch import call, conflict, is_conflict, read
from procession.storage.postgres_ear import Ear
from procession.storage.postgres_errors import DEFINITIONS_CHANGED, is_lost, is_taken, said, sqlstate
from procession.storage.postgres_link import Connection, Link, Runner, change, query
from procession.storage.postgres_queries import PostgresQueries
from procession.storage.postgres_schema import migrate, outstanding

HELD: ContextVar[Runner | None] = ContextVar("held", default=None)
"""The connection in whose transaction instances are held, in a block of `exclusively`."""


class PostgresStorage(PostgresQueries):
    """A store at a URL of libpq; see `Link`. Thread-safe, and usable from any event loop that was attached."""

    shared = True

    def __init__(self, url: str) -> None:
        super().__init__(Link(url))
        self.others: list[Callable[[Collection[str]], None]] = []
        self._definitions = 0  # how often they have changed, as far as is known here; every commit checks it
        self._ear: Ear | None = None
        self._opening = threading.Lock()

    @property
    def number(self) -> int | None:
        """It may become another one when the connection was lost, and somebody else has taken it."""
        return None if self._ear is None else self._ear.number

    async def open(self) -> None:
        """Create or migrate the schema; refuse a newer one or a changed migration with a `StorageError`."""
        with self._opening:
            if self._ear is not None:
                return
            self._link.open()
            ear = Ear(self._link, self._heard, lambda: self._definitions)
            try:
                await migrate(self._link)
                await self.look()
                ear.start()
            except BaseException:
                self._link.close()
                raise
            self._ear = ear

    async def close(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.stop()
        self._link.close()

    async def attach(self) -> None:
        await self._link.attach()

    async def detach(self) -> None:
        await self._link.detach()

    async def migrate(self, *, dry_run: bool = False) -> list[Migration]:
        """Bring the schema up to date, or only say what would be done; `open` does it too."""
        self._link.open()
        todo = await outstanding(self._link)
        if not dry_run:
            await migrate(self._link)
        return todo

    # -- the processor ------------------------------------------------------------------------------------------------

    async def load(self, need: Need) -> Found:
        run = HELD.get() or self._link.run
        found: Found = await run(lambda connection: read(connection, need))
        return found

    async def commit(self, batch: Batch) -> None:
        held = HELD.get()
        if held is not None:
            await held(lambda connection: self._commit(connection, batch))
        else:
            await self._link.run(lambda connection: self._commit(connection, batch), again=False)
        self._tell({job.type for job in batch.jobs})

    @asynccontextmanager
    async def exclusively(self, instances: Collection[int]) -> AsyncIterator[None]:
        """Nobody else changes these instances in the block, which is one transaction."""
        async with self._link.reserved() as run:
            await run(lambda connection: connection.execute("BEGIN"))
            token = HELD.set(run)
            try:
                await run(lambda connection: query(connection, "hold_instances", instances=list(instances)))
                yield
            except BaseException as error:
                if not (is_lost(error) or is_lost(error.__cause__)):
                    await run(lambda connection: connection.execute("ROLLBACK"))
                raise
            finally:
                HELD.reset(token)
            try:
                await run(lambda connection: connection.execute("COMMIT"))
            except Exception as error:
                if is_lost(error):
                    raise self._unsure(error) from error
                raise

    async def _commit(self, connection: Connection, batch: Batch) -> None:
        statement, given = call(batch, self._definitions)
        try:
            await connection.fetchval(statement, *given)
        except Exception as error:
            if sqlstate(error) == DEFINITIONS_CHANGED:
                await self.look()
                raise VersionConflict("Definitions were published since. Nothing was written: decide again.") from None
            if is_conflict(error):
                if connection.is_in_transaction():  # that of `exclusively`: nothing more can be asked in it
                    await connection.execute("ROLLBACK")
                raise await conflict(connection, batch) from None
            if is_lost(error):
                raise self._unsure(error) from error
            raise

    def _unsure(self, error: Exception) -> StorageError:
        return StorageError(
            f"The connection to {self._link.name} was lost during a commit ({said(error)}). It took effect as a whole or not "
            "at all: ask again with the same idempotency key, or look."
        )

    async def lease_jobs(self, type: str, worker: str, limit: int, now: int, deadline: int) -> list[LeasedJob]:
        given = {"type": type, "worker": worker, "limit": limit, "now": now, "deadline": deadline}
        rows = await self._link.run(lambda connection: query(connection, "lease_jobs", **given), again=False)
        return [LeasedJob.of(row) for row in sorted(map(tuple, rows))]

    async def extend_lease(self, job: int, fence: int, now: int, deadline: int) -> bool:
        return await self._link.change("extend_lease", job=job, fence=fence, now=now, deadline=deadline) == 1

    async def release_lease(self, job: int, fence: int) -> bool:
        return await self._link.change("release_lease", job=job, fence=fence) == 1

    async def expire_messages(self, now: int) -> int:
        return await self._link.change("expire_messages", now=now)

    async def hold_role(self, role: str, holder: str, now: int, until: int) -> bool:
        return await self._link.change("hold_role", role=role, holder=holder, now=now, until=until) == 1

    async def release_role(self, role: str, holder: str) -> None:
        await self._link.change("release_role", role=role, holder=holder)

    # -- definitions --------------------------------------------------------------------------------------------------

    async def definitions_changed(self) -> int:
        """As far as this node knows. A commit that was decided by older ones is refused, so that nothing is lost by it."""
        return self._definitions

    async def add_definitions(
        self, rows: Sequence[DefinitionRow], audit: Sequence[AuditRow], forms: Sequence[FormRow] = ()
    ) -> None:
        async def work(connection: Connection) -> int:
            number = await _definitions_change(connection, audit)
            for row in rows:
                await change(connection, "add_definition", **row._asdict())
            for form in forms:
                await change(connection, "add_form", **form._asdict())
            return number

        number = await self._link.transaction(lambda connection: _or_conflict(work(connection), rows))
        self.learn(number)
        self._tell(())

    async def publish(
        self,
        definition: int,
        timers: Sequence[StartTimerRow],
        subscriptions: Sequence[StartSubscriptionRow],
        audit: Sequence[AuditRow],
    ) -> None:
        async def work(connection: Connection) -> int:
            number = await _definitions_change(connection, audit)
            await self._set_state(connection, definition, "published")
            await change(connection, "retire_published", definition=definition)
            await change(connection, "end_start_timers", definition=definition)
            await change(connection, "end_start_subscriptions", definition=definition)
            for timer in timers:
                await change(connection, "put_start_timer", **timer._asdict())
            for subscription in subscriptions:
                await change(connection, "add_start_subscription", **subscription._asdict())
            return number

        self.learn(await self._link.transaction(work))
        self._tell(())

    async def deprecate(self, definition: int, audit: Sequence[AuditRow]) -> None:
        async def work(connection: Connection) -> int:
            number = await _definitions_change(connection, audit)
            await self._set_state(connection, definition, "deprecated")
            await change(connection, "remove_start_timers", definition=definition)
            await change(connection, "remove_start_subscriptions", definition=definition)
            return number

        self.learn(await self._link.transaction(work))
        self._tell(())

    async def _set_state(self, connection: Connection, definition: int, state: str) -> None:
        if await change(connection, "set_definition_state", definition=definition, state=state) != 1:
            raise StorageError(f"There is no definition {definition}.")

    async def look(self) -> None:
        """See how often the definitions have changed by now."""
        [(number,)] = await self._link.fetch("definitions_changed")
        self.learn(number)

    def learn(self, definitions: int) -> None:
        """The definitions have changed so often at least."""
        self._definitions = max(self._definitions, definitions)

    def _heard(self, definitions: int, types: Collection[str] | None) -> None:
        """What another node has told, or (without types) what was looked up."""
        self.learn(definitions)
        if types is not None:
            for tell in self.others:
                tell(types)

    def _tell(self, types: Collection[str]) -> None:
        """Something was committed here."""
        if self._ear is not None:
            self._ear.tell(types)

    # -- drafts and the users -----------------------------------------------------------------------------------------

    async def put_draft(self, draft: DraftRow) -> bool:
        return await self._link.change("put_draft", **draft._asdict()) == 1

    async def remove_draft(self, task: int, user: str) -> bool:
        return await self._link.change("remove_draft", task=task, user=user) == 1

    async def put_user(self, user: UserRow, audit: Sequence[AuditRow]) -> None:
        async def work(connection: Connection) -> None:
            await change(connection, "put_user", **user._asdict())
            await change(connection, "end_sessions", user=user.name, stamp=user.stamp)
            await _note(connection, audit)

        await self._link.transaction(work)

    async def remove_user(self, name: str, audit: Sequence[AuditRow]) -> bool:
        async def work(connection: Connection) -> bool:
            removed = await change(connection, "remove_user", name=name) == 1
            if removed:
                await change(connection, "remove_sessions", user=name)
                await change(connection, "remove_drafts_of", user=name)
                await _note(connection, audit)
            return removed

        return await self._link.transaction(work)

    async def put_session(self, session: SessionRow) -> None:
        await self._link.change("put_session", **session._asdict())

    async def remove_session(self, id: str) -> bool:
        return await self._link.change("remove_session", id=id) == 1

    async def remove_sessions(self, user: str) -> int:
        return await self._link.change("remove_sessions", user=user)

    async def expire_sessions(self, now: int) -> int:
        return await self._link.change("expire_sessions", now=now)


async def _definitions_change(connection: Connection, audit: Sequence[AuditRow]) -> int:
    [(number,)] = await query(connection, "definitions_change")
    await _note(connection, audit)
    return number  # type: ignore[no-any-return]


async def _note(connection: Connection, audit: Sequence[AuditRow]) -> None:
    for row in audit:
        await change(connection, "add_audit", **row._asdict())


async def _or_conflict(work: Any, rows: Sequence[DefinitionRow]) -> int:
    try:
        return await work  # type: ignore[no-any-return]
    except asyncpg.PostgresError as error:
        if not is_taken(error) or getattr(error, "table_name", "") != "definition":
            raise
        raise numbered(rows) from None
