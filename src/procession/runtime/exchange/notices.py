"""What history says to those who follow it: one record for each thing that happened, on the topic of its kind.

They are read from history behind the commits, so that no step pays for them; how far they are is a position of the store. Data of
the process are not in them: who wants those asks for them, and sees what he may.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from procession.bus import Record
from procession.bus.topics import AUDIT, INDEX, NOTIFY_EXCEPTION, NOTIFY_PROCESS, NOTIFY_TASK, NOTIFY_TOKEN, UI, Naming
from procession.definition.iso8601 import format_instant
from procession.engine import events as e
from procession.engine.codec import decode_events, encode
from procession.runtime.drive import drive
from procession.runtime.exchange.shapes import AuditEntry, IndexDocument, Notice, ScreenNotice
from procession.runtime.machine import Machine
from procession.runtime.views import history_audit_view, reveals
from procession.storage import HistoryRow, InstanceRow, PositionRow
from procession.storage.rows import restore

TOPICS: dict[type[e.Fact], str] = {
    e.InstanceStarted: NOTIFY_PROCESS,
    e.InstanceEnded: NOTIFY_PROCESS,
    e.InstanceHeld: NOTIFY_PROCESS,
    e.InstanceResumed: NOTIFY_PROCESS,
    e.TokenCreated: NOTIFY_TOKEN,
    e.TokenAdvanced: NOTIFY_TOKEN,
    e.TokenHeld: NOTIFY_TOKEN,
    e.TokenResumed: NOTIFY_TOKEN,
    e.TokenExecuted: NOTIFY_TOKEN,
    e.TokenEnded: NOTIFY_TOKEN,
    e.JoinReached: NOTIFY_TOKEN,
    e.JoinFired: NOTIFY_TOKEN,
    e.TaskCreated: NOTIFY_TASK,
    e.TaskAssigned: NOTIFY_TASK,
    e.TaskCompleted: NOTIFY_TASK,
    e.IncidentRaised: NOTIFY_EXCEPTION,
    e.IncidentResolved: NOTIFY_EXCEPTION,
}
"""Where each thing that happened is told. A task or an exception that is not waited for any more is told where it was."""

CANCELLED = {"task": NOTIFY_TASK, "incident": NOTIFY_EXCEPTION}

TOLD = (
    "status", "error", "message", "parent", "flow", "holding", "count", "state", "consumed", "survivor", "name", "lane",
    "assignee", "due", "priority", "by", "source", "type", "cause", "incident", "started_by", "root",
)  # fmt: skip
"""Fields of events that are told as they are: none of them carries data of the process but messages of errors, for operators."""

GROUP, PLACE = "procession.notices", "history"
ROWS = 500

CloudEvent = Callable[[str, str, str | None, int], list[tuple[str, bytes]]]
"""The attributes of a record: of its id, topic, subject and time."""


class Notices:
    """How far history was told, and what comes next. For one thread."""

    def __init__(self, machine: Machine, naming: Naming) -> None:
        self._machine, self._storage, self._naming = machine, machine.storage, naming
        self._all = frozenset({*TOPICS.values(), AUDIT, UI, INDEX})
        self.wanted: frozenset[str] = self._all  # until it is known who reads

    def want(self, topics: Collection[str] | None) -> None:
        """Somebody reads these topics (None: it is not known who reads which)."""
        full = self._naming.full
        self.wanted = self._all if topics is None else frozenset(name for name in self._all if full(name) in topics)

    def behind(self) -> bool:
        """Whether something is to be told."""
        if not self.wanted:
            return False
        known = self._position()
        return known is None or drive(self._storage.last_history()) >= known

    def next(self, limit: int, cloud_event: CloudEvent) -> tuple[list[Record], list[tuple[PositionRow, int | None]]]:
        """What is told next, and the position behind it (none: nothing happened since)."""
        if not self.wanted:
            return [], []
        known = self._position()
        if known is None:  # what was before there was a bus is not told
            return [], [(self._row(drive(self._storage.last_history()) + 1), None)]
        rows = drive(self._storage.history_after(known - 1, min(ROWS, limit)))
        if not rows:
            return [], []
        heads = {head.id: head for head in drive(self._storage.instance_heads({row.instance for _, row in rows}))}
        records: list[Record] = []
        changed: dict[int, InstanceRow] = {}
        for _, row in rows:
            if (head := heads.get(row.instance)) is not None:  # else it was deleted since
                records += self._records(row, head, cloud_event)
                changed[head.id] = head
        if INDEX in self.wanted:
            for head in changed.values():
                records += self._index(head, cloud_event)
        return records, [(self._row(rows[-1][0] + 1), known)]

    def _records(self, row: HistoryRow, head: InstanceRow, cloud_event: CloudEvent) -> list[Record]:
        records: list[Record] = []
        key, wanted = str(row.instance), self.wanted
        events = decode_events(row.events)

        def put(topic: str, number: int | str, value: Any) -> None:
            headers = tuple(cloud_event(f"{key}-{row.position}-{number}", topic, key, row.at))
            records.append(Record(self._naming.full(topic), key, encode(value), headers))

        for number, event in enumerate(events):
            topic = TOPICS.get(event.__class__)
            if topic is None and isinstance(event, e.WaitCancelled):
                topic = CANCELLED.get(event.kind)
            if topic in wanted and topic is not None:
                put(topic, number, _notice(number, event, row, head))
        if AUDIT in wanted:
            put(AUDIT, "audit", _audit(row, head))
        if UI in wanted:
            kinds = list(dict.fromkeys(_tag(event) for event in events))
            put(UI, "ui", ScreenNotice(**_about(row, head), root_instance=str(head.root), kinds=kinds))
        return records

    def _index(self, head: InstanceRow, cloud_event: CloudEvent) -> list[Record]:
        """What can be searched for, as it is now: with the position that it was read at, whoever has it newer leaves it alone."""
        definition = drive(self._machine.definitions.compiled(head.definition))
        if not definition.settings.index or (found := drive(self._storage.instance(head.id))) is None:
            return []
        row, variables = found.instance, restore(found).variables
        document = IndexDocument(
            id=str(row.id),
            process_definition_name=row.name,
            version=row.version,
            state=row.status,
            date_started=format_instant(row.started),
            date_ended=None if row.ended is None else format_instant(row.ended),
            seq=row.position,
            business_key=row.business_key,
            keys={
                path: _at(variables, path)
                for path in definition.settings.index
                if not reveals(path, definition.sensitive)
            },
        )
        about = cloud_event(f"{row.id}-{row.position}-index", INDEX, document.id, row.ended or row.started)
        return [Record(self._naming.full(INDEX), document.id, encode(document), tuple(about))]

    def _position(self) -> int | None:
        return next((row.next for row in drive(self._storage.positions(GROUP)) if row.topic == PLACE), None)

    def _row(self, following: int) -> PositionRow:
        return PositionRow(GROUP, PLACE, 0, following)


def _about(row: HistoryRow, head: InstanceRow) -> dict[str, Any]:
    return {
        "instance": str(row.instance),
        "seq": row.position,
        "at": format_instant(row.at),
        "actor": row.actor,
        "process_definition_name": head.name,
        "version": head.version,
        "business_key": head.business_key,
    }


def _notice(number: int, event: e.Event, row: HistoryRow, head: InstanceRow) -> Notice:
    token, task = getattr(event, "token", None), getattr(event, "task", None)
    if isinstance(event, e.WaitCancelled) and event.kind == "task":
        task = event.wait
    details: dict[str, Any] = {}
    for name in TOLD:
        if (value := getattr(event, name, None)) is not None:
            details[name] = format_instant(value) if name == "due" else value
    return Notice(
        kind=_tag(event),
        number=number,
        token=None if token is None else str(token),
        node=getattr(event, "node", None),
        task=None if task is None else str(task),
        details=details,
        **_about(row, head),
    )


def _audit(row: HistoryRow, head: InstanceRow) -> AuditEntry:
    view = history_audit_view(row)
    about = _about(row, head)
    return AuditEntry(
        command=row.command,
        subject=view.subject,
        event=view.event,
        subject_identifier=view.subject_identifier,
        reason=row.reason,
        **about,
    )


def _at(variables: Any, path: str) -> Any:
    for part in path.split("."):
        variables = variables.get(part) if isinstance(variables, dict) else None
    return variables


def _tag(event: e.Event) -> str:
    return str(event.__struct_config__.tag)
