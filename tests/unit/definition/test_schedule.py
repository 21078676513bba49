"""Timers: what each kind of rule says, what happens after a night without power, and when the clocks change."""

from __future__ import annotations

import itertools
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from procession.definition.iso8601 import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Duration,
    add_duration,
    format_duration,
    parse_instant,
)
from procession.definition.schedule import Occurrence, Schedule, parse_expiry, parse_schedule

MONDAY_NOON = "2026-11-23T12:00:00"
THIS_CENTURY = st.integers(parse_instant("2000-01-01T00:00:00Z"), parse_instant("2090-01-01T00:00:00Z"))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


def at(text: str, zone: str = "UTC") -> int:
    return parse_instant(text, zone)


def shown(us: int, zone: str = "UTC") -> str:
    """The instant as the clocks of the zone show it: with the offset, unless it is UTC."""
    return datetime.fromtimestamp(us // SECOND, ZoneInfo(zone)).isoformat().removesuffix("+00:00")


def dates(schedule: Schedule, now: str, count: int) -> list[str]:
    """The first dates when every firing is on time."""
    found = []
    awaited = schedule.first(at(now, schedule.zone))
    while awaited and len(found) < count:
        found.append(shown(awaited.due, schedule.zone))
        awaited = schedule.next(awaited, awaited.due)
    return found


def cycle(text: str, zone: str = "UTC") -> Schedule:
    return parse_schedule("cycle", text, zone)


# ── once ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_date_fires_once_at_that_instant():
    assert dates(parse_schedule("date", "2026-12-24T18:00:00+01:00"), MONDAY_NOON, 5) == ["2026-12-24T17:00:00"]


def test_a_date_without_a_zone_is_one_of_the_timers_zone():
    timer = parse_schedule("date", "2026-12-24T18:00:00", "Europe/Berlin")
    assert dates(timer, MONDAY_NOON, 5) == ["2026-12-24T18:00:00+01:00"]


def test_a_date_in_the_past_is_overdue_at_once():
    first = parse_schedule("date", "2019-10-02T08:09:40+02:00").first(at(MONDAY_NOON))
    assert first is not None
    assert shown(first.due) == "2019-10-02T06:09:40"


@pytest.mark.parametrize(
    ("text", "zone", "due"),
    [
        ("PT30S", "UTC", "2026-11-23T12:00:30"),
        ("P14D", "UTC", "2026-12-07T12:00:00"),
        ("P1M", "UTC", "2026-12-23T12:00:00"),
        ("PT0S", "UTC", "2026-11-23T12:00:00"),
        ("-PT1H", "UTC", "2026-11-23T11:00:00"),  # over already: fires at once
        ("P6M", "Europe/Berlin", "2027-05-23T12:00:00+02:00"),  # the same time on the wall
    ],
)
def test_a_duration_fires_once_so_long_after_it_was_set(text, zone, due):
    assert dates(parse_schedule("duration", text, zone), MONDAY_NOON, 5) == [due]


# ── repeating intervals ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cycle_without_a_start_begins_one_period_after_it_was_set():
    assert dates(cycle("R3/PT10S"), MONDAY_NOON, 9) == [
        "2026-11-23T12:00:10",
        "2026-11-23T12:00:20",
        "2026-11-23T12:00:30",
    ]


def test_a_cycle_with_a_start_begins_with_the_start():
    assert dates(cycle("R3/2026-12-01T15:30:00Z/PT2H"), MONDAY_NOON, 9) == [
        "2026-12-01T15:30:00",
        "2026-12-01T17:30:00",
        "2026-12-01T19:30:00",
    ]


def test_a_cycle_without_a_number_never_ends():
    schedule = cycle("R/P1D")
    assert len(dates(schedule, MONDAY_NOON, 1000)) == 1000
    assert dates(schedule, MONDAY_NOON, 1) == ["2026-11-24T12:00:00"]


def test_a_cycle_may_have_an_end_which_is_one_of_its_dates():
    assert dates(cycle("R/PT2H/2026-11-23T16:00:00Z"), MONDAY_NOON, 9) == ["2026-11-23T14:00:00", "2026-11-23T16:00:00"]
    assert dates(cycle("R1/PT2H/2026-11-23T16:00:00Z"), MONDAY_NOON, 9) == ["2026-11-23T14:00:00"]
    assert dates(cycle("R/PT5H/2026-11-23T16:00:00Z"), MONDAY_NOON, 9) == []
    assert dates(cycle("R/2026-12-01T00:00:00Z/P1D/2026-12-02T23:00:00Z"), MONDAY_NOON, 9) == [
        "2026-12-01T00:00:00",
        "2026-12-02T00:00:00",
    ]


def test_a_start_in_the_past_keeps_the_rhythm_and_its_past_dates_are_gone():
    assert dates(cycle("R/2023-08-29T15:30:00Z/PT2H"), MONDAY_NOON, 2) == ["2026-11-23T13:30:00", "2026-11-23T15:30:00"]
    assert dates(cycle("R5/2026-11-23T10:30:00Z/PT1H"), MONDAY_NOON, 9) == [
        "2026-11-23T12:30:00",
        "2026-11-23T13:30:00",
        "2026-11-23T14:30:00",
    ]
    assert dates(cycle("R5/2023-08-29T15:30:00Z/PT2H"), MONDAY_NOON, 9) == []


def test_a_date_at_the_very_moment_of_setting_is_the_first():
    assert dates(cycle("R/2026-11-23T10:00:00Z/PT1H"), MONDAY_NOON, 1) == ["2026-11-23T12:00:00"]
    assert dates(cycle("0 12 * * *"), MONDAY_NOON, 1) == ["2026-11-23T12:00:00"]


def test_a_monthly_cycle_from_the_31st_does_not_drift():
    assert dates(cycle("R/2027-01-31T09:00:00Z/P1M"), MONDAY_NOON, 5) == [
        "2027-01-31T09:00:00",
        "2027-02-28T09:00:00",
        "2027-03-31T09:00:00",
        "2027-04-30T09:00:00",
        "2027-05-31T09:00:00",
    ]


def test_a_yearly_cycle_from_february_29_comes_back_to_it():
    assert dates(cycle("R/2028-02-29T09:00:00Z/P1Y"), MONDAY_NOON, 5) == [
        "2028-02-29T09:00:00",
        "2029-02-28T09:00:00",
        "2030-02-28T09:00:00",
        "2031-02-28T09:00:00",
        "2032-02-29T09:00:00",
    ]


def test_a_monthly_cycle_keeps_the_time_on_the_wall():
    assert dates(cycle("R/2026-03-15T09:00:00/P1M", "Europe/Berlin"), "2026-03-01T00:00:00", 2) == [
        "2026-03-15T09:00:00+01:00",
        "2026-04-15T09:00:00+02:00",
    ]


@pytest.mark.parametrize("start", ["2026-03-15T09:00:00[Europe/Berlin]", "2026-03-15T09:00:00@Europe/Berlin"])
def test_the_zone_of_the_start_is_the_zone_of_its_months(start):
    assert dates(cycle(f"R2/{start}/P1M"), "2026-03-01T00:00:00", 2) == ["2026-03-15T08:00:00", "2026-04-15T07:00:00"]


def test_a_day_is_24_hours_in_a_period():
    assert dates(cycle("R2/2026-03-28T09:00:00/P1D", "Europe/Berlin"), "2026-03-01T00:00:00", 2) == [
        "2026-03-28T09:00:00+01:00",
        "2026-03-29T10:00:00+02:00",
    ]


# ── late firings ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_downtime_a_cycle_fires_once_and_then_keeps_its_rhythm():
    backup = cycle("R/PT1H")
    first = backup.first(at("2026-11-23T22:30:00Z"))
    assert first == Occurrence(due=at("2026-11-23T23:30:00Z"), number=1, anchor=at("2026-11-23T22:30:00Z"))

    again = backup.next(first, now=at("2026-11-24T07:10:00Z"))  # seven more were missed, 00:30 to 06:30
    assert again == Occurrence(due=at("2026-11-24T07:30:00Z"), number=9, anchor=at("2026-11-23T22:30:00Z"))


def test_missed_dates_count():
    reminder = cycle("R5/PT1H")
    first = reminder.first(at("2026-11-23T12:00:00Z"))
    assert first is not None

    fifth = reminder.next(first, now=at("2026-11-23T16:10:00Z"))
    assert fifth is not None
    assert (shown(fifth.due), fifth.number) == ("2026-11-23T17:00:00", 5)
    assert reminder.next(fifth, now=fifth.due) is None
    assert reminder.next(first, now=at("2026-11-23T17:00:00Z")) is None


def test_a_late_firing_does_not_shift_what_follows():
    pulse = cycle("R/PT10S")
    awaited = pulse.first(at(MONDAY_NOON))
    for second in (10, 20, 30, 40):
        assert awaited is not None
        assert shown(awaited.due) == f"2026-11-23T12:00:{second}"
        awaited = pulse.next(awaited, now=awaited.due + 3 * SECOND)


def test_an_early_firing_is_not_repeated_when_it_would_have_been_due():
    daily = cycle("R/P1D")
    first = daily.first(at(MONDAY_NOON))
    assert first is not None
    second = daily.next(first, now=at("2026-11-23T13:00:00Z"))  # somebody pressed "fire now"
    assert second is not None
    assert shown(second.due) == "2026-11-25T12:00:00"


def test_after_downtime_cron_fires_once_and_then_at_its_next_time():
    report = cycle("0 0 9 * * MON-FRI")
    first = report.first(at(MONDAY_NOON))
    assert first is not None
    second = report.next(first, now=at("2026-11-27T09:00:00Z"))  # up again on Friday at nine sharp
    assert second is not None
    assert shown(second.due) == "2026-11-30T09:00:00"


@pytest.mark.parametrize(
    "text", ["R/PT1S", "R/PT0.001S", "R/P1M", "R/P1MT1S", "R/2016-11-23T12:00:00Z/PT1S", "* * * * * *"]
)
def test_ten_years_of_missed_dates_cost_nothing(text):
    schedule = cycle(text)
    first = schedule.first(at("2016-11-23T12:00:00Z"))
    assert first is not None

    began = time.perf_counter()
    again = schedule.next(first, now=at("2026-11-23T12:00:00.0005Z"))
    assert time.perf_counter() - began < 1  # seconds; stepping would take minutes
    assert again is not None
    assert at("2026-11-23T12:00:00.0005Z") < again.due


def test_ten_years_of_missed_seconds_are_counted():
    pulse = cycle("R/PT1S")
    first = pulse.first(at("2016-11-23T12:00:00Z"))
    assert first is not None
    again = pulse.next(first, now=at("2026-11-23T12:00:00Z"))
    assert again == Occurrence(at("2026-11-23T12:00:01Z"), 3652 * 86_400 + 1, first.anchor)


def test_between_firings_nothing_is_kept_but_an_occurrence():
    schedule = cycle("R3/2026-12-01T15:30:00Z/PT2H")
    awaited = schedule.first(at(MONDAY_NOON))
    stored = msgspec.json.encode(awaited)
    assert stored == b'{"due":1796139000000000,"number":1,"anchor":1796139000000000}'

    again = parse_schedule(schedule.kind, schedule.text, schedule.zone)
    read = msgspec.json.decode(stored, type=Occurrence)
    assert (again, read) == (schedule, awaited)
    assert again.next(read, now=read.due) == schedule.next(read, now=read.due)


# ── the end of the calendar ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "text"),
    [("duration", "P8000Y"), ("cycle", "R/P8000Y"), ("cycle", "R/P99999999999D"), ("duration", "-P3000Y")],
)
def test_a_date_beyond_the_calendar_never_comes(kind, text):
    assert parse_schedule(kind, text, "Europe/Berlin").first(at(MONDAY_NOON)) is None


