"""What the engine needs of an expression; `feel` provides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class Reason(Protocol):
    """Why an expression became null, and where in its text."""

    @property
    def message(self) -> str: ...


class Explanation(Protocol):
    """A value with the reasons for every null on the way to it."""

    @property
    def value(self) -> Any: ...
    @property
    def reasons(self) -> Sequence[Reason]: ...


class Expression(Protocol):
    """A compiled expression: total and without side effects. `fn(variables, environment)` gives its value."""

    @property
    def text(self) -> str: ...
    @property
    def names(self) -> frozenset[str]: ...
    @property
    def fn(self) -> Callable[[Mapping[str, Any], Any], Any]: ...
    def explain(self, variables: Mapping[str, Any], env: Any) -> Explanation: ...


Value = str | Expression
"""A static text, or an expression that gives the value."""
