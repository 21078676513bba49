"""Relations between points and ranges, after Allen (DMN 1.5, 10.3.4.11, Table 78).

A point is a range that starts and ends there. Each end becomes a pair of its key and -1, 0 or 1: an open start lies
just after its endpoint, an open end just before. Then every relation of the table is a comparison of such pairs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from procession.feel.builtins.conversion import number_from
from procession.feel.builtins.registry import builtin
from procession.feel.compare import comparable, sort_key
from procession.feel.reasons import fail
from procession.feel.runtime import interval
from procession.feel.temporal import parse_literal
from procession.feel.values import Range

_POINT = "number | string | date | time | date and time | days and time duration | years and months duration"


class Ends(NamedTuple):
    """Both ends of a range or a point, ready to compare."""

    start: tuple[Any, int]
    end: tuple[Any, int]


Relation = Callable[[Ends, Ends], bool]


def _ends(side: Any) -> Ends:
    if isinstance(side, Range):
        start, end = sort_key(side.start), sort_key(side.end)
        return Ends((start, 0 if side.start_included else 1), (end, 0 if side.end_included else -1))
    return Ends((sort_key(side), 0), (sort_key(side), 0))


def _endpoints(side: Any) -> tuple[Any, ...]:
    return (side.start, side.end) if isinstance(side, Range) else (side,)


def relation(name: str, *shapes: str) -> Callable[[Relation], Relation]:
    """Declare a relation between two arguments; a shape such as "point range" says what they may be."""

    def declare(decide: Relation) -> Relation:
        def related(left: Any, right: Any) -> Any:
            endpoints = (*_endpoints(left), *_endpoints(right))
            if any(sort_key(point) is None or not comparable(endpoints[0], point) for point in endpoints):
                return fail(name + ": cannot compare {} and {}", left, right)
            return decide(_ends(left), _ends(right))

        signatures = [_signature(name, *shape.split()) for shape in shapes]
        for signature in signatures:
            builtin(signature)(related)
        return decide

    return declare


def _signature(name: str, first: str, second: str) -> str:
    """The signature for a shape. Any of them takes all its kinds, since an overload is chosen by names and number."""
    names = (f"{first}1", f"{second}2") if first == second else (first, second)
    return f"{name}({names[0]}: {_POINT} | range, {names[1]}: {_POINT} | range)"


@relation("before", "point point", "point range", "range point", "range range")
def before(left: Ends, right: Ends) -> bool:
    """All of the first lies before all of the second."""
    return left.end < right.start


@relation("after", "point point", "point range", "range point", "range range")
def after(left: Ends, right: Ends) -> bool:
    """All of the first lies after all of the second."""
    return right.end < left.start


@relation("meets", "range range")
def meets(left: Ends, right: Ends) -> bool:
    """The first ends where the second starts, and both have that point."""
    return left.end == right.start


@relation("met by", "range range")
def met_by(left: Ends, right: Ends) -> bool:
    """The first starts where the second ends, and both have that point."""
    return right.end == left.start


@relation("overlaps", "range range")
def overlaps(left: Ends, right: Ends) -> bool:
    """They have a point in common."""
    return left.start <= right.end and right.start <= left.end


@relation("overlaps before", "range range")
def overlaps_before(left: Ends, right: Ends) -> bool:
    """The first starts before the second, and ends in it."""
    return left.start < right.start <= left.end <= right.end


@relation("overlaps after", "range range")
def overlaps_after(left: Ends, right: Ends) -> bool:
    """The first starts in the second, and ends after it."""
    return right.start < left.start <= right.end <= left.end


@relation("finishes", "point range", "range range")
def finishes(left: Ends, right: Ends) -> bool:
    """The first lies in the second, and both end at the same point."""
    return left.end == right.end and right.start <= left.start


@relation("finished by", "range point", "range range")
def finished_by(left: Ends, right: Ends) -> bool:
    """The second lies in the first, and both end at the same point."""
    return finishes(right, left)


@relation("includes", "range point", "range range")
def includes(left: Ends, right: Ends) -> bool:
    """The second lies in the first."""
    return left.start <= right.start and right.end <= left.end


@relation("during", "point range", "range range")
def during(left: Ends, right: Ends) -> bool:
    """The first lies in the second."""
    return includes(right, left)


@relation("starts", "point range", "range range")
def starts(left: Ends, right: Ends) -> bool:
    """The first lies in the second, and both start at the same point."""
    return left.start == right.start and left.end <= right.end


@relation("started by", "range point", "range range")
def started_by(left: Ends, right: Ends) -> bool:
    """The second lies in the first, and both start at the same point."""
    return starts(right, left)


@relation("coincides", "point point", "range range")
def coincides(left: Ends, right: Ends) -> bool:
    """They are the same."""
    return left == right


_TEXT = re.compile(r"\s*([\[\](])\s*(.*?)\s*\.\.\s*(.*?)\s*([\[\])])\s*", re.DOTALL)
_LITERAL = re.compile(r'(?:@|(?:date|time|date and time|duration)\s*\(\s*)?"([^"]*)"\s*\)?')


@builtin("range(from: string)")
def range_(source: str) -> Any:
    """A range from text such as "[1..10)", with literals at its ends (DMN 1.5, 10.3.4.1)."""
    found = _TEXT.fullmatch(source)
    if found is None:
        return fail("range: {} is not a range", source)
    start, end = _endpoint(found[2]), _endpoint(found[3])
    if (start is None and found[2] not in ("", "null")) or (end is None and found[3] not in ("", "null")):
        return fail("range: {} does not end in literals", source)
    if start is None and end is None:
        return fail("range: {} has no ends", source)
    if start is not None and end is not None and (not comparable(start, end) or sort_key(start) > sort_key(end)):
        return fail("range: {} is not in order", source)
    return interval(start, end, found[1] == "[", found[4] == "]")


def _endpoint(text: str) -> Any:
    """The value of a literal, or null."""
    found = _LITERAL.fullmatch(text)
    if found is None:
        return number_from(text)
    return found[1] if text.startswith('"') else parse_literal(found[1])
