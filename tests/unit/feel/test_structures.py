"""Lists, contexts, paths, filters, iterations and functions (DMN 1.5, 10.3.2.5 to 10.3.2.14)."""

from typing import Any

import pytest

from procession.feel import FeelLimitExceeded
from tests.unit.feel.evaluation import feel

EMPLOYEES = [{"name": "Ann", "dept": 10, "pay": 5}, {"name": "Bob", "dept": 20, "pay": 7}]


def test_an_entry_of_a_context_sees_those_before_it() -> None:
    assert feel("{a: 1, b: a + 1, c: {d: b * 2}}") == {"a": 1, "b": 2, "c": {"d": 4}}


def test_a_path_reaches_into_contexts_and_into_the_items_of_lists() -> None:
    assert feel("customer.address.city", customer={"address": {"city": "Wien"}}) == "Wien"
    assert feel("staff.name", staff=EMPLOYEES) == ["Ann", "Bob"]
    assert feel("customer.address.city", customer={}) is None
    assert feel("x.y", x=5) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2, 3][1]", 1),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2, 3][0]", None),
        ("[1, 2, 3][4]", None),
        ("[1, 2, 3][item > 1]", [2, 3]),
        ("[1, 2, 3][i]", 2),
        ("[][item > 1]", []),
        ("[][i]", None),
        ("5[1]", 5),
        ("5[item = 6]", []),
        ("[1, null, 3][item > 1]", [3]),
        ("{a: [1, 2]}.a[2]", 2),
        ("[[1, 2], [3]][1][2]", 2),
    ],
)
def test_filters(text: str, value: object) -> None:
    assert feel(text, i=2) == value


def test_the_entries_of_an_item_are_names_in_a_filter() -> None:
    assert feel("staff[dept = 20].name", staff=EMPLOYEES) == ["Bob"]
    assert feel("staff[pay > least].name", staff=EMPLOYEES, least=6) == ["Bob"]
    assert feel("staff[item.pay > pay]", staff=EMPLOYEES, pay=6) == []
    assert feel("[{a: [1, 2]}, {a: [3]}][count(a[item > 1]) = 1].a") == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("for i in [1, 2] return i * 2", [2, 4]),
        ("for i in 1..3 return i", [1, 2, 3]),
        ("for i in 3..1 return i", [3, 2, 1]),
        ("for i in (1..4) return i", [2, 3]),
        ("for i in [1, 2], j in [i, 10] return i * j", [1, 10, 4, 20]),
        ("for i in 0..4 return if i = 0 then 1 else i * partial[-1]", [1, 1, 2, 6, 24]),
        ("for i in [1, 2] return for j in [i] return i + j", [[2], [4]]),
        ("for i in [1], i in [2, 3] return i", [2, 3]),
        ("for i in 5 return i", None),
        ("some x in [1, 2] satisfies x > 1", True),
        ("some x in [1, null] satisfies x > 1", None),
        ("every x in [1, 2] satisfies x > 1", False),
        ("every x in [] satisfies x > 1", True),
        ("every x in [1, 2], y in [3] satisfies x < y", True),
    ],
)
def test_iterations(text: str, value: object) -> None:
    assert feel(text) == value


def test_days_can_be_iterated_over() -> None:
    assert feel('string join(for d in @"2024-02-28"..@"2024-03-01" return string(d), " ")') == (
        "2024-02-28 2024-02-29 2024-03-01"
    )


def test_functions_keep_the_values_that_they_were_made_with() -> None:
    assert feel("{f: function(a: number, b) a - b, x: f(5, 2), y: f(b: 1, a: 3)}.y") == 2
    assert feel("for f in (for i in [1, 2] return function(x) x + i) return f(10)") == [11, 12]
    assert feel('(function(a: number) a)("x")') is None
    assert feel("(function(a) a)(1, 2)") is None


def test_a_function_may_call_itself_through_an_argument() -> None:
    assert feel("{fac: function(f, n) if n < 2 then 1 else n * f(f, n - 1), x: fac(fac, 20)}.x") == 2432902008176640000


def test_built_in_functions_are_values_too() -> None:
    assert feel("(function(f) f(-3))(abs)") == 3
    assert feel('(function(f) f("abc"))(string length)') == 3
    assert feel("abs(abs)", abs=-7) == 7
    assert feel("get or else(count, 0)") == 0
    assert feel("{count: 2, n: count([1, 2, 3]) + count}.n") == 5


def test_names_with_blanks_are_found_when_they_are_known() -> None:
    def named(text: str, **variables: Any) -> Any:
        names = ["first name", "Date-Time", "Student's age", "days in weekend", "a", "a b"]
        return feel(text, names=names, **variables)

    assert named('first  name + "!"', **{"first name": "Ann"}) == "Ann!"
    assert named("Date-Time + 1", **{"Date-Time": 4}) == 5
    assert named("Student's age * 2", **{"Student's age": 21}) == 42
    assert named("for day in days in weekend return day", **{"days in weekend": [6, 7]}) == [6, 7]
    assert named("a b + a", **{"a b": 1, "a": 2}) == 3
    assert feel("{first name: 1, next: first name + 1}.first name") == 1
    assert feel("for my item in [1, 2] return my item + 1") == [2, 3]
    assert feel("`odd-name` + 1", **{"odd-name": 1}) == 2


def test_a_comment_is_a_blank() -> None:
    assert feel("1 /* one */ + // two\n 2") == 3


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"a\nb"', "a\nb"),
        (r'"\"\\"', '"\\'),
        (r'"\u00e9\U01F600"', "é😀"),
        (r'"\uD83D\uDE00"', "😀"),
        (r'"\d"', r"\d"),
    ],
)
def test_string_escapes(literal: str, value: str) -> None:
    assert feel(literal) == value


@pytest.mark.parametrize(
    "text",
    [
        "for i in 1..1000000000000 return i",
        "count([1..1000000000000][item > 1]) + count(for i in 1..2000000 return 1)",
        "some i in 1..100000, j in 1..100000 satisfies false",
        "{f: function(f) f(f), x: f(f)}.x",
        'for i in 1..60 return if i = 1 then "x" else partial[-1] + partial[-1]',
        "for i in 1..60 return if i = 1 then [1] else concatenate(partial[-1], partial[-1])",
        "sort(for i in 1..400000 return -i, function(a, b) a < b)",
    ],
)
def test_what_takes_too_much_is_stopped(text: str) -> None:
    with pytest.raises(FeelLimitExceeded):
        feel(text)


def test_data_nested_too_deeply_is_stopped() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    other: Any = []
    for _ in range(100_000):
        other = [other]
    with pytest.raises(FeelLimitExceeded):
        feel("x = y", x=deep, y=other)
