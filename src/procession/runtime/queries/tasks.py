"""Questions about user tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from procession.engine.access import Principal, permission, refuse
from procession.engine.handlers.task import may_complete, may_see
from procession.errors import CommandRejected
from procession.runtime import views as v
from procession.runtime.queries.asking import Asking
from procession.runtime.queries.paging import collected, cursor_number, gathered, limited, unnamed
from procession.storage import InstanceRows, SeenTask, TaskFilter, TaskRow
from procession.storage.rows import restore

SCOPES = ("mine", "free", "all")
SORTS = ("newest", "due")


class Urgency(NamedTuple):
    """A place in the list of tasks by their due dates, in which those without one come last."""

    due: int | None
    id: int

    def __str__(self) -> str:
        return str(self.id) if self.due is None else f"{self.due}.{self.id}"

    @staticmethod
    def read(cursor: str) -> Urgency:
        """The place that a cursor names: `ID`, or `DUE.ID`."""
        due, dot, id = cursor.rpartition(".")
        if not dot:
            return Urgency(None, cursor_number(id, cursor))
        sign, digits = (-1, due[1:]) if due.startswith("-") else (1, due)
        return Urgency(sign * cursor_number(digits, cursor), cursor_number(id, cursor))

    def unnamed(self, before: Urgency | None, last: Urgency | None) -> Urgency:
        """A place a little before this one, which may not be seen."""
        bounds = [each.id if each is not None and each.due == self.due else None for each in (before, last)]
        return Urgency(self.due, unnamed(self.id, *bounds))


class TaskQueries(Asking):
    """What people have to do."""

    async def tasks(
        self,
        scope: str,
        where: TaskFilter,
        limit: int = 50,
        cursor: str | None = None,
        *,
        sort: str = "newest",
        text: str | None = None,
    ) -> v.Page[v.TaskView]:
        """Open user tasks: `mine`, `free` (to be claimed by the principal) or `all` that they may see.

        They come newest first; sorted by `due` those with a due date come before, the soonest first. Text is looked for in what
        the principal sees of a task: its name, its process, and the business key.
        """
        if scope not in SCOPES:
            raise CommandRejected(422, "Not valid.", f"scope must be mine, free or all, not {scope!r}.")
        if sort not in SORTS:
            raise CommandRejected(422, "Not valid.", f"sort must be newest or due, not {sort!r}.")
        where.assignee = self._principal.name if scope == "mine" else where.assignee
        where.free = scope == "free"

        wanted = None if text is None else text.casefold()

        async def view(seen: SeenTask) -> v.TaskView | None:
            found = await self._task_view(seen, scope)
            return found if found is None or wanted is None or _tells(found, wanted) else None

        async def newest(size: int, before: int | None) -> list[tuple[int, v.TaskView | None]]:
            return [(seen.id, await view(seen)) for seen in await self._storage.tasks(where, size, before)]

        async def soonest(size: int, place: Urgency | None) -> list[tuple[Urgency, v.TaskView | None]]:
            found: list[SeenTask] = []
            before = None
            if place is None or place.due is not None:
                after = None if place is None or place.due is None else (place.due, place.id)
                found = await self._storage.due_tasks(where, size, after)
            else:
                before = place.id
            if len(found) < size:
                found += await self._storage.tasks(replace(where, undated=True), size - len(found), before)
            return [(Urgency(seen.task.due, seen.id), await view(seen)) for seen in found]

        place = None if cursor is None else Urgency.read(cursor)
        if sort == "newest":
            items, following = await gathered(newest, limit, None if place is None else str(place.id))
            return v.Page(items=items, next=following)
        items, last, end = await collected(soonest, limited(limit), place)
        if end is not None and end != last:
            end = end.unnamed(place, last)
        return v.Page(items=items, next=None if end is None else str(end))

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
        view = v.task_view(seen, item, definition, self._principal)
        return view if scope != "free" or view.allowed["claim"] is True else None


def _tells(task: v.TaskView, text: str) -> bool:
    """Whether a task, as it is seen, has a text in its name, its process or the business key."""
    told = task.name, task.process_title, task.process_definition_name, task.business_key or ""
    return any(text in each.casefold() for each in told)


def _no_task(task: int) -> CommandRejected:
    return CommandRejected(404, "Task not found.", f"There is no open task {task}; it may be done already.")