@pytest.mark.parametrize("text", ["R/P1Y", "R/PT1S", "@yearly", "* * * * * *", "0 0 12 15W * *"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_the_last_date_of_the_calendar_has_no_next(text, zone):
    schedule = cycle(text, zone)
    last = Occurrence(at("9999-12-31T23:59:59Z"), 10**12, at(MONDAY_NOON))
    assert schedule.next(last, now=last.due) is None


# ── cron ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 9 * * *", ["2026-11-24T09:00:00", "2026-11-25T09:00:00"]),
        ("30 0 9 * * *", ["2026-11-24T09:00:30", "2026-11-25T09:00:30"]),  # six fields: seconds first
        ("*/10 * * * * *", ["2026-11-23T12:00:00", "2026-11-23T12:00:10"]),
        ("*/15 * * * *", ["2026-11-23T12:00:00", "2026-11-23T12:15:00"]),
        ("0 0/20 * * * ?", ["2026-11-23T12:00:00", "2026-11-23T12:20:00"]),
        ("0 0 9-10,17 ? * MON-FRI", ["2026-11-23T17:00:00", "2026-11-24T09:00:00"]),
        ("0 0 9 ? * fri-sun", ["2026-11-27T09:00:00", "2026-11-28T09:00:00", "2026-11-29T09:00:00"]),
        ("0 0 9 ? * SUN-MON", ["2026-11-29T09:00:00", "2026-11-30T09:00:00"]),
        ("0 0 9 * * 7", ["2026-11-29T09:00:00"]),
        ("0 0 9 * * 0", ["2026-11-29T09:00:00"]),
        ("0 0 9 1 JAN,JUL ?", ["2027-01-01T09:00:00", "2027-07-01T09:00:00"]),
        ("0 0 9 L * ?", ["2026-11-30T09:00:00", "2026-12-31T09:00:00"]),
        ("0 9 L * *", ["2026-11-30T09:00:00", "2026-12-31T09:00:00", "2027-01-31T09:00:00", "2027-02-28T09:00:00"]),
        ("0 0 9 LW * ?", ["2026-11-30T09:00:00", "2026-12-31T09:00:00", "2027-01-29T09:00:00"]),
        ("0 0 9 ? * 5L", ["2026-11-27T09:00:00", "2026-12-25T09:00:00"]),
        ("0 0 9 ? * FRIL", ["2026-11-27T09:00:00", "2026-12-25T09:00:00"]),
        ("0 0 9 ? * 5#2", ["2026-12-11T09:00:00", "2027-01-08T09:00:00"]),
        ("0 0 9 ? * MON#1,MON#3", ["2026-12-07T09:00:00", "2026-12-21T09:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]),
        ("@hourly", ["2026-11-23T12:00:00", "2026-11-23T13:00:00"]),
        ("@daily", ["2026-11-24T00:00:00", "2026-11-25T00:00:00"]),
        ("@midnight", ["2026-11-24T00:00:00"]),
        ("@weekly", ["2026-11-29T00:00:00"]),
        ("@Monthly", ["2026-12-01T00:00:00"]),
        ("@yearly", ["2027-01-01T00:00:00"]),
        ("@annually", ["2027-01-01T00:00:00"]),
        ("  0   9 * *  * ", ["2026-11-24T09:00:00"]),
    ],
)
def test_cron(text, expected):
    assert dates(cycle(text), MONDAY_NOON, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Saturday 15: the Friday before. Sunday 15: the Monday after.
        ("0 0 9 15W * ?", ["2026-08-14", "2026-09-15", "2026-10-15", "2026-11-16", "2026-12-15", "2027-01-15"]),
        # Saturday, August 1: not back into July, but Monday the 3rd.
        ("0 0 9 1W * ?", ["2026-08-03", "2026-09-01", "2026-10-01", "2026-11-02"]),
        # Sunday, January 31: not on into February, but Friday the 29th. Months without a 31st have no such day.
        ("0 0 9 31W * ?", ["2026-08-31", "2026-10-30", "2026-12-31", "2027-01-29", "2027-03-31"]),
        ("0 0 9 1,15W * ?", ["2026-08-01", "2026-08-14", "2026-09-01", "2026-09-15"]),
        ("0 9 1W,15W * *", ["2026-08-03", "2026-08-14", "2026-09-01", "2026-09-15"]),
        ("0 9 15W * SAT", ["2026-08-01", "2026-08-08", "2026-08-14", "2026-08-15"]),
        ("0 0 9 15W * MON", ["2026-11-16", "2027-02-15"]),
    ],
)
def test_the_weekday_nearest_to_a_day_stays_in_its_month(text, expected):
    found = dates(cycle(text), "2026-08-01T00:00:00", len(expected))
    assert found == [f"{day}T09:00:00" for day in expected]


def test_with_five_fields_either_day_will_do_with_six_it_must_be_both():
    assert dates(cycle("0 0 13 * FRI"), MONDAY_NOON, 3) == [
        "2026-11-27T00:00:00",
        "2026-12-04T00:00:00",
        "2026-12-11T00:00:00",
    ]
    assert dates(cycle("0 0 0 13 * FRI"), MONDAY_NOON, 2) == ["2027-08-13T00:00:00", "2028-10-13T00:00:00"]


def test_cron_means_the_time_on_the_wall_of_its_zone():
    assert dates(cycle("0 0 9 * * *", "America/New_York"), MONDAY_NOON, 1) == ["2026-11-24T09:00:00-05:00"]
    assert dates(cycle("0 0 9 * * *", "Asia/Kolkata"), MONDAY_NOON, 1) == ["2026-11-24T09:00:00+05:30"]


# ── when the clocks change ────────────────────────────────────────────────────────────────────────────────────────────

SPRING = [("Europe/Berlin", "2026-03-28T12:00", "2026-03-29"), ("America/New_York", "2026-03-07T12:00", "2026-03-08")]


@pytest.mark.parametrize(("zone", "now", "changes"), SPRING)
@pytest.mark.parametrize("seconds", ["", "0 "])
def test_a_skipped_time_runs_right_after_the_gap(zone, now, changes, seconds):
    found = dates(cycle(f"{seconds}30 2 * * *", zone), now, 2)
    assert found[0][:19] == f"{changes}T03:00:00"
    assert found[1][11:19] == "02:30:00"


@pytest.mark.parametrize(("zone", "now", "changes"), SPRING)
def test_several_skipped_times_run_once(zone, now, changes):
    found = dates(cycle("0 0,20,40 2,3 * * *", zone), now, 3)
    assert [date[:19] for date in found] == [f"{changes}T03:00:00", f"{changes}T03:20:00", f"{changes}T03:40:00"]


@pytest.mark.parametrize("text", ["30 2 * * *", "0 30 2 * * *"])
def test_a_doubled_time_runs_once_the_first_time(text):
    assert dates(cycle(text, "Europe/Berlin"), "2026-10-24T12:00:00", 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]
    assert dates(cycle(text.replace("2", "1", 1), "America/New_York"), "2026-10-31T12:00:00", 2) == [
        "2026-11-01T01:30:00-04:00",
        "2026-11-02T01:30:00-05:00",
    ]


def test_a_timer_that_is_set_in_the_second_of_two_hours_waits_for_the_next_day():
    first = cycle("30 2 * * *", "Europe/Berlin").first(at("2026-10-25T02:10:00+01:00"))
    assert first is not None
    assert shown(first.due, "Europe/Berlin") == "2026-10-26T02:30:00+01:00"


@pytest.mark.parametrize("text", ["0 * * * *", "0 0 * * * *", "0 0 0/1 * * ?", "0 0 */1 * * *"])
def test_every_hour_is_every_hour_whatever_the_clocks_show(text):
    schedule = cycle(text, "Europe/Berlin")
    assert dates(schedule, "2026-03-29T01:00:00", 3) == [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T04:00:00+02:00",
    ]
    assert dates(schedule, "2026-10-25T02:00:00", 3) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


def test_nine_is_nine_in_summer_and_in_winter():
    assert dates(cycle("@daily", "Europe/Berlin"), "2026-03-28T12:00:00", 3) == [
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
        "2026-03-31T00:00:00+02:00",
    ]


def test_midnight_itself_may_be_skipped():
    assert dates(cycle("@daily", "Asia/Beirut"), "2026-03-28T12:00:00", 2) == [
        "2026-03-29T01:00:00+03:00",
        "2026-03-30T00:00:00+03:00",
    ]


def test_even_a_whole_day_may_be_skipped():
    assert dates(cycle("0 12 30 12 *", "Pacific/Apia"), "2011-12-01T00:00:00", 2) == [
        "2011-12-31T00:00:00+14:00",
        "2012-12-30T12:00:00+14:00",
    ]


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("date", "", ["The date of the timer is empty", "'2026-11-23T05:54:02Z'"]),
        ("duration", "  ", ["The duration of the timer is empty", "'PT1H30M'"]),
        ("cycle", "", ["The cycle of the timer is empty", "'R/P1D'"]),
        ("date", "tomorrow", ["'tomorrow' is not an ISO 8601 date and time", "'2026-11-23T05:54:02Z'"]),
        ("duration", "5 minutes", ["'5 minutes' is not an ISO 8601 duration", "'PT1H30M'"]),
        ("duration", "R/PT5M", ["'R/PT5M' is not an ISO 8601 duration"]),
        ("cycle", "PT5M", ["'PT5M' is not a repeating interval", "R[times]/[start/]period[/end]", "'R3/PT10S'"]),
        ("cycle", "R5", ["'R5' is not a repeating interval"]),
        ("cycle", "R-1/PT5M", ["not a repeating interval", "for ever, 'R/P1D'"]),
        ("cycle", "R5/2026-08-29T15:30:00Z", ["not a repeating interval"]),
        ("cycle", "R/2026-08-29T15:30:00Z/2026-08-30T15:30:00Z", ["not a repeating interval"]),
        ("cycle", "R/P1D/PT1H", ["not a repeating interval"]),
        ("cycle", "R/2026-08-29T15:30:00@Europe/Paris", ["not a repeating interval"]),
        ("cycle", "R/P1X", ["'P1X' is not an ISO 8601 duration"]),
        ("cycle", "R/2026-02-30T00:00:00Z/P1D", ["'2026-02-30T00:00:00Z' is not a possible date and time"]),
        ("cycle", "R0/PT5M", ["'R0/PT5M' would never fire", "'R1/…' for once"]),
        ("cycle", "R/PT0S", ["The period of 'R/PT0S' must be longer than nothing", "'R/PT2H'"]),
        ("cycle", "R/-P1D", ["must be longer than nothing"]),
        ("cycle", "R/2026-12-01T00:00:00Z/P1D/2026-11-01T00:00:00Z", ["ends before it starts"]),
        (
            "cycle",
            "0 9 * *",
            ["'0 9 * *' is not a cron expression", "4 fields instead of 5, or 6", "'0 0 9 * * MON-FRI'"],
        ),
        ("cycle", "0 0 9 * * * 2026", ["7 fields"]),
        ("cycle", "@reboot", ["'@reboot' is not a cron expression", "'@daily'"]),
        ("cycle", "0 61 9 * * *", ["the minute cannot be '61'", "'0 0 9 * * MON-FRI'"]),
        ("cycle", "61 9 * * *", ["the minute cannot be '61'"]),
        ("cycle", "60 0 9 * * *", ["the second cannot be '60'"]),
        ("cycle", "0 0 24 * * *", ["the hour cannot be '24'"]),
        ("cycle", "0 0 ? * * *", ["the hour cannot be '?'"]),
        ("cycle", "0 0 9 32 * *", ["the day-of-month cannot be '32'"]),
        ("cycle", "0 0 9 0W * *", ["the day-of-month cannot be '0W'"]),
        ("cycle", "0 0 9 1-5W * *", ["the day-of-month cannot be '1-5W'"]),
        ("cycle", "0 0 9 * 13 *", ["the month cannot be '13'"]),
        ("cycle", "0 0 9 * * MON-FUN", ["the day-of-week cannot be 'MON-FUN'"]),
        ("cycle", "0 0 9 * * FRI#6", ["the day-of-week cannot be 'FRI#6'"]),
        ("cycle", "0 0 9 * * L", ["the day-of-week cannot be 'L'"]),
        ("cycle", "*/0 * * * * *", ["the second cannot be '*/0'"]),
        ("cycle", "5-1 * * * *", ["the minute cannot be '5-1'"]),
        ("cycle", "9" * 5000 + " * * * *", ["the minute cannot be"]),
        ("cycle", "0 0 31 2 *", ["'0 0 31 2 *' never comes", "'0 0 9 L * *'"]),
        ("cycle", "0 0 0 31 2 *", ["never comes"]),
        ("cycle", "0 0 0 31 APR,JUN,SEP,NOV ?", ["never comes"]),
        ("cycle", "0 0 0 30 2 MON", ["never comes"]),
        ("cycle", "0 0 0 31W 2 ?", ["never comes"]),
    ],
)
def test_a_rule_that_cannot_work_is_refused_and_the_message_shows_one_that_can(kind, text, says):
    with pytest.raises(ValueError) as refused:
        parse_schedule(kind, text)
    assert [words for words in says if words not in str(refused.value)] == []


