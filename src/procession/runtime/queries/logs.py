"""Questions about what went wrong, what was refused, and who did what."""

from __future__ import annotations

from typing import NamedTuple

from procession.engine.access import require_role
from procession.runtime import views as v
from procession.runtime.checks import LARGEST_ID
from procession.runtime.queries.asking import Asking
from procession.runtime.queries.paging import before_id, cursor_number, limited, no_cursor, page
from procession.runtime.views.allowed import on_exception
from procession.storage import AuditRow, HistoryRow, SeenIncident


class Place(NamedTuple):
    """Where a page of the audit log goes on: the next entry of each of the two logs that it is merged from (None: no more)."""

    audit: int | None
    history: tuple[int, int] | None  # instance, position

    def __str__(self) -> str:
        history = self.history or ("", "")
        return f"{self.audit or ''}.{history[0]}.{history[1]}"

    @staticmethod
    def read(cursor: str) -> Place:
        parts = cursor.split(".")
        if len(parts) != 3 or bool(parts[1]) != bool(parts[2]):
            raise no_cursor(cursor)
        audit, instance, position = (cursor_number(part, cursor) if part else None for part in parts)
        return Place(audit, None if instance is None or position is None else (instance, position))


class LogQueries(Asking):
    """What happened across instances needs the role operator; what happened in one, the right to see it."""

    async def exceptions(
        self, instance: int | None = None, open_only: bool = False, limit: int = 50, cursor: str | None = None
    ) -> v.Page[v.ExceptionView]:
        """Exceptions of an instance, or of all; newest first."""
        definition = None  # an operator may repair whatever it is
        if instance is None:
            require_role(self._principal, "see every exception", "operator")
        else:
            definition = await self._definitions.compiled((await self._state(instance)).definition)
        size = limited(limit)
        found = await self._storage.incidents(instance, open_only, size + 1, before_id(cursor))

        def view(seen: SeenIncident) -> v.ExceptionView:
            row = seen.incident
            may = on_exception(self._principal, definition, status=seen.status, resolved=row.resolved is not None)
            return v.exception_view(row, seen.position, may)

        return page(found, size, view)

    async def failed_starts(self, limit: int = 50, cursor: str | None = None) -> v.Page[v.FailedStartView]:
        """Starts that were refused, newest first."""
        require_role(self._principal, "see failed starts", "operator")
        size = limited(limit)
        rows = await self._storage.failed_starts(size + 1, before_id(cursor))
        hidden = {name: await self._hidden(name) for name in {row.process for row in rows}}
        return page(rows, size, lambda row: v.failed_start_view(row, hidden[row.process]))

    async def _hidden(self, process: str) -> set[str] | None:
        """What is sensitive in any version of a process; None: there is none that would say so."""
        if self._principal.system:
            return set()
        versions = await self._storage.definitions(process)
        if not versions:
            return None
        found = [v.hidden(self._principal, await self._definitions.compiled(row.id)) for row in versions]
        return {path for paths in found for path in paths}

    async def instance_audit(self, instance: int, limit: int = 50, cursor: str | None = None) -> v.Page[v.AuditView]:
        """Who did what to an instance, newest first."""
        state = await self._state(instance)
        size = limited(limit)
        before = before_id(cursor)
        end = state.position if before is None else min(state.position, before - 1)  # positions count from 1
        rows = await self._storage.history(instance, max(end - size, 0), min(size, end)) if end > 0 else []
        items = [v.history_audit_view(row) for row in reversed(rows)]
        return v.Page(items=items, next=str(end - size + 1) if end > size else None)

    async def audit(self, limit: int = 50, cursor: str | None = None) -> v.Page[v.AuditView]:
        """Who did what, to instances and outside of them, newest first.

        Two logs are merged by time, each in its own order. The cursor has a place in each: no entry is lost or doubled,
        also where several have the same time or came in between.
        """
        require_role(self._principal, "read the audit log", "operator")
        size = limited(limit)
        place = None if cursor is None else Place.read(cursor)
        outside = await self._outside(place, size + 1)
        inside = await self._inside(place, size + 1)
        items: list[v.AuditView] = []
        a = h = 0
        while len(items) < size and (a < len(outside) or h < len(inside)):
            if h == len(inside) or (a < len(outside) and outside[a].at >= inside[h].at):
                items.append(v.audit_view(outside[a]))
                a += 1
            else:
                items.append(v.history_audit_view(inside[h]))
                h += 1
        following = Place(
            outside[a].id if a < len(outside) else None,
            (inside[h].instance, inside[h].position) if h < len(inside) else None,
        )
        return v.Page(items=items, next=str(following) if any(following) else None)

    async def _outside(self, place: Place | None, size: int) -> list[AuditRow]:
        """The log of what was done outside of instances, from a place on."""
        if place is None:
            return await self._storage.audit(size)
        return [] if place.audit is None else await self._storage.audit(size, min(place.audit + 1, LARGEST_ID))

    async def _inside(self, place: Place | None, size: int) -> list[HistoryRow]:
        """What was done to instances, from a place on."""
        if place is None:
            return await self._storage.recent_history(size)
        if place.history is None:
            return []
        instance, position = place.history
        first = await self._storage.history(instance, position - 1, 1)
        if not first or first[0].position != position:
            return []
        return [*first, *await self._storage.recent_history(size - 1, (first[0].at, instance, position))]
