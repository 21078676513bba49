"""Types as values are tested against them (DMN 1.5, 10.3.2.9 and Table 54)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from procession.feel.tree import Type
from procession.feel.values import Date, DateTime, DayTimeDuration, Function, Range, Time, YearMonthDuration

NUMBER = frozenset({int, Decimal})
KINDS: dict[str, frozenset[type]] = {
    "number": NUMBER,
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "date": frozenset({Date}),
    "time": frozenset({Time}),
    "date and time": frozenset({DateTime}),
    "dateTime": frozenset({DateTime}),
    "days and time duration": frozenset({DayTimeDuration}),
    "day-time-duration": frozenset({DayTimeDuration}),
    "dayTimeDuration": frozenset({DayTimeDuration}),
    "years and months duration": frozenset({YearMonthDuration}),
    "year-month-duration": frozenset({YearMonthDuration}),
    "yearMonthDuration": frozenset({YearMonthDuration}),
    "list": frozenset({list}),
    "context": frozenset({dict}),
    "range": frozenset({Range}),
    "function": frozenset({Function}),
    "Null": frozenset({type(None)}),
}
TYPE_NAMES = frozenset({*KINDS, "Any"})


def is_instance(value: Any, wanted: Type) -> bool:
    """`value instance of wanted`: null is an instance of nothing but Null."""
    if value is None:
        return wanted.name == "Null"
    return conforms(value, wanted)


def conforms(value: Any, wanted: Type) -> bool:
    """Whether the value may stand where the type is wanted; null may, everywhere (10.3.2.9.2)."""
    if value is None or wanted.name == "Any":
        return True
    if type(value) not in KINDS[wanted.name]:
        return False
    parts = _PARTS.get(wanted.name)
    return parts is None or not wanted.parts or parts(value, wanted)


def _list(value: list[Any], wanted: Type) -> bool:
    return all(conforms(item, wanted.parts[0]) for item in value)


def _context(value: dict[str, Any], wanted: Type) -> bool:
    return all(
        name in value and conforms(value[name], part) for name, part in zip(wanted.names, wanted.parts, strict=True)
    )


def _range(value: Range, wanted: Type) -> bool:
    return conforms(value.start, wanted.parts[0]) and conforms(value.end, wanted.parts[0])


def _function(value: Function, wanted: Type) -> bool:
    least, most = value.arity
    count = len(wanted.parts) - 1
    return least <= count and (most is None or count <= most)


_PARTS: dict[str, Callable[[Any, Type], bool]] = {
    "list": _list,
    "context": _context,
    "range": _range,
    "function": _function,
}


def coerce(value: Any, wanted: Type) -> tuple[bool, Any]:
    """Whether the value fits the type, and the value after the implicit conversions (10.3.2.9.4)."""
    if conforms(value, wanted):
        return True, value
    if type(value) is list and len(value) == 1 and conforms(value[0], wanted):
        return True, value[0]
    if wanted.name == "list" and conforms([value], wanted):
        return True, [value]
    return False, None
