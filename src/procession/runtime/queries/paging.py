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
P = TypeVar("P")


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
    """A page of what may be seen of a list that goes by id, newest first, and its `next`."""
    before = before_id(cursor)
    items, last, end = await collected(read, limited(limit), before)
    if end is None:
        return items, None
    return items, str(end if end == last else unnamed(end, before, last))


async def collected(
    read: Callable[[int, P | None], Awaitable[Sequence[tuple[P, V | None]]]], size: int, before: P | None
) -> tuple[list[V], P | None, P | None]:
    """What may be seen, the place of the last of it, and where the list goes on (None: it is at its end).

    `read` gives so many rows behind a place: their places, each with what is seen of it (None: nothing). It is asked for more at
    a time, the less of it may be seen.
    """
    ask = size + 1
    items: list[V] = []
    last: P | None = None
    for _ in range(READS):
        rows = await read(ask, before)
        for place, item in rows:
            if item is None:
                continue
            if len(items) == size:
                return items, last, last
            items.append(item)
            last = place
        if len(rows) < ask:
            return items, last, None
        before, ask = rows[-1][0], min(2 * ask, max(MAX_LIMIT, size + 1))
    return items, last, before


def unnamed(id: int, before: int | None, last: int | None) -> int:
    """A place a little before an id that may not be seen: the `last` that is, or the first id of the millisecond after it."""
    place = (id // PER_MILLISECOND + 1) * PER_MILLISECOND
    if last is not None and last <= place:
        return last
    return place if before is None or place < before else id
