"""The built-in functions (DMN 1.5, 10.3.4, and those of Camunda 8)."""

from decimal import Decimal
from pathlib import Path

import pytest

from procession.feel import to_json
from procession.feel.builtins import BUILTINS
from tests.unit.feel.evaluation import feel

CASES = {
    "conversion": [
        ('number("1 000,5", " ", ",")', Decimal("1000.5")),
        ('number("1,000", ",", null)', 1000),
        ('number("1.000", ".", ".")', None),
        ('number("0x10")', None),
        ('number(decimal separator: ".", grouping separator: ",", from: "1,5.5")', Decimal("15.5")),
        ("string(1.50)", "1.5"),
        ("string(null)", None),
        ('string([1, "a", {b: null}])', '[1, "a", {b: null}]'),
        ("string([1..3))", "[1..3)"),
        ('string(time(10, 30, 5.5, @"PT2H"))', "10:30:05.5+02:00"),
        ('from json("{\\"a\\": [1, 2.5, null]}")', {"a": [1, Decimal("2.5"), None]}),
        ('from json("NaN")', None),
        ('to json({a: [1, 2.50, @"P1D", "é"]})', '{"a":[1,2.5,"P1D","é"]}'),
        ("to json([1..2])", None),
    ],
    "boolean": [
        ("not(null)", None),
        ("all([true, null])", None),
        ("any([false, null, true])", True),
        ("any([])", False),
        ("and(true, false)", False),
        ("is(1, true)", False),
        ("is(1, 1.0)", True),
        ("is defined(missing)", False),
        ("get or else(missing, 5)", 5),
        ('assert(x, x > 5, "too small")', None),
    ],
    "string": [
        ('substring("foobar", -2, 1)', "a"),
        ('substring("abc", 0)', None),
        ('substring(start position: 2, string: "abc")', "bc"),
        ('string length("😀é")', 2),
        ('substring before("foobar", "o")', "f"),
        ('substring after("foobar", "ob")', "ar"),
        ('replace("abracadabra", "a(.)", "a$1$1")', "abbraccaddabbra"),
        ('replace("abc", "x*", "-")', None),
        ('replace("abc", "b", "$$")', None),
        (r'replace("abc", "b", "\\$")', "a$c"),
        ('matches("Hello\\nWorld", "o.w", "is")', True),
        ('matches("a b", "a  b", "x")', False),
        ('matches("a", "(")', None),
        ('split("a;b;;c", ";")', ["a", "b", "", "c"]),
        ('split("John Doe", "\\s")', ["John", "Doe"]),
        ('extract("a1b22", "[0-9]+")', ["1", "22"]),
        ('string join(["a", null, "b"], ", ", "<", ">")', "<a, b>"),
        ('string join(list: ["a", "b"], suffix: "!")', "ab!"),
        ('string join(["a", 1])', None),
        ('from base64(to base64("Grüße"))', "Grüße"),
        ('trim("  a ")', "a"),
        ('upper case(["a"])', "A"),
    ],
    "number": [
        ("decimal(2.5, 0)", 2),
        ('decimal(2.5, 0, "half_up")', 3),
        ("floor(-1.56, 1)", Decimal("-1.6")),
        ("ceiling(1.2)", 2),
        ("round up(5.123, 2)", Decimal("5.13")),
        ("round half down(5.5, 0)", 5),
        ("round up(0.0001, 2)", Decimal("0.01")),
        ("round up(1, 7000)", None),
        ("decimal(1234, -2)", 1200),
        ("modulo(-10.1, 4.5)", Decimal("3.4")),
        ("modulo(1, 0)", None),
        ("sqrt(16)", 4),
        ("sqrt(-1)", None),
        ("log(0)", None),
        ("odd(5.0)", True),
        ("even(5.5)", False),
        ("abs(-5)", 5),
        ("abs(number: -5)", None),
    ],
    "list": [
        ("list contains([1, [2]], 2)", False),
        ("count(5)", 1),
        ("count(null)", None),
        ("min(3, 1, 2)", 1),
        ('max(["a", "c", "b"])', "c"),
        ('max([1, "a"])', None),
        ("sum([])", None),
        ("mean([1, 2])", Decimal("1.5")),
        ("median([8, 2, 5, 3, 4])", 4),
        ("median([6, 1, 2, 3])", Decimal("2.5")),
        ("stddev([2, 4, 7, 5])", Decimal("2.081665999466132735282297706979931")),
        ("mode([6, 1, 9, 6, 1])", [1, 6]),
        ("sublist([1, 2, 3], -2, 1)", [2]),
        ("sublist([1, 2, 3], 3, 2)", None),
        ("append([1], 2, [3])", [1, 2, [3]]),
        ("concatenate([1], [2, 3], 4)", [1, 2, 3, 4]),
        ("insert before([1, 3], 2, 2)", [1, 2, 3]),
        ("remove([1, 2, 3], -1)", [1, 2]),
        ("list replace([1, 2, 3], function(item, new) item > 1, 0)", [1, 0, 0]),
        ("reverse([1, 2])", [2, 1]),
        ("index of([1, null, 1], null)", [2]),
        ("union([1, 2], [2, 3])", [1, 2, 3]),
        ("distinct values([1, 1.0, true, [1], [1], {a: 1}, {a: 1}])", [1, True, [1], {"a": 1}]),
        ("duplicate values([1, 2, 1])", [1]),
        ("flatten([[1, [2]], 3])", [1, 2, 3]),
        ("partition([1, 2, 3], 2)", [[1, 2], [3]]),
        ("sort([3, 1, 2])", [1, 2, 3]),
        ("sort(list: [3, 1, 2], precedes: function(x, y) x > y)", [3, 2, 1]),
        ("sort([2, 1], function(x, y) null)", None),
        ("is empty([])", True),
    ],
    "context": [
        ('get value({a: {b: 1}}, ["a", "b"])', 1),
        ('get value({a: 1}, "b")', None),
        ("get entries({a: 1})", [{"key": "a", "value": 1}]),
        ('context([{key: "a", value: 1}])', {"a": 1}),
        ('context([{key: "a", value: 1}, {key: "a", value: 2}])', None),
        ('context put({a: 1}, "b", 2)', {"a": 1, "b": 2}),
        ('context put({a: {b: 1}}, ["a", "c"], 2)', {"a": {"b": 1, "c": 2}}),
        ("context merge([{a: 1}, {a: 2, b: 3}])", {"a": 2, "b": 3}),
        ("context merge({a: 1}, 2)", None),
    ],
    "temporal": [
        ('day of year(@"2024-12-31")', 366),
        ('day of week(@"2024-02-29")', "Thursday"),
        ('month of year(@"2024-02-29T10:00:00")', "February"),
        ('week of year(@"2005-01-01")', 53),
        ('week of year(@"2024-12-30")', 1),
        ('string(last day of month(@"2024-02-01"))', "2024-02-29"),
        ("day of week(1)", None),
    ],
    "range": [
        ("before(1, [1..3])", False),
        ("before(1, (1..3])", True),
        ("after([5..6], (1..5))", True),
        ("meets([1..3], [3..5])", True),
        ("meets([1..3), [3..5])", False),
        ("met by([3..5], [1..3])", True),
        ("overlaps([1..3], [3..5])", True),
        ("overlaps([1..3], (3..5])", False),
        ("overlaps before([1..3], [2..4])", True),
        ("overlaps after([2..4], [1..3])", True),
        ("finishes(3, [1..3])", True),
        ("finished by([1..3], [2..3])", True),
        ("includes([1..3], 2)", True),
        ("during((1..3), [1..3])", True),
        ("starts([1..2], [1..3])", True),
        ("started by([1..3], 1)", True),
        ("coincides(point1: 1, point2: 1)", True),
        ('before(1, "a")', None),
        ('range("[1..3)") = [1..3)', True),
        ('range("[@\\"2024-01-01\\"..@\\"2024-02-01\\"]").start = @"2024-01-01"', True),
        ('range("[3..1]")', None),
    ],
}


