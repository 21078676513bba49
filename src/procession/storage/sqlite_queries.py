"""What people and screens ask of the SQLite store: each query has its own connection and sees what is committed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

import apsw

from procession.storage import (
    AuditRow,
    Backlog,
    DefinitionRow,
    DraftRow,
    Due,
    FailedStartRow,
    FormRow,
    HistoryRow,
    InstanceFilter,
    InstanceRow,
    InstanceRows,
    LeasedJob,
    LetterRow,
    MessageRow,
    OutboxRow,
    PositionRow,
    SeenIncident,
    SeenTask,
    SessionRow,
    StartTimerRow,
    SubscriptionRow,
    TaskFilter,
    TimerRow,
    TopicBacklog,
    Totals,
    UserRow,
)
from procession.storage.embedded import Embedded
from procession.storage.queries import asked
from procession.storage.searching import searches, words
from procession.storage.sqlite_batch import load, many, names
from procession.storage.sqlite_file import SQL, SqliteFile

T = TypeVar("T")


class SqliteQueries(Embedded):
    """The half of a store that only reads."""

    def __init__(self, file: SqliteFile) -> None:
        super().__init__()
        self._file = file

    def _rows(self, statement: str, given: Any = (), *words: str) -> list[tuple[Any, ...]]:
        with self._file.reader as connection:
            return connection.execute(asked(SQL[statement], *words), given).fetchall()

    # -- what time has come for ---------------------------------------------------------------------------------------

    async def ping(self) -> None:
        self._rows("definitions_changed")

    async def due(self, now: int, limit: int, until: int = 0) -> Due:
        timers = [TimerRow._make(row) for row in self._rows("due_timers", (now, limit))]
        return Due(timers, [StartTimerRow._make(row) for row in self._rows("due_starts", (now, limit))])

    async def next_due(self) -> int | None:
        due: int | None = self._rows("next_due")[0][0]
        return due

    async def ready(self, limit: int, since: int | None = None) -> list[int]:
        return [id for (id,) in self._rows("ready", {"limit": limit, "since": since}, *words(since=since))]

    async def overlooked(self, after: int, limit: int) -> list[tuple[int, str, str | None]]:
        return self._rows("overlooked", (after, limit))

    # -- definitions --------------------------------------------------------------------------------------------------

    async def definition(self, definition: int) -> DefinitionRow | None:
        return first([DefinitionRow._make(row) for row in self._rows("definition", (definition,))])

    async def definitions(self, name: str | None = None, states: Sequence[str] = ()) -> list[DefinitionRow]:
        given = {"name": name, "states": names(states)[0] if states else None}
        rows = self._rows("definitions", given, *words(name=name, states=states or None))
        return [DefinitionRow._make(row) for row in rows]

    async def forms(self, definition: int) -> list[FormRow]:
        return [FormRow._make(row) for row in self._rows("forms", (definition,))]

    async def form(self, definition: int, key: str) -> FormRow | None:
        return first([FormRow._make(row) for row in self._rows("form", (definition, key))])

    async def definitions_changed(self) -> int:
        number: int = self._rows("definitions_changed")[0][0]
        return number

    # -- instances and their history ----------------------------------------------------------------------------------

    async def instance(self, instance: int) -> InstanceRows | None:
        with self._file.reader as connection:
            connection.execute(SQL["snapshot"])
            found = load(connection, [instance], {instance: -1})
            connection.execute(SQL["commit"])
        return found[instance]

    async def instances(self, where: InstanceFilter, limit: int = 50, before: int | None = None) -> list[InstanceRow]:
        with self._file.reader as connection:
            return find_instances(connection, where, limit, before)

    async def history(self, instance: int, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        return [HistoryRow._make(row) for row in self._rows("history", (instance, after, limit))]

    async def recent_history(
        self, limit: int = 50, before: tuple[int, int] | tuple[int, int, int] | None = None
    ) -> list[HistoryRow]:
        at, instance, *position = before or (0, 0)
        given = {"limit": limit, "at": at, "instance": instance, "position": position[0] if position else 0}
        return [HistoryRow._make(row) for row in self._rows("recent_history", given, *words(before=before))]

    async def history_after(self, number: int, limit: int) -> list[tuple[int, HistoryRow]]:
        rows = self._rows("history_after", (number, limit))
        return [(row[0], HistoryRow._make(row[1:])) for row in rows]

    async def history_number(self, instance: int, position: int) -> int | None:
        row = first(self._rows("history_number", (instance, position)))
        return None if row is None else row[0]

    async def is_long(self, number: int, rows: int) -> bool:
        return await self.last_history() - number > rows

    async def last_history(self) -> int:
        number: int = self._rows("last_history")[0][0]
        return number

    async def instance_heads(self, ids: Collection[int]) -> list[InstanceRow]:
        return [InstanceRow._make(row) for row in self._rows("instance_heads", many(ids))] if ids else []

    async def places(self, instances: Collection[int]) -> dict[int, list[tuple[str, int]]]:
        found: dict[int, list[tuple[str, int]]] = {}
        if instances:
            ids = many(instances)[0]
            for instance, node, count in self._rows("places", {"ids": ids}):
                found.setdefault(instance, []).append((node, count))
        return found

    async def totals(self) -> Totals:
        return Totals(dict(self._rows("live_totals")), *self._rows("waiting_totals")[0])

    async def backlog(self, now: int) -> Backlog:
        return Backlog._make(self._rows("backlog", {"now": now})[0])

    async def counts(self) -> Mapping[str, int]:
        return dict(self._rows("counts"))

    async def stuck(self, limit: int = 50) -> list[int]:
        return [id for (id,) in self._rows("stuck", (limit,))]

    # -- what is waited for -------------------------------------------------------------------------------------------

    async def tasks(self, where: TaskFilter, limit: int = 50, before: int | None = None) -> list[SeenTask]:
        return self._tasks({"limit": limit, "before": before}, where)

    async def due_tasks(
        self, where: TaskFilter, limit: int = 50, after: tuple[int, int] | None = None
    ) -> list[SeenTask]:
        due, id = after or (None, None)
        return self._tasks({"limit": limit, "after": due, "after_id": id, "soonest": True}, where)

    def _tasks(self, given: dict[str, Any], where: TaskFilter) -> list[SeenTask]:
        given |= {
            "instance": where.instance,
            "definition": where.definition,
            "node": where.node,
            "assignee": where.assignee,
            "free": True if where.free else None,
            "undated": True if where.undated else None,
        }
        return [SeenTask.of(row) for row in self._rows("tasks", given, *words(**given))]

    async def task(self, task: int) -> SeenTask | None:
        return first([SeenTask.of(row) for row in self._rows("task", (task,))])

    async def job(self, job: int) -> LeasedJob | None:
        return first([LeasedJob.of(row) for row in self._rows("job", (job,))])

    async def incidents(
        self, instance: int | None = None, open_only: bool = True, limit: int = 50, before: int | None = None
    ) -> list[SeenIncident]:
        given = {"limit": limit, "before": before, "instance": instance, "open": True if open_only else None}
        rows = self._rows("incidents", given, *words(**given))
        return [SeenIncident.of(row) for row in rows]

    async def messages(self, name: str | None = None, limit: int = 50) -> list[MessageRow]:
        given = {"limit": limit, "name": name}
        return [MessageRow._make(row) for row in self._rows("messages", given, *words(**given))]

    async def subscriptions(self, name: str | None = None, limit: int = 50) -> list[SubscriptionRow]:
        given = {"limit": limit, "name": name}
        return [SubscriptionRow._make(row) for row in self._rows("subscriptions", given, *words(**given))]

    # -- logs ---------------------------------------------------------------------------------------------------------

    async def failed_starts(self, limit: int = 50, before: int | None = None) -> list[FailedStartRow]:
        given = {"limit": limit, "before": before}
        return [FailedStartRow._make(row) for row in self._rows("failed_starts", given, *words(**given))]

    async def audit(self, limit: int = 50, before: int | None = None) -> list[AuditRow]:
        given = {"limit": limit, "before": before}
        return [AuditRow._make(row) for row in self._rows("audit", given, *words(**given))]

    # -- records and letters ------------------------------------------------------------------------------------------

    async def outbox(
        self, limit: int = 1000, topics: Collection[str] | None = None, without: Collection[str] = ()
    ) -> list[tuple[int, OutboxRow]]:
        if topics is not None and not topics:
            return []
        given = {"limit": limit, "topics": None if topics is None else names(topics)[0]}
        given["without"] = names(without)[0] if without else None
        asked = words(topics=topics, without=without or None)
        return [(row[0], OutboxRow._make(row[1:])) for row in self._rows("outbox", given, *asked)]

    async def positions(self, group: str) -> list[PositionRow]:
        return [PositionRow._make(row) for row in self._rows("positions", (group,))]

    async def unpublished(self, records: Collection[int]) -> set[int]:
        return {row[0] for row in self._rows("unpublished", many(records))} if records else set()

    async def topic_backlog(self) -> list[TopicBacklog]:
        return [TopicBacklog._make(row) for row in self._rows("topic_backlog")]

    async def letters(
        self, states: Collection[str] = (), limit: int = 50, before: int | None = None, instance: int | None = None
    ) -> list[LetterRow]:
        rows: list[LetterRow] = []
        for state in set(states) or (None,):
            given = {"limit": limit, "before": before, "state": state, "instance": instance}
            rows += map(LetterRow._make, self._rows("letters", given, *words(**given)))
        return sorted(rows, reverse=True)[:limit]

    async def letter(self, letter: int) -> LetterRow | None:
        return first([LetterRow._make(row) for row in self._rows("find_letters", many((letter,)))])

    async def letters_due(self, now: int, limit: int) -> list[LetterRow]:
        return [LetterRow._make(row) for row in self._rows("letters_due", (now, limit))]

    async def lost_answers(self, now: int, limit: int) -> list[MessageRow]:
        return [MessageRow._make(row) for row in self._rows("lost_answers", (now, limit))]

    # -- drafts and users ---------------------------------------------------------------------------------------------

    async def draft(self, task: int, user: str) -> DraftRow | None:
        return first([DraftRow._make(row) for row in self._rows("draft", (task, user))])

    async def user(self, name: str) -> UserRow | None:
        return first([UserRow._make(row) for row in self._rows("user", (name,))])

    async def users(self, only: Collection[str] | None = None) -> list[UserRow]:
        if only is None:
            return [UserRow._make(row) for row in self._rows("users")]
        return [UserRow._make(row) for row in self._rows("users_of", names(only))] if only else []

    async def session(self, id: str) -> SessionRow | None:
        return first([SessionRow._make(row) for row in self._rows("session", (id,))])

    async def sessions(self, ids: Collection[str]) -> list[SessionRow]:
        return [SessionRow._make(row) for row in self._rows("sessions", names(ids))] if ids else []


def find_instances(
    connection: apsw.Connection, where: InstanceFilter, limit: int, before: int | None
) -> list[InstanceRow]:
    """Newest first."""
    rows: list[InstanceRow] = []
    for given, chosen in searches(where, limit, before):
        if given["variables"] is not None:
            given["variables"] = f"[{','.join(given['variables'])}]"
        if statuses := given.get("statuses"):
            given["statuses"] = names(statuses)[0]
        found = connection.execute(asked(SQL["instances"], *chosen), given)
        rows += [InstanceRow._make(row) for row in found]
    return sorted(rows, reverse=True)[:limit]


def first(rows: Sequence[T]) -> T | None:
    """The only row, if it is there."""
    return rows[0] if rows else None
