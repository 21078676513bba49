"""Shorthands for the tests of FEEL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from procession.errors import ExpressionError
from procession.feel import Environment, compile_expression, compile_unary_tests

ENV = Environment(at=1_709_209_800_000_000)  # 2024-02-29T12:30:00Z


def feel(text: str, /, *, names: Collection[str] = (), env: Environment = ENV, **variables: Any) -> Any:
    """The value of an expression."""
    return compile_expression(text, names=names)(variables, env)


def feel_text(text: str, /, **variables: Any) -> str:
    """The value of an expression, as FEEL's `string` writes it."""
    written: str = feel(f"string({text})", **variables)
    return written


def passes(tests: str, value: Any, **variables: Any) -> bool | None:
    """Whether a value passes unary tests."""
    return compile_unary_tests(tests).matches(value, variables, ENV)


def why(text: str, /, **variables: Any) -> list[str]:
    """The reasons for which parts of an expression became null."""
    return [reason.message for reason in compile_expression(text).explain(variables, ENV).reasons]


def refused(text: str, /, *, names: Collection[str] = ()) -> ExpressionError:
    """The error that a text is refused with."""
    with pytest.raises(ExpressionError) as error:
        compile_expression(text, names=names)
    return error.value
