"""Functions on numbers (DMN 1.5, 10.3.4.5)."""

from __future__ import annotations

from decimal import (
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)
from typing import Any

from procession.feel.arithmetic import CONTEXT, negate, number, whole
from procession.feel.builtins.registry import builtin
from procession.feel.reasons import fail
from procession.feel.values import DayTimeDuration, YearMonthDuration

Number = int | Decimal

_MIN_SCALE, _MAX_SCALE = -6111, 6176  # of a decimal of 128 bits
_MODES = {
    "CEILING": ROUND_CEILING,
    "DOWN": ROUND_DOWN,
    "FLOOR": ROUND_FLOOR,
    "HALF_DOWN": ROUND_HALF_DOWN,
    "HALF_EVEN": ROUND_HALF_EVEN,
    "HALF_UP": ROUND_HALF_UP,
    "UP": ROUND_UP,
    "05UP": ROUND_05UP,
}
_WIDE = Context(prec=2 * CONTEXT.prec, Emin=-9999, Emax=9999, traps=[])


def rounded(n: Number, scale: Number, mode: str) -> Any:
    """The number with so many digits after the point."""
    if not _MIN_SCALE <= scale <= _MAX_SCALE:
        return fail(f"the scale {{}} is not between {_MIN_SCALE} and {_MAX_SCALE}", scale)
    places = int(scale)
    value = Decimal(n)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return fail("{} cannot be rounded", n)
    if -exponent <= places:
        return n
    if value.adjusted() < -places - 1:
        # Far below the last digit: only the sign and the mode matter.
        value = Decimal((value.is_signed(), (1,), -places - 2)) if value else value
    result = value.quantize(Decimal(1).scaleb(-places, _WIDE), mode, _WIDE)
    if not result.is_finite():
        return fail("{} has too many digits to be rounded", n)
    return whole(result) if places <= 0 else number(result)


@builtin("decimal(n: number, scale: number)")
def decimal(n: Number, scale: Number) -> Any:
    """Rounded half to even."""
    return rounded(n, scale, ROUND_HALF_EVEN)


@builtin("decimal(n: number, scale: number, mode: string)")
def decimal_mode(n: Number, scale: Number, mode: str) -> Any:
    """Rounded in a mode such as HALF_UP (Camunda 8)."""
    if mode.upper() == "UNNECESSARY":
        result = rounded(n, scale, ROUND_DOWN)
        return n if result == n else fail("decimal: {} needs rounding", n)
    if mode.upper() not in _MODES:
        return fail("decimal: there is no rounding mode {}", mode)
    return rounded(n, scale, _MODES[mode.upper()])


@builtin("floor(n: number, scale?: number)")
def floor(n: Number, scale: Number = 0) -> Any:
    """Rounded towards minus infinity."""
    return rounded(n, scale, ROUND_FLOOR)


@builtin("ceiling(n: number, scale?: number)")
def ceiling(n: Number, scale: Number = 0) -> Any:
    """Rounded towards plus infinity."""
    return rounded(n, scale, ROUND_CEILING)


@builtin("round up(n: number, scale: number)")
def round_up(n: Number, scale: Number) -> Any:
    """Rounded away from zero."""
    return rounded(n, scale, ROUND_UP)


@builtin("round down(n: number, scale: number)")
def round_down(n: Number, scale: Number) -> Any:
    """Rounded towards zero."""
    return rounded(n, scale, ROUND_DOWN)


@builtin("round half up(n: number, scale: number)")
def round_half_up(n: Number, scale: Number) -> Any:
    """Rounded to the nearest, halves away from zero."""
    return rounded(n, scale, ROUND_HALF_UP)


@builtin("round half down(n: number, scale: number)")
def round_half_down(n: Number, scale: Number) -> Any:
    """Rounded to the nearest, halves towards zero."""
    return rounded(n, scale, ROUND_HALF_DOWN)


@builtin("abs(n: number | days and time duration | years and months duration)")
def abs_(n: Any) -> Any:
    """Without its sign."""
    if isinstance(n, YearMonthDuration):
        return YearMonthDuration(abs(n.months))
    if isinstance(n, DayTimeDuration):
        return DayTimeDuration(abs(n.nanos))
    return negate(n) if n < 0 else n


@builtin("modulo(dividend: number, divisor: number)")
def modulo(dividend: Number, divisor: Number) -> Any:
    """What is left of the dividend, with the sign of the divisor."""
    if not divisor:
        return fail("modulo: the divisor is zero")
    if type(dividend) is int and type(divisor) is int:
        return dividend % divisor
    rest = _WIDE.remainder(Decimal(dividend), Decimal(divisor))
    if not rest.is_finite():
        # The quotient has more digits than fit.
        return fail("modulo: {} is too large for {}", dividend, divisor)
    if rest and (rest < 0) != (divisor < 0):
        rest = _WIDE.add(rest, Decimal(divisor))
    return number(rest)


@builtin("sqrt(number: number)")
def sqrt(number: Number) -> Any:
    """The square root."""
    return whole(CONTEXT.sqrt(Decimal(number))) if number >= 0 else fail("sqrt: {} is negative", number)


@builtin("log(number: number)")
def log(number: Number) -> Any:
    """The natural logarithm."""
    return CONTEXT.ln(Decimal(number)) if number > 0 else fail("log: {} is not positive", number)


@builtin("exp(number: number)")
def exp(number: Number) -> Any:
    """Euler's number to this power."""
    result = CONTEXT.exp(Decimal(number))
    return result if result.is_finite() else fail("exp: {} is too large", number)


@builtin("odd(number: number)")
def odd(number: Number) -> bool:
    """Whether it is an odd whole number."""
    return _remainder(number) == 1


@builtin("even(number: number)")
def even(number: Number) -> bool:
    """Whether it is an even whole number."""
    return _remainder(number) == 0


def _remainder(value: Number) -> Number:
    if isinstance(value, int):
        return value % 2
    if value != value.to_integral_value():
        return -1
    return int(value) % 2 if value.adjusted() < CONTEXT.prec else 0
