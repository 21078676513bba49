"""Questions about user tasks."""

from __future__ import annotations

from collections.abc import Iterable

from procession.engine.access import Principal, permission, refuse
from procession.engine.handlers.task import may_complete, may_see
from procession.errors import CommandRejected
from procession.runtime import views as v
from procession.runtime.queries.asking import Asking
from procession.runtime.queries.paging import gathered
from procession.storage import InstanceRows, SeenTask, TaskFilter, TaskRow
from procession.storage.rows import restore

SCOPES = ("mine", "free", "all")


class TaskQueries(Asking):
    """What people have to do."""

    async def tasks(
        self, scope: str, where: TaskFilter, limit: int = 50, cursor: str | None = None
    ) -> v.Page[v.TaskView]:
        """Open user tasks, newest first: `mine`, `free` (to be claimed by the principal) or `all` that they may see."""
        if scope not in SCOPES:
            raise CommandRejected(422, "Not valid.", f"scope must be mine, free or all, not {scope!r}.")
        where.assignee = self._principal.name if scope == "mine" else where.assignee
        where.free = scope == "free"

        async def read(size: int, before: int | None) -> list[tuple[int, v.TaskView | None]]:
            found = await self._storage.tasks(where, size, before)
            return [(seen.id, await self._task_view(seen, scope)) for seen in found]

        items, following = await gathered(read, limit, cursor)
        return v.Page(items=items, next=following)

    async def task(self, task: int) -> v.TaskView:
        """An open user task; 404 if there is none that the principal may see."""
        return await self._task(task, "all")

    async def task_form(self, task: int) -> v.TaskFormView:
        """What a screen of an open task needs. Who may see the task needs its lane for it."""
        rows, row, view = await self._work_on(task)
        definition = await self._definitions.compiled(row.definition)
        draft = await self._storage.draft(task, self._principal.name)
        return v.task_form_view(view, v.task_item(row), restore(rows), definition, self._principal, draft)

    async def check_task(self, task: int) -> None:
        """Refuse whoever may not be shown the form of a task."""
        await self._work_on(task)

    async def _work_on(self, task: int) -> tuple[InstanceRows, TaskRow, v.TaskView]:
        """An open task of which the principal may view the lane, with its instance as it was at one moment."""
        seen = await self._storage.task(task)
        rows = None if seen is None else await self._storage.instance(seen.task.instance)
        row = None if rows is None else next((row for row in rows.tasks if row.id == task), None)
        if seen is None or rows is None or row is None:
            raise _no_task(task)
        head = rows.instance
        view = await self._task_view(seen._replace(task=row, position=head.position, status=head.status), "all")
        if view is None:
            raise _no_task(task)
        definition = await self._definitions.compiled(row.definition)
        refuse(self._principal, permission(self._principal, definition, "view", row.lane or "", owner=head.started_by))
        return rows, row, view

    async def task_after(self, task: int) -> v.TaskView:
        """The task that the principal has just taken, given back or given away: also where they see it no more."""
        return await self._task(task, "any")

    async def assignees(self, task: int, people: Iterable[Principal]) -> list[Principal]:
        """Those of the people who may do a task, for who may assign it."""
        seen = await self._storage.task(task)
        if seen is not None:
            definition = await self._definitions.compiled(seen.task.definition)
            item = v.task_item(seen.task)
            if may_see(self._principal, definition, item):
                refuse(self._principal, permission(self._principal, definition, "assign", item.lane or ""))
                item.assignee = None
                return [each for each in people if may_complete(each, definition, item) is None]
        raise _no_task(task)

    async def _task(self, task: int, scope: str) -> v.TaskView:
        seen = await self._storage.task(task)
        view = await self._task_view(seen, scope) if seen is not None else None
        if view is None:
            raise _no_task(task)
        return view

    async def _task_view(self, seen: SeenTask, scope: str) -> v.TaskView | None:
        row = seen.task
        definition = await self._definitions.compiled(row.definition)
        item = v.task_item(row)
        if scope in ("mine", "all") and not may_see(self._principal, definition, item):
            return None
        view = v.task_view(row, item, definition, self._principal, seq=seen.position, status=seen.status)
        return view if scope != "free" or view.allowed["claim"] is True else None


def _no_task(task: int) -> CommandRejected:
    return CommandRejected(404, "Task not found.", f"There is no open task {task}; it may be done already.")
