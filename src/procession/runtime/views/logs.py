"""Views of what was done, and of what was refused."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from procession.definition import MASK
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal
from procession.engine.codec import decode
from procession.runtime.views import allowed
from procession.runtime.views.instances import instant
from procession.runtime.views.masking import masked
from procession.runtime.views.shapes import AuditView, FailedStartView, MeView
from procession.storage import AuditRow, FailedStartRow, HistoryRow

_events = msgspec.json.Decoder(list[msgspec.Raw])

SUBJECTS: dict[str, tuple[str, str, int]] = {
    "claim-task": ("Task", "task-assigned", 1),
    "release-task": ("Task", "task-assigned", 1),
    "assign-task": ("Task", "task-assigned", 1),
    "complete-task": ("Task", "task-completed", 1),
    "complete-job": ("Job", "job-completed", 1),
    "fail-job": ("Job", "job-failed", 1),
    "throw-job-error": ("Job", "job-error-thrown", 1),
    "fire-timer": ("Timer", "timer-fired", 1),
    "deliver-message": ("Message", "message-received", 4),
    "retry": ("Token", "incident-resolved", 2),
}
"""What a command is about that is not about a whole instance: the event that names it, and the place where it does."""

ENDS = {"TERMINATED": "terminate", "DISMISSED": "dismiss", "EXPIRED": "expire", "ABORTED": "abort", "FAILED": "fail"}
"""What ending an instance is called, by the status that it ends with."""


def history_audit_view(row: HistoryRow) -> AuditView:
    """One transaction of an instance as an entry of the audit log."""
    subject, identifier, event = "Process instance", row.instance, row.command
    if row.command in SUBJECTS:
        named, tag, place = SUBJECTS[row.command]
        found = _first(row.events, tag, "command-kept")
        if found is not None:
            subject = named
            identifier = decode(found[1])["job"] if found[0] == "command-kept" else found[place]
    elif row.command == "end-instance":
        found = _first(row.events, "instance-ended")
        event = ENDS[found[1]] if found is not None else event
    return AuditView(
        id=f"{row.instance}.{row.position}",
        date=format_instant(row.at),
        user=row.actor,
        subject=subject,
        event=event,
        subject_identifier=str(identifier),
        status="success",
        detail=row.reason,
        instance=str(row.instance),
        position=row.position,
    )


def _first(events: bytes, *tags: str) -> list[Any] | None:
    """The first event of these kinds. A transaction may have thousands of events: no other is read."""
    wanted = tuple(b'["%s"' % tag.encode() for tag in tags)
    for raw in map(bytes, _events.decode(events)):
        if raw.startswith(wanted):
            event: list[Any] = decode(raw)
            return event
    return None


def audit_view(row: AuditRow) -> AuditView:
    """What was done outside of instances."""
    return AuditView(
        id=str(row.id),
        date=format_instant(row.at),
        user=row.actor,
        subject=row.subject,
        event=row.event,
        subject_identifier=row.identifier,
        status=row.status,
        detail=row.detail,
    )


def failed_start_view(row: FailedStartRow, paths: Collection[str] | None) -> FailedStartView:
    """A start that was refused, with what was sent; what is sensitive is masked, all of it where nobody can tell (None)."""
    data = decode(row.data)
    return FailedStartView(
        id=str(row.id),
        process_definition_name=row.process,
        date=format_instant(row.at),
        actor=row.actor,
        status=row.status,
        title=row.title,
        detail=row.detail,
        data=dict.fromkeys(data, MASK) if paths is None else masked(data, paths),
        start_condition=row.start_condition,
        business_key=row.business_key,
    )


def me_view(principal: Principal, expires: int | None = None, *, watches: bool) -> MeView:
    """Who asks; `expires` is when they have to log in again, `watches` whether there is a process that is theirs to see."""
    return MeView(
        name=principal.name,
        roles=sorted(principal.roles),
        expires=instant(expires),
        allowed=allowed.outside(principal, watches=watches),
    )
