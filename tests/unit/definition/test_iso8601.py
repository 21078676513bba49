"""ISO 8601 durations and instants: what is read, what is refused, and how the two add up."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from procession.definition.iso8601 import (
    DAY,
    FIRST_INSTANT,
    HOUR,
    LAST_INSTANT,
    MINUTE,
    SECOND,
    Duration,
    add_duration,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    parse_zoned,
)

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
INSTANTS = st.integers(FIRST_INSTANT, LAST_INSTANT)
THIS_CENTURY = st.integers(parse_instant("2000-01-01T00:00:00Z"), parse_instant("2100-01-01T00:00:00Z"))


def shown(text: str, duration: str, zone: str, times: int = 1) -> str:
    """The sum, as the clocks of the zone show it."""
    us = add_duration(parse_instant(text, zone), parse_duration(duration), zone, times)
    return datetime.fromtimestamp(us // SECOND, ZoneInfo(zone)).isoformat(timespec="minutes")


def on_the_wall(us: int, zone: str) -> datetime:
    return datetime.fromtimestamp(us // SECOND, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


# ── durations ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "months", "microseconds"),
    [
        ("P1Y2M", 14, 0),
        ("P1W", 0, 7 * DAY),
        ("P1DT2H", 0, DAY + 2 * HOUR),
        ("PT0.5S", 0, SECOND // 2),
        ("-P1D", 0, -DAY),
        ("-P1Y", -12, 0),
        ("P1M", 1, 0),
        ("PT1M", 0, MINUTE),
        ("P1Y2M3W4DT5H6M7.000008S", 14, 25 * DAY + 5 * HOUR + 6 * MINUTE + 7 * SECOND + 8),
        ("PT36H", 0, 36 * HOUR),
        ("P0D", 0, 0),
        ("PT0.0000019S", 0, 1),
    ],
)
def test_a_duration_has_a_calendar_part_and_an_exact_part(text, months, microseconds):
    assert parse_duration(text) == Duration(months, microseconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1D", "p1d", "+P1D", "P-1D", " P1D", "P1D ", "P1D\n", "R/P1D"),
        *("P", "-P", "PT", "P1DT", "P1", "P1H", "PT1D", "P1M1Y", "PT1S1H"),
        *("P1.5D", "PT0.5H", "PT.5S", "PT1.S", "PT0,5S", "P١D", "P" + "9" * 5000 + "D"),
    ],
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"is not an ISO 8601 duration\. Write for example 'PT30S'"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (Duration(0, 0), "PT0S"),
        (Duration(14, 0), "P1Y2M"),
        (Duration(24, 0), "P2Y"),
        (Duration(-1, 0), "-P1M"),
        (Duration(0, 7 * DAY), "P7D"),
        (Duration(0, 90 * MINUTE), "PT1H30M"),
        (Duration(0, -SECOND // 2), "-PT0.5S"),
        (Duration(0, 10 * SECOND), "PT10S"),
        (Duration(0, 1), "PT0.000001S"),
        (Duration(1, DAY + SECOND), "P1M1DT1S"),
    ],
)
def test_a_duration_is_written_in_the_largest_units_that_hold_it(duration, text):
    assert format_duration(duration) == text


def test_parts_of_opposite_signs_cannot_be_written():
    with pytest.raises(ValueError, match="opposite signs"):
        format_duration(Duration(1, -1))


@given(months=st.integers(0, 10**9), microseconds=st.integers(0, 10**20), sign=st.sampled_from([1, -1]))
def test_a_written_duration_reads_the_same(months, microseconds, sign):
    duration = Duration(sign * months, sign * microseconds)
    assert parse_duration(format_duration(duration)) == duration


# ── instants ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T05:54:02Z",
        "2026-11-23T06:54:02+01:00",
        "2026-11-23T06:54:02+0100",
        "2026-11-23T06:54:02+01",
        "2026-11-22T21:54:02-08:00",
        "2026-11-23T06:54:02[Europe/Berlin]",
        "2026-11-23T06:54:02@Europe/Berlin",
        "2026-11-23T06:54:02+01:00[Europe/Berlin]",
        "2026-11-23T05:54:02Z[Europe/Berlin]",
        "2026-11-23T05:54:02",
        "2026-11-23T05:54:02.0",
    ],
)
def test_one_instant_can_be_written_in_many_ways(text):
    assert format_instant(parse_instant(text)) == "2026-11-23T05:54:02.000000Z"


def test_a_local_time_is_one_of_the_default_zone():
    assert format_instant(parse_instant("2026-07-01T12:00", "Europe/Berlin")) == "2026-07-01T10:00:00.000000Z"
    assert format_instant(parse_instant("2026-07-01T12:00")) == "2026-07-01T12:00:00.000000Z"


def test_the_zone_in_the_text_goes_before_the_default_one():
    instant, zone = parse_zoned("2026-07-01T12:00:00[America/New_York]", "Europe/Berlin")
    assert (format_instant(instant), zone) == ("2026-07-01T16:00:00.000000Z", "America/New_York")


def test_digits_below_the_microsecond_are_dropped():
    assert format_instant(parse_instant("2026-11-23T05:54:02.123456789Z")) == "2026-11-23T05:54:02.123456Z"


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "2026-11-23", "2026-11-23 05:54:02", "20261123T055402Z", "-2026-11-23T05:54:02Z"),
        *("2026-11-23T24:00:00Z", "2026-11-23T05Z", "2026-11-23T05:54.5Z", "2026-11-23T05:54:02Z\n"),
        *("2026-11-23T05:54:02+19:00", "2026-11-23T05:54:02+1", "2026-11-23T05:54:02[]"),
    ],
)
def test_what_is_no_instant_is_refused_with_an_example(text):
    with pytest.raises(
        ValueError, match=r"is not an ISO 8601 date and time\. Write for example '2026-11-23T05:54:02Z'"
    ):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-02-29T00:00:00Z", "is not a possible date and time"),
        ("2026-13-01T00:00:00Z", "is not a possible date and time"),
        ("2026-11-23T05:60:00Z", "is not a possible date and time"),
        ("0000-01-01T00:00:00Z", "is not a possible date and time"),
        ("0001-01-01T00:00:00+01:00", "outside the years 1 to 9999"),
        ("9999-12-31T23:59:59-01:00", "outside the years 1 to 9999"),
        ("2026-11-23T05:54:02[Europe/Berln]", "no time zone 'Europe/Berln'. Use an IANA name such as 'Europe/Berlin'"),
        ("2026-11-23T05:54:02[Europe]", "no time zone 'Europe'"),
        ("2026-11-23T05:54:02@../secret", "no time zone '../secret'"),
    ],
)
def test_an_impossible_instant_is_refused_and_the_message_says_why(text, why):
    with pytest.raises(ValueError) as refused:
        parse_instant(text)
    assert why in str(refused.value)


@given(INSTANTS)
def test_a_written_instant_reads_the_same(us):
    text = format_instant(us)
    assert parse_instant(text) == us
    assert len(text) == len("2026-11-23T05:54:02.000001Z")


@given(INSTANTS, INSTANTS)
def test_written_instants_sort_like_instants(one, other):
    assert (one < other) == (format_instant(one) < format_instant(other))


@pytest.mark.parametrize("us", [FIRST_INSTANT - 1, LAST_INSTANT + 1, 10**40])
def test_an_instant_beyond_the_calendar_cannot_be_written(us):
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        format_instant(us)


# ── local times that the clocks skip, or show twice ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2026-03-29T01:59:59", "Europe/Berlin", "2026-03-29T00:59:59.000000Z"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00.000000Z"),  # skipped: counts as 03:30
        ("2026-03-29T03:30:00", "Europe/Berlin", "2026-03-29T01:30:00.000000Z"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00.000000Z"),  # twice: the first
        ("2026-03-08T02:30:00", "America/New_York", "2026-03-08T07:30:00.000000Z"),
        ("2026-11-01T01:30:00", "America/New_York", "2026-11-01T05:30:00.000000Z"),
        ("2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T22:00:00.000000Z"),  # Samoa skipped the whole day
    ],
)
def test_a_skipped_time_moves_forward_and_a_doubled_one_is_the_first(local, zone, utc):
    assert format_instant(parse_instant(local, zone)) == utc


def test_an_offset_picks_the_second_of_two():
    second = parse_instant("2026-10-25T02:30:00+01:00[Europe/Berlin]")
    assert second - parse_instant("2026-10-25T02:30:00[Europe/Berlin]") == HOUR


# ── sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "duration", "times", "end"),
    [
        ("2026-01-31T09:00", "P1M", 1, "2026-02-28T09:00+00:00"),
        ("2028-01-31T09:00", "P1M", 1, "2028-02-29T09:00+00:00"),
        ("2026-01-31T09:00", "P1M", 2, "2026-03-31T09:00+00:00"),  # from the start, not from February 28
        ("2024-02-29T09:00", "P1Y", 1, "2025-02-28T09:00+00:00"),
        ("2024-02-29T09:00", "P1Y", 4, "2028-02-29T09:00+00:00"),
        ("2026-03-31T09:00", "-P1M", 1, "2026-02-28T09:00+00:00"),
        ("2026-01-15T09:00", "-P1Y2M", 1, "2024-11-15T09:00+00:00"),
        ("2026-01-31T09:00", "P1MT24H", 1, "2026-03-01T09:00+00:00"),  # months first
        ("2026-01-31T09:00", "P1M", 0, "2026-01-31T09:00+00:00"),
        ("2026-12-31T09:00", "P1W", 1, "2027-01-07T09:00+00:00"),
    ],
)
def test_months_end_where_the_month_ends(start, duration, times, end):
    assert shown(start, duration, "UTC", times) == end


@pytest.mark.parametrize(
    ("start", "duration", "zone", "end"),
    [
        ("2026-02-15T09:00", "P2M", "Europe/Berlin", "2026-04-15T09:00+02:00"),  # the same time on the wall
        ("2026-03-28T09:00", "P1D", "Europe/Berlin", "2026-03-29T10:00+02:00"),  # 24 hours later
        ("2026-10-24T09:00", "P1D", "Europe/Berlin", "2026-10-25T08:00+01:00"),
        ("2026-03-07T09:00", "P1D", "America/New_York", "2026-03-08T10:00-04:00"),
        ("2026-02-28T02:30", "P1M", "Europe/Berlin", "2026-03-28T02:30+01:00"),
        ("2026-02-28T23:30", "P1M", "America/New_York", "2026-03-28T23:30-04:00"),
        ("2025-03-29T02:30", "P1Y", "Europe/Berlin", "2026-03-29T03:30+02:00"),  # into the gap
        ("2025-10-25T02:30", "P1Y", "Europe/Berlin", "2026-10-25T02:30+02:00"),  # the first of two
    ],
)
def test_months_follow_the_wall_and_days_are_24_hours(start, duration, zone, end):
    assert shown(start, duration, zone) == end


def test_nothing_added_changes_nothing_even_in_a_doubled_hour():
    second = parse_instant("2026-10-25T02:30:00+01:00")
    assert add_duration(second, parse_duration("P0M"), "Europe/Berlin") == second
    assert add_duration(second, parse_duration("P1M"), "Europe/Berlin", times=0) == second


@pytest.mark.parametrize("duration", ["P9999Y", "-P9999Y", "P9999999D", "-P999999999999999D", "P999999999999999999Y"])
def test_a_sum_beyond_the_calendar_is_refused(duration):
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        add_duration(parse_instant("2026-01-01T00:00:00Z"), parse_duration(duration), "Europe/Berlin")


@given(THIS_CENTURY, st.sampled_from(ZONES), st.integers(-(10**15), 10**15), st.integers(-3, 3))
def test_the_exact_part_is_plain_addition(us, zone, microseconds, times):
    assert add_duration(us, Duration(0, microseconds), zone, times) == us + times * microseconds


@given(THIS_CENTURY, st.sampled_from(ZONES), st.integers(1, 30), st.integers(0, 100))
def test_more_months_are_later(us, zone, months, times):
    period = Duration(months, 0)
    assert add_duration(us, period, zone, times) < add_duration(us, period, zone, times + 1)


@given(THIS_CENTURY, st.sampled_from(ZONES), st.integers(-600, 600))
def test_months_keep_the_day_and_the_time_of_day(us, zone, months):
    start = on_the_wall(us, zone)
    assume(start.day <= 28)
    aimed = start.year * 12 + start.month - 1 + months
    wanted = start.replace(year=aimed // 12, month=aimed % 12 + 1)
    assert on_the_wall(add_duration(us, Duration(months, 0), zone), zone) - wanted in (
        timedelta(0),
        timedelta(minutes=30),  # into the gap of Lord Howe
        timedelta(hours=1),  # into the gap of other zones
        timedelta(hours=24),  # into the day that Samoa left out
    )
