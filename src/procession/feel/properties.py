"""Properties of dates, times, durations and ranges (DMN 1.5, Table 65)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from procession.feel.temporal import offset, weekday
from procession.feel.values import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Date,
    DateTime,
    DayTimeDuration,
    Range,
    Time,
    YearMonthDuration,
)


def temporal_property(value: Any, name: str) -> tuple[bool, Any]:
    """Whether the value has this property, and what it is."""
    get = _PROPERTIES.get(type(value), {}).get(name)
    return (True, get(value)) if get is not None else (False, None)


def _seconds(nanos: int) -> int | Decimal:
    seconds, fraction = divmod(nanos, SECOND)
    return Decimal(nanos).scaleb(-9).normalize() if fraction else seconds


def _part(nanos: int, unit: int, limit: int) -> int:
    """How many whole units are left over from the next larger unit, with the sign of the duration."""
    count = abs(nanos) // unit % limit
    return -count if nanos < 0 else count


def _months(duration: YearMonthDuration) -> tuple[int, int]:
    years, months = divmod(abs(duration.months), 12)
    return (-years, -months) if duration.months < 0 else (years, months)


def _time_offset(time: Time) -> DayTimeDuration | None:
    return DayTimeDuration(time.zone * SECOND) if isinstance(time.zone, int) else None


def _moment_offset(moment: DateTime) -> DayTimeDuration | None:
    zone = moment.time.zone
    return None if zone is None else DayTimeDuration(offset(zone, moment.date, moment.time.nanos) * SECOND)


def _timezone(time: Time) -> str | None:
    return time.zone if isinstance(time.zone, str) else None


Getters = dict[str, Callable[[Any], Any]]

_DATE: Getters = {
    "year": lambda date: date.year,
    "month": lambda date: date.month,
    "day": lambda date: date.day,
    "weekday": weekday,
}
_TIME: Getters = {
    "hour": lambda time: time.hour,
    "minute": lambda time: time.minute,
    "second": lambda time: _seconds(time.nanos % MINUTE),
    "time offset": _time_offset,
    "timezone": _timezone,
}


def _of_date(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda moment: get(moment.date)


def _of_time(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda moment: get(moment.time)


_PROPERTIES: dict[type, Getters] = {
    Date: _DATE,
    Time: _TIME,
    DateTime: {
        **{name: _of_date(get) for name, get in _DATE.items()},
        **{name: _of_time(get) for name, get in _TIME.items()},
        "time offset": _moment_offset,
    },
    YearMonthDuration: {
        "years": lambda duration: _months(duration)[0],
        "months": lambda duration: _months(duration)[1],
    },
    DayTimeDuration: {
        "days": lambda duration: _part(duration.nanos, DAY, 10**30),
        "hours": lambda duration: _part(duration.nanos, HOUR, 24),
        "minutes": lambda duration: _part(duration.nanos, MINUTE, 60),
        "seconds": lambda duration: (
            -_seconds(-duration.nanos % MINUTE) if duration.nanos < 0 else _seconds(duration.nanos % MINUTE)
        ),
    },
    Range: {
        "start": lambda interval: interval.start,
        "end": lambda interval: interval.end,
        "start included": lambda interval: interval.start_included,
        "end included": lambda interval: interval.end_included,
    },
}
