"""Views of records: those that could not be handled, and those that an instance sent and received."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from procession.bus.topics import Naming
from procession.definition import MASK
from procession.definition.iso8601 import format_instant
from procession.engine import events as e
from procession.engine.access import Principal
from procession.runtime.exchange.headers import read_headers
from procession.runtime.exchange.letters import NOWHERE, readable, readable_headers
from procession.runtime.views import allowed
from procession.runtime.views.bus_shapes import HeaderView, LetterView, RecordView
from procession.runtime.views.instances import instant, text
from procession.storage import HistoryRow, LetterRow


def letter_view(row: LetterRow, naming: Naming, principal: Principal) -> LetterView:
    """A letter. Of what a process marks sensitive nothing is known of it, so it is for operators only."""
    somewhere = row.partition != NOWHERE
    return LetterView(
        id=str(row.id),
        topic=naming.full(row.topic),
        name=naming.short(row.topic),
        partition=row.partition if somewhere else None,
        offset=row.offset if somewhere else None,
        key=row.key,
        value=readable(row.value),
        headers=_headers(readable_headers(read_headers(row.headers))),
        published=format_instant(row.published),
        at=format_instant(row.at),
        attempts=row.attempts,
        due=instant(row.due),
        state=row.state,
        title=row.title,
        detail=row.detail,
        instance=text(row.instance),
        closed=instant(row.closed),
        closed_by=row.closed_by,
        allowed=allowed.on_letter(principal, row.state),
    )


def sent_view(
    event: e.RecordSent, row: HistoryRow, naming: Naming, paths: Collection[str], *, waiting: bool
) -> RecordView:
    """A record that an instance sent; where something of the process is sensitive, nobody can tell what of it is."""
    hides = bool(paths)
    return RecordView(
        state="waiting" if waiting else "published",
        at=format_instant(row.at),
        seq=row.position,
        node=event.node or None,
        topic=naming.full(event.topic),
        name=naming.short(event.topic),
        record=str(event.record),
        key=MASK if hides else event.key,
        headers=_headers((name, MASK if hides else value) for name, value in event.headers.items()),
        value=MASK if hides else readable(event.value.encode()),
    )


def received_view(event: e.MessageReceived, row: HistoryRow, naming: Naming) -> RecordView:
    """An answer that an instance received: what was in it is in its data."""
    assert event.record is not None
    topic, partition, offset = event.record.rsplit("/", 2)
    return RecordView(
        state="received",
        at=format_instant(row.at),
        seq=row.position,
        node=event.node,
        topic=naming.full(topic),
        name=naming.short(topic),
        partition=int(partition),
        offset=int(offset),
    )


def missed_view(row: LetterRow, naming: Naming) -> RecordView:
    """A letter about an instance: nothing of what is in it."""
    somewhere = row.partition != NOWHERE
    return RecordView(
        state="letter",
        at=format_instant(row.at),
        seq=None,
        node=None,
        topic=naming.full(row.topic),
        name=naming.short(row.topic),
        partition=row.partition if somewhere else None,
        offset=row.offset if somewhere else None,
        letter=str(row.id),
        letter_state=row.state,
        title=row.title,
    )


def _headers(pairs: Iterable[tuple[str, str]]) -> list[HeaderView]:
    return [HeaderView(name=name, value=value) for name, value in pairs]
