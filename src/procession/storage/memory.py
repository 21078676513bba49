"""The store in memory: the contract in its plainest form. What is in it ends with the process.

Dictionaries keyed like the tables of the other stores, with the rows as they came. A commit checks everything first and
then applies it, so it cannot stop half way.
"""

from __future__ import annotations

from collections.abc import Sequence

from procession.errors import StorageError
from procession.storage import (
    AuditRow,
    DefinitionRow,
    DraftRow,
    FormRow,
    Found,
    Lease,
    LeasedJob,
    MessageRow,
    Need,
    SessionRow,
    StartSubscriptionRow,
    StartTimerRow,
    SubscriptionRow,
    UserRow,
)
from procession.storage.conflicts import numbered
from procession.storage.memory_batch import MemoryBatches, check_new, drop
from procession.storage.memory_queries import AWAITED_KEY, AWAITED_NAME, MESSAGE_KEY
from procession.storage.migrations import Migration


class MemoryStorage(MemoryBatches):
    """A store for tests, scripts and speed; several threads may share it."""

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """What is in it stays, as long as the object does."""

    async def migrate(self, *, dry_run: bool = False) -> list[Migration]:
        """It has no schema."""
        return []

    # -- the processor ------------------------------------------------------------------------------------------------

    async def load(self, need: Need) -> Found:
        with self._lock:
            found = Found()
            for id in need.jobs:
                if (job := self._jobs.rows.get(id)) is not None:
                    found.jobs[id] = job.instance, self._leases[id]
            for id in need.tasks:
                if (task := self._tasks.rows.get(id)) is not None:
                    found.tasks[id] = task.instance
            for id in need.timers:
                if (timer := self._timers.rows.get(id)) is not None:
                    found.timers[id] = timer.instance
            for key in need.inbox:
                if (taken := self._inbox.get(key)) is not None:
                    found.inbox[key] = taken.result
            if need.messages:
                self._find_receivers(need, found)
            if need.buffered:
                self._find_buffered(need, found)
            for place in need.positions:
                if (next := self._positions.get(place)) is not None:
                    found.positions[place] = next
            for id in need.letters:
                if (letter := self._letters.get(id)) is not None:
                    found.letters[id] = letter
            for parent in need.children:
                rows = (self._instances[child] for child in sorted(self._children.get(parent, ())))
                found.children[parent] = [(row.id, row.status) for row in rows if row.ended is None]
            self._find_instances(need, found)
            return found

    def _find_receivers(self, need: Need, found: Found) -> None:
        waiting: dict[int, SubscriptionRow] = {}
        for name, key in need.messages:
            everybody = self._subscriptions.where(AWAITED_NAME, name) if key is None else ()
            for row in everybody or self._subscriptions.where(AWAITED_KEY, (name, key)):
                if row.instance in self._instances:
                    waiting[row.id] = row
        found.subscriptions = [(waiting[id], self._instances[waiting[id].instance].status) for id in sorted(waiting)]
        names = {name for name, _ in need.messages}
        starts = self._start_subscriptions
        found.starts = [starts[place] for place in sorted(starts) if place[0] in names]

    def _find_buffered(self, need: Need, found: Found) -> None:
        come: dict[int, MessageRow] = {}
        for name, key in need.buffered:
            for row in self._messages.where(MESSAGE_KEY, (name, key)) + self._messages.where(MESSAGE_KEY, (name, None)):
                come[row.id] = row
        found.buffered = [come[id] for id in sorted(come)]

    def _find_instances(self, need: Need, found: Found) -> None:
        wanted = dict(need.instances)
        owners = [instance for instance, _ in found.jobs.values()]
        for owner in (*owners, *found.tasks.values(), *found.timers.values()):
            if owner not in wanted:
                wanted[owner] = need.known.get(owner, -1)
        for id, known in wanted.items():
            row = self._instances.get(id)
            if row is None:
                found.instances[id] = None
            elif row.position != known:
                found.instances[id] = self._rows(row)

    # -- what time has come for ---------------------------------------------------------------------------------------

    async def lease_jobs(self, type: str, worker: str, limit: int, now: int, deadline: int) -> list[LeasedJob]:
        with self._lock:
            agenda = self._available.get(type)
            leased = []
            for id in sorted(agenda.due(now, limit)) if agenda is not None else ():
                lease = self._leases[id] = Lease(self._leases[id].fence + 1, worker, deadline)
                self._queue(job := self._jobs.rows[id])
                leased.append(LeasedJob(job, lease))
            return leased

    async def extend_lease(self, job: int, fence: int, now: int, deadline: int) -> bool:
        with self._lock:
            lease = self._leases.get(job)
            if lease is None or lease.fence != fence or lease.deadline <= now:
                return False
            self._leases[job] = lease._replace(deadline=deadline)
            self._queue(self._jobs.rows[job])
            return True

    async def release_lease(self, job: int, fence: int) -> bool:
        with self._lock:
            lease = self._leases.get(job)
            if lease is None or lease.fence != fence or not lease.deadline:
                return False
            self._leases[job] = lease._replace(worker=None, deadline=0)
            self._queue(self._jobs.rows[job])
            return True

    async def expire_messages(self, now: int) -> int:
        with self._lock:
            over = self._expiries.due(now, len(self._messages.rows))
            for id in over:
                self._messages.remove(id)
                self._expiries.remove(id)
            return len(over)

    async def hold_role(self, role: str, holder: str, now: int, until: int) -> bool:
        with self._lock:
            has, over = self._roles.get(role, (holder, 0))
            if has != holder and over > now:
                return False
            self._roles[role] = holder, until
            return True

    async def release_role(self, role: str, holder: str) -> None:
        with self._lock:
            if role in self._roles and self._roles[role][0] == holder:
                del self._roles[role]

    # -- definitions --------------------------------------------------------------------------------------------------

    async def add_definitions(
        self, rows: Sequence[DefinitionRow], audit: Sequence[AuditRow], forms: Sequence[FormRow] = ()
    ) -> None:
        with self._lock:
            there = {(row.name, row.version) for row in self._definitions.values()}
            wanted = {(row.name, row.version) for row in rows}
            if there & wanted or len(wanted) != len(rows) or any(row.id in self._definitions for row in rows):
                raise numbered(rows)
            check_new(self._audit, audit)
            self._definitions.update((row.id, row) for row in rows)
            for form in forms:
                self._forms.setdefault(form.definition, {})[form.key] = form
            self._definitions_change(audit)

    async def publish(
        self,
        definition: int,
        timers: Sequence[StartTimerRow],
        subscriptions: Sequence[StartSubscriptionRow],
        audit: Sequence[AuditRow],
    ) -> None:
        with self._lock:
            published = self._definition(definition)
            check_new(self._audit, audit)
            for row in list(self._definitions.values()):
                if row.name == published.name:
                    self._end_starts(row.id)
                    if row.state == "published":
                        self._definitions[row.id] = row._replace(state="deprecated")
            self._definitions[definition] = published._replace(state="published")
            for timer in timers:
                self._put_start_timer(timer)
            for start in subscriptions:
                self._start_subscriptions[start.name, start.definition, start.node] = start
            self._definitions_change(audit)

    async def deprecate(self, definition: int, audit: Sequence[AuditRow]) -> None:
        with self._lock:
            row = self._definition(definition)
            check_new(self._audit, audit)
            self._end_starts(definition)
            self._definitions[definition] = row._replace(state="deprecated")
            self._definitions_change(audit)

    def _definition(self, definition: int) -> DefinitionRow:
        if definition not in self._definitions:
            raise StorageError(f"There is no definition {definition}.")
        return self._definitions[definition]

    def _end_starts(self, definition: int) -> None:
        for id in [id for id, timer in self._start_timers.items() if timer.definition == definition]:
            self._remove_start_timer(id)
        for place in [place for place in self._start_subscriptions if place[1] == definition]:
            del self._start_subscriptions[place]

    def _definitions_change(self, audit: Sequence[AuditRow]) -> None:
        self._note(audit)
        self._revision += 1

    # -- drafts -------------------------------------------------------------------------------------------------------

    async def put_draft(self, draft: DraftRow) -> bool:
        with self._lock:
            there = draft.task in self._tasks.rows
            if there:
                self._drafts.setdefault(draft.task, {})[draft.user] = draft
            return there

    async def remove_draft(self, task: int, user: str) -> bool:
        with self._lock:
            there = user in self._drafts.get(task, {})
            drop(self._drafts, task, user)
            return there

    # -- the users ----------------------------------------------------------------------------------------------------

    async def put_user(self, user: UserRow, audit: Sequence[AuditRow]) -> None:
        with self._lock:
            check_new(self._audit, audit)
            self._users[user.name] = user
            self._end_sessions(user.name, user.stamp)
            self._note(audit)

    async def remove_user(self, name: str, audit: Sequence[AuditRow]) -> bool:
        with self._lock:
            if name not in self._users:
                return False
            check_new(self._audit, audit)
            del self._users[name]
            self._end_sessions(name)
            for task in [task for task, drafts in self._drafts.items() if name in drafts]:
                drop(self._drafts, task, name)
            self._note(audit)
            return True

    def _end_sessions(self, user: str, stamp: str | None = None) -> int:
        """All of a user, but for those with this stamp."""
        over = [session for session in self._sessions.values() if session.user == user and session.stamp != stamp]
        for session in over:
            del self._sessions[session.id]
        return len(over)

    async def put_session(self, session: SessionRow) -> None:
        with self._lock:
            self._sessions[session.id] = session

    async def remove_session(self, id: str) -> bool:
        with self._lock:
            return self._sessions.pop(id, None) is not None

    async def remove_sessions(self, user: str) -> int:
        with self._lock:
            return self._end_sessions(user)

    async def expire_sessions(self, now: int) -> int:
        with self._lock:
            over = [session.id for session in self._sessions.values() if session.expires <= now]
            for id in over:
                del self._sessions[id]
            return len(over)
