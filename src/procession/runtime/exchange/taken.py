"""What one batch takes in of the bus: each record once, with the offset in the same transaction, and what cannot be handled as a
letter.

A group's position in a partition is read with the batch and checked by the commit: whoever was given a partition too late, or
comes back from the dead, finds that it is behind, and leaves alone what was taken in since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from procession.bus.topics import DEAD_LETTER
from procession.engine.access import require_role
from procession.engine.codec import encode
from procession.errors import CommandRejected
from procession.runtime.asks import Ask, Lost, Park, Settle, Source
from procession.runtime.exchange.letters import (
    DEAD,
    DISMISSED,
    LONGEST_DETAIL,
    REPLAYED,
    WAITING,
    answer_of,
    dead_letter,
    letter_of,
)
from procession.storage import AuditRow, InboxRow, LetterRow, PositionRow

if TYPE_CHECKING:
    from procession.runtime.work import Work

Place = tuple[str, str, int]
"""A group, a topic and a partition."""

BACKOFF = (1_000_000, 10_000_000, 60_000_000)
"""Microseconds until a record that failed for a reason of ours is tried again; after the last one it is dead."""


def set_aside(ask: Ask, error: Exception, now: int) -> Ask:
    """Keep the record of an ask that failed for a reason of ours, and try it again later, so that it is in nobody's way."""
    source = ask.source
    assert source is not None
    due = now + BACKOFF[source.attempts] if source.attempts < len(BACKOFF) else None
    return Ask(Park("Internal error.", f"{type(error).__name__}: {error}", due), ask.principal, source=source)


class Taken:
    """The records of one batch."""

    def __init__(self) -> None:
        self._next: dict[Place, int] = {}  # behind the last record of each place that the batch has taken in

    def needs(self, asks: Iterable[Ask]) -> tuple[set[Place], list[int]]:
        """The positions and letters to read before it is decided."""
        places: set[Place] = set()
        letters: list[int] = []
        for ask in asks:
            if (source := ask.source) is not None:
                if source.letter is None:
                    places.add(source.place)
                else:
                    letters.append(source.letter.id)
            if isinstance(ask.command, Settle):
                letters.append(ask.command.letter)
        return places, letters

    def take(self, work: Work, source: Source) -> bool:
        """Whether the record was not taken in before; then it is now."""
        if source.letter is not None:
            known = work.found.letters.get(source.letter.id)
            if known is None or known.state != WAITING or known.attempts != source.attempts:
                return False
            # two nodes may try the same letter at the same moment
            work.batch.inbox.append(InboxRow(f"letter:{known.id}:{known.attempts}", work.at, b"[]"))
            return True
        place, offset = source.place, source.record.offset
        if offset < self._next.get(place, work.found.positions.get(place, 0)):
            return False
        self._next[place] = offset + 1
        return True

    def answer(self, work: Work, ask: Ask) -> None:
        """The record was decided: answer it, or keep it where it was refused and nobody would hear of it."""
        if isinstance(ask.command, Park):
            return
        source = ask.source
        assert source is not None
        if ask.respond is not None:
            ask.respond(work, ask)
        elif isinstance(ask.error, CommandRejected):
            self.park(work, ask, Park(ask.error.title, ask.error.detail))
            return
        if source.letter is not None:
            work.batch.letters_gone.append((source.letter.id,))

    def park(self, work: Work, ask: Ask, why: Park) -> None:
        """Keep the record as a letter. A dead one is told of on a topic, too."""
        source = ask.source
        assert source is not None
        id = work.processor.new_id() if source.letter is None else source.letter.id
        self._put(work, letter_of(source.record, id, work.at, source.attempts + 1, why.title, why.detail, why.due))

    def lose(self, work: Work, lost: Lost) -> None:
        """Nobody waited for an answer while it was kept; if another node has not seen to that already."""
        row, key = lost.row, lost.inbox_key
        if key in work.keys:
            return
        work.keys[key] = b"[]"
        work.batch.messages_gone.append((row.id,))
        work.batch.inbox.append(InboxRow(key, work.at, b"[]"))
        record = answer_of(row)
        detail = f"Nobody in instance {row.key} has waited for an answer on '{record.topic}' since it came."
        self._put(work, letter_of(record, work.processor.new_id(), work.at, 1, "Nobody has waited for it.", detail))

    def settle(self, work: Work, ask: Ask, settle: Settle) -> LetterRow:
        """A person decides what becomes of a letter."""
        require_role(ask.principal, "replay and dismiss letters", "operator")
        letter = work.found.letters.get(settle.letter)
        if letter is None:
            raise CommandRejected(404, "Letter not found.", f"There is no letter {settle.letter}.")
        if letter.state not in (WAITING, DEAD):
            raise CommandRejected(409, "Letter is settled.", f"It was {letter.state} by {letter.closed_by} already.")
        state = REPLAYED if settle.replay else DISMISSED
        settled = letter._replace(state=state, due=None, closed=work.at, closed_by=ask.principal.name)
        work.batch.letters.append(settled)
        # two may decide at the same moment
        work.batch.inbox.append(InboxRow(f"letter:{letter.id}:{letter.attempts}", work.at, b"[]"))
        if settle.replay:
            work.send(letter.topic, letter.key or "", letter.headers, letter.value, letter.instance or 0)
        about = (str(letter.id), "success", f"{letter.topic}: {letter.title}"[:LONGEST_DETAIL])
        row = AuditRow(work.processor.new_id(), work.at, ask.principal.name, "Letter", state.capitalize(), *about)
        work.batch.audit.append(row)
        return settled

    def _put(self, work: Work, letter: LetterRow) -> None:
        work.batch.letters.append(letter)
        if letter.state == DEAD:
            key = str(letter.instance or letter.id)
            work.send(DEAD_LETTER, key, letter.headers, encode(dead_letter(letter)), letter.instance or 0)

    def note(self, work: Work) -> None:
        """Write down how far the groups are."""
        for place, following in self._next.items():
            work.batch.positions.append((PositionRow(*place, following), work.found.positions.get(place)))
