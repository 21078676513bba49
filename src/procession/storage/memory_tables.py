"""What the store in memory is made of: rows that can be found by a column, and an agenda of what comes due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Any, Generic, TypeVar

R = TypeVar("R", bound=tuple[Any, ...])
Key = Callable[[tuple[Any, ...]], Any]


class Table(Generic[R]):
    """Rows by their id, which is the first column, and by what the keys say of them."""

    __slots__ = ("_indexes", "rows")

    def __init__(self, *keys: Key) -> None:
        self.rows: dict[int, R] = {}
        self._indexes: dict[Key, dict[Any, dict[int, R]]] = {key: {} for key in keys}

    def put(self, row: R) -> None:
        """Insert or replace."""
        id = row[0]
        if id in self.rows:
            self.remove(id)
        self.rows[id] = row
        for key, groups in self._indexes.items():
            value = key(row)
            group = groups.get(value)
            if group is None:
                groups[value] = {id: row}
            else:
                group[id] = row

    def remove(self, id: int) -> R | None:
        """Take the row out, if it is there."""
        row = self.rows.pop(id, None)
        if row is not None:
            for key, groups in self._indexes.items():
                value = key(row)
                group = groups[value]
                del group[id]
                if not group:
                    del groups[value]
        return row

    def where(self, key: Key, value: Any) -> list[R]:
        """The rows of which the key says this, by id."""
        group = self._indexes[key].get(value)
        return [group[id] for id in sorted(group)] if group else []

    def newest(self, limit: int, keep: Callable[[R], object], before: int | None = None) -> list[R]:
        """The rows with the highest ids that are kept."""
        return newest(self.rows, limit, keep, before)


def newest(
    rows: Mapping[int, R], limit: int, keep: Callable[[R], object] | None = None, before: int | None = None
) -> list[R]:
    """At most `limit` rows below the id `before`, highest id first."""
    ids: Iterable[int] = sorted(rows, reverse=True)
    found: Iterator[R] = (rows[id] for id in ids if before is None or id < before)
    return list(islice(found if keep is None else filter(keep, found), limit))


class Agenda:
    """Ids in the order of their moments.

    What moved or went stays in the heap until its old moment comes up, or until most of the heap is like that.
    """

    __slots__ = ("_heap", "_moments")

    def __init__(self) -> None:
        self._moments: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []

    def put(self, id: int, moment: int) -> None:
        """Set the moment of an id, new or not."""
        self._moments[id] = moment
        heappush(self._heap, (moment, id))
        self._tidy()

    def remove(self, id: int) -> None:
        """Take an id out, if it is there."""
        if self._moments.pop(id, None) is not None:
            self._tidy()

    def due(self, now: int, limit: int) -> list[int]:
        """The first ids whose moment has come. They stay."""
        heap, moments = self._heap, self._moments
        found: list[tuple[int, int]] = []
        while heap and heap[0][0] <= now and len(found) < limit:
            entry = heappop(heap)
            if moments.get(entry[1]) == entry[0] and entry not in found[-1:]:
                found.append(entry)
        for entry in found:
            heappush(heap, entry)
        return [id for _, id in found]

    def until(self, now: int) -> Iterator[int]:
        """The moments that have come, in no order."""
        return (moment for moment in self._moments.values() if moment <= now)

    def next(self) -> int | None:
        """The first moment."""
        heap, moments = self._heap, self._moments
        while heap and moments.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def _tidy(self) -> None:
        if len(self._heap) > 2 * len(self._moments) + 64:
            self._heap = [(moment, id) for id, moment in self._moments.items()]
            heapify(self._heap)
