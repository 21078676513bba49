"""Equality, order and membership (DMN 1.5, 10.3.2.12 and 10.3.2.13, Tables 50 to 53).

Values of different kinds are neither equal nor unequal but null; null equals only null. Times are equal when their
whole seconds are (Table 50 compares no fraction), while their order is exact, so that sorting by a timestamp works.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from procession.feel.reasons import fail
from procession.feel.temporal import instant, ordinal, time_key
from procession.feel.text import kind
from procession.feel.values import (
    SECOND,
    Date,
    DateTime,
    DayTimeDuration,
    Function,
    Range,
    Time,
    YearMonthDuration,
)

_SAME = frozenset({str, int, bool})
_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "number",
    Decimal: "number",
    float: "number",
    str: "string",
    list: "list",
    dict: "context",
}


def kind_of(value: Any) -> Any:
    """The kind within which values compare."""
    return _KINDS.get(type(value), type(value))


# -- equality


def equal(left: Any, right: Any) -> Any:
    """`left = right`: true, false, or null for different kinds."""
    sort = type(left)
    if sort is type(right) and sort in _SAME:
        return left == right
    if left is None or right is None:
        return left is right
    sort = kind_of(left)
    if sort is not kind_of(right) and sort != kind_of(right):
        return _equal_single(left, right)
    compare = _EQUALITIES.get(sort)
    return bool(compare(left, right)) if compare is not None else _equal_parts(left, right)


def _equal_single(left: Any, right: Any) -> Any:
    """A list of one item is worth its item (10.3.2.9.4)."""
    if type(left) is list and len(left) == 1:
        return equal(left[0], right)
    if type(right) is list and len(right) == 1:
        return equal(left, right[0])
    return fail("cannot compare " + kind(left) + " with " + kind(right) + ": {} = {}", left, right)


def _equal_parts(left: Any, right: Any) -> Any:
    if type(left) is list:
        return len(left) == len(right) and _all_equal(zip(left, right, strict=True))
    if type(left) is dict:
        return left.keys() == right.keys() and _all_equal((left[key], right[key]) for key in left)
    return left is right


def _all_equal(pairs: Any) -> Any:
    """False if any pair differs, else null if any pair cannot be compared."""
    known: Any = True
    for left, right in pairs:
        same = equal(left, right)
        if same is False:
            return False
        if same is None:
            known = None
    return known


def _equal_numbers(left: Any, right: Any) -> bool:
    try:
        return bool(_plain(left) == _plain(right))
    except InvalidOperation:
        return False


def _equal_times(left: Time, right: Time) -> bool:
    if (left.zone is None) != (right.zone is None):
        return False
    return left == right or time_key(left) // SECOND == time_key(right) // SECOND


def _equal_moments(left: DateTime, right: DateTime) -> bool:
    if (left.time.zone is None) != (right.time.zone is None):
        return False
    return left == right or instant(left) // SECOND == instant(right) // SECOND


def _equal_values(left: Any, right: Any) -> bool:
    return bool(left == right)


_EQUALITIES: dict[Any, Callable[[Any, Any], bool]] = {
    "boolean": _equal_values,
    "number": _equal_numbers,
    "string": _equal_values,
    Date: _equal_values,
    Time: _equal_times,
    DateTime: _equal_moments,
    YearMonthDuration: _equal_values,
    DayTimeDuration: _equal_values,
    Range: _equal_values,
    Function: lambda left, right: left is right,
}


def unequal(left: Any, right: Any) -> Any:
    """`left != right`"""
    same = equal(left, right)
    return None if same is None else not same


def key_of(value: Any) -> Any:
    """Something hashable that is equal when the values are; it makes sets of FEEL values."""
    match value:
        case bool() | None:
            return value, bool
        case list():
            return (list, *map(key_of, value))
        case dict():
            return dict, frozenset((name, key_of(item)) for name, item in value.items())
        case Time():
            return Time, value.zone is None, time_key(value) // SECOND
        case DateTime():
            return DateTime, value.time.zone is None, instant(value) // SECOND
        case Range():
            return Range, key_of(value.start), key_of(value.end), value.start_included, value.end_included
    return _plain(value)


# -- order


def _plain(value: Any) -> Any:
    return Decimal(repr(value)) if type(value) is float else value


def sort_key(value: Any) -> Any:
    """What orders values of one kind (Table 52), or null if the kind has no order."""
    sort = type(value)
    if sort is int or sort is str:
        return value
    if sort is Decimal or sort is float:
        value = _plain(value)
        return None if value.is_nan() else value
    if sort is Date:
        return ordinal(value)
    if sort is Time:
        return time_key(value)
    if sort is DateTime:
        return instant(value)
    if sort is YearMonthDuration:
        return value.months
    if sort is DayTimeDuration:
        return value.nanos
    return None


def comparable(left: Any, right: Any) -> bool:
    """Whether the two values have an order."""
    if kind_of(left) is not kind_of(right):
        return False
    if type(left) is Time:
        return (left.zone is None) == (right.zone is None)
    if type(left) is DateTime:
        return (left.time.zone is None) == (right.time.zone is None)
    return True


def _keys(left: Any, right: Any, operator: str) -> tuple[Any, Any] | None:
    """The sort keys of two values, or null if they have no order."""
    if comparable(left, right):
        a, b = sort_key(left), sort_key(right)
        if a is not None and b is not None:
            return a, b
    if type(left) is list and len(left) == 1 and type(right) is not list:
        return _keys(left[0], right, operator)
    if type(right) is list and len(right) == 1 and type(left) is not list:
        return _keys(left, right[0], operator)
    fail(f"cannot compare {kind(left)} with {kind(right)}: {{}} {operator} {{}}", left, right)
    return None


def less(left: Any, right: Any) -> Any:
    """`left < right`"""
    keys = _keys(left, right, "<")
    return None if keys is None else keys[0] < keys[1]


def at_most(left: Any, right: Any) -> Any:
    """`left <= right`"""
    keys = _keys(left, right, "<=")
    return None if keys is None else keys[0] <= keys[1]


def greater(left: Any, right: Any) -> Any:
    """`left > right`"""
    keys = _keys(left, right, ">")
    return None if keys is None else keys[0] > keys[1]


def at_least(left: Any, right: Any) -> Any:
    """`left >= right`"""
    keys = _keys(left, right, ">=")
    return None if keys is None else keys[0] >= keys[1]


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": equal,
    "!=": unequal,
    "<": less,
    "<=": at_most,
    ">": greater,
    ">=": at_least,
}


# -- logic and membership


def both(*values: Any) -> Any:
    """A conjunction in which no operand is false and not all are true (Table 48)."""
    return _undecided("and", values, False)


def either(*values: Any) -> Any:
    """A disjunction in which no operand is true and not all are false (Table 48)."""
    return _undecided("or", values, True)


def _undecided(operator: str, values: tuple[Any, ...], decisive: bool) -> Any:
    for value in values:
        if value is decisive:
            return value
    if all(value is (not decisive) for value in values):
        return not decisive
    odd = next(value for value in values if not isinstance(value, bool))
    return fail(f"'{operator}' needs true or false, not {{}}", odd)


def between(value: Any, low: Any, high: Any) -> Any:
    """`value between low and high`: both ends count (Table 49)."""
    above, below = at_least(value, low), at_most(value, high)
    if above is None or below is None:
        return None
    return above and below


def in_range(value: Any, interval: Range) -> Any:
    """Whether the value lies in the range (Table 55)."""
    if interval.operator:
        endpoint = interval.end if interval.start is None else interval.start
        return COMPARISONS[interval.operator](value, endpoint)
    above = (at_least if interval.start_included else greater)(value, interval.start)
    below = (at_most if interval.end_included else less)(value, interval.end)
    return None if above is None or below is None else above and below


def is_in(value: Any, test: Any) -> Any:
    """Whether the value equals the test, or is in the test when that is a range or a list (Table 55)."""
    if type(test) is Range and type(value) is not Range:
        return in_range(value, test)
    if type(test) is list:
        if any(_contains(item, value) for item in test):
            return True
        return equal(value, test) if type(value) is list else False
    return equal(value, test)


def _contains(item: Any, value: Any) -> bool:
    if type(item) is Range and type(value) is not Range:
        return in_range(value, item) is True
    return bool(kind_of(item) == kind_of(value)) and equal(value, item) is True


def any_of(*results: Any) -> Any:
    """The outcome of alternative tests: true if one is, null if all are, else false."""
    if True in results:
        return True
    return None if all(result is None for result in results) else False
