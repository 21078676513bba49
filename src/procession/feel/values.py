"""The values of FEEL that JSON does not have (DMN 1.5, 10.3.2.3 and 10.3.2.7).

Null, booleans, numbers, strings, lists and contexts are the plain Python values None, bool, int or Decimal, str, list
and dict. A `Zone` is a fixed offset in seconds or the name of a time zone; None means local, without a zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from procession.feel.limits import Run

Zone = int | str

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Date(Struct, frozen=True):
    """A day of the proleptic Gregorian calendar, in the years -999,999,999 to 999,999,999."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        sign = "-" if self.year < 0 else ""
        return f"{sign}{abs(self.year):04}-{self.month:02}-{self.day:02}"


class Time(Struct, frozen=True):
    """A time of day, in nanoseconds since midnight."""

    nanos: int
    zone: Zone | None = None

    @property
    def hour(self) -> int:
        return self.nanos // HOUR

    @property
    def minute(self) -> int:
        return self.nanos // MINUTE % 60

    def __str__(self) -> str:
        seconds, fraction = divmod(self.nanos % MINUTE, SECOND)
        text = f"{self.hour:02}:{self.minute:02}:{seconds:02}"
        if fraction:
            text += f".{fraction:09}".rstrip("0")
        return text + format_zone(self.zone)


class DateTime(Struct, frozen=True):
    """A day and a time of day; the zone is the time's."""

    date: Date
    time: Time

    def __str__(self) -> str:
        return f"{self.date}T{self.time}"


class YearMonthDuration(Struct, frozen=True):
    """A years and months duration."""

    months: int

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"{'-' if self.months < 0 else ''}P{text}"


class DayTimeDuration(Struct, frozen=True):
    """A days and time duration, in nanoseconds."""

    nanos: int

    def __str__(self) -> str:
        days, rest = divmod(abs(self.nanos), DAY)
        hours, minutes = rest // HOUR, rest // MINUTE % 60
        seconds, fraction = divmod(rest % MINUTE, SECOND)
        time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
        if fraction:
            time += f"{seconds}." + f"{fraction:09}".rstrip("0") + "S"
        elif seconds or not (days or time):
            time += f"{seconds}S"
        text = (f"{days}D" if days else "") + (f"T{time}" if time else "")
        return f"{'-' if self.nanos < 0 else ''}P{text}"


class Range(Struct, frozen=True):
    """An interval; `operator` is set when it was written as a comparison, such as `(< 10)` (DMN 1.5, rule 7)."""

    start: Any
    end: Any
    start_included: bool = True
    end_included: bool = True
    operator: str = ""


class Function(Struct, frozen=True, eq=False):
    """A function as a value: `call(run, arguments)` with the arguments in the order of the parameters.

    `arity` is the least and the greatest number of arguments; None means that there is no greatest.
    """

    parameters: tuple[str, ...]
    call: Callable[[Run, list[Any]], Any]
    name: str = ""
    arity: tuple[int, int | None] = (0, None)


def format_zone(zone: Zone | None) -> str:
    """The suffix that a zone gives to a time."""
    if zone is None:
        return ""
    if isinstance(zone, str):
        return f"@{zone}"
    if not zone:
        return "Z"
    minutes, seconds = divmod(abs(zone), 60)
    text = f"{'-' if zone < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text
