"""What people and screens ask of the PostgreSQL store: each query sees what is committed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

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
from procession.storage.matching import parse
from procession.storage.postgres_batch import load
from procession.storage.postgres_link import Link, query
from procession.storage.searching import searches, words


class PostgresQueries:
    """The half of a store that only reads."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def ping(self) -> None:
        await self._link.fetch("ping")

    # -- what time has come for ---------------------------------------------------------------------------------------

    async def due(self, now: int, limit: int, until: int = 0) -> Due:
        if until > now:
            given = {"now": now, "limit": limit, "until": until}
            rows = await self._link.run(lambda connection: query(connection, "claim_timers", **given), again=False)
        else:
            rows = await self._link.fetch("due_timers", now=now, limit=limit)
        timers = sorted((TimerRow._make(row) for row in rows), key=lambda timer: (timer.due, timer.id))
        starts = await self._link.fetch("due_starts", now=now, limit=limit)
        return Due(timers, [StartTimerRow._make(row) for row in starts])

    async def next_due(self) -> int | None:
        [(due,)] = await self._link.fetch("next_due")
        return due  # type: ignore[no-any-return]

    async def ready(self, limit: int, since: int | None = None) -> list[int]:
        return [id for (id,) in await self._link.fetch("ready", *words(since=since), limit=limit, since=since)]

    async def overlooked(self, after: int, limit: int) -> list[tuple[int, str, str | None]]:
        return [tuple(row) for row in await self._link.fetch("overlooked", after=after, limit=limit)]

    # -- definitions --------------------------------------------------------------------------------------------------

    async def definition(self, definition: int) -> DefinitionRow | None:
        rows = await self._link.fetch("definition", definition=definition)
        return DefinitionRow._make(rows[0]) if rows else None

    async def definitions(self, name: str | None = None, states: Sequence[str] = ()) -> list[DefinitionRow]:
        chosen = words(name=name, states=states or None)
        rows = await self._link.fetch("definitions", *chosen, name=name, states=list(states))
        return [DefinitionRow._make(row) for row in rows]

    async def forms(self, definition: int) -> list[FormRow]:
        return [FormRow._make(row) for row in await self._link.fetch("forms", definition=definition)]

    async def form(self, definition: int, key: str) -> FormRow | None:
        rows = await self._link.fetch("form", definition=definition, key=key)
        return FormRow._make(rows[0]) if rows else None

    # -- instances and their history ----------------------------------------------------------------------------------

    async def instance(self, instance: int) -> InstanceRows | None:
        return (await self._link.run(lambda connection: load(connection, [instance])))[instance]

    async def instances(self, where: InstanceFilter, limit: int = 50, before: int | None = None) -> list[InstanceRow]:
        rows: list[InstanceRow] = []
        for given, chosen in searches(where, limit, before):
            given["names"] = [parse(condition)[0] for condition in given["variables"] or ()]
            rows += [InstanceRow._make(row) for row in await self._link.fetch("instances", *chosen, **given)]
        return sorted(rows, reverse=True)[:limit]

    async def history(self, instance: int, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        rows = await self._link.fetch("history", instance=instance, after=after, limit=limit)
        return [HistoryRow._make(row) for row in rows]

    async def recent_history(
        self, limit: int = 50, before: tuple[int, int] | tuple[int, int, int] | None = None
    ) -> list[HistoryRow]:
        at, instance, *position = before or (0, 0)
        given = {"at": at, "instance": instance, "position": position[0] if position else 0}
        rows = await self._link.fetch("recent_history", *words(before=before), limit=limit, **given)
        return [HistoryRow._make(row) for row in rows]

    async def history_after(self, number: int, limit: int) -> list[tuple[int, HistoryRow]]:
        rows = await self._link.fetch("history_after", number=number, limit=limit)
        return [(each[0], HistoryRow._make(each[1:])) for each in map(tuple, rows)]

    async def history_number(self, instance: int, position: int) -> int | None:
        rows = await self._link.fetch("history_number", instance=instance, position=position)
        return rows[0][0] if rows else None

    async def last_history(self) -> int:
        [(number,)] = await self._link.fetch("last_history")
        return number  # type: ignore[no-any-return]

    async def is_long(self, number: int, rows: int) -> bool:
        [(is_long,)] = await self._link.fetch("is_long", number=number, rows=rows)
        return is_long  # type: ignore[no-any-return]

    async def instance_heads(self, ids: Collection[int]) -> list[InstanceRow]:
        if not ids:
            return []
        return [InstanceRow._make(row) for row in await self._link.fetch("instance_heads", ids=list(ids))]

    async def places(self, instances: Collection[int]) -> dict[int, list[tuple[str, int]]]:
        found: dict[int, list[tuple[str, int]]] = {}
        if instances:
            for instance, node, count in await self._link.fetch("places", ids=list(instances)):
                found.setdefault(instance, []).append((node, count))
        return found

    async def totals(self) -> Totals:
        statuses = dict(await self._link.fetch("live_totals"))
        [waiting] = await self._link.fetch("waiting_totals")
        return Totals(statuses, *waiting)

    async def backlog(self, now: int) -> Backlog:
        return Backlog._make(*await self._link.fetch("backlog", now=now))

    async def counts(self) -> Mapping[str, int]:
        return dict(await self._link.fetch("counts"))

    async def stuck(self, limit: int = 50) -> list[int]:
        return [id for (id,) in await self._link.fetch("stuck", limit=limit)]

    # -- what is waited for -------------------------------------------------------------------------------------------

    async def tasks(self, where: TaskFilter, limit: int = 50, before: int | None = None) -> list[SeenTask]:
        return await self._tasks({"limit": limit, "before": before}, where)

    async def due_tasks(
        self, where: TaskFilter, limit: int = 50, after: tuple[int, int] | None = None
    ) -> list[SeenTask]:
        due, id = after or (None, None)
        return await self._tasks({"limit": limit, "after": due, "after_id": id, "soonest": True}, where)

    async def _tasks(self, given: dict[str, Any], where: TaskFilter) -> list[SeenTask]:
        given |= {
            "instance": where.instance,
            "definition": where.definition,
            "node": where.node,
            "assignee": where.assignee,
            "free": True if where.free else None,
            "undated": True if where.undated else None,
        }
        return [SeenTask.of(tuple(row)) for row in await self._link.fetch("tasks", *words(**given), **given)]

    async def task(self, task: int) -> SeenTask | None:
        rows = await self._link.fetch("task", task=task)
        return SeenTask.of(tuple(rows[0])) if rows else None

    async def job(self, job: int) -> LeasedJob | None:
        rows = await self._link.fetch("job", job=job)
        return LeasedJob.of(tuple(rows[0])) if rows else None

    async def incidents(
        self, instance: int | None = None, open_only: bool = True, limit: int = 50, before: int | None = None
    ) -> list[SeenIncident]:
        given = {"limit": limit, "before": before, "instance": instance, "open": True if open_only else None}
        rows = await self._link.fetch("incidents", *words(**given), **given)
        return [SeenIncident.of(row) for row in map(tuple, rows)]

    async def messages(self, name: str | None = None, limit: int = 50) -> list[MessageRow]:
        rows = await self._link.fetch("messages", *words(name=name), name=name, limit=limit)
        return [MessageRow._make(row) for row in rows]

    async def subscriptions(self, name: str | None = None, limit: int = 50) -> list[SubscriptionRow]:
        rows = await self._link.fetch("subscriptions", *words(name=name), name=name, limit=limit)
        return [SubscriptionRow._make(row) for row in rows]

    # -- logs ---------------------------------------------------------------------------------------------------------

    async def failed_starts(self, limit: int = 50, before: int | None = None) -> list[FailedStartRow]:
        rows = await self._link.fetch("failed_starts", *words(before=before), limit=limit, before=before)
        return [FailedStartRow._make(row) for row in rows]

    async def audit(self, limit: int = 50, before: int | None = None) -> list[AuditRow]:
        rows = await self._link.fetch("audit", *words(before=before), limit=limit, before=before)
        return [AuditRow._make(row) for row in rows]

    # -- records and letters ------------------------------------------------------------------------------------------

    async def outbox(
        self, limit: int = 1000, topics: Collection[str] | None = None, without: Collection[str] = ()
    ) -> list[tuple[int, OutboxRow]]:
        chosen = None if topics is None else list(topics)
        left = list(without) or None
        asked = words(topics=chosen, without=left)
        rows = await self._link.fetch("outbox", *asked, limit=limit, topics=chosen, without=left)
        return [(each[0], OutboxRow._make(each[1:])) for each in map(tuple, rows)]

    async def positions(self, group: str) -> list[PositionRow]:
        return [PositionRow._make(row) for row in await self._link.fetch("positions", group=group)]

    async def unpublished(self, records: Collection[int]) -> set[int]:
        return {row[0] for row in await self._link.fetch("unpublished", records=list(records))}

    async def topic_backlog(self) -> list[TopicBacklog]:
        return [TopicBacklog._make(row) for row in await self._link.fetch("topic_backlog")]

    async def letters(
        self, states: Collection[str] = (), limit: int = 50, before: int | None = None, instance: int | None = None
    ) -> list[LetterRow]:
        rows: list[LetterRow] = []
        for state in set(states) or (None,):
            given = {"limit": limit, "before": before, "state": state, "instance": instance}
            rows += map(LetterRow._make, await self._link.fetch("letters", *words(**given), **given))
        return sorted(rows, reverse=True)[:limit]

    async def letter(self, letter: int) -> LetterRow | None:
        rows = await self._link.fetch("find_letters", letters=[letter])
        return LetterRow._make(rows[0]) if rows else None

    async def letters_due(self, now: int, limit: int) -> list[LetterRow]:
        return [LetterRow._make(row) for row in await self._link.fetch("letters_due", now=now, limit=limit)]

    async def lost_answers(self, now: int, limit: int) -> list[MessageRow]:
        return [MessageRow._make(row) for row in await self._link.fetch("lost_answers", now=now, limit=limit)]

    # -- drafts and users ---------------------------------------------------------------------------------------------

    async def draft(self, task: int, user: str) -> DraftRow | None:
        rows = await self._link.fetch("draft", task=task, user=user)
        return DraftRow._make(rows[0]) if rows else None

    async def user(self, name: str) -> UserRow | None:
        rows = await self._link.fetch("user", name=name)
        return UserRow._make(rows[0]) if rows else None

    async def users(self, only: Collection[str] | None = None) -> list[UserRow]:
        rows = await self._link.fetch("users", *words(names=only), names=None if only is None else list(only))
        return [UserRow._make(row) for row in rows]

    async def session(self, id: str) -> SessionRow | None:
        rows = await self._link.fetch("session", id=id)
        return SessionRow._make(rows[0]) if rows else None

    async def sessions(self, ids: Collection[str]) -> list[SessionRow]:
        return [SessionRow._make(row) for row in await self._link.fetch("sessions", ids=list(ids))] if ids else []
