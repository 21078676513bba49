"""Functions on dates and times (DMN 1.5, 10.3.4.8 and 10.3.4.10, and Camunda 8)."""

from __future__ import annotations

from typing import Any

from procession.feel.builtins.registry import builtin
from procession.feel.limits import Run
from procession.feel.reasons import fail
from procession.feel.temporal import from_instant, is_zone, month_length, ordinal, weekday
from procession.feel.values import Date, DateTime

_MICROSECOND = 1000
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@builtin("now()", run=True)
def now(run: Run) -> Any:
    """The moment of the evaluation, in its zone."""
    zone: int | str = 0 if run.env.zone == "UTC" else run.env.zone
    if isinstance(zone, str) and not is_zone(zone):
        return fail("now: there is no time zone {}", zone)
    return from_instant(run.env.at * _MICROSECOND, zone)


@builtin("today()", run=True)
def today(run: Run) -> Any:
    """The day of the evaluation, in its zone."""
    moment = now(run)
    return None if moment is None else moment.date


def _day(value: Date | DateTime) -> Date:
    return value.date if isinstance(value, DateTime) else value


@builtin("day of year(date: date | date and time)")
def day_of_year(date: Date | DateTime) -> int:
    """The number of the day in its year."""
    day = _day(date)
    return ordinal(day) - ordinal(Date(day.year, 1, 1)) + 1


@builtin("day of week(date: date | date and time)")
def day_of_week(date: Date | DateTime) -> str:
    """The English name of the day."""
    return _DAYS[weekday(_day(date)) - 1]


@builtin("month of year(date: date | date and time)")
def month_of_year(date: Date | DateTime) -> str:
    """The English name of the month."""
    return _MONTHS[_day(date).month - 1]


@builtin("week of year(date: date | date and time)")
def week_of_year(date: Date | DateTime) -> int:
    """The number of the week, by ISO 8601: that of its Thursday."""
    day = _day(date)
    thursday = ordinal(day) - weekday(day) + 4
    for year in (day.year + 1, day.year, day.year - 1):
        first = ordinal(Date(year, 1, 1))
        if first <= thursday:
            return (thursday - first) // 7 + 1
    return 1


@builtin("last day of month(date: date | date and time)")
def last_day_of_month(date: Date | DateTime) -> Date:
    """The last day of the same month (Camunda 8)."""
    day = _day(date)
    return Date(day.year, day.month, month_length(day.year, day.month))
