"""Unary tests (DMN 1.5, rules 9 to 12)."""

import pytest

from tests.unit.feel.evaluation import passes


@pytest.mark.parametrize(
    ("tests", "value", "passed"),
    [
        ("-", None, True),
        ("5", 5, True),
        ("5, 6", 6, True),
        ("> 3", 2, False),
        ("> 3", None, False),
        (">= 3, < 1", 0, True),
        ("[1..3)", 3, False),
        ('"a", "b"', "b", True),
        ("not(1, 2)", 3, True),
        ("not(1, 2)", 2, False),
        ("not(? > 2)", 1, True),
        ("null", None, True),
        ("x", 2, True),
        ("[x, 3]", 3, True),
        ("? > x", 3, True),
        ("? > x and ? < 10", 30, False),
        ("? = true", False, False),
        ("even(?)", 2, True),
        ("count(?) > 1", [1, 2], True),
        ("some v in ? satisfies v > 1", [1, 2], True),
        ("false", False, True),
        ('duration("P1D")', "P1D", False),
        ("-1", -1, True),
    ],
)
def test_a_value_passes(tests: str, value: object, passed: bool) -> None:
    assert passes(tests, value, x=2) is passed
