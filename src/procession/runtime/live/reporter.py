"""Reads history and reports it. What an instance was before a row is folded from its first row on, and kept for the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from procession.engine.state import ProcessInstance
from procession.runtime.definitions import Definitions
from procession.runtime.live.news import Report
from procession.runtime.live.unfold import unfold
from procession.storage import HistoryRow, InstanceRow, Storage
from procession.storage.rows import catch_up

STATES = 10_000
"""Instances whose state is kept."""

HEADS = 10_000
"""Instances of which it is kept what never changes: definition, root, who started it."""

FOLDED_AT_ONCE = 1_000
"""Rows of one instance that are read together when its state is made."""


class Interest(IntEnum):
    """How much of an instance somebody wants to know."""

    NONE = 0
    TASKS = 1
    ALL = 2


class Read(NamedTuple):
    """A row of history with its number, and the instance that it is of: what never changes of it is right."""

    number: int
    row: HistoryRow
    head: InstanceRow


class Part(NamedTuple):
    """Rows that were read together. `last` is the number of the last one (None: there was none); `more` may follow."""

    rows: list[Read]
    last: int | None
    more: bool


class Reporter:
    """One for each reader of history, and used by it alone. Nothing is folded that nobody wants to know."""

    def __init__(self, storage: Storage, definitions: Definitions, states: int = STATES) -> None:
        self._storage, self._definitions, self._limit = storage, definitions, states
        self._states: OrderedDict[int, ProcessInstance] = OrderedDict()
        self._heads: OrderedDict[int, InstanceRow] = OrderedDict()

    async def read(self, after: int, limit: int) -> Part:
        """Rows after a number, oldest first."""
        rows = await self._storage.history_after(after, limit)
        heads = await self._heads_of({row.instance for _, row in rows})
        found = [Read(number, row, heads[row.instance]) for number, row in rows if row.instance in heads]
        return Part(found, rows[-1][0] if rows else None, len(rows) == limit)

    async def report(self, read: Read, interest: Callable[[InstanceRow], Interest]) -> Report | None:
        """The news of a row; None where nobody wants them."""
        number, row, head = read
        wanted = interest(head)
        if wanted is Interest.NONE or (wanted is Interest.TASKS and not _may_be_of_tasks(row.events)):
            return None
        definition = await self._definitions.compiled(head.definition)
        state = await self._before(row)
        report = unfold(number, row, head, definition, state)
        if state.live:
            self._states[state.id] = state
            if len(self._states) > self._limit:
                self._states.popitem(last=False)
        return report

    async def _heads_of(self, instances: set[int]) -> dict[int, InstanceRow]:
        """Whatever is not there any more has no head."""
        known = self._heads
        found = {number: known[number] for number in instances if number in known}
        missing = instances - found.keys()
        if missing:
            found.update((row.id, row) for row in await self._storage.instance_heads(sorted(missing)))
            known.update(found)
            while len(known) > HEADS:
                known.popitem(last=False)
        return found

    async def _before(self, row: HistoryRow) -> ProcessInstance:
        """The state of the row's instance before it. It is taken out: a row that fails leaves nothing half done."""
        state = self._states.pop(row.instance, None)
        if state is None or state.position >= row.position:
            state = ProcessInstance(row.instance)
        while (missing := row.position - 1 - state.position) > 0:
            earlier = await self._storage.history(row.instance, state.position, min(missing, FOLDED_AT_ONCE))
            if not earlier:
                raise LookupError(f"history of instance {row.instance} ends at {state.position}, before {row.position}")
            catch_up(state, earlier)
        return state


def _may_be_of_tasks(events: bytes) -> bool:
    """A quick look at the JSON of a row; what is taken for a task by mistake costs only time."""
    return b'"task-' in events or b',"task"]' in events
