"""Numbers are exact ints or decimals of 34 digits (DMN 1.5, 10.3.2.11)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.errors import ExpressionError
from tests.unit.feel.evaluation import feel

DIGITS_34 = 10**34 - 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2", Decimal("0.3")),
        ("2 + 3 * 4", 14),
        ("10 - 4 - 3", 3),
        ("8 / 4", 2),
        ("1 / 3", Decimal("0.3333333333333333333333333333333333")),
        ("2 ** 3 ** 2", 64),
        ("-2 ** 2", 4),
        ("2 ** -1", Decimal("0.5")),
        ("(1 + 2) * -3", -9),
        (".5 + 1.50", 2),
        ("1.23e4", 12300),
        ("1 / 0", None),
        ("1e6000 * 1e6000", None),
        ("2 - true", None),
        ('1 + "1"', None),
        ('"a" + "b"', "ab"),
        ("null + 1", None),
    ],
)
def test_operators(text: str, value: object) -> None:
    assert feel(text) == value


def test_ints_stay_ints_while_34_digits_suffice() -> None:
    assert type(feel("x + 1", x=41)) is int
    assert feel("x + 1", x=DIGITS_34 - 1) == DIGITS_34
    assert feel("x + 1", x=DIGITS_34) == Decimal(10) ** 34
    assert type(feel("x * x", x=10**17)) is Decimal


def test_decimals_are_rounded_half_to_even_at_34_digits() -> None:
    assert feel("x + 0.5", x=10**33) == Decimal(10**33) + Decimal("0.5")
    assert feel("x + 0.5", x=DIGITS_34 - 1) == DIGITS_34 - 1
    assert feel("x + 0.5", x=DIGITS_34 - 2) == DIGITS_34 - 1


def test_a_boolean_is_not_a_number() -> None:
    assert feel("x + 1", x=True) is None
    assert feel("x > 0", x=True) is None
    assert feel("x = 1", x=True) is None


def test_a_float_counts_as_what_it_is_written_as() -> None:
    assert feel("x + 0.2", x=0.1) == Decimal("0.3")
    assert feel("x = 0.1", x=0.1) is True
    assert feel("x + 1", x=float("nan")) is None


def test_a_long_sum_is_not_a_deep_one() -> None:
    assert feel(" + ".join(["x"] * 500), x=2) == 1000
    assert feel(" - ".join(["x"] * 4), x=2) == -4


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_sums_and_order_agree_with_python(x: int, y: int) -> None:
    assert feel("x + y", x=x, y=y) == x + y
    assert feel("x - y", x=x, y=y) == x - y
    assert feel("x < y", x=x, y=y) is (x < y)


@given(st.integers(), st.integers())
def test_products_are_exact_or_rounded_to_34_digits(x: int, y: int) -> None:
    product = feel("x * y", x=x, y=y)
    assert product == x * y or abs(product - x * y) <= Decimal(abs(x * y)).scaleb(-33)


def test_no_number_is_infinite():
    """JSON has no form for it: what would be is an error of the expression, or null."""
    assert feel("1e6144") == Decimal("1e6144")
    for text in ("1e6145", "-1e99999999999999999999", f"{'9' * 20_000}"):
        with pytest.raises(ExpressionError, match="too large"):
            feel(text)
    assert feel("-x", x=Decimal("1e999999")) is None
    assert feel("0" * 20_000 + "7") == 7
