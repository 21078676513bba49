"""Arithmetic (DMN 1.5, 10.3.2.11, Tables 56 and 57).

A number is an int of at most 34 digits, or a Decimal in a context of 34 digits that rounds half to even. The context is
always passed explicitly, since the thread's own belongs to the application.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from procession.feel.limits import bounded
from procession.feel.reasons import fail
from procession.feel.temporal import add_duration, difference
from procession.feel.values import Date, DateTime, DayTimeDuration, Time, YearMonthDuration

CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[])
INT_LIMIT = 10**34

_NUMBERS = frozenset({int, Decimal})
_INTS = (int, int)
_DURATIONS = (YearMonthDuration, DayTimeDuration)
_MOMENTS = (Date, Time, DateTime)


def number(value: Any) -> int | Decimal | None:
    """The number in 34 digits; null when it is none, or infinite."""
    kind = type(value)
    if kind is int:
        if -INT_LIMIT < value < INT_LIMIT:
            return value  # type: ignore[no-any-return]
        return _finite(CONTEXT.create_decimal(value))
    if kind is Decimal:
        return _finite(CONTEXT.plus(value))
    if kind is float:
        return _finite(CONTEXT.create_decimal(repr(value)))
    return None


def _finite(value: Decimal) -> Decimal | None:
    return value if value.is_finite() else fail("the number is too large")


def whole_number(value: Any) -> int | None:
    """The int that the value is, or null; also for a Decimal that only looks different."""
    if type(value) is Decimal and value.is_finite() and value.adjusted() < CONTEXT.prec:
        return int(value) if value == value.to_integral_value() else None
    return value if type(value) is int else None


def whole(value: Decimal) -> int | Decimal:
    """An int, if the number is one."""
    found = whole_number(value)
    return value if found is None else found


def _exact(value: Any) -> Any:
    """A float that came in by accident becomes the Decimal it is written as."""
    return number(value) if type(value) is float else value


def add(left: Any, right: Any) -> Any:
    """`left + right`: numbers, strings, durations, or a moment and a duration."""
    kinds = type(left), type(right)
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return number(left + right) if kinds == _INTS else _finite(CONTEXT.add(left, right))
    if kinds == (str, str):
        return bounded(left + right)
    if kinds[0] is kinds[1] is YearMonthDuration:
        return YearMonthDuration(left.months + right.months)
    if kinds[0] is kinds[1] is DayTimeDuration:
        return DayTimeDuration(left.nanos + right.nanos)
    if isinstance(left, _MOMENTS) and isinstance(right, _DURATIONS):
        result = add_duration(left, right, 1)
    elif isinstance(left, _DURATIONS) and isinstance(right, _MOMENTS):
        result = add_duration(right, left, 1)
    elif float in kinds:
        return add(_exact(left), _exact(right))
    else:
        result = None
    return result if result is not None else fail("cannot add {} and {}", left, right)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`: numbers, durations, moments, or a moment and a duration."""
    kinds = type(left), type(right)
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return number(left - right) if kinds == _INTS else _finite(CONTEXT.subtract(left, right))
    if kinds[0] is kinds[1] is YearMonthDuration:
        return YearMonthDuration(left.months - right.months)
    if kinds[0] is kinds[1] is DayTimeDuration:
        return DayTimeDuration(left.nanos - right.nanos)
    if isinstance(left, _MOMENTS) and isinstance(right, _DURATIONS):
        result = add_duration(left, right, -1)
    elif isinstance(left, _MOMENTS) and isinstance(right, _MOMENTS):
        result = difference(left, right)
    elif float in kinds:
        return subtract(_exact(left), _exact(right))
    else:
        result = None
    return result if result is not None else fail("cannot subtract {} from {}", right, left)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`: numbers, or a number and a duration."""
    kinds = type(left), type(right)
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return number(left * right) if kinds == _INTS else _finite(CONTEXT.multiply(left, right))
    if isinstance(left, _DURATIONS) and kinds[1] in _NUMBERS:
        return _scaled(left, lambda amount: CONTEXT.multiply(amount, right))
    if isinstance(right, _DURATIONS) and kinds[0] in _NUMBERS:
        return _scaled(right, lambda amount: CONTEXT.multiply(amount, left))
    if float in kinds:
        return multiply(_exact(left), _exact(right))
    return fail("cannot multiply {} by {}", left, right)


def divide(left: Any, right: Any) -> Any:
    """`left / right`: numbers, a duration by a number, or two durations of one family."""
    kinds = type(left), type(right)
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return _quotient(left, right)
    if isinstance(left, _DURATIONS) and kinds[1] in _NUMBERS:
        return _scaled(left, lambda amount: CONTEXT.divide(amount, right)) if right else _by_zero(left)
    if kinds[0] is kinds[1] is YearMonthDuration:
        return _quotient(left.months, right.months)
    if kinds[0] is kinds[1] is DayTimeDuration:
        return _quotient(left.nanos, right.nanos)
    if float in kinds:
        return divide(_exact(left), _exact(right))
    return fail("cannot divide {} by {}", left, right)


def _quotient(left: Any, right: Any) -> Any:
    if not right:
        return _by_zero(left)
    if type(left) is int and type(right) is int and not left % right:
        return number(left // right)
    return _finite(CONTEXT.divide(left, right))


def _by_zero(left: Any) -> Any:
    return fail("cannot divide {} by zero", left)


def _scaled(duration: YearMonthDuration | DayTimeDuration, scale: Callable[[int], Decimal]) -> Any:
    """A duration with its amount changed, cut towards zero."""
    amount = scale(duration.months if isinstance(duration, YearMonthDuration) else duration.nanos)
    if not amount.is_finite() or amount.adjusted() > CONTEXT.prec:
        return fail("the duration is too long")
    return type(duration)(int(amount))


def power(left: Any, right: Any) -> Any:
    """`left ** right` of numbers."""
    left, right = _exact(left), _exact(right)
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        return fail("cannot raise {} to the power of {}", left, right)
    result = CONTEXT.power(left, right)
    if not result.is_finite():
        return fail("{} to the power of {} is not a number of 34 digits", left, right)
    return whole(result) if type(left) is int and type(right) is int and right >= 0 else result


def negate(value: Any) -> Any:
    """Minus a number or a duration."""
    value = _exact(value)
    if type(value) in _NUMBERS:
        return -value if type(value) is int else _finite(CONTEXT.minus(value))
    if isinstance(value, YearMonthDuration):
        return YearMonthDuration(-value.months)
    if isinstance(value, DayTimeDuration):
        return DayTimeDuration(-value.nanos)
    return fail("cannot negate {}", value)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "**": power,
}


def calculate(operators: tuple[str, ...], *operands: Any) -> Any:
    """A long chain of operators, from left to right."""
    result = operands[0]
    for operator, operand in zip(operators, operands[1:], strict=True):
        result = OPERATIONS[operator](result, operand)
    return result