@pytest.mark.parametrize("kind", ["date", "duration", "cycle"])
def test_an_unknown_zone_is_refused(kind):
    with pytest.raises(ValueError, match="no time zone 'Mars/Olympus'"):
        parse_schedule(kind, "P1D", "Mars/Olympus")


# ── expiry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_process_expires_after_a_duration_or_at_the_first_time_of_cron():
    assert dates(parse_expiry("P30D"), MONDAY_NOON, 1) == ["2026-12-23T12:00:00"]
    assert dates(parse_expiry("0 0 3 * * *", "Europe/Berlin"), MONDAY_NOON, 1) == ["2026-11-24T03:00:00+01:00"]


@pytest.mark.parametrize("text", ["", "R/P1D", "PT0S", "-P1D", "soon", "0 0 0 31 2 *"])
def test_what_is_no_expiry_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="Write"):
        parse_expiry(text)


# ── for any rule ──────────────────────────────────────────────────────────────────────────────────────────────────────

PERIODS = st.builds(Duration, st.integers(0, 40), st.integers(0, 400 * DAY)).filter(
    lambda period: period != Duration(0, 0)
)
CRONS = st.sampled_from(
    [
        *("0 30 2 * * *", "30 2 * * *", "0 0 0 * * *", "0 15 1,2,3 * * SUN", "@hourly"),
        *("0 */20 * * * *", "*/7 1-3 * * *", "30 0/15 2 * * ?"),
        *("0 0 9 15W * ?", "0 0 12 L * *", "0 0 9 ? * MON#1", "5 4 13 * FRI"),
    ]
)
CYCLES = st.one_of(CRONS, st.builds(lambda period: f"R/{format_duration(period)}", PERIODS))
DELAYS = st.lists(st.one_of(st.just(0), st.integers(0, 3 * HOUR), st.integers(0, 900 * DAY)), min_size=1, max_size=6)


