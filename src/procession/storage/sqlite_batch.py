"""A batch of commands on SQLite: what it reads in one go, and what it writes in one transaction.

One `executemany` for each list that is not empty, one statement for each kind of thing that is looked for: the number
of statements does not grow with the batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any

import apsw
from msgspec import json

from procession.engine.state import LIVE, ON_HOLD
from procession.errors import VersionConflict
from procession.storage import (
    Batch,
    CallRow,
    Found,
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
from procession.storage.sqlite_file import SQL, is_null, is_taken

# What a batch writes besides its instances, in this order: what is gone makes room for what is put.
_WRITES = (
    ("tokens_gone", "remove_token"),
    ("variables_gone", "remove_variable"),
    ("scopes_gone", "remove_scope"),
    ("loops_gone", "remove_loop"),
    ("loops_gone", "remove_outputs"),
    ("kept_gone", "remove_kept"),
    ("jobs_gone", "remove_job"),
    ("tasks_gone", "remove_task"),
    ("tasks_gone", "remove_drafts"),
    ("timers_gone", "remove_timer"),
    ("subscriptions_gone", "remove_subscription"),
    ("calls_gone", "remove_call"),
    ("messages_gone", "remove_message"),
    ("outbox_gone", "remove_outbox"),
    ("letters_gone", "remove_letter"),
    ("start_timers_gone", "remove_start_timer"),
    ("new", "add_instance"),
    ("history", "add_history"),
    ("tokens", "put_token"),
    ("variables", "put_variable"),
    ("loops", "put_loop"),
    ("outputs", "put_output"),
    ("kept", "put_kept"),
    ("jobs", "put_job"),
    ("tasks", "put_task"),
    ("timers", "put_timer"),
    ("subscriptions", "put_subscription"),
    ("calls", "put_call"),
    ("incidents", "put_incident"),
    ("incidents_resolved", "resolve_incident"),
    ("messages", "put_message"),
    ("outbox", "add_outbox"),
    ("letters", "put_letter"),
    ("inbox", "add_inbox"),
    ("failed_starts", "add_failed_start"),
    ("audit", "add_audit"),
    ("start_timers", "put_start_timer"),
)
_lists_of = attrgetter(*(name for name, _ in _WRITES))
_STATEMENTS = tuple(SQL[statement] for _, statement in _WRITES)

# What lives of an instance: where it goes, how it is read, and which column is the instance.
_LIVE = (
    ("tokens", SQL["load_tokens"], TokenRow._make, 0),
    ("loops", SQL["load_loops"], LoopRow._make, 0),
    ("outputs", SQL["load_outputs"], OutputRow._make, 0),
    ("kept", SQL["load_kept"], KeptRow._make, 0),
    ("jobs", SQL["load_jobs"], JobRow._make, 1),
    ("tasks", SQL["load_tasks"], TaskRow._make, 1),
    ("timers", SQL["load_timers"], TimerRow._make, 1),
    ("subscriptions", SQL["load_subscriptions"], SubscriptionRow._make, 1),
    ("calls", SQL["load_calls"], CallRow._make, 1),
)
_LASTING = (
    ("variables", SQL["load_variables"], VariableRow._make, 0),
    ("incidents", SQL["load_incidents"], IncidentRow._make, 1),
)


def many(numbers: Iterable[int]) -> tuple[apsw.CArrayBinding]:
    """Many ids as one parameter. There must be one at least."""
    return (apsw.carray(array("q", numbers)),)


def names(texts: Iterable[str]) -> tuple[apsw.CArrayBinding]:
    """Many texts as one parameter. There must be one at least."""
    return (apsw.carray(tuple(texts)),)


# -- writing ----------------------------------------------------------------------------------------------------------


def write(connection: apsw.Connection, batch: Batch) -> None:
    """All rows of the batch, within a transaction. Whoever calls rolls back when it raises."""
    held: set[int] = set()
    for fence in batch.fences:
        if connection.execute(SQL["has_fence"], fence).get is None:
            connection.execute(SQL["rollback"])
            raise _conflict(connection, batch)
    if batch.positions:
        _move(connection, batch)
    if batch.changed:
        held = _change(connection, batch)
    for rows, statement in zip(_lists_of(batch), _STATEMENTS, strict=True):
        if rows:
            connection.executemany(statement, rows)
    if batch.changed or batch.jobs or batch.timers:
        _hold(connection, batch, held)


def _change(connection: apsw.Connection, batch: Batch) -> set[int]:
    """Write the instances that are where they were read; refuse if one is not. Returns those that were on hold."""
    steps: list[InstanceRow] = []
    changes: list[InstanceRow] = []
    held = set()
    stands = connection.execute(SQL["stand_of"], many(row.id for row, _ in batch.changed))
    before = {id: stand for id, *stand in stands}
    for row, position in batch.changed:
        stand = before.pop(row.id, None)
        if stand is None or stand[0] != position:
            connection.execute(SQL["rollback"])
            raise _conflict(connection, batch)
        if stand[1] == ON_HOLD:
            held.add(row.id)
        indexed = [row.status, row.name, row.business_key]
        (steps if stand[1:] == indexed else changes).append(row)
    if steps:
        connection.executemany(SQL["step_instance"], steps)
    if changes:
        connection.executemany(SQL["change_instance"], changes)
    return held


def _move(connection: apsw.Connection, batch: Batch) -> None:
    """Write how far groups have taken; refuse if one is not where it was read."""
    right = len({row[:3] for row, _ in batch.positions}) == len(batch.positions)
    for row, read in batch.positions:
        statement = "add_position" if read is None else "move_position"
        connection.execute(SQL[statement], {**row._asdict(), "read": read})
        right = right and connection.changes() == 1
    if not right:
        connection.execute(SQL["rollback"])
        raise _conflict(connection, batch)


def _hold(connection: apsw.Connection, batch: Batch, before: set[int]) -> None:
    """Mark the jobs and timers of instances on hold, so that whoever looks for work does not even see them."""
    now = {row.id for row, _ in batch.changed if row.status == ON_HOLD}
    now.update(row.id for row in batch.new if row.status == ON_HOLD)
    if now:
        connection.execute(SQL["hold_jobs"], many(now))
        connection.execute(SQL["hold_timers"], many(now))
    if released := before - now:
        connection.execute(SQL["release_jobs"], many(released))
        connection.execute(SQL["release_timers"], many(released))


def conflict(connection: apsw.Connection, batch: Batch, error: apsw.ConstraintError) -> Exception:
    """After a rollback: what a broken constraint means. An id or an inbox key that is taken is somebody else's work.

    A job, task, timer … whose id belongs to another instance breaks `NOT NULL` on purpose (see `put_job`): two processes made
    the same id in the same millisecond. Decided again, the id is another one.
    """
    table, _, column = str(error).rpartition(": ")[2].partition(".")
    others = is_taken(error) and table in ("instance", "history", "inbox", "position")
    if others or (is_null(error) and column == "instance"):
        return _conflict(connection, batch)
    return error


def _conflict(connection: apsw.Connection, batch: Batch) -> VersionConflict:
    """Name what was changed by somebody else, as it is after the rollback."""
    there: dict[int, int] = {}
    if ids := expected(batch):
        there = dict(connection.execute(SQL["moved_instances"], many(ids)))
    taken: dict[str, bytes] = {}
    if batch.inbox:
        taken = dict(connection.execute(SQL["find_inbox"], names(row.key for row in batch.inbox)))
    fences: dict[int, int] = {}
    if batch.fences:
        fences = dict(connection.execute(SQL["find_fences"], many(job for job, _ in batch.fences)))
    places = [row[:3] for row, _ in batch.positions]
    return refused(batch, there, taken, fences, _positions(connection, places) if places else {})


# -- reading ----------------------------------------------------------------------------------------------------------


def read(connection: apsw.Connection, need: Need, trusted: set[int] | None) -> Found:
    """The answer to a need. A known position of a `trusted` instance (None: of any) is right without looking.

    What was looked up is trusted from now on.
    """
    execute = connection.execute
    found = Found()
    wanted = need.instances
    if need.jobs or need.tasks or need.timers:
        wanted = dict(wanted)
        if need.jobs:
            for id, instance, fence, worker, deadline in execute(SQL["find_jobs"], many(need.jobs)):
                found.jobs[id] = instance, Lease(fence, worker, deadline)
        if need.tasks:
            found.tasks = dict(execute(SQL["find_tasks"], many(need.tasks)))
        if need.timers:
            found.timers = dict(execute(SQL["find_timers"], many(need.timers)))
        owners = [instance for instance, _ in found.jobs.values()]
        for owner in (*owners, *found.tasks.values(), *found.timers.values()):
            if owner not in wanted:
                wanted[owner] = need.known.get(owner, -1)
    if need.inbox:
        found.inbox = dict(execute(SQL["find_inbox"], names(need.inbox)))
    if need.messages:
        _find_receivers(connection, need.messages, found)
    if need.buffered:
        pairs = (json.encode(list(need.buffered)).decode(),)
        found.buffered = [MessageRow._make(row) for row in execute(SQL["find_buffered"], pairs)]
    if need.positions:
        found.positions = _positions(connection, need.positions)
    if need.letters:
        rows = map(LetterRow._make, execute(SQL["find_letters"], many(need.letters)))
        found.letters = {row.id: row for row in rows}
    if need.children:
        found.children = {parent: [] for parent in need.children}
        for parent, child, status in execute(SQL["find_children"], many(need.children)):
            found.children[parent].append((child, status))
    if wanted:
        unsure = [id for id, known in wanted.items() if known < 0 or (trusted is not None and id not in trusted)]
        if unsure:
            execute(SQL["snapshot"])
            found.instances = load(connection, unsure, wanted)
            execute(SQL["commit"])
            if trusted is not None:
                trusted.update(unsure)
    return found


def _positions(
    connection: apsw.Connection, places: Collection[tuple[str, str, int]]
) -> dict[tuple[str, str, int], int]:
    rows = connection.execute(SQL["find_positions"], (json.encode(list(places)).decode(),))
    return {row[:3]: row.next for row in map(PositionRow._make, rows)}


def _find_receivers(connection: apsw.Connection, messages: Collection[tuple[str, str | None]], found: Found) -> None:
    """Who waits for the messages, oldest first, and what they start."""
    waiting: dict[int, tuple[Any, ...]] = {}
    if keyed := [pair for pair in messages if pair[1] is not None]:
        rows = connection.execute(SQL["find_subscriptions"], (json.encode(keyed).decode(),))
        waiting = {row[0]: row for row in rows}
    if everybody := [name for name, key in messages if key is None]:
        waiting.update((row[0], row) for row in connection.execute(SQL["find_subscriptions_by_name"], names(everybody)))
    found.subscriptions = [(SubscriptionRow._make(waiting[id][:-1]), waiting[id][-1]) for id in sorted(waiting)]
    starts = connection.execute(SQL["find_starts"], names({name for name, _ in messages}))
    found.starts = [StartSubscriptionRow._make(row) for row in starts]


def load(
    connection: apsw.Connection, wanted: Collection[int], known: Mapping[int, int]
) -> dict[int, InstanceRows | None]:
    """The instances that are not at their known position, with everything that lives of them."""
    found: dict[int, InstanceRows | None] = dict.fromkeys(wanted)
    stale: dict[int, InstanceRows] = {}
    for row in connection.execute(SQL["load_instances"], many(wanted)):
        instance = InstanceRow._make(row)
        if instance.position == known[instance.id]:
            del found[instance.id]
        else:
            found[instance.id] = stale[instance.id] = InstanceRows(instance)
    if stale:
        _fill(connection, stale, stale, _LASTING)
        if living := [id for id, rows in stale.items() if rows.instance.status in LIVE]:
            _fill(connection, living, stale, _LIVE)
    return found


def _fill(
    connection: apsw.Connection,
    wanted: Iterable[int],
    into: Mapping[int, InstanceRows],
    tables: Iterable[tuple[str, str, Any, int]],
) -> None:
    parameters = many(wanted)
    for name, statement, make, owner in tables:
        for row in connection.execute(statement, parameters):
            getattr(into[row[owner]], name).append(make(row))
