"""Reading: one function per question, for embedders and the edge alike. Rights are checked here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal, permission
from procession.engine.codec import decode
from procession.engine.handlers.task import candidate
from procession.engine.state import ProcessInstance, UserTaskItem
from procession.errors import CommandRejected
from procession.runtime import views as v
from procession.runtime.checks import LARGEST_ID, not_valid, number
from procession.runtime.definitions import Definitions
from procession.runtime.replay import replay
from procession.storage import InstanceFilter, InstanceRow, Storage, TaskFilter, TaskRow
from procession.storage.rows import restore

MAX_LIMIT = 1000


class Queries:
    """Questions of one principal to one store."""

    def __init__(self, storage: Storage, definitions: Definitions, principal: Principal) -> None:
        self._storage, self._definitions, self._principal = storage, definitions, principal

    async def instance(self, instance: int) -> v.InstanceView:
        """Everything about an instance; 404 if there is none, or if the principal may not see it."""
        state = await self._state(instance)
        return v.instance_view(state, await self._definitions.compiled(state.definition), self._principal)

    async def state_at(self, instance: int, position: int) -> v.InstanceView:
        """The instance as it was at a position of its history."""
        await self._state(instance)
        past = await replay(self._storage, instance, position)
        if past is None or past.state.position != position:
            last = past.state.position if past is not None else 0
            raise CommandRejected(404, "Position not found.", f"History of {instance} has positions 1 to {last}.")
        definition = await self._definitions.compiled(past.state.definition)
        return v.instance_view(past.state, definition, self._principal)

    async def instances(self, where: InstanceFilter, limit: int, cursor: str | None) -> v.Page:
        """Instances that the principal may see, newest first."""
        rows: list[InstanceRow] = []
        before, size = _cursor(cursor), _limit(limit)
        while len(rows) <= size:
            found = await self._storage.instances(where, size + 1, before)
            for row in found:
                definition = await self._definitions.compiled(row.definition)
                if permission(self._principal, definition, "view", owner=row.started_by) is None:
                    rows.append(row)
            if len(found) <= size:
                break
            before = found[-1].id
        return _page(rows, size, _summary)

    async def history(self, instance: int, after: int = 0, limit: int = 1000) -> list[v.HistoryView]:
        """The event log of an instance, oldest first."""
        await self._state(instance)
        return [
            v.HistoryView(
                position=row.position,
                at=format_instant(row.at),
                actor=row.actor,
                command=row.command,
                reason=row.reason,
                events=decode(row.events),
            )
            for row in await self._storage.history(instance, number(after, "after", 0, LARGEST_ID), _limit(limit))
        ]

    async def tokens(self, instance: int, finished: bool = True) -> list[v.TokenView]:
        """Tokens, live and finished, with the nodes that each visited."""
        await self._state(instance)
        past = await replay(self._storage, instance)
        assert past is not None
        definition = await self._definitions.compiled(past.state.definition)
        tokens = [*(past.finished.values() if finished else ()), *past.state.tokens.values()]
        result = []
        for token in sorted(tokens, key=lambda t: t.id):
            view = v.token_view(token, definition)
            visits = past.visits.get(token.id, [])
            view.nodes_action_states = [
                {
                    "nodeId": node,
                    "name": definition.nodes[node].name if node in definition.nodes else node,
                    "arrivedDate": format_instant(at),
                    "actionStateData": None,
                }
                for node, at in visits
            ]
            view.back_seq = {"nodes": _back_sequence([node for node, _ in visits], definition)}
            result.append(view)
        return result

    async def exceptions(
        self, instance: int | None, open_only: bool = False, limit: int = 100
    ) -> list[v.ExceptionView]:
        """Exceptions of an instance, or of all; newest first."""
        if instance is not None:
            await self._state(instance)
        else:
            self._require_operator("see every exception")
        return [v.exception_view(row) for row in await self._storage.incidents(instance, open_only, limit)]

    async def tasks(self, scope: str, where: TaskFilter, limit: int, cursor: str | None) -> v.Page:
        """Open user tasks: `mine`, `free` (to be claimed by the principal) or `all` that the principal may see."""
        if scope not in ("mine", "free", "all"):
            raise CommandRejected(422, "Not valid.", f"scope must be mine, free or all, not {scope!r}.")
        where.assignee = self._principal.name if scope == "mine" else where.assignee
        where.free = scope == "free"
        rows: list[v.TaskView] = []
        before, size = _cursor(cursor), _limit(limit)
        while len(rows) <= size:
            found = await self._storage.tasks(where, size + 1, before)
            rows += [view for row in found if (view := await self._task(row, scope)) is not None]
            if len(found) <= size:
                break
            before = found[-1].id
        return _page(rows, size, lambda view: view)

    async def task(self, task: int) -> v.TaskView:
        row = await self._storage.task(task)
        view = await self._task(row, "all") if row is not None else None
        if view is None:
            raise CommandRejected(404, "Task not found.", f"There is no open task {task}; it may be done already.")
        return view

    async def _task(self, row: TaskRow, scope: str) -> v.TaskView | None:
        definition = await self._definitions.compiled(row.definition)
        view = v.task_view(row, definition, self._principal)
        if scope == "free":
            return view if view.allowed["claim"] is True else None
        item = UserTaskItem(
            row.id, row.token, row.node, row.name, row.lane, row.created, row.assignee,
            tuple(decode(row.groups)), tuple(decode(row.users)),
        )  # fmt: skip
        sees = permission(self._principal, definition, "view", row.lane or "") is None
        return (
            view
            if row.assignee == self._principal.name or (sees and candidate(self._principal, item) is None)
            else None
        )

    async def failed_starts(self, limit: int, cursor: str | None) -> v.Page:
        self._require_operator("see failed starts")
        size = _limit(limit)
        rows = await self._storage.failed_starts(size + 1, _cursor(cursor))
        return _page(
            rows,
            size,
            lambda row: v.FailedStartView(
                id=str(row.id),
                process_definition_name=row.process,
                date=format_instant(row.at),
                actor=row.actor,
                status=row.status,
                title=row.title,
                detail=row.detail,
                data=decode(row.data),
            ),
        )

    async def audit(self, limit: int, cursor: str | None) -> v.Page:
        """What was done outside of instances: definitions, users, faults of ours."""
        self._require_operator("read the audit log")
        size = _limit(limit)
        rows = await self._storage.audit(size + 1, _cursor(cursor))
        return _page(
            rows,
            size,
            lambda row: v.AuditView(
                id=str(row.id),
                date=format_instant(row.at),
                user=row.actor,
                subject=row.subject,
                event=row.event,
                subject_identifier=row.identifier,
                status=row.status,
                detail=row.detail,
            ),
        )

    def _require_operator(self, what: str) -> None:
        if not self._principal.admin and "operator" not in self._principal.roles:
            raise CommandRejected(
                403,
                "Forbidden",
                f"{self._principal.name}: to {what} needs the role operator or admin.",
                key="error.forbidden",
            )

    async def _state(self, instance: int) -> ProcessInstance:
        rows = await self._storage.instance(instance)
        if rows is not None:
            state = restore(rows)
            definition = await self._definitions.compiled(state.definition)
            if permission(self._principal, definition, "view", owner=state.started_by) is None:
                return state
        raise CommandRejected(404, "Process instance not found.", f"There is no instance {instance}.")


def _back_sequence(nodes: list[str], definition: Any) -> list[str]:
    """The nodes one can go back to: those since the last one that forbids it."""
    for index in range(len(nodes) - 1, -1, -1):
        node = definition.nodes.get(nodes[index])
        if node is not None and not node.can_go_back:
            return nodes[index:]
    return nodes


def _summary(row: InstanceRow) -> v.InstanceSummary:
    return v.InstanceSummary(
        id=str(row.id),
        process_definition_name=row.name,
        version=row.version,
        state=row.status,
        business_key=row.business_key,
        started_by=row.started_by,
        date_started=format_instant(row.started),
        date_ended=v.instant(row.ended),
        parent=None if row.parent is None else str(row.parent),
        root=str(row.root),
        exceptions=row.incidents,
        seq=row.position,
    )


def _page(rows: list[Any], size: int, view: Callable[[Any], Any]) -> v.Page:
    more = len(rows) > size
    rows = rows[:size]
    return v.Page(items=[view(row) for row in rows], next=str(rows[-1].id) if more and rows else None)


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise CommandRejected(422, "Not valid.", f"limit must be 1 to {MAX_LIMIT}, not {limit}.")
    return limit


def _cursor(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > len(str(LARGEST_ID)):
        raise not_valid(f"{ascii(cursor)[:50]} is no cursor.")
    return min(int(cursor), LARGEST_ID)
