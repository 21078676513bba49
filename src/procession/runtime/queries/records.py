"""Questions about records: those that could not be handled, those of an instance, and who sends and waits for which."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import merge
from typing import NamedTuple

from msgspec import Raw, json

from procession.engine import events as e
from procession.engine.access import require_role
from procession.engine.codec import decode_events
from procession.errors import CommandRejected
from procession.runtime import views as v
from procession.runtime.checks import not_valid
from procession.runtime.queries.asking import Asking
from procession.runtime.queries.paging import MAX_LIMIT, READS, before_id, cursor_number, limited, no_cursor, page
from procession.storage import HistoryRow, LetterRow

ROWS = 500
"""Rows of history that are read at a time."""

TAGS = tuple(f'["{kind.__struct_config__.tag}"'.encode() for kind in (e.RecordSent, e.MessageReceived))

_events = json.Decoder(list[Raw])


class Place(NamedTuple):
    """Where the records of an instance go on: in a row of history, behind so many of its records, and behind a letter."""

    position: int = 1
    shown: int = 0
    letter: int = 0

    def __str__(self) -> str:
        return f"{self.position}.{self.shown}.{self.letter}"

    @staticmethod
    def read(cursor: str) -> Place:
        parts = cursor.split(".")
        if len(parts) != 3:
            raise no_cursor(cursor)
        position, shown, letter = (cursor_number(part, cursor) for part in parts)
        return Place(max(position, 1), shown, letter)


class Told(NamedTuple):
    """A record that history tells of, the one of this number in its row."""

    row: HistoryRow
    number: int
    event: e.RecordSent | e.MessageReceived

    @property
    def at(self) -> int:
        """When it was sent or received."""
        return self.row.at


class RecordQueries(Asking):
    """Letters may have anything in them, so they need the role operator; the records of an instance, the right to see it."""

    async def letters(
        self, states: Collection[str] = (), limit: int = 50, cursor: str | None = None
    ) -> v.Page[v.LetterView]:
        """Records that could not be handled, newest first; in one of these states, or all."""
        require_role(self._principal, "see letters", "operator")
        for state in states:
            if state not in v.LETTER_STATES:
                raise not_valid(
                    f"{state[:50]!r} is no state of a letter; there are {', '.join(v.LETTER_STATES)}.", "?state"
                )
        size = limited(limit)
        rows = await self._storage.letters(states, size + 1, before_id(cursor))
        return page(rows, size, lambda row: v.letter_view(row, self._naming, self._principal))

    async def letter(self, letter: int) -> v.LetterView:
        """One of them; 404 if there is none."""
        require_role(self._principal, "see letters", "operator")
        row = await self._storage.letter(letter)
        if row is None:
            raise CommandRejected(404, "Letter not found.", f"There is no letter {letter}.")
        return v.letter_view(row, self._naming, self._principal)

    async def records(self, instance: int, limit: int = 50, cursor: str | None = None) -> v.Page[v.RecordView]:
        """What an instance sent and received on topics, and the letters about it, oldest first. Sensitive data is masked.

        Of letters the newest 1,000 are told; what is in them is for operators.
        """
        state = await self._state(instance)
        paths = v.hidden(self._principal, await self._definitions.compiled(state.definition))
        size = limited(limit)
        place = Place() if cursor is None else Place.read(cursor)
        told, end = await self._told(instance, place, size + 1)
        letters = await self._storage.letters((), MAX_LIMIT, None, instance)
        missed = [row for row in reversed(letters) if row.id > place.letter and (end is None or row.at <= end.at)]
        both: list[Sequence[Told | LetterRow]] = [told, missed]
        found = list(merge(*both, key=_at))
        shown = found[:size]
        for each in shown:
            place = _behind(place, each)
        following = place if len(found) > size else None if end is None else Place(end.position + 1, 0, place.letter)
        sent = [each.event.record for each in shown if isinstance(each, Told) and isinstance(each.event, e.RecordSent)]
        waiting = await self._storage.unpublished(sent)
        items = [self._record(each, paths, waiting) for each in shown]
        return v.Page(items=items, next=None if following is None else str(following))

    async def _told(self, instance: int, place: Place, size: int) -> tuple[list[Told], HistoryRow | None]:
        """So many records of history from a place on, and the last row that was read (None: it is read to its end)."""
        told: list[Told] = []
        after = place.position - 1
        for _ in range(READS):
            rows = await self._storage.history(instance, after, ROWS)
            for row in rows:
                skipped = place.shown if row.position == place.position else 0
                told += [Told(row, number, event) for number, event in enumerate(_of(row)) if number >= skipped]
            if len(rows) < ROWS:
                return told, None
            if len(told) >= size:
                return told, rows[-1]
            after = rows[-1].position
        return told, rows[-1]

    def _record(self, each: Told | LetterRow, paths: Collection[str], waiting: Collection[int]) -> v.RecordView:
        if isinstance(each, LetterRow):
            return v.missed_view(each, self._naming)
        if isinstance(each.event, e.RecordSent):
            return v.sent_view(each.event, each.row, self._naming, paths, waiting=each.event.record in waiting)
        return v.received_view(each.event, each.row, self._naming)


def _of(row: HistoryRow) -> Sequence[e.RecordSent | e.MessageReceived]:
    """The records of one transaction; no other event is read."""
    if not any(tag in row.events for tag in TAGS):
        return ()
    raws = [raw for raw in map(bytes, _events.decode(row.events)) if raw.startswith(TAGS)]
    return [
        event
        for event in decode_events(b"[" + b",".join(raws) + b"]")
        if isinstance(event, e.RecordSent) or (isinstance(event, e.MessageReceived) and event.record is not None)
    ]


def _at(each: Told | LetterRow) -> int:
    return each.at


def _behind(place: Place, each: Told | LetterRow) -> Place:
    if isinstance(each, LetterRow):
        return place._replace(letter=each.id)
    return place._replace(position=each.row.position, shown=each.number + 1)
