"""How a built-in function is declared and called.

    @builtin("substring(string: string, start position: number, length?: number)")

declares names (for named arguments), kinds, and what may be left out. The function itself may then trust its arguments:
others have become null with a reason, after the implicit conversions of DMN 1.5, 10.3.2.9.4. A kind may be a choice
(`date | string`); `list*` is one list or any number of items; `items...: any` collects all further arguments. One name
may be declared several times, with other arguments each time; by position, the first one with so many arguments is
called, and the lowest of several decorators is the first.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct

from procession.feel.arithmetic import number
from procession.feel.limits import Run
from procession.feel.reasons import fail
from procession.feel.text import kind
from procession.feel.types import KINDS
from procession.feel.values import Function

F = TypeVar("F", bound=Callable[..., Any])

BUILTINS: dict[str, Builtin] = {}
MISSING: Any = type("Missing", (), {})()  # an argument that was left out between named ones
_LOOKED_AT = frozenset({Decimal, type(MISSING)})  # may be too large; is no value


class Parameter(Struct, frozen=True):
    """One parameter; `kinds` is null when anything will do, `gather` is "list", "rest" or empty."""

    name: str
    kinds: frozenset[type] | None
    wanted: str
    optional: bool = False
    gather: str = ""

    def accept(self, value: Any) -> tuple[bool, Any]:
        """Whether the value fits, and the value after implicit conversions."""
        kinds = self.kinds
        if kinds is None or type(value) in kinds:
            return (number(value) is not None, value) if type(value) is Decimal else (True, value)
        if type(value) is list and len(value) == 1 and type(value[0]) in kinds:
            return True, value[0]
        if list in kinds and value is not None:
            return True, [value]
        return False, None


class Overload:
    """One way to call a built-in function."""

    __slots__ = ("_kinds", "function", "least", "most", "name", "needs_run", "parameters", "signature")

    def __init__(self, signature: str, function: Callable[..., Any], needs_run: bool) -> None:
        self.signature = signature
        self.function = function
        self.needs_run = needs_run
        self.name, self.parameters = _read(signature)
        gathers = bool(self.parameters) and bool(self.parameters[-1].gather)
        self.most = None if gathers else len(self.parameters)
        self.least = sum(not parameter.optional for parameter in self.parameters)
        self._kinds = () if gathers or needs_run else tuple(parameter.kinds for parameter in self.parameters)

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.least <= count and (self.most is None or count <= self.most)

    def takes_function(self, position: int) -> bool:
        """Whether the parameter at this position may be a function."""
        kinds = self.parameters[min(position, len(self.parameters) - 1)].kinds
        return kinds is not None and Function in kinds

    def order(self, names: tuple[str, ...]) -> list[int | None] | None:
        """For each parameter, which of the named arguments it gets; null if the names do not fit."""
        known = [parameter.name for parameter in self.parameters]
        if not set(names) <= set(known):
            return None
        if any(not parameter.optional and parameter.name not in names for parameter in self.parameters):
            return None
        last = max((known.index(name) for name in names), default=-1)
        return [names.index(name) if name in names else None for name in known[: last + 1]]

    def __call__(self, run: Run, *arguments: Any) -> Any:
        run.left -= 1
        if not self._kinds:
            return self._checked(run, arguments)
        for kinds, argument in zip(self._kinds, arguments, strict=False):
            sort = type(argument)
            if sort in _LOOKED_AT or (kinds is not None and sort not in kinds):
                return self._checked(run, arguments)
            if sort is list:
                run.left -= len(argument)
        if run.left < 0:
            run.spend(0)
        return self.function(*arguments)

    def _checked(self, run: Run, arguments: tuple[Any, ...]) -> Any:
        """Call it with the arguments after all checks and conversions."""
        values: list[Any] = [run] if self.needs_run else []
        for position, parameter in enumerate(self.parameters):
            if parameter.gather == "list":
                found = _gather(arguments[position:])
            elif parameter.gather == "rest":
                found = list(arguments[position:])
            elif position < len(arguments):
                found = arguments[position]
            else:
                break
            if found is MISSING:
                values.append(None)
                continue
            fits, value = parameter.accept(found)
            if not fits:
                return fail(
                    f"{self.name}: '{parameter.name}' has to be {parameter.wanted}, not {kind(found)}: {{}}", found
                )
            if type(value) is list:
                run.left -= len(value)
            values.append(value)
        if run.left < 0:
            run.spend(0)
        return self.function(*values)


def _gather(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if len(arguments) == 1 else list(arguments)


class Builtin:
    """A built-in function: one name, one or more ways to call it."""

    __slots__ = ("name", "overloads")

    def __init__(self, name: str) -> None:
        self.name = name
        self.overloads: list[Overload] = []

    def positional(self, count: int) -> Overload | None:
        """The overload for so many arguments."""
        return next((overload for overload in self.overloads if overload.takes(count)), None)

    def named(self, names: tuple[str, ...]) -> tuple[Overload, list[int | None]] | None:
        """The overload for these named arguments, and their order."""
        for overload in self.overloads:
            order = overload.order(names)
            if order is not None:
                return overload, order
        return None

    def value(self) -> Function:
        """The function as a value, to be passed to another one."""
        first = self.overloads[0]
        parameters = tuple(parameter.name for parameter in first.parameters)
        least = min(overload.least for overload in self.overloads)
        highest = [overload.most for overload in self.overloads]
        most = None if None in highest else max(count for count in highest if count is not None)
        return Function(parameters, self._call, self.name, (least, most))

    def _call(self, run: Run, arguments: list[Any]) -> Any:
        overload = self.positional(len(arguments))
        if overload is None:
            return fail(f"{self.name} does not take {len(arguments)} arguments: {self.usage()}")
        return overload(run, *arguments)

    def usage(self) -> str:
        """All signatures."""
        return " or ".join(overload.signature for overload in self.overloads)


def builtin(signature: str, *, run: bool = False) -> Callable[[F], F]:
    """Declare a built-in function; with `run` it gets the running evaluation first."""

    def declare(function: F) -> F:
        overload = Overload(signature, function, run)
        BUILTINS.setdefault(overload.name, Builtin(overload.name)).overloads.append(overload)
        return function

    return declare


def _read(signature: str) -> tuple[str, tuple[Parameter, ...]]:
    name, _, rest = signature.rstrip(")").partition("(")
    return name, tuple(_parameter(text) for text in rest.split(", ") if text)


def _parameter(text: str) -> Parameter:
    name, _, wanted = text.partition(": ")
    optional, rest = name.endswith("?"), name.endswith("...")
    gather = "rest" if rest else "list" if wanted.endswith("*") else ""
    choices = wanted.rstrip("*").split(" | ")
    kinds = None if choices == ["any"] or rest else frozenset().union(*(_kinds(choice) for choice in choices))
    article = " or ".join(f"a {choice}" for choice in choices)
    return Parameter(name.rstrip("?."), kinds, article, optional or rest, gather)


def _kinds(choice: str) -> frozenset[type]:
    return frozenset({type(None)}) if choice == "null" else KINDS[choice]
