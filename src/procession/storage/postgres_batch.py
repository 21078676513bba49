"""A batch of commands on PostgreSQL: what it reads in one round trip or two, and what it writes in one.

Rows go over as they are, as arrays of composite types: that costs a third of what arrays for each column cost, and one call
commits the batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter, itemgetter
from typing import Any

import asyncpg

from procession.engine.state import LIVE
from procession.errors import VersionConflict
from procession.storage import (
    Batch,
    CallRow,
    Found,
    HistoryRow,
    IncidentRow,
    InstanceRow,
    InstanceRows,
    JobRow,
    KeptRow,
    Lease,
    LetterRow,
    LoopRow,
    MessageRow,
    Need,
    OutputRow,
    PositionRow,
    StartSubscriptionRow,
    SubscriptionRow,
    TaskRow,
    TimerRow,
    TokenRow,
    VariableRow,
)
from procession.storage.conflicts import expected, refused
from procession.storage.postgres_errors import CONFLICT, TRY_AGAIN, is_taken, sqlstate
from procession.storage.postgres_link import Connection, prepared, query

A_LITTLE = 50
"""Positions that a node makes up for from history; who is further behind reads the whole instance."""

COMMIT, _PARAMETERS = prepared("commit_batch")
_lists_of = attrgetter(*_PARAMETERS[1:])
COMMIT_ALL, _ALL_PARAMETERS = prepared("commit_batch_2")
_all_lists_of = attrgetter(*_ALL_PARAMETERS[1:])

# What `load` answers beside the instances: where it goes, what a row is, which column is the instance, and
# whether it outlives it.
_PARTS = (
    ("tokens", TokenRow._make, 0, False),
    ("variables", VariableRow._make, 0, True),
    ("loops", LoopRow._make, 0, False),
    ("outputs", OutputRow._make, 0, False),
    ("kept", KeptRow._make, 0, False),
    ("jobs", JobRow._make, 1, False),
    ("tasks", TaskRow._make, 1, False),
    ("timers", TimerRow._make, 1, False),
    ("subscriptions", SubscriptionRow._make, 1, False),
    ("calls", CallRow._make, 1, False),
    ("incidents", IncidentRow._make, 1, True),
)


# -- writing ----------------------------------------------------------------------------------------------------------


def call(batch: Batch, definitions: int) -> tuple[str, list[Any]]:
    """The statement that commits the batch, and its parameters: first how often definitions had changed when it was decided.

    Most batches have nothing of what came with `commit_batch_2`, and are done sooner without it.
    """
    batch.start_timers = unique(batch.start_timers)
    if not (batch.messages or batch.positions or batch.outbox_gone or batch.letters or batch.letters_gone):
        return COMMIT, [definitions, *_lists_of(batch)]
    batch.messages = unique(batch.messages)
    batch.letters = unique(batch.letters)
    batch.positions = sorted(batch.positions, key=itemgetter(0))
    return COMMIT_ALL, [definitions, *_all_lists_of(batch)]


def is_conflict(error: BaseException) -> bool:
    """Whether a batch was refused because somebody else was faster. An id or an inbox key that is taken is somebody else's work.

    A job, task, timer … whose id belongs to another instance breaks `NOT NULL` on purpose (see `commit_batch`): two nodes made
    the same id in the same millisecond. Decided again, the id is another one.
    """
    if not isinstance(error, asyncpg.PostgresError):
        return False
    if is_taken(error):
        return str(error.table_name).startswith(("instance", "inbox", "history", "position"))
    if isinstance(error, asyncpg.NotNullViolationError):
        return getattr(error, "column_name", "") == "instance"
    return sqlstate(error) == CONFLICT or sqlstate(error) in TRY_AGAIN


async def conflict(connection: Connection, batch: Batch) -> VersionConflict:
    """Name what was changed by somebody else, as it is after the rollback."""
    there = dict(await query(connection, "moved_instances", instances=list(expected(batch))))
    taken = dict(await query(connection, "find_inbox", keys=[row.key for row in batch.inbox]))
    fences = dict(await query(connection, "find_fences", jobs=[job for job, _ in batch.fences]))
    positions = await _positions(connection, [row[:3] for row, _ in batch.positions])
    return refused(batch, there, taken, fences, positions)


# -- reading ----------------------------------------------------------------------------------------------------------


async def read(connection: Connection, need: Need) -> Found:
    """The answer to a need."""
    found = Found()
    if need.instances or need.jobs or need.tasks or need.timers or need.inbox:
        await _find(connection, need, found)
    if need.messages:
        await _find_receivers(connection, need.messages, found)
    if need.buffered:
        names, keys = zip(*need.buffered, strict=True)
        rows = await query(connection, "find_buffered", names=names, keys=keys)
        found.buffered = [MessageRow._make(row) for row in rows]
    if need.positions:
        found.positions = await _positions(connection, need.positions)
    if need.letters:
        rows = await query(connection, "find_letters", letters=list(need.letters))
        found.letters = {row.id: row for row in map(LetterRow._make, rows)}
    if need.children:
        found.children = {parent: [] for parent in need.children}
        for parent, child, status in await query(connection, "find_children", parents=list(need.children)):
            found.children[parent].append((child, status))
    return found


async def _find(connection: Connection, need: Need, found: Found) -> None:
    """Jobs, tasks, timers, keys; and the instances, as far as they are not at the position that is known."""
    [(jobs, tasks, timers, taken, stands)] = await query(
        connection,
        "find",
        jobs=list(need.jobs),
        tasks=list(need.tasks),
        timers=list(need.timers),
        keys=list(need.inbox),
        instances=list(need.instances),
    )
    for id, instance, fence, worker, deadline in jobs or ():
        found.jobs[id] = instance, Lease(fence, worker, deadline)
    found.tasks = dict(tasks or ())
    found.timers = dict(timers or ())
    found.inbox = dict(taken or ())
    positions = dict(stands or ())
    wanted = dict(need.instances)
    owners = [instance for instance, _ in found.jobs.values()]
    for owner in (*owners, *found.tasks.values(), *found.timers.values()):
        if owner not in wanted:
            wanted[owner] = need.known.get(owner, -1)
    found.instances = {id: None for id in wanted if id not in positions}
    stale = {id: position for id, position in positions.items() if position != wanted.get(id, position)}
    behind = {
        id: wanted[id] for id, position in stale.items() if 0 <= position - wanted[id] <= A_LITTLE and wanted[id] > 0
    }
    if behind:
        found.missed = await _missed(connection, behind, stale)
    if far := [id for id in stale if id not in found.missed]:
        found.instances.update(await load(connection, far))


async def _missed(
    connection: Connection, behind: Mapping[int, int], positions: Mapping[int, int]
) -> dict[int, list[HistoryRow]]:
    """What happened since the positions at which instances are known, of those of which it is there without a gap."""
    found: dict[int, list[HistoryRow]] = {id: [] for id in behind}
    rows = await query(connection, "missed", instances=list(behind), positions=list(behind.values()))
    for row in map(HistoryRow._make, rows):
        found[row.instance].append(row)
    for id, known in behind.items():
        told = [row.position for row in found[id]]
        if told != list(range(known + 1, known + 1 + len(told))) or known + len(told) < positions[id]:
            del found[id]  # it is not kept any more
    return found


async def load(connection: Connection, wanted: Collection[int]) -> dict[int, InstanceRows | None]:
    """Instances with everything that lives of them, as they were at one moment; None: there is none."""
    found: dict[int, InstanceRows | None] = dict.fromkeys(wanted)
    [(heads, *parts)] = await query(connection, "load", instances=list(wanted))
    there: dict[int, InstanceRows] = {}
    for row in heads or ():
        instance = InstanceRow._make(row)
        found[instance.id] = there[instance.id] = InstanceRows(instance)
    for (name, make, owner, lasting), rows in zip(_PARTS, parts, strict=True):
        for row in rows or ():
            into = there.get(row[owner])
            if into is not None and (lasting or into.instance.status in LIVE):
                getattr(into, name).append(make(row))
    return found


async def _positions(
    connection: Connection, places: Collection[tuple[str, str, int]]
) -> dict[tuple[str, str, int], int]:
    if not places:
        return {}
    groups, topics, partitions = zip(*places, strict=True)
    rows = await query(connection, "find_positions", groups=groups, topics=topics, partitions=partitions)
    return {row[:3]: row.next for row in map(PositionRow._make, rows)}


async def _find_receivers(connection: Connection, messages: Collection[tuple[str, str | None]], found: Found) -> None:
    """Who waits for the messages, oldest first, and what they start."""
    keyed = [pair for pair in messages if pair[1] is not None]
    rows = await query(
        connection,
        "find_subscriptions",
        names=[name for name, _ in keyed],
        keys=[key for _, key in keyed],
        everybody=[name for name, key in messages if key is None],
    )
    found.subscriptions = [(SubscriptionRow._make(row[:-1]), row[-1]) for row in map(tuple, rows)]
    starts = await query(connection, "find_starts", names=list({name for name, _ in messages}))
    found.starts = [StartSubscriptionRow._make(row) for row in starts]


def unique(rows: Iterable[Any]) -> list[Any]:
    """Of rows with the same id the last one: a statement touches a row once."""
    return list({row.id: row for row in rows}.values())
