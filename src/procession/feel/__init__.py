"""FEEL, the expression language of DMN 1.5, compiled to Python functions."""

from procession.feel.evaluate import Expression, UnaryTests, compile_expression, compile_unary_tests
from procession.feel.limits import Environment, FeelLimitExceeded
from procession.feel.reasons import Explanation, Reason
from procession.feel.text import describe, to_json
from procession.feel.values import (
    Date,
    DateTime,
    DayTimeDuration,
    Function,
    Range,
    Time,
    YearMonthDuration,
)

__all__ = [
    "Date",
    "DateTime",
    "DayTimeDuration",
    "Environment",
    "Explanation",
    "Expression",
    "FeelLimitExceeded",
    "Function",
    "Range",
    "Reason",
    "Time",
    "UnaryTests",
    "YearMonthDuration",
    "compile_expression",
    "compile_unary_tests",
    "describe",
    "to_json",
]