@given(CYCLES, ZONES, THIS_CENTURY, DELAYS)
def test_the_next_date_is_later_than_the_last_and_later_than_now(text, zone, now, delays):
    schedule = parse_schedule("cycle", text, zone)
    awaited = schedule.first(now)
    assert awaited is not None
    assert awaited.due >= now
    for delay in delays:
        now = awaited.due + delay
        following = schedule.next(awaited, now)
        assert following is not None
        assert following.due > now
        assert following.number > awaited.number
        awaited = following


@given(st.integers(1, 20), PERIODS, st.booleans(), ZONES, THIS_CENTURY, st.lists(st.integers(0, 90 * DAY), min_size=20))
def test_r_n_never_fires_more_than_n_times(times, period, has_start, zone, now, delays):
    start = f"{shown(now)}Z/" if has_start else ""
    schedule = parse_schedule("cycle", f"R{times}/{start}{format_duration(period)}", zone)
    awaited, firings = schedule.first(now - now % SECOND), 0
    for delay in delays:
        if awaited is None:
            break
        firings += 1
        assert firings <= awaited.number <= times
        awaited = schedule.next(awaited, awaited.due + delay)
    assert awaited is None or firings == len(delays)


@given(st.integers(1, 20), PERIODS, ZONES, THIS_CENTURY)
def test_r_n_fires_n_times_when_it_is_on_time_and_each_date_is_counted_from_the_start(times, period, zone, now):
    schedule = parse_schedule("cycle", f"R{times}/{format_duration(period)}", zone)
    awaited = schedule.first(now)
    for number in range(1, times + 1):
        assert awaited == Occurrence(add_duration(now, period, zone, number), number, now)
        awaited = schedule.next(awaited, awaited.due)
    assert awaited is None


