"""The built-in functions (DMN 1.5, 10.3.4, and those that Camunda 8 adds), one module per kind of value."""

from __future__ import annotations

from procession.feel.builtins import (
    boolean,
    context,
    conversion,
    list,
    number,
    range,
    string,
    temporal,
)
from procession.feel.builtins.registry import (
    BUILTINS,
    MISSING,
    Builtin,
    Overload,
)

__all__ = [
    "BLANK_NAMES",
    "BUILTINS",
    "EXCLUDED",
    "MISSING",
    "Builtin",
    "Overload",
]

MODULES = (boolean, context, conversion, list, number, range, string, temporal)

_RANDOM = (
    "An expression has to give the same value when history is replayed; let a job or the caller provide the value."
)
EXCLUDED = {
    "uuid": _RANDOM,
    "random number": _RANDOM,
    "fromAi": "It is evaluated by an agent connector, not by the engine.",
}
BLANK_NAMES = frozenset(name for name in (*BUILTINS, *EXCLUDED) if " " in name)
