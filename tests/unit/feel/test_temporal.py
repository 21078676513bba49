"""Dates, times and durations (DMN 1.5, 10.3.2.3 and Tables 57 and 65)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.feel import Date, Environment
from procession.feel.temporal import from_ordinal, ordinal
from tests.unit.feel.evaluation import feel, feel_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('@"2024-01-31" + @"P1M"', "2024-02-29"),
        ('@"2024-03-31" - @"P1M"', "2024-02-29"),
        ('@"2024-02-29" + @"P1Y"', "2025-02-28"),
        ('@"2024-01-01" + @"PT36H"', "2024-01-02"),
        ('@"2024-01-02" - @"PT1M"', "2024-01-01"),
        ('@"2024-03-01" - @"2024-02-01"', "P29D"),
        ('@"2024-01-01T10:00:00" + @"PT0.5S"', "2024-01-01T10:00:00.5"),
        ('@"2024-03-30T12:00:00@Europe/Paris" + @"P1D"', "2024-03-31T13:00:00@Europe/Paris"),
        ('@"2024-03-30T12:00:00@Europe/Paris" + @"P1M"', "2024-04-30T12:00:00@Europe/Paris"),
        ('@"23:59:00" + @"PT2M"', "00:01:00"),
        ('@"10:00:00Z" - @"10:00:00+02:00"', "PT2H"),
        ('@"2024-01-01T24:00:00"', "2024-01-02T00:00:00"),
        ('@"P1Y" + @"P3M"', "P1Y3M"),
        ('@"P1Y11M" * -2.5', "-P4Y9M"),
        ('@"P10DT23H" / 2.5', "P4DT9H12M"),
        ('-@"P1D"', "-P1D"),
        ('@"-999999999-12-31" + @"P1D"', "-999999998-01-01"),
        ('date and time(@"2024-01-01T12:00:00Z", "America/New_York")', "2024-01-01T07:00:00@America/New_York"),
    ],
)
def test_calculating(text: str, value: str) -> None:
    assert feel_text(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '@"999999999-12-31" + @"P1D"',
        '@"2024-01-01" + 1',
        '@"2024-01-01T10:00:00" - @"2024-01-01T10:00:00Z"',
        '@"2024-01-01T10:00:00" < @"2024-01-01T10:00:00Z"',
        '@"P1Y" + @"P1D"',
        '@"P1Y" > @"P1D"',
        '@"P1D" / 0',
        'date("2024-02-30")',
        'date("998-12-31")',
        'date("01211-12-31")',
        'time("25:00:00")',
        'time("10:00:00+19:00")',
        'date and time("2024-01-01T10:00:00+02:00@Europe/Paris")',
        'date and time("2024-01-01T10:00:00@Nowhere/City")',
        'duration("P1Y1D")',
        'duration("P")',
        'duration("PT")',
    ],
)
def test_what_is_not_possible_is_null(text: str) -> None:
    assert feel(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('@"2024-02-29".weekday', 4),
        ('@"2024-02-29T10:30:05.25Z".second', "5.25"),
        ('string(@"2024-02-29T10:30:00@Europe/Paris".time offset)', "PT1H"),
        ('@"10:30:00@Europe/Paris".timezone', "Europe/Paris"),
        ('@"10:30:00".timezone', "null"),
        ('@"-P1Y3M".months', -3),
        ('@"P1DT2H3M4.5S".seconds', "4.5"),
        ('@"-PT90S".seconds', -30),
        ('@"P1D".months', "null"),
        ("[1..3).end included", "false"),
    ],
)
def test_properties(text: str, value: object) -> None:
    assert feel_text(f"[{text}]").replace('"', "") == f"[{value}]"


def test_the_same_moment_is_equal_in_every_zone() -> None:
    assert feel('@"2018-10-08T00:00:00+02:00" = @"2018-10-08T00:00:00@Europe/Paris"') is True
    assert feel('is(@"2018-10-08T00:00:00+02:00", @"2018-10-08T00:00:00@Europe/Paris")') is False
    assert feel('@"10:30:00Z" = @"10:30:00+00:00"') is True
    assert feel('@"2024-01-01" = @"2024-01-01T00:00:00"') is None


def test_fractions_of_a_second_count_for_order_only() -> None:
    assert feel('@"10:00:00.1" = @"10:00:00.2"') is True
    assert feel('@"10:00:00.1" < @"10:00:00.2"') is True


def test_now_and_today_are_those_of_the_environment() -> None:
    tokyo = Environment(at=1_709_209_800_000_000, zone="Asia/Tokyo")
    assert feel("string(now())") == "2024-02-29T12:30:00Z"
    assert feel("string(now())", env=tokyo) == "2024-02-29T21:30:00@Asia/Tokyo"
    assert feel("string(today())", env=tokyo) == "2024-02-29"
    assert feel("now()", env=Environment(at=0, zone="Nowhere/City")) is None


def test_months_between_days() -> None:
    assert feel_text('years and months duration(@"2011-12-22", @"2013-08-24")') == "P1Y8M"
    assert feel_text('years and months duration(@"2016-01-21", @"2015-01-21")') == "-P1Y"


@given(st.dates())
def test_days_are_counted_as_python_counts_them(day: dt.date) -> None:
    ours = Date(day.year, day.month, day.day)
    assert ordinal(ours) == day.toordinal()
    assert from_ordinal(day.toordinal()) == ours


@given(st.integers(-365_000_000_000, 365_000_000_000))
def test_every_day_has_one_number(number: int) -> None:
    day = from_ordinal(number)
    assert day is not None
    assert ordinal(day) == number


@given(st.datetimes(min_value=dt.datetime(1, 1, 2)), st.timedeltas(dt.timedelta(-30_000), dt.timedelta(30_000)))
def test_durations_add_up_as_in_python(start: dt.datetime, delta: dt.timedelta) -> None:
    try:
        end = start + delta
    except OverflowError:
        return
    seconds = f"{abs(delta) // dt.timedelta(microseconds=1)}".rjust(7, "0")
    duration = f"{'-' if delta.days < 0 else ''}PT{seconds[:-6]}.{seconds[-6:]}S"
    moved = feel("string(date and time(start) + duration(d))", start=start.isoformat(), d=duration)
    assert moved == (end.isoformat().rstrip("0") if end.microsecond else end.isoformat())
