"""Dates, times and durations: reading them, and calculating with them (DMN 1.5, 10.3.2.3 and Table 57).

Years go far beyond Python's `datetime`, so a day is counted by 400-year cycles of the Gregorian calendar, of which
Python's years 1 to 400 are one.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from procession.feel.values import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Date,
    DateTime,
    DayTimeDuration,
    Time,
    YearMonthDuration,
    Zone,
)

MAX_YEAR = 999_999_999
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_MAX_OFFSET = 18 * 3600
_MAX_DIGITS = 18  # of one number in a duration
_EPOCH = date(1970, 1, 1).toordinal()

_DATE = r"(-?(?:[1-9][0-9]{4,8}|[0-9]{4}))-([0-9]{2})-([0-9]{2})"
_TIME = (
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:(Z)|([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?|@([A-Za-z][A-Za-z0-9_+/-]*))?"
)
_DATE_TEXT = re.compile(_DATE)
_TIME_TEXT = re.compile("T?" + _TIME)
_DATE_TIME_TEXT = re.compile(f"{_DATE}T(.*)", re.DOTALL)
_MONTHS_TEXT = re.compile(r"(-)?P(?=[0-9])(?:([0-9]+)Y)?(?:([0-9]+)M)?")
_NANOS_TEXT = re.compile(
    r"(-)?P(?=[0-9T])(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?=[0-9.])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]*)(?:\.([0-9]+))?S)?)?"
)


# -- reading


def parse_literal(text: str) -> Any:
    """The value of `@"text"` (rule 62), or null."""
    for parse in (parse_date, parse_date_time, parse_time, parse_duration):
        if (value := parse(text)) is not None:
            return value
    return None


def parse_date(text: str) -> Date | None:
    """A date such as 2024-02-29."""
    found = _DATE_TEXT.fullmatch(text)
    return make_date(int(found[1]), int(found[2]), int(found[3])) if found else None


def parse_time(text: str) -> Time | None:
    """A time such as 10:30:00, 10:30:00.5Z, 10:30:00+02:00 or 10:30:00@Europe/Paris."""
    read = _read_time(text)
    return Time(read[0], read[1]) if read and read[0] < DAY else None


def parse_date_time(text: str) -> DateTime | None:
    """A date and time such as 2024-02-29T10:30:00Z; 24:00:00 is midnight of the day after."""
    found = _DATE_TIME_TEXT.fullmatch(text)
    day = make_date(int(found[1]), int(found[2]), int(found[3])) if found else None
    read = None if found is None or found[4].startswith("T") else _read_time(found[4])
    if day is None or read is None:
        return None
    next_day = from_ordinal(ordinal(day) + read[0] // DAY)
    return DateTime(next_day, Time(read[0] % DAY, read[1])) if next_day else None


def _read_time(text: str) -> tuple[int, Zone | None] | None:
    """The nanoseconds, up to exactly 24 hours, and the zone."""
    found = _TIME_TEXT.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    nanos = hour * HOUR + minute * MINUTE + second * SECOND + int((found[4] or "0").ljust(9, "0")[:9])
    if minute > 59 or second > 59 or nanos > DAY:
        return None
    zone: Zone | None = None
    if found[10]:
        zone = found[10]
        if not is_zone(zone):
            return None
    elif found[5]:
        zone = 0
    elif found[6]:
        if int(found[8]) > 59 or int(found[9] or 0) > 59:
            return None
        zone = int(found[7]) * 3600 + int(found[8]) * 60 + int(found[9] or 0)
        if zone > _MAX_OFFSET:
            return None
        zone = -zone if found[6] == "-" else zone
    return nanos, zone


def parse_duration(text: str) -> YearMonthDuration | DayTimeDuration | None:
    """A duration of either family; one that mixes both is none (10.3.2.3.7)."""
    if len(text) > 8 * _MAX_DIGITS:
        return None
    if found := _MONTHS_TEXT.fullmatch(text):
        months = int(found[2] or 0) * 12 + int(found[3] or 0)
        return YearMonthDuration(-months if found[1] else months)
    if found := _NANOS_TEXT.fullmatch(text):
        days = int(found[2] or 0) * 7 + int(found[3] or 0)
        nanos = days * DAY + int(found[4] or 0) * HOUR + int(found[5] or 0) * MINUTE + int(found[6] or 0) * SECOND
        nanos += int((found[7] or "0").ljust(9, "0")[:9])
        return DayTimeDuration(-nanos if found[1] else nanos)
    return None


# -- the calendar


def make_date(year: int, month: int, day: int) -> Date | None:
    """The date, if there is such a day."""
    if abs(year) > MAX_YEAR or not 1 <= month <= 12 or not 1 <= day <= month_length(year, month):
        return None
    return Date(year, month, day)


def month_length(year: int, month: int) -> int:
    """How many days the month has."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def ordinal(day: Date) -> int:
    """The number of the day, counted from 0001-01-01 as 1."""
    cycles, year = divmod(day.year - 1, _CYCLE_YEARS)
    return cycles * _CYCLE_DAYS + date(year + 1, day.month, day.day).toordinal()


