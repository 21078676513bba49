"""Questions about definitions."""

from __future__ import annotations

from collections.abc import Sequence

from procession.engine.access import lacks_role, permission
from procession.errors import CommandRejected
from procession.runtime import views as v
from procession.runtime.definitions import DEPRECATED, DRAFT, PUBLISHED, not_found
from procession.runtime.queries.asking import Asking
from procession.runtime.queries.paging import cursor_number, limited, no_cursor
from procession.storage import DefinitionRow

STATES = (DRAFT, PUBLISHED, DEPRECATED)


class DefinitionQueries(Asking):
    """What can be run."""

    async def definitions(
        self, name: str | None = None, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> v.Page[v.DefinitionView]:
        """Versions of processes that the principal may see: by name, the newest version first."""
        if state is not None and state not in STATES:
            raise CommandRejected(
                422, "Not valid.", f"state must be {', '.join(STATES[:-1])} or {STATES[-1]}, not {state!r}."
            )
        size, after = limited(limit), _after(cursor)
        seq = await self._storage.definitions_changed()
        rows = await self._storage.definitions(name, () if state is None else (state,))
        rows.sort(key=_order)
        found: list[DefinitionRow] = []
        for row in rows:
            if (after is None or _order(row) > after) and await self._sees_definition(row):
                found.append(row)
                if len(found) > size:
                    break
        items = [await self._definition_view(row, seq) for row in found[:size]]
        last = f"{found[size - 1].version}.{found[size - 1].name}" if len(found) > size else None
        return v.Page(items=items, next=last)

    async def definition(self, name: str, version: int | None = None) -> v.DefinitionDetail:
        """One version (the newest) with what is in it; 404 if there is none that the principal may see."""
        seq = await self._storage.definitions_changed()
        row = await self._definition_row(name, version)
        return v.definition_detail(row, await self._definitions.compiled(row.id), self._principal, seq)

    async def file(self, name: str, version: int | None = None) -> bytes:
        """The file of a version (the newest), byte for byte as it was added."""
        row = await self._definitions.row((await self._definition_row(name, version)).id)
        return row.data

    async def me(self, expires: int | None = None) -> v.MeView:
        """Who asks, and what they may do outside of a process; `expires` is when they have to log in again."""
        watches = lacks_role(self._principal, "see every process", "editor", "operator") is None
        if not watches:
            roles = await self._definitions.watchers()
            watches = roles is None or not roles.isdisjoint(self._principal.roles)
        return v.me_view(self._principal, expires, watches=watches)

    async def form(self, name: str, version: int | None, key: str) -> bytes:
        """A form of a version (the newest), byte for byte as it was added."""
        row = await self._storage.form((await self._definition_row(name, version)).id, key)
        if row is None:
            detail = f"The process {name[:100]!r} has no form {key[:100]!r} that was added with it."
            raise CommandRejected(404, "Form not found.", detail)
        return row.data

    async def deployed(self, rows: Sequence[DefinitionRow]) -> list[v.DefinitionView]:
        """Versions that were just added or changed, as answers."""
        seq = await self._storage.definitions_changed()
        return [await self._definition_view(row, seq) for row in rows]

    async def _definition_row(self, name: str, version: int | None) -> DefinitionRow:
        """A version that the principal may see. Of a process of which they see none, they do not learn the versions either."""
        rows = await self._storage.definitions(name)
        for row in rows:
            if version in (None, row.version) and await self._sees_definition(row):
                return row
        known = version is not None and any([await self._sees_definition(row) for row in rows])
        raise not_found(name, version if known else None)

    async def _sees_definition(self, row: DefinitionRow) -> bool:
        if lacks_role(self._principal, "see every process", "editor", "operator") is None:
            return True
        return permission(self._principal, await self._definitions.compiled(row.id), "view") is None

    async def _definition_view(self, row: DefinitionRow, seq: int) -> v.DefinitionView:
        definition = await self._definitions.compiled(row.id) if row.state == PUBLISHED else None
        return v.definition_view(row, definition, self._principal, seq)


def _order(row: DefinitionRow) -> tuple[str, int]:
    return row.name, -row.version


def _after(cursor: str | None) -> tuple[str, int] | None:
    """The place of the last item seen: `VERSION.NAME`."""
    if cursor is None:
        return None
    version, dot, name = cursor.partition(".")
    if not dot:
        raise no_cursor(cursor)
    return name, -cursor_number(version, cursor)
