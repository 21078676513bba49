"""A batch in the store in memory: checked as a whole, then applied."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from procession.engine.state import ON_HOLD
from procession.errors import StorageError, VersionConflict
from procession.storage import (
    AuditRow,
    Batch,
    InstanceRow,
    JobRow,
    Lease,
    LetterRow,
    StartTimerRow,
    TimerRow,
)
from procession.storage.conflicts import expected, refused
from procession.storage.memory_queries import OWNER, WAITING, MemoryQueries
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
    "outbox_gone",
    "letters_gone",
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
    "positions",
    "letters",
    "inbox",
    "failed_starts",
    "audit",
    "start_timers",
)

K = TypeVar("K")
R = TypeVar("R")


class MemoryBatches(MemoryQueries):
    """The part of the store that a processor writes to."""

    async def commit(self, batch: Batch) -> None:
        with self._lock:
            self._check(batch)
            self._apply(batch)

    def _check(self, batch: Batch) -> None:
        """Refuse the batch as a whole, before any of it is written."""
        instances, told, log = self._instances, self._history, self._log
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
            if event[0] in told and log[told[event[0]][-1] - 1].position >= event.position:
                right = False
        for job, fence in batch.fences:
            if job not in self._leases or self._leases[job].fence != fence:
                right = False
        if batch.positions:
            right = right and len({row[:3] for row, _ in batch.positions}) == len(batch.positions)
            right = right and all(self._positions.get(row[:3]) == read for row, read in batch.positions)
        if batch.inbox:
            keys = {row.key for row in batch.inbox}
            right = right and len(keys) == len(batch.inbox) and self._inbox.keys().isdisjoint(keys)
        if not right:
            raise self._conflict(batch)
        for table, rows in (
            (self._outbox_ids, batch.outbox),
            (self._failed_starts, batch.failed_starts),
            (self._audit, batch.audit),
        ):
            if rows:
                check_new(table, rows)

    def _conflict(self, batch: Batch) -> VersionConflict:
        there = {id: self._instances[id].position for id in expected(batch) if id in self._instances}
        fences = {job: self._leases[job].fence for job, _ in batch.fences if job in self._leases}
        return refused(batch, there, self._inbox, fences, self._positions)

    def _apply(self, batch: Batch) -> None:
        for row in batch.new:
            self._put_instance(row)
        for row, _ in batch.changed:
            self._put_instance(row)
        if any(_gone(batch)):
            self._remove(batch)
        for number, event in enumerate(batch.history, len(self._log) + 1):
            self._history.setdefault(event[0], []).append(number)
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
            self._drafts.pop(id, None)
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
            self._answers.remove(id)
        for (number,) in batch.outbox_gone:
            if (record := self._outbox.pop(number, None)) is not None:
                self._outbox_ids.remove(record.id)
        for (id,) in batch.letters_gone:
            self._remove_letter(id)
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
            answers = message.record is not None
            (self._answers if answers else self._expiries).put(message.id, message.expires)
            (self._expiries if answers else self._answers).remove(message.id)
        for record in batch.outbox:
            self._last_record += 1
            self._outbox[self._last_record] = record
            self._outbox_ids.add(record.id)
        for position, _ in batch.positions:
            self._positions[position[:3]] = position.next
        for letter in batch.letters:
            self._put_letter(letter)
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

    def _put_letter(self, letter: LetterRow) -> None:
        self._letters[letter.id] = letter
        if letter.state == WAITING and letter.due is not None:
            self._letters_due.put(letter.id, letter.due)
        else:
            self._letters_due.remove(letter.id)

    def _remove_letter(self, id: int) -> None:
        self._letters.pop(id, None)
        self._letters_due.remove(id)

    def _put_start_timer(self, timer: StartTimerRow) -> None:
        self._start_timers[timer.id] = timer
        self._starts_due.put(timer.id, timer.due)

    def _remove_start_timer(self, id: int) -> None:
        self._start_timers.pop(id, None)
        self._starts_due.remove(id)

    def _note(self, audit: Iterable[AuditRow]) -> None:
        for row in audit:
            self._audit[row.id] = row


def check_new(table: Container[int], rows: Sequence[Any]) -> None:
    """These rows are only ever added: an id that is there is a defect of ours."""
    if rows and (len({row.id for row in rows}) != len(rows) or any(row.id in table for row in rows)):
        raise StorageError("An id of the batch is there already. Nothing of the batch was written.")


def drop(nested: dict[int, dict[K, R]], instance: int, key: K) -> None:
    """Take out one row of an instance, and its dictionary with the last one."""
    rows = nested.get(instance)
    if rows is not None and rows.pop(key, None) is not None and not rows:
        del nested[instance]