def from_ordinal(number: int) -> Date | None:
    """The day with this number, if its year is in bounds."""
    cycles, rest = divmod(number - 1, _CYCLE_DAYS)
    day = date.fromordinal(rest + 1)
    return make_date(day.year + cycles * _CYCLE_YEARS, day.month, day.day)


def weekday(day: Date) -> int:
    """Monday is 1, Sunday is 7."""
    return (ordinal(day) - 1) % 7 + 1


def add_months(day: Date, months: int) -> Date | None:
    """The same day of another month, or its last day if that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if abs(year) > MAX_YEAR:
        return None
    return Date(year, month + 1, min(day.day, month_length(year, month + 1)))


def months_between(start: Date, end: Date) -> int:
    """Whole months from one day to another, towards zero."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and end.day < start.day:
        return months - 1
    if months < 0 and end.day > start.day:
        return months + 1
    return months


# -- zones


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether the time zone database has this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def offset(zone: Zone, day: Date, nanos: int) -> int:
    """Seconds east of UTC at a local time."""
    if isinstance(zone, int):
        return zone
    local = datetime(_near_year(day), day.month, day.day) + timedelta(microseconds=nanos // 1000)
    return _seconds(local.replace(tzinfo=ZoneInfo(zone)).utcoffset())


def _near_year(day: Date) -> int:
    """A year that Python knows, with the same calendar and, beyond its end, the same rules of daylight saving."""
    if 2 <= day.year <= 9998:
        return day.year
    return 4 + day.year % 4 if day.year < 2 else 9598 + (day.year - 9598) % _CYCLE_YEARS


def _seconds(delta: timedelta | None) -> int:
    return 0 if delta is None else delta.days * 86_400 + delta.seconds


def instant(moment: DateTime) -> int:
    """Nanoseconds of a point in time since the epoch; a local one is taken as it stands."""
    zone, nanos = moment.time.zone, moment.time.nanos
    shift = 0 if zone is None else offset(zone, moment.date, nanos)
    return (ordinal(moment.date) - _EPOCH) * DAY + nanos - shift * SECOND


def from_instant(nanos: int, zone: Zone | None) -> DateTime | None:
    """The point in time as a clock in this zone shows it."""
    shift = 0 if zone is None else _offset_at(zone, nanos)
    days, rest = divmod(nanos + shift * SECOND, DAY)
    day = from_ordinal(days + _EPOCH)
    return DateTime(day, Time(rest, zone)) if day else None


def _offset_at(zone: Zone, nanos: int) -> int:
    """Seconds east of UTC at a point in time."""
    if isinstance(zone, int):
        return zone
    days, rest = divmod(nanos, DAY)
    day = from_ordinal(days + _EPOCH)
    if day is None:
        return 0
    utc = datetime(_near_year(day), day.month, day.day, tzinfo=UTC) + timedelta(microseconds=rest // 1000)
    return _seconds(utc.astimezone(ZoneInfo(zone)).utcoffset())


def midnight(day: Date) -> DateTime:
    """The start of a day, in UTC: what a date is worth beside a date and time (10.3.2.3.4)."""
    return DateTime(day, Time(0, 0))


# -- calculating


def add_duration(value: Any, duration: YearMonthDuration | DayTimeDuration, sign: int) -> Any:
    """A date, time, or date and time moved by a duration (Table 57), or null."""
    if isinstance(duration, YearMonthDuration):
        if isinstance(value, Date):
            return add_months(value, sign * duration.months)
        if isinstance(value, DateTime):
            day = add_months(value.date, sign * duration.months)
            return DateTime(day, value.time) if day else None
        return None
    nanos = sign * duration.nanos
    if isinstance(value, Date):
        return from_ordinal(ordinal(value) + nanos // DAY)
    if isinstance(value, DateTime):
        return from_instant(instant(value) + nanos, value.time.zone)
    if isinstance(value, Time):
        return Time((value.nanos + nanos) % DAY, value.zone)
    return None


def difference(left: Any, right: Any) -> DayTimeDuration | None:
    """The duration from `right` to `left`, which must both have a zone or both have none."""
    if isinstance(left, Time) and isinstance(right, Time):
        if (left.zone is None) != (right.zone is None):
            return None
        return DayTimeDuration(time_key(left) - time_key(right))
    if isinstance(left, Date) and isinstance(right, Date):
        return DayTimeDuration((ordinal(left) - ordinal(right)) * DAY)
    left = midnight(left) if isinstance(left, Date) else left
    right = midnight(right) if isinstance(right, Date) else right
    if not isinstance(left, DateTime) or not isinstance(right, DateTime):
        return None
    if (left.time.zone is None) != (right.time.zone is None):
        return None
    return DayTimeDuration(instant(left) - instant(right))


_SOME_DAY = Date(2000, 1, 1)  # gives a zone without a date its standard offset (in the north)


def time_key(time: Time) -> int:
    """Nanoseconds since midnight in UTC."""
    return time.nanos - (0 if time.zone is None else offset(time.zone, _SOME_DAY, time.nanos) * SECOND)
