"""The store in memory: the contract in its plainest form. What is in it ends with the process.

Dictionaries keyed like the tables of the other stores, with the rows as they came. A commit checks everything first and
then applies it, so it cannot stop half way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

from procession.engine.state import CREATED, LIVE, ON_HOLD, STARTED
from procession.errors import StorageError, VersionConflict
from procession.storage import (
    AuditRow,
    Batch,
    CallRow,
    DefinitionRow,
    Due,
    FailedStartRow,
    Found,
    HistoryRow,
    InboxRow,
    IncidentRow,
    InstanceFilter,
    InstanceRow,
    InstanceRows,
    JobRow,
    KeptRow,
    Lease,
    LeasedJob,
    LoopRow,
    MessageRow,
    Need,
    OutboxRow,
    OutputRow,
    StartSubscriptionRow,
    StartTimerRow,
    SubscriptionRow,
    TaskFilter,
    TaskRow,
    TimerRow,
    TokenRow,
    UserRow,
    VariableRow,
)
from procession.storage.conflicts import describe
from procession.storage.matching import matches, parse, tests
from procession.storage.memory_tables import Agenda, Table, newest

FREE = Lease(0, None, 0)
INSTANCE = 1  # the column of jobs, tasks, timers, subscriptions, calls and incidents that says whose they are

K = TypeVar("K")
R = TypeVar("R")


class MemoryStorage:
    """A store for tests, scripts and speed; several threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._instances: dict[int, InstanceRow] = {}
        self._children: dict[int, dict[int, None]] = {}
        self._ready: dict[int, None] = {}
        self._history: dict[int, list[HistoryRow]] = {}
        self._log: list[HistoryRow] = []
        self._tokens: dict[int, dict[int, TokenRow]] = {}
        self._variables: dict[int, dict[tuple[int, str], VariableRow]] = {}
        self._loops: dict[int, dict[int, LoopRow]] = {}
        self._outputs: dict[int, dict[tuple[int, int], OutputRow]] = {}
        self._kept: dict[int, dict[int, KeptRow]] = {}
        self._jobs: Table[JobRow] = Table(INSTANCE)
        self._leases: dict[int, Lease] = {}
        self._available: dict[str, Agenda] = {}  # by type
        self._tasks: Table[TaskRow] = Table(INSTANCE)
        self._timers: Table[TimerRow] = Table(INSTANCE)
        self._due = Agenda()
        self._subscriptions: Table[SubscriptionRow] = Table(INSTANCE, 5)  # and by name
        self._calls: Table[CallRow] = Table(INSTANCE)
        self._incidents: Table[IncidentRow] = Table(INSTANCE)
        self._messages: Table[MessageRow] = Table(1)  # by name
        self._expiries = Agenda()
        self._outbox: dict[int, OutboxRow] = {}
        self._inbox: dict[str, InboxRow] = {}
        self._failed_starts: dict[int, FailedStartRow] = {}
        self._audit: dict[int, AuditRow] = {}
        self._definitions: dict[int, DefinitionRow] = {}
        self._start_timers: dict[int, StartTimerRow] = {}
        self._starts_due = Agenda()
        self._start_subscriptions: dict[tuple[str, int, str], StartSubscriptionRow] = {}
        self._revision = 0
        self._users: dict[str, UserRow] = {}

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
        instances = self._instances
        expected: dict[int, int | None] = {row[0]: None for row in batch.new}
        expected.update((row[0], position) for row, position in batch.changed)
        right = len(expected) == len(batch.new) + len(batch.changed)
        for id, position in expected.items():
            row_now = instances.get(id)
            if (row_now.position if row_now is not None else None) != position:
                right = False
        for event in batch.history:
            told = self._history.get(event[0])
            if told and told[-1].position >= event.position:
                right = False
        taken = {row.key for row in batch.inbox if row.key in self._inbox}
        if not right or taken or len({row.key for row in batch.inbox}) != len(batch.inbox):
            there = {id: instances[id].position for id in expected if id in instances}
            raise VersionConflict(describe(expected, there, taken))
        check_new(self._outbox, batch.outbox)
        check_new(self._failed_starts, batch.failed_starts)
        check_new(self._audit, batch.audit)

    def _apply(self, batch: Batch) -> None:
        for row in batch.new:
            self._put_instance(row)
        for row, _ in batch.changed:
            self._put_instance(row)
        self._remove(batch)
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
            for job in self._jobs.where(INSTANCE, id):
                self._queue(job)
            for timer in self._timers.where(INSTANCE, id):
                self._schedule(timer)

    def _remove(self, batch: Batch) -> None:
        for instance, token in batch.tokens_gone:
            drop(self._tokens, instance, token)
        for instance, scope, name in batch.variables_gone:
            drop(self._variables, instance, (scope, name))
        for instance, scope in batch.scopes_gone:
            for key in [key for key in self._variables.get(instance, ()) if key[0] == scope]:
                drop(self._variables, instance, key)
        for instance, token in batch.loops_gone:
            drop(self._loops, instance, token)
            for place in [place for place in self._outputs.get(instance, ()) if place[0] == token]:
                drop(self._outputs, instance, place)
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
        for event in batch.history:
            self._history.setdefault(event.instance, []).append(event)
        self._log += batch.history
        for token in batch.tokens:
            self._tokens.setdefault(token.instance, {})[token.id] = token
        for variable in batch.variables:
            self._variables.setdefault(variable.instance, {})[variable.scope, variable.name] = variable
        for loop in batch.loops:
            self._loops.setdefault(loop.instance, {})[loop.token] = loop
        for output in batch.outputs:
            self._outputs.setdefault(output.instance, {})[output.token, output.index] = output
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
        self._leases[job.id] = self._leases.get(job.id, FREE)._replace(worker=None, deadline=0)
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

    def _on_hold(self, instance: int) -> bool:
        row = self._instances.get(instance)
        return row is not None and row.status == ON_HOLD

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
            for row in self._subscriptions.where(5, name):
                if (key is None or row.key == key) and row.instance in self._instances:
                    waiting[row.id] = row
        found.subscriptions = [(waiting[id], self._instances[waiting[id].instance].status) for id in sorted(waiting)]
        names = {name for name, _ in need.messages}
        starts = self._start_subscriptions
        found.starts = [starts[place] for place in sorted(starts) if place[0] in names]

    def _find_buffered(self, need: Need, found: Found) -> None:
        come: dict[int, MessageRow] = {}
        for name, key in need.buffered:
            for row in self._messages.where(1, name):
                if row.key is None or row.key == key:
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

    def _rows(self, row: InstanceRow) -> InstanceRows:
        id = row.id
        rows = InstanceRows(
            row,
            variables=in_order(self._variables, id),
            incidents=[incident for incident in self._incidents.where(INSTANCE, id) if incident.resolved is None],
        )
        if row.status in LIVE:
            rows.tokens = in_order(self._tokens, id)
            rows.loops = in_order(self._loops, id)
            rows.outputs = in_order(self._outputs, id)
            rows.kept = in_order(self._kept, id)
            rows.jobs = self._jobs.where(INSTANCE, id)
            rows.tasks = self._tasks.where(INSTANCE, id)
            rows.timers = self._timers.where(INSTANCE, id)
            rows.subscriptions = self._subscriptions.where(INSTANCE, id)
            rows.calls = self._calls.where(INSTANCE, id)
        return rows

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

    async def due(self, now: int, limit: int) -> Due:
        with self._lock:
            timers = [self._timers.rows[id] for id in self._due.due(now, limit)]
            return Due(timers, [self._start_timers[id] for id in self._starts_due.due(now, limit)])

    async def next_due(self) -> int | None:
        with self._lock:
            moments = (self._due.next(), self._starts_due.next())
            return min((moment for moment in moments if moment is not None), default=None)

    async def ready(self, limit: int) -> list[int]:
        with self._lock:
            return [id for id in sorted(self._ready) if not self._on_hold(id)][:limit]

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

    async def definition(self, definition: int) -> DefinitionRow | None:
        with self._lock:
            return self._definitions.get(definition)

    async def definitions(self, name: str | None = None, states: Sequence[str] = ()) -> list[DefinitionRow]:
        with self._lock:
            rows = [
                row._replace(data=b"")
                for row in self._definitions.values()
                if name in (None, row.name) and (not states or row.state in states)
            ]
        return sorted(rows, key=lambda row: (row.name, -row.version))

    async def definitions_changed(self) -> int:
        return self._revision

    # -- queries ------------------------------------------------------------------------------------------------------

    async def instance(self, instance: int) -> InstanceRows | None:
        with self._lock:
            row = self._instances.get(instance)
            return None if row is None else self._rows(row)

    async def instances(self, where: InstanceFilter, limit: int = 50, before: int | None = None) -> list[InstanceRow]:
        wanted = [(test, parse(test)[0]) for test in tests(where.variables)]
        with self._lock:
            return newest(self._instances, limit, lambda row: self._fits(row, where, wanted), before)

    def _fits(self, row: InstanceRow, where: InstanceFilter, wanted: Sequence[tuple[str, str]]) -> bool:
        text = None if where.text is None else folded(where.text)
        return (
            where.definition in (None, row.name)
            and where.version in (None, row.version)
            and (not where.statuses or row.status in where.statuses)
            and where.business_key in (None, row.business_key)
            and where.parent in (None, row.parent)
            and where.root in (None, row.root)
            and (where.started_after is None or row.started >= where.started_after)
            and (where.started_before is None or row.started < where.started_before)
            and (where.incidents is None or where.incidents == (row.incidents > 0))
            and (where.node is None or any(t.node == where.node for t in self._tokens.get(row.id, {}).values()))
            and (text is None or any(text in folded(told) for told in (row.name, row.business_key or "", str(row.id))))
            and all(self._has(row.id, name, test) for test, name in wanted)
        )

    def _has(self, instance: int, name: str, test: str) -> bool:
        variable = self._variables.get(instance, {}).get((0, name))
        return variable is not None and matches(variable.value, test)

    async def history(self, instance: int, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        with self._lock:
            return [row for row in self._history.get(instance, ()) if row.position > after][:limit]

    async def recent_history(
        self, limit: int = 50, before: tuple[int, int] | tuple[int, int, int] | None = None
    ) -> list[HistoryRow]:
        with self._lock:
            end = len(self._log)
            if before is not None:
                at, instance, *position = before
                seen = self._history.get(instance, ())
                last = next((row for row in seen if row.at == at and row.position >= (*position, 0)[0]), None)
                end = 0 if last is None else self._log.index(last)
            return self._log[max(end - limit, 0) : end][::-1]

    async def tasks(self, where: TaskFilter, limit: int = 50, before: int | None = None) -> list[TaskRow]:
        def fits(row: TaskRow) -> bool:
            return (
                where.instance in (None, row.instance)
                and where.definition in (None, row.process)
                and where.node in (None, row.node)
                and where.assignee in (None, row.assignee)
                and not (where.free and row.assignee is not None)
            )

        with self._lock:
            return self._tasks.newest(limit, fits, before)

    async def task(self, task: int) -> TaskRow | None:
        return self._tasks.rows.get(task)

    async def job(self, job: int) -> LeasedJob | None:
        with self._lock:
            row = self._jobs.rows.get(job)
            return None if row is None else LeasedJob(row, self._leases[job])

    async def incidents(
        self, instance: int | None = None, open_only: bool = True, limit: int = 50, before: int | None = None
    ) -> list[IncidentRow]:
        def fits(row: IncidentRow) -> bool:
            return instance in (None, row.instance) and not (open_only and row.resolved is not None)

        with self._lock:
            return self._incidents.newest(limit, fits, before)

    async def messages(self, name: str | None = None, limit: int = 50) -> list[MessageRow]:
        with self._lock:
            return self._messages.newest(limit, lambda row: name in (None, row.name))

    async def subscriptions(self, name: str | None = None, limit: int = 50) -> list[SubscriptionRow]:
        with self._lock:
            return self._subscriptions.newest(limit, lambda row: name in (None, row.name))

    async def failed_starts(self, limit: int = 50, before: int | None = None) -> list[FailedStartRow]:
        with self._lock:
            return newest(self._failed_starts, limit, before=before)

    async def audit(self, limit: int = 50, before: int | None = None) -> list[AuditRow]:
        with self._lock:
            return newest(self._audit, limit, before=before)

    async def outbox(self, limit: int = 1000) -> list[OutboxRow]:
        with self._lock:
            return [self._outbox[id] for id in sorted(self._outbox)[:limit]]

    async def published(self, ids: Sequence[int]) -> None:
        with self._lock:
            for id in ids:
                self._outbox.pop(id, None)

    async def stuck(self, limit: int = 50) -> list[int]:
        with self._lock:
            return [id for id in sorted(self._instances) if self._is_stuck(self._instances[id])][:limit]

    def _is_stuck(self, row: InstanceRow) -> bool:
        if row.status not in (CREATED, STARTED) or row.ready:
            return False
        tables: tuple[Table[Any], ...] = (self._jobs, self._tasks, self._subscriptions, self._calls)
        return (
            not any(table.where(INSTANCE, row.id) for table in tables)
            and not any(timer.token for timer in self._timers.where(INSTANCE, row.id))
            and all(incident.resolved is not None for incident in self._incidents.where(INSTANCE, row.id))
        )

    async def counts(self) -> Mapping[str, int]:
        with self._lock:
            nested: dict[str, Mapping[int, Any]] = {
                "token": self._tokens,
                "variable": self._variables,
                "loop": self._loops,
                "output": self._outputs,
                "kept": self._kept,
            }
            return {
                "instance": len(self._instances),
                **{name: sum(map(len, rows.values())) for name, rows in nested.items()},
                "job": len(self._jobs.rows),
                "task": len(self._tasks.rows),
                "timer": len(self._timers.rows),
                "subscription": len(self._subscriptions.rows),
                "call": len(self._calls.rows),
                "incident": len(self._incidents.rows),
                "history": len(self._log),
                "message": len(self._messages.rows),
                "outbox": len(self._outbox),
                "inbox": len(self._inbox),
                "failed_start": len(self._failed_starts),
                "audit": len(self._audit),
                "definition": len(self._definitions),
                "start_timer": len(self._start_timers),
                "start_subscription": len(self._start_subscriptions),
                "user": len(self._users),
            }

    # -- users --------------------------------------------------------------------------------------------------------

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

    async def users(self) -> list[UserRow]:
        with self._lock:
            return [self._users[name] for name in sorted(self._users)]


def check_new(table: Mapping[int, Any], rows: Sequence[Any]) -> None:
    """These rows are only ever added: an id that is there is a defect of ours."""
    if rows and (len({row.id for row in rows}) != len(rows) or any(row.id in table for row in rows)):
        raise StorageError("An id of the batch is there already. Nothing of the batch was written.")


def drop(nested: dict[int, dict[K, R]], instance: int, key: K) -> None:
    """Take out one row of an instance, and its dictionary with the last one."""
    rows = nested.get(instance)
    if rows is not None and rows.pop(key, None) is not None and not rows:
        del nested[instance]


def in_order(nested: Mapping[int, Mapping[Any, R]], instance: int) -> list[R]:
    """The rows of an instance, by key."""
    rows = nested.get(instance)
    return [rows[key] for key in sorted(rows)] if rows else []


def folded(text: str) -> bytes:
    """Without the difference between a and A, in ASCII: as SQL's LIKE has it."""
    return text.encode().lower()
