"""Three-valued logic, equality and order (DMN 1.5, Tables 48 to 53)."""

import pytest

from tests.unit.feel.evaluation import feel

TRUTH = {"T": "true", "F": "false", "N": "null", "other": "1"}


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        ("T", "T", True, True),
        ("T", "F", False, True),
        ("T", "N", None, True),
        ("F", "F", False, False),
        ("F", "N", False, None),
        ("N", "N", None, None),
        ("T", "other", None, True),
        ("F", "other", False, None),
    ],
)
def test_and_or(left: str, right: str, both: object, either: object) -> None:
    for a, b in ((left, right), (right, left)):
        assert feel(f"{TRUTH[a]} and {TRUTH[b]}") is both
        assert feel(f"{TRUTH[a]} or {TRUTH[b]}") is either


def test_an_operand_that_decides_ends_the_evaluation() -> None:
    assert feel("x = 1 or 1 / 0 > 1", x=1) is True
    assert feel("a and b and c", a=True, b=False, c=None) is False


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 = 1.0", True),
        ("1 != 2", True),
        ('"a" = "A"', False),
        ("null = null", True),
        ("null != null", False),
        ("1 = null", False),
        ("null != false", True),
        ('1 = "1"', None),
        ('1 != "1"', None),
        ("[1, 2] = [1, 2]", True),
        ("[1, 2] = [2, 1]", False),
        ("1 = [1]", True),
        ("{a: 1, b: [2]} = {b: [2], a: 1}", True),
        ("{a: 1} = {b: 1}", False),
        ("[1..3] = [1..3]", True),
        ("(1..3] = [1..3]", False),
        ("(< 3) = (null..3)", False),
        ("missing = null", True),
    ],
)
def test_equality(text: str, value: object) -> None:
    assert feel(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 < 2", True),
        ("2 <= 2.0", True),
        ('"a" < "b"', True),
        ('1 < "b"', None),
        ("1 < null", None),
        ("true < false", None),
        ("2 between 1 and 3", True),
        ("x between 2 and 3 and y", True),
        ('2 between 1 and "3"', None),
        ("x in [1..3)", True),
        ("3 in [1..3)", False),
        ("3 in ]2..3]", True),
        ("1 in ]1..5[ or 2 in ]1..5[", True),
        ("x in (1, 2)", True),
        ("x in (> 5, < 3)", True),
        ("x in [1, 2, 3]", True),
        ("x in < 2", False),
        ("null in [1..3]", None),
        ('"B" in ["A".."C"]', True),
    ],
)
def test_order_and_membership(text: str, value: object) -> None:
    assert feel(text, x=2, y=True) is value


def test_an_if_takes_the_else_branch_unless_its_condition_is_true() -> None:
    assert feel('if x > 3 then "big" else if x > 1 then "middle" else "small"', x=2) == "middle"
    assert feel("if null then 1 else 2") == 2
    assert feel("if 1 in < 5 then 1 else 2") == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 instance of number", True),
        ("true instance of number", False),
        ("null instance of Any", False),
        ("null instance of Null", True),
        ("[1, 2] instance of list<number>", True),
        ('[1, "a"] instance of list<number>', False),
        ("{a: 1, b: 2} instance of context<a: number>", True),
        ("{b: 1} instance of context<a: number>", False),
        ("[1..3] instance of range<number>", True),
        ('@"P1M" instance of years and months duration', True),
        ("now() instance of date and time", True),
        ("abs instance of function<number> -> number", True),
    ],
)
def test_types(text: str, value: object) -> None:
    assert feel(text) is value
