"""Lists in parts: limits, cursors, and pages of what the reader may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from procession.errors import CommandRejected
from procession.runtime.checks import LARGEST_ID, not_valid
from procession.runtime.views import Page

MAX_LIMIT = 1000

PER_MILLISECOND = 1 << 22
"""So many ids each millisecond has."""

READS = 20
"""So often the store is asked for one page: when much of what it has may not be seen, the page ends early, with a `next`."""


class Row(Protocol):
    """Something in a list that goes by its id, newest first."""

    @property
    def id(self) -> int: ...


R = TypeVar("R", bound=Row)
V = TypeVar("V")


def limited(limit: int) -> int:
    """How many items a page may have."""
    if not 1 <= limit <= MAX_LIMIT:
        raise CommandRejected(422, "Not valid.", f"limit must be 1 to {MAX_LIMIT}, not {limit}.")
    return limit


def before_id(cursor: str | None) -> int | None:
    """A cursor that is the id of the last item seen."""
    return None if cursor is None else cursor_number(cursor, cursor)


def cursor_number(text: str, cursor: str) -> int:
    """A number in a cursor, such as a store can keep."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(LARGEST_ID)):
        raise no_cursor(cursor)
    return min(int(text), LARGEST_ID)


def no_cursor(cursor: str) -> CommandRejected:
    return not_valid(f"{ascii(cursor)[:50]} is no cursor.")


def page(rows: Sequence[R], size: int, view: Callable[[R], V]) -> Page[V]:
    """The first `size` of rows that were read with one more, to know whether the list goes on."""
    items = [view(row) for row in rows[:size]]
    return Page(items=items, next=str(rows[size - 1].id) if len(rows) > size else None)


async def gathered(
    read: Callable[[int, int | None], Awaitable[Sequence[tuple[int, V | None]]]], limit: int, cursor: str | None
) -> tuple[list[V], str | None]:
    """A page of what may be seen, and its `next`.

    `read` gives so many rows before an id: their ids, each with what is seen of it (None: nothing). It is asked for more at a
    time, the less of it may be seen.
    """
    size, before = limited(limit), before_id(cursor)
    ask = size + 1
    items: list[V] = []
    last: int | None = None  # the id of the last item
    for _ in range(READS):
        rows = await read(ask, before)
        for number, item in rows:
            if item is None:
                continue
            if len(items) == size:
                return items, str(last)
            items.append(item)
            last = number
        if len(rows) < ask:
            return items, None
        before, ask = rows[-1][0], min(2 * ask, max(MAX_LIMIT, size + 1))
    assert before is not None
    return items, str(_unnamed(before, before_id(cursor)))


def _unnamed(id: int, before: int | None) -> int:
    """A place in the list a little before an id that may not be seen: the first id of the millisecond after it."""
    place = (id // PER_MILLISECOND + 1) * PER_MILLISECOND
    return place if before is None or place < before else id