@pytest.mark.parametrize(("text", "value"), [case for cases in CASES.values() for case in cases])
def test_functions(text: str, value: object) -> None:
    assert feel(text, x=4) == value


def test_every_function_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/feel.md").read_text()
    assert [name for name in BUILTINS if f"`{name}(" not in page] == []


@pytest.mark.parametrize("pattern", ["(a+)+", "(a*)*b", "(a|aa)+", "(a?){2,}", "((ab)?c)*", r"(\w+\s?)*$", "a?" * 20])
def test_patterns_that_may_take_exponential_time_are_refused(pattern: str) -> None:
    assert feel("matches(text, pattern)", text="a" * 50, pattern=pattern) is None


@pytest.mark.parametrize(
    "pattern", ["a+", "^[a-z]+@[a-z]+[.][a-z]{2,}$", "(ab)*", r"^\s*(\d+)\s*,\s*(\d+)\s*$", ".*x.*"]
)
def test_usual_patterns_are_not(pattern: str) -> None:
    assert isinstance(feel("matches(text, pattern)", text="a" * 500, pattern=pattern), bool)


def test_a_long_text_is_refused_for_a_pattern_that_may_take_long() -> None:
    assert feel('matches(text, "a+")', text="a" * 10_000) is True
    assert feel('matches(text, "a*a*a*b")', text="a" * 30_000) is None


def test_json_has_no_temporal_values() -> None:
    value = feel('{d: @"2024-02-29", l: [1, @"P1D"], n: null}')
    assert to_json(value) == {"d": "2024-02-29", "l": [1, "P1D"], "n": None}
    plain = {"a": [1, {"b": Decimal("1.5")}]}
    assert to_json(plain) is plain
    with pytest.raises(TypeError, match=r"JSON has no form for a range: \[1..2\]"):
        to_json({"r": feel("[1..2]")})
