"""What one batch takes in of the bus: each record once, with the offset in the same transaction, and what cannot be handled as a
letter.

A group's position in a partition is read with the batch and checked by the commit: whoever was given a partition too late, or
comes back from the dead, finds that it is behind, and leaves alone what was taken in since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from procession.bus.topics import DEAD_LETTER
from procession.engine.codec import encode
from procession.errors import CommandRejected
from procession.runtime.asks import Ask, Park, Source
from procession.runtime.exchange.headers import instance_of, kept_headers
from procession.runtime.exchange.letters import DEAD, WAITING, dead_letter
from procession.storage import InboxRow, LetterRow, PositionRow

if TYPE_CHECKING:
    from procession.runtime.work import Work

Place = tuple[str, str, int]
"""A group, a topic and a partition."""

BACKOFF = (1_000_000, 10_000_000, 60_000_000)
"""Microseconds until a record that failed for a reason of ours is tried again; after the last one it is dead."""

LONGEST_DETAIL = 2_000


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
        record, before = source.record, source.letter
        letter = LetterRow(
            work.processor.new_id() if before is None else before.id,
            record.topic,
            record.partition,
            record.offset,
            record.key,
            kept_headers(record.headers),
            record.value,
            record.at,
            work.at,
            source.attempts + 1,
            why.due,
            DEAD if why.due is None else WAITING,
            instance_of(record.headers),
            why.title,
            why.detail[:LONGEST_DETAIL],
            None,
            None,
        )
        work.batch.letters.append(letter)
        if letter.state == DEAD:
            key = str(letter.instance or letter.id)
            work.send(DEAD_LETTER, key, letter.headers, encode(dead_letter(letter)), letter.instance or 0)

    def note(self, work: Work) -> None:
        """Write down how far the groups are."""
        for place, following in self._next.items():
            work.batch.positions.append((PositionRow(*place, following), work.found.positions.get(place)))
