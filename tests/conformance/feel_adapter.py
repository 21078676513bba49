"""Lets the runners of the public conformance data call our FEEL.

python feel_cases.py --adapter python:feel_adapter:evaluate
"""

from __future__ import annotations

from typing import Any

from procession.feel import Environment, compile_expression, compile_unary_tests
from procession.feel.temporal import parse_date, parse_date_time, parse_duration, parse_time

ENV = Environment(at=1_700_000_000_000_000)
PARSERS = {"date": parse_date, "time": parse_time, "dateTime": parse_date_time, "duration": parse_duration}


def to_feel(value: Any) -> Any:
    """A runner's value as ours: its typed texts become temporal values."""
    if isinstance(value, dict):
        return {key: to_feel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_feel(item) for item in value]
    kind = getattr(value, "kind", None)
    return PARSERS[kind](value.text) if kind in PARSERS else value


def evaluate(expr: str, context: dict[str, Any], *, kind: str, input: Any) -> Any:
    """The value of an expression, or whether the input passes unary tests."""
    variables = to_feel(context)
    if kind == "unary":
        return compile_unary_tests(expr, names=variables).matches(to_feel(input), variables, ENV)
    return compile_expression(expr, names=variables)(variables, ENV)
