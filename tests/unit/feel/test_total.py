"""Whatever the text and the data: an ExpressionError, a FeelLimitExceeded, or a value; never another exception."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from procession.errors import ExpressionError
from procession.feel import Environment, FeelLimitExceeded, compile_expression, compile_unary_tests, describe
from procession.feel.builtins import BUILTINS

ENV = Environment(at=1_700_000_000_000_000, limit=2_000)
NAMES = ("x", "y", "first name", "item")

numbers = st.one_of(
    st.integers(), st.integers(-3, 3), st.decimals(allow_nan=False, allow_infinity=False), st.just(Decimal("1e999999"))
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8), st.floats())
keys = st.sampled_from(["x", "a", "key", "value"])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)
variables = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, values))

WORDS = (
    *(
        "null",
        "true",
        "0",
        "1",
        "-1",
        "2.5",
        "1e400",
        '"a"',
        '@"2024-02-29"',
        '@"P1M"',
        '@"10:00:00"',
        "x",
        "y",
        "?",
        "`",
    ),
    *(
        "first name",
        "item",
        "partial",
        "if",
        "then",
        "else",
        "for",
        "in",
        "return",
        "some",
        "every",
        "satisfies",
        "and",
    ),
    *(
        "between",
        "or",
        "not",
        "instance of",
        "function",
        "number",
        "list<number>",
        "context",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
    ),
    *(
        ",",
        ".",
        "..",
        ":",
        "+",
        "-",
        "*",
        "/",
        "**",
        "=",
        "!=",
        "<",
        ">=",
        "[1..3]",
        "(1..x)",
        "{a: 1}",
        "//",
        "/*",
        "*/",
    ),
)
fragments = st.lists(st.sampled_from([*WORDS, *BUILTINS]), max_size=14).map(" ".join)

LITERALS = (
    *("null", "true", "false", "0", "3", "-1.5", "1e6000", "x", "y", "[]", "{}", "[1..5]", "(< 3)", "abs"),
    *('"abc"', '"2024-02-29"', '"[1..5]"', '"(a+)+"', "(function(a, b) a < b)", '{key: "a", value: 1}'),
    *('@"2024-02-29"', '@"-999999999-01-01"', '@"P1M"', '@"-PT1H"'),
    *('@"10:00:00@Europe/Paris"', '@"2024-03-31T01:30:00Z"'),
)


def _infix(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "**", "=", "!=", "<", ">=", "and", "or", "in"])
    return st.builds("({} {} {})".format, inner, operators, inner)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    calls = st.builds(
        lambda name, arguments: f"{name}({', '.join(arguments)})",
        st.sampled_from(sorted(BUILTINS)),
        st.lists(inner, max_size=4),
    )
    return st.one_of(
        _infix(inner),
        calls,
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{a: {}, b: a, x: {}}}".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("({}).{}".format, inner, st.sampled_from(["a", "x", "year", "time offset", "start"])),
        st.builds("(if {} then {} else {})".format, inner, inner, inner),
        st.builds("(for v in {}, w in v return {})".format, inner, inner),
        st.builds("(for v in {}..{} return [v, partial])".format, inner, inner),
        st.builds("(some v in {} satisfies {})".format, inner, inner),
        st.builds("({} between {} and {})".format, inner, inner, inner),
        st.builds("({} instance of list<number>)".format, inner),
        st.builds("(function(a: number, b) {})({}, {})".format, inner, inner, inner),
        st.builds("[{}..{})".format, inner, inner),
        st.builds("-{}".format, inner),
    )


expressions = st.recursive(st.sampled_from(LITERALS), _compound, max_leaves=8)


def evaluate(text: str, data: dict[str, Any]) -> None:
    try:
        expression = compile_expression(text, names=NAMES)
        value = expression(data, ENV)
        assert describe(expression.explain(data, ENV).value) == describe(value)
        describe(value)
    except (ExpressionError, FeelLimitExceeded):
        pass


@given(st.text(), variables)
def test_any_text(text: str, data: dict[str, Any]) -> None:
    evaluate(text, data)


@settings(max_examples=300)
@given(fragments, variables)
def test_any_sequence_of_words(text: str, data: dict[str, Any]) -> None:
    evaluate(text, data)


@settings(max_examples=500)
@given(expressions, variables)
def test_any_expression_with_any_data(text: str, data: dict[str, Any]) -> None:
    expression = compile_expression(text, names=NAMES)
    try:
        value = expression(data, ENV)
    except FeelLimitExceeded:
        return
    assert describe(expression.explain(data, ENV).value) == describe(value)


@settings(max_examples=200)
@given(expressions, values, variables)
def test_any_unary_tests(text: str, value: Any, data: dict[str, Any]) -> None:
    try:
        matched = compile_unary_tests(f"{text}, < {text}", names=NAMES).matches(value, data, ENV)
    except FeelLimitExceeded:
        return
    assert matched in (True, False)