@given(PERIODS, ZONES, THIS_CENTURY, st.integers(0, 3000 * DAY))
def test_skipping_arrives_where_stepping_would(period, zone, anchor, delay):
    assume(period.months or period.microseconds > MINUTE)
    schedule = parse_schedule("cycle", f"R/{format_duration(period)}", zone)
    first = schedule.first(anchor)
    assert first is not None
    now = anchor + min(delay, 500 * (period.months * 28 * DAY + period.microseconds))
    stepped = next(n for n in itertools.count(2) if add_duration(anchor, period, zone, n) > now)
    assert schedule.next(first, now) == Occurrence(add_duration(anchor, period, zone, stepped), stepped, anchor)


FIVE_FIELDS = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["0", "30", "*/15", "5,35", "0-20/10"]),
    st.sampled_from(["*", "2", "1-3", "*/2", "0", "23"]),
    st.sampled_from(["*", "1", "13", "L", "LW", "25-31"]),
    st.sampled_from(["*", "3", "10", "2,3,11"]),
    st.sampled_from(["*", "0", "1-5", "5L", "0#2"]),
)


@given(FIVE_FIELDS, st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]), THIS_CENTURY)
def test_with_five_fields_the_dates_are_those_of_debians_cron(text, zone, now):
    start = datetime.fromtimestamp(now // SECOND, ZoneInfo(zone))
    assume(not start.fold)
    expected = [shown(round(date.timestamp()) * SECOND, zone) for date in itertools.islice(CronSim(text, start), 6)]
    schedule = parse_schedule("cycle", text, zone)
    found, awaited = [], schedule.first(now - now % SECOND + SECOND)
    while awaited and len(found) < 6:
        found.append(shown(awaited.due, zone))
        awaited = schedule.next(awaited, awaited.due)
    assert found == expected
