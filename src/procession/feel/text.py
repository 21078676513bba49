"""FEEL values as text: in messages, as strings, and as JSON."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from procession.feel.limits import FeelLimitExceeded
from procession.feel.values import (
    Date,
    DateTime,
    DayTimeDuration,
    Function,
    Range,
    Time,
    YearMonthDuration,
)

_LONGEST = 80
_MOST_DIGITS = 7000  # more than any number in 34 digits has when it is written without exponent
_MOST_BITS = 10_000  # Python refuses to write longer ints
_PLAIN = frozenset({type(None), bool, int, Decimal, str})
_TEMPORAL = frozenset({Date, Time, DateTime, YearMonthDuration, DayTimeDuration})
_SIMPLE_KEY = re.compile(r"[^\W\d]\w*( \w+)*")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_OPENING = {True: "[", False: "("}
_CLOSING = {True: "]", False: ")"}
_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    str: "a string",
    list: "a list",
    dict: "a context",
    Date: "a date",
    Time: "a time",
    DateTime: "a date and time",
    YearMonthDuration: "a years and months duration",
    DayTimeDuration: "a days and time duration",
    Range: "a range",
    Function: "a function",
}


def kind(value: Any) -> str:
    """What sort of value it is, with its article: "a string"."""
    return _KINDS.get(type(value), "a value of another kind")


def describe(value: Any) -> str:
    """A short FEEL-like rendering for messages."""
    text = _render(value, 0)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def format_number(value: int | Decimal) -> str:
    """A number without exponent and without useless zeros."""
    if isinstance(value, int):
        return str(value) if value.bit_length() < _MOST_BITS else format(Decimal(value), "e")
    if value.adjusted() > _MOST_DIGITS or value.adjusted() < -_MOST_DIGITS or not value.is_finite():
        return str(value)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def format_string(value: Any) -> str:
    """The text of a value, as `string(value)` gives it (DMN 1.5, Table 74)."""
    return value if isinstance(value, str) else _render(value, None)


def _render(value: Any, depth: int | None) -> str:
    """FEEL notation; with a depth, long lists and deep nesting are cut short."""
    cut = depth is not None
    deeper = depth + 1 if depth is not None else None
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format_number(value)
    if isinstance(value, str):
        return '"' + (value[:_LONGEST] if cut else value).translate(_ESCAPES) + '"'
    if isinstance(value, list):
        if depth is not None and depth > 4:
            return "[…]"
        items = [_render(item, deeper) for item in (value[:_LONGEST] if cut else value)]
        return "[" + ", ".join(items) + "]"
    if isinstance(value, dict):
        if depth is not None and depth > 4:
            return "{…}"
        pairs = list(value.items())[:_LONGEST] if cut else value.items()
        return "{" + ", ".join(f"{_key(key)}: {_render(item, deeper)}" for key, item in pairs) + "}"
    if isinstance(value, Range):
        return _range(value, deeper)
    if isinstance(value, Function):
        return f"function {value.name}({', '.join(value.parameters)})" if cut else "function"
    return str(value)


def _key(key: Any) -> str:
    text = str(key)
    return text if _SIMPLE_KEY.fullmatch(text) else '"' + text.translate(_ESCAPES) + '"'


def _range(value: Range, depth: int | None) -> str:
    if value.operator:
        endpoint = value.start if value.start is not None else value.end
        return f"({value.operator} {_render(endpoint, depth)})"
    start, end = _render(value.start, depth), _render(value.end, depth)
    return f"{_OPENING[value.start_included]}{start}..{end}{_CLOSING[value.end_included]}"


DEEPEST = 200
"""Levels of lists and contexts in each other that a value may have: JSON libraries, and people, are lost beyond."""


def to_json(value: Any, depth: int = 0) -> Any:
    """The value for JSON: temporal values become ISO 8601 text; what needs no change is returned as it is.

    `FeelLimitExceeded` where lists and contexts are nested deeper than `DEEPEST`.
    """
    sort = type(value)
    if sort in _PLAIN:
        return value
    if sort is not dict and sort is not list:
        return _scalar_to_json(value)
    if depth >= DEEPEST:
        raise FeelLimitExceeded(f"Lists and contexts are nested deeper than {DEEPEST} levels.")
    changed: Any = None
    for key, item in value.items() if sort is dict else enumerate(value):
        if type(item) not in _PLAIN:
            converted = to_json(item, depth + 1)
            if converted is not item:
                if changed is None:
                    changed = value.copy()
                changed[key] = converted
    return value if changed is None else changed


def _scalar_to_json(value: Any) -> Any:
    if type(value) in _TEMPORAL:
        return str(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str | int | Decimal | dict | list):
        return value
    raise TypeError(f"JSON has no form for {kind(value)}: {describe(value)}")
