"""What is refused, where, and why something became null."""

import pytest

from procession.feel import compile_expression, compile_unary_tests
from procession.feel.reasons import Reason
from tests.unit.feel.evaluation import ENV, feel, refused, why


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "Expected an expression, but found the end."),
        ("x +", 1, 4, "Expected an expression, but found the end."),
        ("x\n + * 2", 2, 4, "Expected an expression, but found '*'."),
        ("first name", 1, 7, "Expected an operator, but found 'name'."),
        ("if x then 1", 1, 12, "Expected 'else', but found the end."),
        ("(1, 2)", 1, 1, "Several values in parentheses may stand only after 'in'."),
        ("[1, 2", 1, 6, "Expected ',' or ']', but found the end."),
        ('x = "abc', 1, 5, "The string does not end."),
        ("x = 'abc'", 1, 5, "A string needs double quotation marks."),
        ("x = “abc”", 1, 5, "The character '“' has no meaning here."),
        ("x # 1", 1, 3, "The character '#' has no meaning here."),
        ('@"2024-13-01"', 1, 1, '"2024-13-01" is no date, time, date and time, or duration.'),
        ("x instance of nmber", 1, 15, "Expected a type, but found 'nmber'."),
        ("f(a: 1, 2)", 1, 9, "Either all arguments are named or none."),
        ("1 + uuid()", 1, 5, "The function 'uuid' is not available."),
        ("random number()", 1, 1, "The function 'random number' is not available."),
        ("function(x) external {}", 1, 13, "External functions are not supported."),
        ("{a: 1, a: 2}", 1, 9, "The context has two entries named 'a'."),
    ],
)
def test_an_error_tells_what_and_where(text: str, line: int, column: int, message: str) -> None:
    error = refused(text)
    assert (error.message, error.line, error.column) == (message, line, column)


def test_a_hint_tells_what_to_do() -> None:
    assert "replayed" in refused("uuid()").hint
    assert "backticks" in refused("first name").hint
    assert refused("a == 1").hint == "FEEL writes = for ==."
    assert refused("a && b").hint == "FEEL writes and for &&."


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "[" * 10_000, "-" * 10_000 + "1", "x" + ".a" * 10_000, "if x then " * 10_000, "x[" * 500]
)
def test_depth_is_bounded(text: str) -> None:
    refused(text)


def test_length_is_bounded() -> None:
    assert "longer" in refused("1 + " * 100_000 + "1").message


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("amount > 5", ["variable 'amount' is not there", "cannot compare null with a number: null > 5"]),
        ('"x" > 5', ['cannot compare a string with a number: "x" > 5']),
        ("1 / 0", ["cannot divide 1 by zero"]),
        ("order.total", ["the context has no entry 'total': {id: 7}"]),
        ("[1, 2][3]", ["there is no item 3 in a list of 2"]),
        ('abs("a")', ["abs: 'n' has to be a number or a days and time duration or a years and months duration, "
                      'not a string: "a"']),
        ("abs(1, 2)", ["abs does not take 2 arguments: "
                       "abs(n: number | days and time duration | years and months duration)"]),
        ('date("2024-02-30")', ['date: "2024-02-30" is not a date']),
        ("if 1 then 2 else 3", ["the condition of 'if' has to be true or false, not 1"]),
        ("nothing(1)", ["variable 'nothing' is not there", "null is not a function"]),
        ("true and 1", ["'and' needs true or false, not 1"]),
        ('matches("aaaa", "(a+)+")', ['the regular expression "(a+)+" is refused: '
                                      "it repeats without end what itself varies"]),
        ("1 + 1", []),
    ],
)  # fmt: skip
def test_why_something_became_null(text: str, reasons: list[str]) -> None:
    assert why(text, order={"id": 7}) == reasons


def test_a_reason_has_a_place() -> None:
    expression = compile_expression("1 +\n  missing")
    assert expression.explain({}, ENV).reasons == (
        Reason("variable 'missing' is not there", 2, 3),
        Reason("cannot add 1 and null", 1, 3),
    )


def test_an_explained_expression_has_the_same_value() -> None:
    expression = compile_expression("{a: x + 1, b: [a, y][item > 1]}")
    assert expression.explain({"x": 1, "y": 0}, ENV).value == expression({"x": 1, "y": 0}, ENV) == {"a": 2, "b": [2]}


def test_unary_tests_are_explained_too() -> None:
    explanation = compile_unary_tests('> "a"').explain(5, {}, ENV)
    assert explanation.value is False
    assert [reason.message for reason in explanation.reasons] == ['cannot compare a number with a string: 5 > "a"']


def test_names_are_those_that_may_be_read() -> None:
    expression = compile_expression("for i in xs return {a: i + y, b: a}.b + count(z[w > i])")
    assert expression.names == {"xs", "y", "z", "w"}


def test_calls_that_can_only_be_null_are_warned_of() -> None:
    assert [w.message for w in compile_expression("helper(1)").warnings] == ["There is no function 'helper'."]
    assert compile_expression("helper(1)", names=["helper"]).warnings == ()
    assert compile_expression("count()").warnings[0].message.startswith("count does not take 0 arguments")
    assert compile_expression("{f: function(x) x, y: f(1)}").warnings == ()


def test_a_known_name_hides_a_built_in_function() -> None:
    assert compile_expression("count + 1", names=["count"])({"count": 1}, ENV) == 2
    assert feel("date > 3", date=4) is True
