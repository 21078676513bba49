"""Functions on truth (DMN 1.5, 10.3.4.2, 10.3.4.9 and Camunda 8)."""

from __future__ import annotations

from typing import Any

from procession.feel.builtins.registry import builtin
from procession.feel.reasons import fail
from procession.feel.values import Time


@builtin("not(negand: any)")
def not_(negand: Any) -> Any:
    """True for false and false for true, else null."""
    return not negand if isinstance(negand, bool) else fail("not: {} is neither true nor false", negand)


@builtin("is(value1: any, value2: any)")
def is_(value1: Any, value2: Any) -> bool:
    """Whether both are the same value of the same kind, down to the zone (DMN 1.5, 10.3.4.9)."""
    if isinstance(value1, Time) and isinstance(value2, Time):
        return value1 == value2
    number = isinstance(value1, bool) == isinstance(value2, bool)
    return number and value1 == value2


@builtin("is defined(value: any)")
def is_defined(value: Any) -> bool:
    """Whether the value is not null (Camunda 8)."""
    return value is not None


@builtin("get or else(value: any, default: any)")
def get_or_else(value: Any, default: Any) -> Any:
    """The value, or the default for null (Camunda 8)."""
    return default if value is None else value


@builtin("assert(value: any, condition: any, cause?: any)")
def assert_(value: Any, condition: Any, cause: Any = None) -> Any:
    """The value if the condition is true, else null (Camunda 8)."""
    if condition is True:
        return value
    return fail("assert: the condition is {}" + (": {}" if cause is not None else ""), condition, cause)


@builtin("and(list: list*)")
@builtin("all(list: list*)")
def all_(list: list[Any]) -> Any:
    """False if an item is false, else null if an item is not true, else true."""
    return _agree("all", list, False)


@builtin("or(list: list*)")
@builtin("any(list: list*)")
def any_(list: list[Any]) -> Any:
    """True if an item is true, else null if an item is not false, else false."""
    return _agree("any", list, True)


def _agree(name: str, items: list[Any], decisive: bool) -> Any:
    if any(item is decisive for item in items):
        return decisive
    odd = [item for item in items if not isinstance(item, bool)]
    return fail(name + ": {} is neither true nor false", odd[0]) if odd else not decisive
