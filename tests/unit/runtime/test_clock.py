"""Where time comes from: the machine's never goes back, a virtual one moves when it is told to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from procession.definition.iso8601 import parse_instant
from procession.runtime.clock import SystemClock, VirtualClock, microseconds


def test_the_time_of_the_machine(monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_123_456_789)
    assert SystemClock().now() == 1_700_000_000_123_456


def test_the_time_of_the_machine_never_goes_back(monkeypatch):
    times = iter([5_000, 9_000, 2_000, 8_999, 10_000])
    monkeypatch.setattr("time.time_ns", lambda: next(times))
    clock = SystemClock()
    assert [clock.now() for _ in range(5)] == [5, 9, 9, 9, 10]


def test_a_virtual_clock_stands_until_it_is_moved():
    clock = VirtualClock("2031-05-01T12:00:00Z")
    assert clock.now() == clock.now() == parse_instant("2031-05-01T12:00:00Z")
    assert clock.virtual
    assert not SystemClock.virtual


@pytest.mark.parametrize(
    ("by", "to"),
    [
        (1.5, "2031-05-01T12:00:01.500Z"),
        (timedelta(hours=1), "2031-05-01T13:00:00Z"),
        ("PT90M", "2031-05-01T13:30:00Z"),
        ("P1M", "2031-06-01T12:00:00Z"),
        (0, "2031-05-01T12:00:00Z"),
    ],
)
def test_advance(by, to):
    clock = VirtualClock("2031-05-01T12:00:00Z")
    assert clock.advance(by) == clock.now() == parse_instant(to)


def test_set():
    clock = VirtualClock(1_000)
    assert clock.set("2031-05-01T12:00:00Z") == clock.now() == parse_instant("2031-05-01T12:00:00Z")
    assert clock.set(clock.now()) == clock.now()


@pytest.mark.parametrize(
    "move", [lambda c: c.advance(-1), lambda c: c.set(999), lambda c: c.set("1969-12-31T00:00:00Z")]
)
def test_time_does_not_go_back(move):
    clock = VirtualClock(1_000)
    with pytest.raises(ValueError, match="time does not go back"):
        move(clock)
    assert clock.now() == 1_000


def test_microseconds():
    assert microseconds(1) == 1_000_000
    assert microseconds(0.000_001_4) == 1
    assert microseconds(timedelta(days=1, microseconds=1)) == 86_400_000_001
    assert microseconds(timedelta(days=100_000)) == 100_000 * 86_400_000_000, "exact, also where a float is not"
