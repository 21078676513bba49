"""The parts of the store in memory."""

from __future__ import annotations

from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st

from procession.storage.memory_tables import Agenda, Table, newest

COLOUR, SHAPE = itemgetter(1), itemgetter(2)


def test_rows_are_found_by_what_was_asked_for_in_the_order_of_their_ids():
    table = Table(COLOUR, SHAPE)
    for row in ((3, "red", "round"), (1, "red", "square"), (2, "blue", "round")):
        table.put(row)
    assert table.where(COLOUR, "red") == [(1, "red", "square"), (3, "red", "round")]
    assert table.where(SHAPE, "round") == [(2, "blue", "round"), (3, "red", "round")]
    assert table.where(COLOUR, "green") == []


def test_a_row_that_changes_moves():
    table = Table(COLOUR)
    table.put((1, "red"))
    table.put((1, "blue"))
    assert table.where(COLOUR, "red") == [] and table.where(COLOUR, "blue") == [(1, "blue")]
    assert table.remove(1) == (1, "blue")
    assert table.remove(1) is None
    assert table.where(COLOUR, "blue") == [] and table.rows == {}


def test_the_newest_come_first():
    rows = {id: (id,) for id in (2, 9, 4)}
    assert newest(rows, 2) == [(9,), (4,)]
    assert newest(rows, 5, before=9) == [(4,), (2,)]
    assert newest(rows, 5, lambda row: row[0] > 2) == [(9,), (4,)]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 9)), max_size=60),
    st.integers(0, 9),
    st.integers(0, 6),
)
def test_an_agenda_says_what_is_due_in_order(changes, now, limit):
    agenda, moments = Agenda(), {}
    for id, moment in changes:
        if moment is None:
            agenda.remove(id)
            moments.pop(id, None)
        else:
            agenda.put(id, moment)
            moments[id] = moment
    order = sorted((moment, id) for id, moment in moments.items())
    assert agenda.due(now, limit) == [id for moment, id in order if moment <= now][:limit]
    assert agenda.next() == (order[0][0] if order else None)
    assert agenda.due(9, 6) == [id for _, id in order]


def test_an_agenda_does_not_keep_what_moved_for_ever():
    agenda = Agenda()
    for moment in range(10_000):
        agenda.put(1, moment)
    assert len(agenda._heap) < 100
    for id in range(1_000):
        agenda.put(id, id)
    for id in range(1_000):
        agenda.remove(id)
    assert len(agenda._heap) < 100
