"""What people and screens ask of the store in memory, and the tables that it asks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from threading import Lock
from typing import Any, TypeVar

from procession.engine.state import CREATED, LIVE, ON_HOLD, STARTED
from procession.storage import (
    AuditRow,
    Backlog,
    CallRow,
    DefinitionRow,
    DraftRow,
    Due,
    FailedStartRow,
    FormRow,
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
    LetterRow,
    LoopRow,
    MessageRow,
    OutboxRow,
    OutputRow,
    PositionRow,
    SeenIncident,
    SeenTask,
    SessionRow,
    StartSubscriptionRow,
    StartTimerRow,
    SubscriptionRow,
    TaskFilter,
    TaskRow,
    TimerRow,
    TokenRow,
    TopicBacklog,
    Totals,
    UserRow,
    VariableRow,
)
from procession.storage.embedded import Embedded
from procession.storage.matching import conditions, matches, parse
from procession.storage.memory_tables import Agenda, Table, newest

OWNER = itemgetter(1)  # of a job, task, timer, subscription, call or incident: its instance
MESSAGE_KEY = itemgetter(1, 2)  # name and key
AWAITED_NAME = itemgetter(5)
AWAITED_KEY = itemgetter(5, 6)  # name and key
WAITING, DEAD = "waiting", "dead"  # what a letter may be

R = TypeVar("R")


class MemoryQueries(Embedded):
    """The half of a store that only reads."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._instances: dict[int, InstanceRow] = {}
        self._children: dict[int, dict[int, None]] = {}
        self._ready: dict[int, None] = {}
        self._log: list[HistoryRow] = []  # in the order of the commits; numbers count from 1
        self._history: dict[int, list[int]] = {}  # instance → the numbers of its rows
        self._tokens: dict[int, dict[int, TokenRow]] = {}
        self._variables: dict[int, dict[int, dict[str, VariableRow]]] = {}  # and by scope
        self._loops: dict[int, dict[int, LoopRow]] = {}
        self._outputs: dict[int, dict[int, dict[int, OutputRow]]] = {}  # and by token
        self._kept: dict[int, dict[int, KeptRow]] = {}
        self._jobs: Table[JobRow] = Table(OWNER)
        self._leases: dict[int, Lease] = {}
        self._available: dict[str, Agenda] = {}  # by type
        self._tasks: Table[TaskRow] = Table(OWNER)
        self._timers: Table[TimerRow] = Table(OWNER)
        self._due = Agenda()
        self._subscriptions: Table[SubscriptionRow] = Table(OWNER, AWAITED_NAME, AWAITED_KEY)
        self._calls: Table[CallRow] = Table(OWNER)
        self._incidents: Table[IncidentRow] = Table(OWNER)
        self._messages: Table[MessageRow] = Table(MESSAGE_KEY)
        self._expiries = Agenda()
        self._answers = Agenda()  # the same, of messages that are answers
        self._outbox: dict[int, OutboxRow] = {}  # by number
        self._outbox_ids: set[int] = set()
        self._last_record = 0
        self._positions: dict[tuple[str, str, int], int] = {}  # group, topic, partition → next
        self._letters: dict[int, LetterRow] = {}
        self._letters_due = Agenda()
        self._roles: dict[str, tuple[str, int]] = {}  # who has it, until when
        self._inbox: dict[str, InboxRow] = {}
        self._failed_starts: dict[int, FailedStartRow] = {}
        self._audit: dict[int, AuditRow] = {}
        self._definitions: dict[int, DefinitionRow] = {}
        self._forms: dict[int, dict[str, FormRow]] = {}  # by definition
        self._drafts: dict[int, dict[str, DraftRow]] = {}  # by task
        self._start_timers: dict[int, StartTimerRow] = {}
        self._starts_due = Agenda()
        self._start_subscriptions: dict[tuple[str, int, str], StartSubscriptionRow] = {}
        self._revision = 0
        self._users: dict[str, UserRow] = {}
        self._sessions: dict[str, SessionRow] = {}

    # -- what time has come for ---------------------------------------------------------------------------------------

    async def ping(self) -> None:
        """It always answers."""

    async def due(self, now: int, limit: int, until: int = 0) -> Due:
        with self._lock:
            timers = [self._timers.rows[id] for id in self._due.due(now, limit)]
            return Due(timers, [self._start_timers[id] for id in self._starts_due.due(now, limit)])

    async def next_due(self) -> int | None:
        with self._lock:
            moments = (self._due.next(), self._starts_due.next())
            return min((moment for moment in moments if moment is not None), default=None)

    async def ready(self, limit: int, since: int | None = None) -> list[int]:
        with self._lock:
            found = [id for id in sorted(self._ready) if not self._on_hold(id)]
            return [id for id in found if since is None or self._last_step(id) <= since][:limit]

    def _last_step(self, instance: int) -> int:
        numbers = self._history.get(instance)
        return self._log[numbers[-1] - 1].at if numbers else 0

    async def overlooked(self, after: int, limit: int) -> list[tuple[int, str, str | None]]:
        with self._lock:
            rows = (row for id, row in sorted(self._messages.rows.items()) if id > after)
            found = ((row.id, row.name, row.key) for row in rows if self._is_waited_for(row.name, row.key))
            return list(islice(found, limit))

    def _is_waited_for(self, name: str, key: str | None) -> bool:
        if any(start.name == name for start in self._start_subscriptions.values()):
            return True
        if key is None:
            return bool(self._subscriptions.where(AWAITED_NAME, name))
        return bool(self._subscriptions.where(AWAITED_KEY, (name, key)))

    # -- definitions --------------------------------------------------------------------------------------------------

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

    async def forms(self, definition: int) -> list[FormRow]:
        with self._lock:
            found = self._forms.get(definition, {})
            return [found[key] for key in sorted(found)]

    async def form(self, definition: int, key: str) -> FormRow | None:
        with self._lock:
            return self._forms.get(definition, {}).get(key)

    async def definitions_changed(self) -> int:
        return self._revision

    # -- queries ------------------------------------------------------------------------------------------------------

    async def instance(self, instance: int) -> InstanceRows | None:
        with self._lock:
            row = self._instances.get(instance)
            return None if row is None else self._rows(row)

    async def instances(self, where: InstanceFilter, limit: int = 50, before: int | None = None) -> list[InstanceRow]:
        wanted = [(condition, parse(condition)[0]) for condition in conditions(where.variables)]
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
            and where.started_by in (None, row.started_by)
            and (where.started_after is None or row.started >= where.started_after)
            and (where.started_before is None or row.started < where.started_before)
            and (where.incidents is None or where.incidents == (row.incidents > 0))
            and (where.node is None or self._is_on(row, where.node))
            and (text is None or any(text in folded(told) for told in (row.name, row.business_key or "", str(row.id))))
            and all(self._has(row.id, name, condition) for condition, name in wanted)
        )

    def _is_on(self, row: InstanceRow, node: str) -> bool:
        return row.ended is None and any(token.node == node for token in self._tokens.get(row.id, {}).values())

    def _has(self, instance: int, name: str, condition: str) -> bool:
        variable = self._variables.get(instance, {}).get(0, {}).get(name)
        return variable is not None and matches(variable.value, condition)

    async def history(self, instance: int, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        with self._lock:
            numbers = self._history.get(instance, [])
            first = bisect_right(numbers, after, key=self._position)
            return [self._log[number - 1] for number in numbers[first : first + limit]]

    def _position(self, number: int) -> int:
        return self._log[number - 1].position

    async def recent_history(
        self, limit: int = 50, before: tuple[int, int] | tuple[int, int, int] | None = None
    ) -> list[HistoryRow]:
        with self._lock:
            end = len(self._log)
            if before is not None:
                at, instance, *position = before
                seen = ((number - 1, self._log[number - 1]) for number in self._history.get(instance, ()))
                least = position[0] if position else 0
                end = next((index for index, row in seen if row.at == at and row.position >= least), 0)
            return self._log[max(end - limit, 0) : end][::-1]

    async def history_after(self, number: int, limit: int) -> list[tuple[int, HistoryRow]]:
        with self._lock:
            return list(enumerate(self._log[number : number + limit], number + 1))

    async def history_number(self, instance: int, position: int) -> int | None:
        with self._lock:
            numbers = self._history.get(instance, [])
            place = bisect_left(numbers, position, key=self._position)
            found = place < len(numbers) and self._position(numbers[place]) == position
            return numbers[place] if found else None

    async def is_long(self, number: int, rows: int) -> bool:
        return await self.last_history() - number > rows

    async def last_history(self) -> int:
        with self._lock:
            return len(self._log)

    async def instance_heads(self, ids: Collection[int]) -> list[InstanceRow]:
        with self._lock:
            return [self._instances[id] for id in sorted(set(ids)) if id in self._instances]

    async def places(self, instances: Collection[int]) -> dict[int, list[tuple[str, int]]]:
        found: dict[int, list[tuple[str, int]]] = {}
        with self._lock:
            for id in sorted(set(instances)):
                tokens = self._tokens.get(id, {})
                parents = {token.parent for token in tokens.values()}
                counts = Counter({token.node: 0 for token in tokens.values()})
                counts.update(token.node for token in tokens.values() if token.id not in parents)
                if counts:
                    found[id] = sorted(counts.items())
        return found

    async def tasks(self, where: TaskFilter, limit: int = 50, before: int | None = None) -> list[SeenTask]:
        with self._lock:
            rows = self._tasks.newest(limit, lambda row: self._is_wanted(row, where), before)
            return [self._seen_task(row) for row in rows]

    async def due_tasks(
        self, where: TaskFilter, limit: int = 50, after: tuple[int, int] | None = None
    ) -> list[SeenTask]:
        due, id = after or (None, 0)
        with self._lock:
            dated = sorted((row.due, -row.id) for row in self._tasks.rows.values() if row.due is not None)
            first = 0 if due is None else bisect_right(dated, (due, -id))
            rows = (self._tasks.rows[-number] for _, number in dated[first:])
            return [self._seen_task(row) for row in islice((row for row in rows if self._is_wanted(row, where)), limit)]

    def _is_wanted(self, row: TaskRow, where: TaskFilter) -> bool:
        return (
            where.instance in (None, row.instance)
            and where.definition in (None, row.process)
            and where.node in (None, row.node)
            and where.assignee in (None, row.assignee)
            and not (where.free and row.assignee is not None)
            and not (where.undated and row.due is not None)
            and row.instance in self._instances
        )

    def _seen_task(self, row: TaskRow) -> SeenTask:
        head = self._instances[row.instance]
        return SeenTask(row, head.position, head.status, head.version, head.business_key, head.started_by, head.started)

    async def task(self, task: int) -> SeenTask | None:
        with self._lock:
            row = self._tasks.rows.get(task)
            there = row is not None and row.instance in self._instances
            return self._seen_task(row) if row is not None and there else None

    def _stand(self, instance: int) -> tuple[int, str]:
        row = self._instances[instance]
        return row.position, row.status

    async def job(self, job: int) -> LeasedJob | None:
        with self._lock:
            row = self._jobs.rows.get(job)
            return None if row is None else LeasedJob(row, self._leases[job])

    async def incidents(
        self, instance: int | None = None, open_only: bool = True, limit: int = 50, before: int | None = None
    ) -> list[SeenIncident]:
        def fits(row: IncidentRow) -> bool:
            asked = instance in (None, row.instance) and not (open_only and row.resolved is not None)
            return asked and row.instance in self._instances

        with self._lock:
            rows = self._incidents.newest(limit, fits, before)
            return [SeenIncident(row, *self._stand(row.instance)) for row in rows]

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

    async def outbox(
        self, limit: int = 1000, topics: Collection[str] | None = None, without: Collection[str] = ()
    ) -> list[tuple[int, OutboxRow]]:
        with self._lock:
            asked = (
                (number, row)
                for number, row in self._outbox.items()
                if (topics is None or row.topic in topics) and row.topic not in without
            )
            return list(islice(asked, limit))

    async def positions(self, group: str) -> list[PositionRow]:
        with self._lock:
            mine = sorted(place for place in self._positions if place[0] == group)
            return [PositionRow(*place, self._positions[place]) for place in mine]

    async def unpublished(self, records: Collection[int]) -> set[int]:
        with self._lock:
            return self._outbox_ids.intersection(records)

    async def topic_backlog(self) -> list[TopicBacklog]:
        with self._lock:
            dead = Counter(letter.topic for letter in self._letters.values() if letter.state == DEAD)
            waiting = Counter(record.topic for record in self._outbox.values())
            since: dict[str, int] = {}
            for record in self._outbox.values():
                since[record.topic] = min(record.created, since.get(record.topic, record.created))
            topics = sorted(dead.keys() | waiting.keys())
            return [TopicBacklog(topic, waiting[topic], since.get(topic), dead[topic]) for topic in topics]

    async def letters(
        self, states: Collection[str] = (), limit: int = 50, before: int | None = None, instance: int | None = None
    ) -> list[LetterRow]:
        def wanted(row: LetterRow) -> bool:
            return (not states or row.state in states) and instance in (None, row.instance)

        with self._lock:
            return newest(self._letters, limit, wanted, before)

    async def letter(self, letter: int) -> LetterRow | None:
        with self._lock:
            return self._letters.get(letter)

    async def letters_due(self, now: int, limit: int) -> list[LetterRow]:
        with self._lock:
            return [self._letters[id] for id in self._letters_due.due(now, limit)]

    async def lost_answers(self, now: int, limit: int) -> list[MessageRow]:
        with self._lock:
            return [self._messages.rows[id] for id in self._answers.due(now, limit)]

    async def stuck(self, limit: int = 50) -> list[int]:
        with self._lock:
            return [id for id in sorted(self._instances) if self._is_stuck(self._instances[id])][:limit]

    def _is_stuck(self, row: InstanceRow) -> bool:
        if row.status not in (CREATED, STARTED) or row.ready:
            return False
        tables: tuple[Table[Any], ...] = (self._jobs, self._tasks, self._subscriptions, self._calls)
        return (
            not any(table.where(OWNER, row.id) for table in tables)
            and not any(timer.token for timer in self._timers.where(OWNER, row.id))
            and all(incident.resolved is not None for incident in self._incidents.where(OWNER, row.id))
        )

    async def totals(self) -> Totals:
        with self._lock:
            statuses = Counter(row.status for row in self._instances.values() if row.status in LIVE)
            still_open = sum(incident.resolved is None for incident in self._incidents.rows.values())
            return Totals(statuses, len(self._tasks.rows), len(self._jobs.rows), len(self._timers.rows), still_open)

    async def backlog(self, now: int) -> Backlog:
        with self._lock:
            jobs = [moment for agenda in self._available.values() for moment in agenda.until(now)]
            timers = sum(1 for agenda in (self._due, self._starts_due) for _ in agenda.until(now))
            first = next((record.created for record in self._outbox.values()), None)
            dead = sum(letter.state == DEAD for letter in self._letters.values())
            return Backlog(len(jobs), min(jobs, default=None), timers, len(self._outbox), first, dead)

    async def counts(self) -> Mapping[str, int]:
        with self._lock:
            nested: dict[str, Mapping[int, Any]] = {"token": self._tokens, "loop": self._loops, "kept": self._kept}
            deep: dict[str, Mapping[int, Any]] = {"variable": self._variables, "output": self._outputs}
            return {
                "instance": len(self._instances),
                **{name: sum(map(len, rows.values())) for name, rows in nested.items()},
                **{name: sum(len(g) for rows in of.values() for g in rows.values()) for name, of in deep.items()},
                "job": len(self._jobs.rows),
                "task": len(self._tasks.rows),
                "timer": len(self._timers.rows),
                "subscription": len(self._subscriptions.rows),
                "call": len(self._calls.rows),
                "incident": len(self._incidents.rows),
                "history": len(self._log),
                "message": len(self._messages.rows),
                "outbox": len(self._outbox),
                "position": len(self._positions),
                "letter": len(self._letters),
                "role": len(self._roles),
                "inbox": len(self._inbox),
                "failed_start": len(self._failed_starts),
                "audit": len(self._audit),
                "definition": len(self._definitions),
                "form": sum(map(len, self._forms.values())),
                "start_timer": len(self._start_timers),
                "start_subscription": len(self._start_subscriptions),
                "user": len(self._users),
                "session": len(self._sessions),
                "draft": sum(map(len, self._drafts.values())),
            }

    async def draft(self, task: int, user: str) -> DraftRow | None:
        with self._lock:
            return self._drafts.get(task, {}).get(user)

    async def user(self, name: str) -> UserRow | None:
        with self._lock:
            return self._users.get(name)

    async def users(self, only: Collection[str] | None = None) -> list[UserRow]:
        with self._lock:
            wanted = self._users if only is None else self._users.keys() & only
            return [self._users[name] for name in sorted(wanted)]

    async def session(self, id: str) -> SessionRow | None:
        with self._lock:
            return self._sessions.get(id)

    async def sessions(self, ids: Collection[str]) -> list[SessionRow]:
        with self._lock:
            return [self._sessions[id] for id in sorted(self._sessions.keys() & ids)]

    def _rows(self, row: InstanceRow) -> InstanceRows:
        id = row.id
        rows = InstanceRows(
            row,
            variables=in_groups(self._variables, id),
            incidents=[incident for incident in self._incidents.where(OWNER, id) if incident.resolved is None],
        )
        if row.status in LIVE:
            rows.tokens = in_order(self._tokens, id)
            rows.loops = in_order(self._loops, id)
            rows.outputs = in_groups(self._outputs, id)
            rows.kept = in_order(self._kept, id)
            rows.jobs = self._jobs.where(OWNER, id)
            rows.tasks = self._tasks.where(OWNER, id)
            rows.timers = self._timers.where(OWNER, id)
            rows.subscriptions = self._subscriptions.where(OWNER, id)
            rows.calls = self._calls.where(OWNER, id)
        return rows

    def _on_hold(self, instance: int) -> bool:
        row = self._instances.get(instance)
        return row is not None and row.status == ON_HOLD


def in_order(nested: Mapping[int, Mapping[Any, R]], instance: int) -> list[R]:
    """The rows of an instance, by key."""
    rows = nested.get(instance)
    return [rows[key] for key in sorted(rows)] if rows else []


def folded(text: str) -> bytes:
    """Without the difference between a and A, in ASCII: as SQL's LIKE has it."""
    return text.encode().lower()


def in_groups(nested: Mapping[int, Mapping[int, Mapping[Any, R]]], instance: int) -> list[R]:
    """The rows of an instance, by group and key."""
    groups = nested.get(instance, {})
    return [row for number in sorted(groups) for row in in_order(groups, number)]
