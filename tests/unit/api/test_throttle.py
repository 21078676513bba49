"""Guessing passwords gets slower and slower, for whoever guesses and for nobody else."""

from __future__ import annotations

import pytest

from procession.api import throttle as throttle_module
from procession.api.throttle import FORGET, LONGEST, Throttle


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def throttle(hand):
    return Throttle(hand)


def fail(throttle, times, name="ana", address="192.0.2.1"):
    for _ in range(times):
        throttle.failed(name, address)


def test_the_first_failures_of_a_name_are_free(throttle):
    for _ in range(5):
        assert throttle.check("ana", "192.0.2.1") == 0
        throttle.failed("ana", "192.0.2.1")
    assert throttle.check("ana", "192.0.2.1") == 1


def test_then_each_takes_twice_as_long_up_to_a_quarter_of_an_hour(throttle, hand):
    waits = []
    fail(throttle, 4, address="")
    for _ in range(14):
        throttle.failed("ana", "")
        waits.append(throttle.check("ana", ""))
        hand.time += waits[-1]
        assert throttle.check("ana", "") == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


def test_the_wait_passes(throttle, hand):
    fail(throttle, 8)
    assert throttle.check("ana", "192.0.2.9") == 8
    hand.time += 7.5
    assert throttle.check("ana", "192.0.2.9") == 1
    hand.time += 0.5
    assert throttle.check("ana", "192.0.2.9") == 0


def test_a_name_is_slowed_down_wherever_the_tries_come_from(throttle):
    for number in range(6):
        throttle.failed("ana", f"192.0.2.{number}")
    assert throttle.check("ana", "192.0.2.200") == 2
    assert throttle.check("bo", "192.0.2.1") == 0


def test_an_address_is_slowed_down_whatever_names_it_tries(throttle):
    for number in range(20):
        assert throttle.check(f"user{number}", "192.0.2.1") == 0
        throttle.failed(f"user{number}", "192.0.2.1")
    assert throttle.check("somebody else", "192.0.2.1") == 1
    assert throttle.check("somebody else", "192.0.2.2") == 0


def test_a_client_cannot_choose_another_address_of_its_own_network(throttle):
    for number in range(20):
        throttle.failed(f"user{number}", f"2001:db8:1:2:{number:x}::1%eth0")
    assert throttle.check("ana", "2001:db8:1:2:ffff::1") == 1
    assert throttle.check("ana", "2001:db8:1:3::1") == 0


def test_an_address_of_version_4_is_the_same_in_version_6(throttle):
    for number in range(20):
        throttle.failed(f"user{number}", "::ffff:192.0.2.1")
    assert throttle.check("ana", "192.0.2.1") == 1
    assert throttle.check("ana", "::ffff:192.0.2.2") == 0


def test_clients_without_an_address_are_slowed_down_by_name_only(throttle):
    for number in range(50):
        throttle.failed(f"user{number}", "")
    assert throttle.check("ana", "") == 0
    fail(throttle, 6, address="")
    assert throttle.check("ana", "") == 2


def test_success_forgives_the_name_but_not_the_address(throttle):
    fail(throttle, 25)
    throttle.succeeded("ana", "192.0.2.1")
    assert throttle.check("ana", "192.0.2.2") == 0
    assert throttle.check("ana", "192.0.2.1") == 32
    throttle.succeeded("never seen", "192.0.2.1")


def test_failures_are_forgotten_after_a_while(throttle, hand):
    fail(throttle, 12)
    hand.time += FORGET + 1
    assert throttle.check("ana", "192.0.2.1") == 0
    fail(throttle, 5)
    assert throttle.check("ana", "192.0.2.1") == 1, "it counts from the beginning"


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "x" * 1_000_000, "'; DROP TABLE user", "語"])
def test_any_name_can_be_counted(throttle, name):
    fail(throttle, 6, name, name)
    assert throttle.check(name, "192.0.2.1") == 2
    assert throttle.check(name + "x", "192.0.2.1") == 0
    throttle.succeeded(name, name)
    assert throttle.check(name, "192.0.2.1") == 0


def test_a_flood_of_names_neither_fills_the_memory_nor_frees_the_name_they_are_after(throttle, monkeypatch):
    monkeypatch.setattr(throttle_module, "MOST", 1000)
    fail(throttle, 15, "root", "192.0.2.1")
    for number in range(20_000):
        throttle.failed(f"name {number}", f"10.{number % 250}.{number // 250}.1")
    assert len(throttle._failures) <= 1001
    assert throttle.check("root", "192.0.2.1") == LONGEST
    assert throttle.check("ana", "192.0.2.7") == 0, "others are not locked out"


def test_what_is_forgotten_goes_first_when_the_table_is_full(throttle, hand, monkeypatch):
    monkeypatch.setattr(throttle_module, "MOST", 10)
    fail(throttle, 15, "old", "")
    hand.time += FORGET + 1
    for number in range(10):
        throttle.failed(f"name {number}", "")
    assert len(throttle._failures) == 5
