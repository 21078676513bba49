"""What a timer rule is, and when it fires next. Pure: the time comes in as `now`, and nothing is remembered here.

    date        2026-11-23T05:54:02Z                         once, at that instant
    duration    PT1H30M                                      once, so long after it was set
    cycle       R5/2026-08-29T15:30:00Z/PT2H                 five times, from that start
                R/P1D    R3/PT10S                            for ever, or three times; the first after one period
                R/PT2H/2026-12-31T00:00:00Z                  until that end
                0 0 9 * * MON-FRI    0 9 * * 1-5    @daily   by the clock on the wall (cron, with or without seconds)

Whoever runs timers stores the rule's text and one `Occurrence`, the one that is awaited:

    awaited = schedule.first(now)                  when the timer is set
    awaited = schedule.next(awaited, now)          when it has fired; None: that was the last one

Three rules:

1. The n-th date of a cycle is counted from its anchor (anchor + n × period), never from the date before. So P1M from
   January 31 comes on the last day of February and on March 31, and a late firing delays nothing that follows.
2. Missed dates are not made up for in a burst. What is overdue fires once; the next date is the first one after `now`.
   It is computed, not stepped to. The dates between count as gone, so R5 never means a sixth date.
3. Nothing here fails after parsing. A rule that has no date left says None.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from procession.definition.iso8601 import (
    DAY,
    LAST_INSTANT,
    SECOND,
    Duration,
    add_duration,
    instant_of,
    parse_duration,
    parse_instant,
    parse_zoned,
    wall_time,
    zone_named,
)

Kind = Literal["date", "duration", "cycle"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a schedule: all that must be kept between two firings."""

    due: int
    number: int  # from 1. Of a repeating interval: which date this is, skipped ones counted; of cron: which firing
    anchor: int  # what the dates are counted from: the start of a cycle, else when the timer was set


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timer fires. The zone is that of local times, of months and of cron; UTC if nothing else is said."""

    kind: Kind
    text: str
    zone: str
    rule: Rule = field(repr=False, compare=False)  # what the text says, read

    def first(self, now: int) -> Occurrence | None:
        """The first date of a timer that is set now: overdue if a date is past, None if there is no date any more."""
        return self.rule.first(now)

    def next(self, fired: Occurrence, now: int) -> Occurrence | None:
        """The date to await after this one has fired: later than it and later than now. None: that was the last."""
        return self.rule.next(fired, now)


class Rule(Protocol):
    """What the kinds of timer differ in."""

    def first(self, now: int) -> Occurrence | None: ...

    def next(self, fired: Occurrence, now: int) -> Occurrence | None: ...


def parse_schedule(kind: Kind, text: str, zone: str = "UTC") -> Schedule:
    """Read a timer rule. ValueError says what is wrong with it and shows a right one."""
    text = text.strip()
    zone_named(zone)
    if not text:
        raise ValueError(f"The {kind} of the timer is empty. Write for example {_EXAMPLES[kind]}.")
    return Schedule(kind, text, zone, _READERS[kind](text, zone))


def parse_expiry(text: str, zone: str = "UTC") -> Schedule:
    """Read when a process instance expires: after a duration, or at the first date of a cron expression."""
    text = text.strip()
    if not text or text.startswith("R"):
        raise ValueError(
            f"{text!r} is not an expiry. Write a duration such as 'P30D', or a cron expression with seconds first"
            " such as '0 0 3 * * *'."
        )
    if not text.startswith(("P", "-P")):
        return parse_schedule("cycle", text, zone)
    if not _is_positive(parse_duration(text)):
        raise ValueError(f"An expiry of {text!r} is over before the process begins. Write for example 'P30D'.")
    return parse_schedule("duration", text, zone)


# ── date and duration ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _At:
    instant: int

    def first(self, now: int) -> Occurrence | None:
        return Occurrence(self.instant, 1, self.instant)

    def next(self, fired: Occurrence, now: int) -> Occurrence | None:
        return None


@dataclass(frozen=True, slots=True)
class _After:
    duration: Duration
    zone: str

    def first(self, now: int) -> Occurrence | None:
        due = _plus(now, self.duration, self.zone, 1)
        return Occurrence(due, 1, now) if due <= LAST_INSTANT else None

    def next(self, fired: Occurrence, now: int) -> Occurrence | None:
        return None


def _date(text: str, zone: str) -> Rule:
    return _At(parse_instant(text, zone))


def _duration(text: str, zone: str) -> Rule:
    return _After(parse_duration(text), zone)


# ── cycle: R5/start/period/end ────────────────────────────────────────────────────────────────────────────────────────

_REPEATING = re.compile(
    r"R(?P<times>[0-9]{0,9})/(?:(?P<start>[0-9]{4}-.*)/)?(?P<period>-?P[0-9T][^/]*)(?:/(?P<end>[0-9]{4}-.*))?"
)


@dataclass(frozen=True, slots=True)
class _Every:
    """A date each period: from the start on, or, without one, from one period after the timer was set."""

    period: Duration
    zone: str
    times: int | None = None
    start: int | None = None
    end: int = LAST_INSTANT

    def first(self, now: int) -> Occurrence | None:
        if self.start is None:
            return self._occurrence(now, 1)
        return self._occurrence(self.start, self._number_after(self.start, now - 1))

    def next(self, fired: Occurrence, now: int) -> Occurrence | None:
        return self._occurrence(fired.anchor, max(fired.number + 1, self._number_after(fired.anchor, now)))

    def _occurrence(self, anchor: int, number: int) -> Occurrence | None:
        if self.times is not None and number > self.times:
            return None
        due = self._due(anchor, number)
        return Occurrence(due, number, anchor) if due <= self.end else None

    def _due(self, anchor: int, number: int) -> int:
        """Date number one is the start itself, if there is one."""
        return _plus(anchor, self.period, self.zone, number if self.start is None else number - 1)

    def _number_after(self, anchor: int, instant: int) -> int:
        """The number of the first date after the instant.

        A month has 28 to 31 days: that narrows the number to a few dozen even after centuries, and those are bisected.
        One period is added on either side for what time zones do.
        """
        passed = max(0, instant - anchor)
        shortest = self.period.months * 28 * DAY + self.period.microseconds
        longest = self.period.months * 31 * DAY + self.period.microseconds
        low, high = max(1, passed // longest - 1), passed // shortest + 3
        return bisect_right(range(high), instant, low, high, key=lambda number: self._due(anchor, number))


def _cycle(text: str, zone: str) -> Rule:
    if not text.startswith(("R", "P", "-P")):
        return _cron(text, zone)
    found = _REPEATING.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a repeating interval. Write R[times]/[start/]period[/end], for example"
            f" 'R5/2026-08-29T15:30:00Z/PT2H', 'R3/PT10S' or, for ever, 'R/P1D'."
        )
    period, times, end = parse_duration(found["period"]), int(found["times"] or -1), LAST_INSTANT
    if not _is_positive(period):
        raise ValueError(f"The period of {text!r} must be longer than nothing. Write for example 'R/PT2H'.")
    if times == 0:
        raise ValueError(f"{text!r} would never fire. Write 'R1/…' for once, 'R/…' for ever.")
    start = None
    if found["start"]:
        start, zone = parse_zoned(found["start"], zone)
    if found["end"]:
        end = parse_instant(found["end"], zone)
        if start is not None and end < start:
            raise ValueError(f"{text!r} ends before it starts. Write R[times]/[start/]period[/end].")
    return _Every(period, zone, times if times > 0 else None, start, end)


def _plus(instant: int, duration: Duration, zone: str, times: int) -> int:
    """The sum, or later than every instant if it is beyond the calendar (then it is no date: nothing ever comes)."""
    try:
        return add_duration(instant, duration, zone, times)
    except ValueError:
        return LAST_INSTANT + 1


def _is_positive(duration: Duration) -> bool:
    return duration.months > 0 or duration.microseconds > 0


# ── cycle: cron ───────────────────────────────────────────────────────────────────────────────────────────────────────
#
# cronsim finds the dates; here is what is around it. Two dialects meet, told apart by their number of fields:
#
#     5 fields (Unix)      a day matches when day-of-month or day-of-week does, if both are given
#     6 fields (Spring)    seconds come first; a day matches when both do, so '0 0 0 13 * FRI' is Friday the 13th
#
# When the clocks change we do what Debian's cron does. A rule that names hour and minute runs once: after the gap if
# its time is skipped, at the first of the two if its time comes twice. A rule with a star in either place means "every
# so often" and follows real time. (cronsim does so for 5 fields only, hence our own here.)

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = ("second", "minute", "hour", "day-of-month", "month", "day-of-week")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NEAREST = re.compile(r"(0?[1-9]|[12][0-9]|3[01])W")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SOME_LEAP_YEAR = datetime(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class _Cron:
    fields: str  # six, as cronsim reads them
    zone: str
    by_the_clock: bool  # names hour and minute
    both_days: bool
    nearest: tuple[int, ...]  # 15W: the weekday nearest to the 15th
    only_nearest: bool

    def first(self, now: int) -> Occurrence | None:
        return self._occurrence(now - 1, 1, now)

    def next(self, fired: Occurrence, now: int) -> Occurrence | None:
        return self._occurrence(max(now, fired.due), fired.number + 1, fired.anchor)

    def _occurrence(self, after: int, number: int, anchor: int) -> Occurrence | None:
        try:
            due = next((due for due in self._dates(after) if due > after), None)
        except (OverflowError, ValueError):  # the end of the calendar
            return None
        return None if due is None else Occurrence(due, number, anchor)

    def _dates(self, after: int) -> Iterator[int]:
        zone = zone_named(self.zone)
        if self.by_the_clock:
            for wall in _Walk(self, wall_time(after, zone)):
                yield _instant_or_end_of_gap(wall, zone)
        else:
            for moment in _Walk(self, (_EPOCH + timedelta(0, 0, after)).astimezone(zone)):
                yield (moment - _EPOCH) // _MICROSECOND


class _Walk(CronSim):
    """The dates of a cron rule, with the two things that cronsim does not know: `15W`, and both days of Spring."""

    def __init__(self, cron: _Cron, after: datetime) -> None:
        super().__init__(cron.fields, after)
        self.day_and = cron.both_days
        self.cron = cron

    def match_dom(self, d: date) -> bool:
        if any(d.day == _nearest_weekday(d.year, d.month, day) for day in self.cron.nearest):
            return True
        return not self.cron.only_nearest and super().match_dom(d)


def _instant_or_end_of_gap(wall: datetime, zone: ZoneInfo) -> int:
    """When the clocks show this; if they skip it, the first second after the gap."""
    instant = instant_of(wall, zone)
    gap = wall_time(instant, zone) - wall
    if not gap:
        return instant
    seconds = range((instant - gap // _MICROSECOND) // SECOND, instant // SECOND + 1)
    return SECOND * seconds[bisect_left(seconds, True, key=lambda second: wall_time(second * SECOND, zone) > wall)]


def _nearest_weekday(year: int, month: int, day: int) -> int | None:
    """Monday to Friday, never leaving the month; None if the month has no such day."""
    last = monthrange(year, month)[1]
    if day > last:
        return None
    weekday = date(year, month, day).weekday()
    if weekday == 5:
        return day - 1 if day > 1 else 3
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


@lru_cache(maxsize=256)
def _cron(text: str, zone: str) -> Rule:
    fields = _MACROS.get(text.lower(), text).upper().split()
    if len(fields) not in (5, 6):
        raise ValueError(
            f"{text!r} is not a cron expression: it has {len(fields)} fields instead of 5, or 6 with seconds first."
            " Write for example '0 0 9 * * MON-FRI' (weekdays at nine) or '@daily'."
        )
    spring = len(fields) == 6
    fields = fields if spring else ["0", *fields]
    written = tuple(fields)
    for position in (0, 1, 2):
        if fields[position].startswith("0/"):  # the same as a star, and meant as "every so often"
            fields[position] = "*" + fields[position][1:]
    for position in (3, 5):
        fields[position] = "*" if fields[position] == "?" else fields[position]
    fields[5] = fields[5].replace("-SUN", "-7")
    for number, name in enumerate(_WEEKDAYS):
        fields[5] = fields[5].replace(name, str(number))
    both_days = spring or fields[3].startswith("*") or fields[5].startswith("*")

    days = fields[3].split(",")
    nearest = tuple(int(found[1]) for found in map(_NEAREST.fullmatch, days) if found)
    others = [day for day in days if not _NEAREST.fullmatch(day)]
    fields[3] = ",".join(others) if others else "*"

    for position, value in enumerate(fields):
        _check_field(text, position, value, written[position])
    cron = _Cron(
        " ".join(fields),
        zone,
        by_the_clock=not fields[1].startswith("*") and not fields[2].startswith("*"),
        both_days=both_days,
        nearest=nearest,
        only_nearest=not others,
    )
    try:
        comes = next(_Walk(cron, _SOME_LEAP_YEAR), None) is not None
    except CronSimError:
        comes = False
    if not comes:
        raise ValueError(
            f"{text!r} never comes: no month that it names has such a day. Write for example '0 0 9 L * *'"
            " (the last day of each month at nine)."
        )
    return cron


def _check_field(text: str, position: int, value: str, written: str) -> None:
    """Alone among stars, so that what is refused is this field."""
    fields = ["*"] * 6
    fields[position] = value
    try:
        CronSim(" ".join(fields), _SOME_LEAP_YEAR)
    except (CronSimError, ValueError):
        raise ValueError(
            f"{text!r} is not a cron expression: the {_FIELDS[position]} cannot be {written!r}. Write for example"
            " '0 0 9 * * MON-FRI' (weekdays at nine); the fields are second (or none), minute, hour, day-of-month,"
            " month, day-of-week."
        ) from None


_READERS = {"date": _date, "duration": _duration, "cycle": _cycle}
_EXAMPLES = {
    "date": "'2026-11-23T05:54:02Z'",
    "duration": "'PT1H30M'",
    "cycle": "'R3/PT10S', 'R/P1D' or '0 0 9 * * MON-FRI'",
}
