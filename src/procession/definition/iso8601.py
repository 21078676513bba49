"""ISO 8601: durations and instants, and the sum of the two.

An *instant* is an int: microseconds since 1970-01-01T00:00:00Z. A *duration* has two parts that never mix:

    months          the calendar part (P1Y2M). Added in the wall time of a zone: the same day of the month at the same
                    time of day, or the month's last day when the month is shorter (Jan 31 + P1M = Feb 28).
    microseconds    the exact part (P1DT2H). Added on the absolute time line, whatever the clocks on the wall do.

A day is 24 hours and a week is seven of them, as in FEEL and XML Schema: across a change of the clocks P1D therefore
moves the time on the wall. "Every day at nine" is not a period; it is what cron is for.

A local time that the clocks skip counts as moved forward by the gap; one that they show twice is the first of the two.
Years run from 1 to 9999. Digits below the microsecond are read and dropped.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_INSTANT = -62_135_596_800 * SECOND  # 0001-01-01T00:00:00Z
LAST_INSTANT = 253_402_300_800 * SECOND - 1  # 9999-12-31T23:59:59.999999Z

_DURATION = re.compile(
    r"(?P<sign>-?)P(?=[0-9T])"
    r"(?:(?P<years>[0-9]{1,18})Y)?(?:(?P<months>[0-9]{1,18})M)?"
    r"(?:(?P<weeks>[0-9]{1,18})W)?(?:(?P<days>[0-9]{1,18})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,18})H)?(?:(?P<minutes>[0-9]{1,18})M)?"
    r"(?:(?P<seconds>[0-9]{1,18})(?:\.(?P<fraction>[0-9]{1,18}))?S)?)?"
)
_INSTANT = re.compile(
    r"(?P<wall>[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2})?)(?:(?<=:..:..)\.(?P<fraction>[0-9]{1,18}))?"
    r"(?P<offset>Z|(?P<sign>[+-])(?P<hours>0[0-9]|1[0-8])(?::?(?P<minutes>[0-5][0-9]))?)?"
    r"(?:\[(?P<zone>[^\]]+)\]|@(?P<zone_at>.+))?"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A calendar part and an exact part, each with its sign. (FEEL's two kinds of duration have one of them each.)"""

    months: int
    microseconds: int


def parse_duration(text: str) -> Duration:
    """Read `P1Y2M`, `P1W`, `P1DT2H`, `PT0.5S`, `-P1D`. One sign for all of it; a fraction on the seconds only."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not an ISO 8601 duration. Write for example 'PT30S', 'PT1H30M', 'P14D' or 'P1Y2M'"
            " (only seconds may have a fraction: 'PT0.5S')."
        )
    sign, years, months, weeks, days, hours, minutes, seconds, fraction = found.groups(default="0")
    calendar = int(years) * 12 + int(months)
    exact = int(weeks) * 7 * DAY + int(days) * DAY + int(hours) * HOUR + int(minutes) * MINUTE
    exact += int(seconds) * SECOND + _fraction(fraction)
    return Duration(-calendar, -exact) if sign == "-" else Duration(calendar, exact)


def format_duration(duration: Duration) -> str:
    """Write a duration with the largest units that hold it exactly: `P1Y2M`, `P7D`, `-PT0.5S`, `PT0S`."""
    months, exact = duration.months, duration.microseconds
    if months * exact < 0:
        raise ValueError(f"{duration!r} has parts of opposite signs, which ISO 8601 cannot write.")
    sign = "-" if months < 0 or exact < 0 else ""
    years, months = divmod(abs(months), 12)
    days, exact = divmod(abs(exact), DAY)
    hours, exact = divmod(exact, HOUR)
    minutes, exact = divmod(exact, MINUTE)
    seconds = f"{exact // SECOND}.{exact % SECOND:06d}".rstrip("0").rstrip(".")
    date = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (months, "M"), (days, "D")) if n)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n not in (0, "0"))
    if not date and not time:
        return "PT0S"
    return f"{sign}P{date}T{time}" if time else f"{sign}P{date}"


def parse_instant(text: str, default_zone: str = "UTC") -> int:
    """Read an instant: `2026-11-23T05:54:02Z`, `…+02:00`, `…[Europe/Berlin]`, `…@Europe/Berlin`, or local time."""
    return parse_zoned(text, default_zone)[0]


def parse_zoned(text: str, default_zone: str = "UTC") -> tuple[int, str]:
    """The instant and the zone its text names, else the default one. If there is an offset, it decides the instant."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not an ISO 8601 date and time. Write for example '2026-11-23T05:54:02Z',"
            " '2026-11-23T06:54:02+01:00' or '2026-11-23T06:54:02[Europe/Berlin]'."
        )
    name = found["zone"] or found["zone_at"] or default_zone
    zone = zone_named(name)
    try:
        wall = datetime.fromisoformat(found["wall"])
    except ValueError as error:
        raise ValueError(f"{text!r} is not a possible date and time: {error}.") from None
    if found["offset"] is None:
        instant = instant_of(wall, zone)
    else:
        instant = _microseconds(wall - _EPOCH)
        if found["sign"]:
            offset = int(found["hours"]) * HOUR + int(found["minutes"] or 0) * MINUTE
            instant += offset if found["sign"] == "-" else -offset
    return _within_years(instant + _fraction(found["fraction"] or "0")), name


def format_instant(us: int) -> str:
    """Write an instant in UTC with microseconds: `2026-11-23T05:54:02.000001Z`."""
    try:
        return f"{_format_second(us // SECOND)}.{us % SECOND:06d}Z"
    except OverflowError:
        raise _outside_years() from None


def add_duration(us: int, duration: Duration, zone: str, times: int = 1) -> int:
    """The instant plus `times` × the duration: the months first, in the zone's wall time, then the exact part.

    Multiply, do not add again and again: a date that was clipped at a month's end does not come back.
    """
    if months := duration.months * times:
        where = zone_named(zone)
        us = instant_of(_plus_months(wall_time(us, where), months), where)
    return _within_years(us + duration.microseconds * times)


def zone_named(name: str) -> ZoneInfo:
    """The time zone with this IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a legal name; a folder of the zone database
        raise ValueError(
            f"There is no time zone {name!r}. Use an IANA name such as 'Europe/Berlin', or 'UTC'."
        ) from None


def wall_time(us: int, zone: ZoneInfo) -> datetime:
    """What calendar and clock show in the zone at this instant (a naive datetime)."""
    try:
        return (_EPOCH_UTC + timedelta(0, 0, us)).astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        raise _outside_years() from None


def instant_of(wall: datetime, zone: ZoneInfo) -> int:
    """When calendar and clock show this in the zone. Skipped times move forward by the gap; of two, the first."""
    offset = wall.replace(tzinfo=zone, fold=0).utcoffset()
    assert offset is not None  # a ZoneInfo always has one
    return _microseconds(wall - _EPOCH - offset)


def _plus_months(wall: datetime, months: int) -> datetime:
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise _outside_years()
    return wall.replace(year, month + 1, min(wall.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=1024)
def _format_second(seconds: int) -> str:
    """Cached because the events of one moment are written together: three times faster when the second repeats."""
    return (_EPOCH + timedelta(0, seconds)).isoformat()


def _fraction(digits: str) -> int:
    return int(digits[:6].ljust(6, "0"))


def _microseconds(delta: timedelta) -> int:
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def _within_years(us: int) -> int:
    if FIRST_INSTANT <= us <= LAST_INSTANT:
        return us
    raise _outside_years()


def _outside_years() -> ValueError:
    return ValueError("The instant is outside the years 1 to 9999.")
