"""Functions that convert (DMN 1.5, 10.3.4.1, and Camunda 8)."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from procession.feel.arithmetic import CONTEXT, INT_LIMIT, number, whole_number
from procession.feel.builtins.registry import builtin
from procession.feel.limits import bounded
from procession.feel.reasons import fail
from procession.feel.temporal import (
    from_instant,
    instant,
    is_zone,
    make_date,
    months_between,
    parse_date,
    parse_date_time,
    parse_duration,
    parse_time,
)
from procession.feel.text import format_number, format_string, to_json
from procession.feel.values import DAY, HOUR, MINUTE, SECOND, Date, DateTime, DayTimeDuration, Time, YearMonthDuration

Number = int | Decimal

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?")


# -- dates and times


@builtin("date(from: string | date and time | date)")
def date(source: Any) -> Any:
    """A date from text, or that of a date and time."""
    if isinstance(source, str):
        return parse_date(source) or fail("date: {} is not a date", source)
    return source.date if isinstance(source, DateTime) else source


@builtin("date(year: number, month: number, day: number)")
def date_of(year: Number, month: Number, day: Number) -> Any:
    """A date from its parts."""
    parts = [part for part in map(whole_number, (year, month, day)) if part is not None]
    made = make_date(*parts) if len(parts) == 3 else None
    return made or fail("date: there is no day {}, {}, {}", year, month, day)


@builtin("time(from: string | date and time | time | date)")
def time(source: Any) -> Any:
    """A time from text, or that of a date and time; a date starts at midnight UTC."""
    if isinstance(source, str):
        return parse_time(source) or fail("time: {} is not a time", source)
    if isinstance(source, DateTime):
        return source.time
    return Time(0, 0) if isinstance(source, Date) else source


@builtin("time(hour: number, minute: number, second: number, offset?: days and time duration | null)")
def time_of(hour: Number, minute: Number, second: Number, offset: DayTimeDuration | None = None) -> Any:
    """A time from its parts."""
    whole_hour, whole_minute = whole_number(hour), whole_number(minute)
    if whole_hour is None or whole_minute is None or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return fail("time: there is no time {}, {}, {}", hour, minute, second)
    zone = None if offset is None else offset.nanos // SECOND
    if zone is not None and abs(zone) > 18 * 3600:
        return fail("time: there is no offset {}", offset)
    nanos = whole_hour * HOUR + whole_minute * MINUTE + int(Decimal(second).scaleb(9, CONTEXT))
    return Time(nanos % DAY, zone)


@builtin("date and time(from: string | date and time | date)")
def date_and_time(source: Any) -> Any:
    """A date and time from text; a day alone starts at midnight."""
    if isinstance(source, str):
        day = parse_date(source)
        made = parse_date_time(source) if day is None else DateTime(day, Time(0))
        return made or fail("date and time: {} is not a date and time", source)
    return source if isinstance(source, DateTime) else DateTime(source, Time(0, 0))


@builtin("date and time(date: date and time, timezone: string)")
@builtin("date and time(date: date | date and time, time: time | string)")
def date_and_time_of(date: Date | DateTime, other: Time | str) -> Any:
    """A date and a time in one; or the same moment in another time zone (Camunda 8)."""
    if isinstance(other, Time):
        return DateTime(date.date if isinstance(date, DateTime) else date, other)
    if not isinstance(date, DateTime) or not is_zone(other):
        return fail("date and time: {} cannot be moved to a time zone {}", date, other)
    return from_instant(instant(date), other)


@builtin("duration(from: string | days and time duration | years and months duration)")
def duration(source: Any) -> Any:
    """A duration from text."""
    if isinstance(source, str):
        return parse_duration(source) or fail("duration: {} is not a duration", source)
    return source


@builtin("years and months duration(from: date | date and time, to: date | date and time)")
def years_and_months_duration(source: Any, to: Any) -> YearMonthDuration:
    """The whole months between two days."""
    start = source.date if isinstance(source, DateTime) else source
    end = to.date if isinstance(to, DateTime) else to
    return YearMonthDuration(months_between(start, end))


# -- numbers and strings


@builtin("number(from: string | number)")
def number_from(source: Any) -> Any:
    """A number from text."""
    if not isinstance(source, str):
        return source
    if not _NUMBER.fullmatch(source):
        return fail("number: {} is not a number", source)
    value = CONTEXT.create_decimal(source)
    if value.as_tuple().exponent == 0 and abs(value) < INT_LIMIT:
        return int(value)
    return number(value)


@builtin("number(from: string, grouping separator: string | null, decimal separator: string | null)")
def number_grouped(source: str, grouping: str | None, point: str | None) -> Any:
    """A number from text with these separators; null stands for none, and for the point."""
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", "."):
        return fail("number: the separators {} and {} are not known", grouping, point)
    if grouping is not None and grouping == point:
        return fail("number: the separators are both {}", grouping)
    plain = source.replace(grouping, "") if grouping else source
    if point == ",":
        plain = "?" if "." in plain else plain.replace(",", ".")
    return number_from(plain) if _NUMBER.fullmatch(plain) else fail("number: {} is not a number", source)


@builtin("string(from: any)")
def string(source: Any) -> Any:
    """The text of a value; null stays null."""
    return None if source is None else bounded(format_string(source))


# -- JSON


@builtin("from json(value: string)")
def from_json(value: str) -> Any:
    """The value of JSON text (Camunda 8)."""
    try:
        return json.loads(value, parse_float=_decimal, parse_int=_whole, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return fail("from json: {} is not JSON", value)


def _decimal(text: str) -> Any:
    return number(CONTEXT.create_decimal(text))


def _whole(text: str) -> Any:
    return int(text) if len(text) < CONTEXT.prec else _decimal(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


@builtin("to json(value: any)")
def to_json_text(value: Any) -> Any:
    """The value as JSON text (Camunda 8)."""
    try:
        return bounded(_json(to_json(value)))
    except TypeError as problem:
        return fail("to json: " + str(problem).replace("{", "{{").replace("}", "}}"))


def _json(value: Any) -> str:
    """JSON with numbers written as they are; the standard library has no way to write a Decimal."""
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(str(key), ensure_ascii=False)}:{_json(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, Decimal):
        return format_number(value) if value.is_finite() else "null"
    return json.dumps(value, ensure_ascii=False)
