"""The store in memory: the contract in its plainest form. What is in it ends with the process.

Dictionaries keyed like the tables of the other stores, with the rows as they came. A commit checks everything first and
then applies it, so it cannot stop half way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from procession.engine.state import ON_HOLD
from procession.errors import StorageError, VersionConflict
from procession.storage import (
    AuditRow,
    Batch,
    DefinitionRow,
    Found,
    InstanceRow,
    JobRow,
    Lease,
    LeasedJob,
    MessageRow,
    Need,
    StartSubscriptionRow,
    StartTimerRow,
    SubscriptionRow,
    TimerRow,
    UserRow,
)
from procession.storage.conflicts import describe
from procession.storage.memory_queries import AWAITED_KEY, AWAITED_NAME, MESSAGE_KEY, OWNER, MemoryQueries
from procession.storage.memory_tables import Agenda

FREE = Lease(0, None, 0)

# A batch has many lists, most of them empty: asked for together, they cost little.
_gone = attrgetter(
    "tokens_gone",
    "variables_gone",
    "scopes_gone",
    "loops_gone",
    "kept_gone",
    "jobs_gone",
    "tasks_gone",
    "timers_gone",
    "subscriptions_gone",
    "calls_gone",
    "messages_gone",
    "start_timers_gone",
)
_put = attrgetter(
    "tokens",
    "loops",
    "outputs",
    "kept",
    "jobs",
    "tasks",
    "timers",
    "subscriptions",
    "calls",
    "incidents",
    "incidents_resolved",
    "messages",
    "outbox",
    "inbox",
    "failed_starts",
    "audit",
    "start_timers",
)

K = TypeVar("K")
R = TypeVar("R")


class MemoryStorage(MemoryQueries):
    """A store for tests, scripts and speed; several threads may share it."""

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """What is in it stays, as long as the object does."""

    # -- the processor: writing ---------------------------------------------------------------------------------------

    async def commit(self, batch: Batch) -> None:
        with self._lock:
            self._check(batch)
            self._apply(batch)

    def _check(self, batch: Batch) -> None:
        """Refuse the batch as a whole, before any of it is written."""
        instances, told = self._instances, self._history
        right = len({row[0] for row in batch.new}) == len(batch.new)
        right = right and len({row[0] for row, _ in batch.changed}) == len(batch.changed)
        right = right and len({row[:2] for row in batch.history}) == len(batch.history)
        for row in batch.new:
            if row[0] in instances:
                right = False
        for row, position in batch.changed:
            if row[0] not in instances or instances[row[0]].position != position:
                right = False
        for event in batch.history:
            if event[0] in told and told[event[0]][-1].position >= event.position:
                right = False
        if batch.inbox:
            keys = {row.key for row in batch.inbox}
            right = right and len(keys) == len(batch.inbox) and self._inbox.keys().isdisjoint(keys)
        if not right:
            raise self._conflict(batch)
        for table, rows in (
            (self._outbox, batch.outbox),
            (self._failed_starts, batch.failed_starts),
            (self._audit, batch.audit),
        ):
            if rows:
                check_new(table, rows)

    def _conflict(self, batch: Batch) -> VersionConflict:
        expected: dict[int, int | None] = {row.id: position for row, position in batch.changed}
        expected.update((row.id, None) for row in batch.new)
        there = {id: self._instances[id].position for id in expected if id in self._instances}
        return VersionConflict(describe(expected, there, [row.key for row in batch.inbox if row.key in self._inbox]))

    def _apply(self, batch: Batch) -> None:
        for row in batch.new:
            self._put_instance(row)
        for row, _ in batch.changed:
            self._put_instance(row)
        if any(_gone(batch)):
            self._remove(batch)
        for event in batch.history:
            self._history.setdefault(event[0], []).append(event)
        self._log += batch.history
        for variable in batch.variables:
            scopes = self._variables.setdefault(variable[0], {})
            scopes.setdefault(variable.scope, {})[variable.name] = variable
        if any(_put(batch)):
            self._put(batch)

    def _put_instance(self, row: InstanceRow) -> None:
        id = row.id
        old = self._instances.get(id)
        self._instances[id] = row
        if row.parent is not None:
            self._children.setdefault(row.parent, {})[id] = None
        if row.ready:
            self._ready[id] = None
        elif old is not None and old.ready:
            self._ready.pop(id)
        if old is not None and old.status != row.status and ON_HOLD in (old.status, row.status):
            for job in self._jobs.where(OWNER, id):
                self._queue(job)
            for timer in self._timers.where(OWNER, id):
                self._schedule(timer)

    def _remove(self, batch: Batch) -> None:
        for instance, token in batch.tokens_gone:
            drop(self._tokens, instance, token)
        for instance, scope, name in batch.variables_gone:
            self._variables.get(instance, {}).get(scope, {}).pop(name, None)
        for instance, scope in batch.scopes_gone:
            drop(self._variables, instance, scope)
        for instance, token in batch.loops_gone:
            drop(self._loops, instance, token)
            drop(self._outputs, instance, token)
        for (instance,) in batch.kept_gone:
            self._kept.pop(instance, None)
        for (id,) in batch.jobs_gone:
            if (job := self._jobs.remove(id)) is not None:
                del self._leases[id]
                self._available[job.type].remove(id)
        for (id,) in batch.tasks_gone:
            self._tasks.remove(id)
        for (id,) in batch.timers_gone:
            self._timers.remove(id)
            self._due.remove(id)
        for (id,) in batch.subscriptions_gone:
            self._subscriptions.remove(id)
        for (id,) in batch.calls_gone:
            self._calls.remove(id)
        for (id,) in batch.messages_gone:
            self._messages.remove(id)
            self._expiries.remove(id)
        for (id,) in batch.start_timers_gone:
            self._remove_start_timer(id)

    def _put(self, batch: Batch) -> None:
        for token in batch.tokens:
            self._tokens.setdefault(token.instance, {})[token.id] = token
        for loop in batch.loops:
            self._loops.setdefault(loop.instance, {})[loop.token] = loop
        for output in batch.outputs:
            self._outputs.setdefault(output.instance, {}).setdefault(output.token, {})[output.index] = output
        for kept in batch.kept:
            self._kept.setdefault(kept.instance, {})[kept.number] = kept
        for job in batch.jobs:
            self._put_job(job)
        for task in batch.tasks:
            self._tasks.put(task)
        for timer in batch.timers:
            self._timers.put(timer)
            self._schedule(timer)
        for subscription in batch.subscriptions:
            self._subscriptions.put(subscription)
        for call in batch.calls:
            self._calls.put(call)
        for incident in batch.incidents:
            self._incidents.put(incident)
        for at, id in batch.incidents_resolved:
            if (incident_now := self._incidents.rows.get(id)) is not None:
                self._incidents.put(incident_now._replace(resolved=at))
        for message in batch.messages:
            self._messages.put(message)
            self._expiries.put(message.id, message.expires)
        for record in batch.outbox:
            self._outbox[record.id] = record
        for taken in batch.inbox:
            self._inbox[taken.key] = taken
        for failed in batch.failed_starts:
            self._failed_starts[failed.id] = failed
        self._note(batch.audit)
        for start in batch.start_timers:
            self._put_start_timer(start)

    def _put_job(self, job: JobRow) -> None:
        old = self._jobs.rows.get(job.id)
        if old is not None:
            self._available[old.type].remove(job.id)
        lease = self._leases.get(job.id, FREE)
        self._leases[job.id] = lease._replace(worker=None, deadline=0) if lease.deadline else lease
        self._jobs.put(job)
        self._queue(job)

    def _queue(self, job: JobRow) -> None:
        """Where the job stands among those of its type: by when it can be handed out."""
        agenda = self._available.setdefault(job.type, Agenda())
        if job.retries > 0 and not self._on_hold(job.instance):
            agenda.put(job.id, max(job.created, job.due, self._leases[job.id].deadline))
        else:
            agenda.remove(job.id)

    def _schedule(self, timer: TimerRow) -> None:
        if self._on_hold(timer.instance):
            self._due.remove(timer.id)
        else:
            self._due.put(timer.id, timer.due)

    def _put_start_timer(self, timer: StartTimerRow) -> None:
        self._start_timers[timer.id] = timer
        self._starts_due.put(timer.id, timer.due)

    def _remove_start_timer(self, id: int) -> None:
        self._start_timers.pop(id, None)
        self._starts_due.remove(id)

    def _note(self, audit: Iterable[AuditRow]) -> None:
        for row in audit:
            self._audit[row.id] = row

    # -- the processor: reading ---------------------------------------------------------------------------------------

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

    # -- definitions --------------------------------------------------------------------------------------------------

    async def add_definitions(self, rows: Sequence[DefinitionRow], audit: Sequence[AuditRow]) -> None:
        with self._lock:
            there = {(row.name, row.version) for row in self._definitions.values()}
            wanted = {(row.name, row.version) for row in rows}
            if there & wanted or len(wanted) != len(rows) or any(row.id in self._definitions for row in rows):
                listed = ", ".join(f"{row.name} version {row.version}" for row in rows)
                raise VersionConflict(f"Somebody else was faster: of {listed}, one is there already.")
            check_new(self._audit, audit)
            self._definitions.update((row.id, row) for row in rows)
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

    # -- the outbox and the users -------------------------------------------------------------------------------------

    async def published(self, ids: Sequence[int]) -> None:
        with self._lock:
            for id in ids:
                self._outbox.pop(id, None)

    async def put_user(self, user: UserRow, audit: Sequence[AuditRow]) -> None:
        with self._lock:
            check_new(self._audit, audit)
            self._users[user.name] = user
            self._note(audit)

    async def remove_user(self, name: str, audit: Sequence[AuditRow]) -> bool:
        with self._lock:
            if name not in self._users:
                return False
            check_new(self._audit, audit)
            del self._users[name]
            self._note(audit)
            return True


def check_new(table: Mapping[int, Any], rows: Sequence[Any]) -> None:
    """These rows are only ever added: an id that is there is a defect of ours."""
    if rows and (len({row.id for row in rows}) != len(rows) or any(row.id in table for row in rows)):
        raise StorageError("An id of the batch is there already. Nothing of the batch was written.")


def drop(nested: dict[int, dict[K, R]], instance: int, key: K) -> None:
    """Take out one row of an instance, and its dictionary with the last one."""
    rows = nested.get(instance)
    if rows is not None and rows.pop(key, None) is not None and not rows:
        del nested[instance]
