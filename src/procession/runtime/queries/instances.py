"""Questions about process instances."""

from __future__ import annotations

from collections.abc import Sequence

from procession.engine.access import permission, refuse
from procession.errors import CommandRejected
from procession.runtime import views as v
from procession.runtime.checks import LARGEST_ID, not_valid, number
from procession.runtime.progress import progress_view
from procession.runtime.queries.asking import Asking
from procession.runtime.queries.paging import gathered, limited
from procession.runtime.replay import replay
from procession.storage import InstanceFilter, InstanceRow


class InstanceQueries(Asking):
    """What is in an instance, and which instances there are."""

    async def instance(self, instance: int) -> v.InstanceView:
        """Everything about an instance; 404 if there is none, or if the principal may not see it."""
        state = await self._state(instance)
        return v.instance_view(state, await self._definitions.compiled(state.definition), self._principal)

    async def state_at(self, instance: int, position: int) -> v.InstanceView:
        """The instance as it was at a position of its history."""
        present = await self._state(instance)
        past = await replay(self._storage, instance, position)
        if past is None or past.state.position != position:
            last = past.state.position if past is not None else 0
            raise CommandRejected(404, "Position not found.", f"History of {instance} has positions 1 to {last}.")
        definition = await self._definitions.compiled(past.state.definition)
        return v.instance_view(past.state, definition, self._principal, past=position < present.position)

    async def instances(
        self, where: InstanceFilter, limit: int = 50, cursor: str | None = None
    ) -> v.Page[v.InstanceSummary]:
        """Instances that the principal may see, newest first. Text is looked for in ids, names and business keys only."""
        if where.version is not None:
            number(where.version, "version", 0)
        await self._refuse_secrets(where)

        async def read(size: int, before: int | None) -> list[tuple[int, InstanceRow | None]]:
            rows = await self._storage.instances(where, size, before)
            return [(row.id, row if await self._sees_instance(row) else None) for row in rows]

        rows, following = await gathered(read, limit, cursor)
        places = await self._storage.places([row.id for row in rows if row.ended is None])
        return v.Page(items=[await self._instance_summary(row, places.get(row.id, ())) for row in rows], next=following)

    async def _sees_instance(self, row: InstanceRow) -> bool:
        definition = await self._definitions.compiled(row.definition)
        return permission(self._principal, definition, "view", owner=row.started_by) is None

    async def _instance_summary(self, row: InstanceRow, places: Sequence[tuple[str, int]]) -> v.InstanceSummary:
        return v.instance_summary(row, await self._definitions.compiled(row.definition), self._principal, places)

    async def _refuse_secrets(self, where: InstanceFilter) -> None:
        """Nobody finds out by searching what is masked where it is shown.

        The whole search is refused, not the rows dropped: how many pages there are would say how many rows were dropped.
        """
        if not where.variables or self._principal.system:
            return
        for row in await self._storage.definitions(where.definition):
            if where.version in (None, row.version):
                paths = v.hidden(self._principal, await self._definitions.compiled(row.id))
                for path in where.variables:
                    if v.reveals(path, paths):
                        where_to = " in some process: name the process to search in" if where.definition is None else ""
                        refuse(self._principal, f"{path!r} cannot be searched for, it is sensitive{where_to}")

    async def history_page(
        self, instance: int, after: int = 0, limit: int = 1000, kinds: Sequence[str] = ()
    ) -> v.Page[v.HistoryView]:
        """The event log of an instance, oldest first; `next` is the position to go on after. `kinds`: only events of these."""
        for kind in kinds:
            if kind not in v.EVENT_KINDS:
                raise not_valid(f"{kind[:50]!r} is no kind of event; there are {', '.join(v.EVENT_KINDS)}.", "?kinds")
        state = await self._state(instance)
        paths = v.hidden(self._principal, await self._definitions.compiled(state.definition))
        size = limited(limit)
        rows = await self._storage.history(instance, number(after, "after", 0, LARGEST_ID), size + 1)
        items = [v.history_view(row, paths, kinds) for row in rows[:size]]
        return v.Page(items=items, next=str(items[-1].position) if len(rows) > size else None)

    async def tokens(self, instance: int, finished: bool = True) -> v.Page[v.TokenView]:
        """Tokens with the nodes that each visited: the live ones, and of those that ended the latest 1,000. All in one page."""
        await self._state(instance)
        past = await replay(self._storage, instance)
        assert past is not None
        definition = await self._definitions.compiled(past.state.definition)
        tokens = [*(past.finished.values() if finished else ()), *past.state.tokens.values()]
        tokens.sort(key=lambda token: token.id)
        return v.Page(items=[v.token_view(token, definition, past.visits.get(token.id, ())) for token in tokens])

    async def progress(self, instance: int) -> v.ProgressView:
        """How far an instance is, for the person who started it."""
        await self._state(instance)
        past = await replay(self._storage, instance)
        assert past is not None
        return progress_view(past, await self._definitions.compiled(past.state.definition), self._principal)

    async def data(self, instance: int, node: str) -> v.NodeDataView:
        """What a screen of a node needs. Who may see the instance needs the lane of the node for it."""
        state = await self._state(instance)
        definition = await self._definitions.compiled(state.definition)
        found = definition.nodes.get(node)
        if found is None:
            detail = f"Process {state.name!r} version {state.version} has no node {node[:100]!r}."
            raise CommandRejected(404, "Node not found.", detail, key="error.node_not_found")
        lane = found.lane or ""
        refuse(self._principal, permission(self._principal, definition, "view", lane, owner=state.started_by))
        return v.node_data_view(state, definition, found, self._principal)
