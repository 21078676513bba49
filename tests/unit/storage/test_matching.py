"""JSON equality is not Python's, and not SQL's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from procession.storage.matching import conditions, matches, same


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (Decimal("1.10"), Decimal("1.1"), True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        ("1", 1, False),
        ([1, [2]], [1, [2]], True),
        ([1, True], [1, 1], False),
        ([1], [1, 2], False),
        ({"a": 1, "b": None}, {"b": None, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, [1], False),
    ],
)
def test_values_are_the_same_as_json(one, other, equal):
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_a_path_leads_through_objects_only():
    (deep,) = conditions({"order.total.amount": 7})
    assert matches(b'{"total":{"amount":7}}', deep)
    assert not matches(b'{"total":[7]}', deep)
    assert not matches(b"7", deep)


def test_digits_are_not_lost_on_the_way():
    (exact,) = conditions({"amount": Decimal("12345678901234567890.12")})
    assert matches(b"12345678901234567890.12", exact)
    assert not matches(b"12345678901234567890.13", exact)
    (fraction,) = conditions({"amount": 0.1})
    assert matches(b"0.10", fraction)
