"""Compiled expressions and unary tests, as the rest of the engine uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from procession.feel.compiler import Compiled, compile_tree
from procession.feel.limits import Environment
from procession.feel.parser import parse_expression, parse_unary_tests
from procession.feel.reasons import Collector, Explanation, Reason
from procession.feel.tree import Node


class Expression:
    """A compiled expression; `fn(variables, env)` evaluates it, and so does calling it.

    `names` are the variables it may read. `warnings` tell what can only be null: calls of functions that do not exist
    or with arguments that they do not take.
    """

    __slots__ = ("_known", "_tree", "fn", "names", "text", "warnings")

    fn: Callable[[Mapping[str, Any], Environment], Any]

    def __init__(self, text: str, node: Node, known: frozenset[str]) -> None:
        self.text, self._tree, self._known = text, node, known
        self.fn, self.names, self.warnings = compile_tree(node, text, known)

    def __call__(self, variables: Mapping[str, Any], env: Environment) -> Any:
        return self.fn(variables, env)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def explain(self, variables: Mapping[str, Any], env: Environment) -> Explanation:
        """Evaluate again, noting why parts of it became null."""
        return _explain(self._explained(), self.text, variables, env)

    def _explained(self) -> Compiled:
        return compile_tree(self._tree, self.text, self._known, explained=True)


class UnaryTests:
    """Compiled unary tests; `fn(variables, env, value)` tells whether the value passes, and so does `matches`."""

    __slots__ = ("_known", "_tree", "fn", "names", "text", "warnings")

    fn: Callable[[Mapping[str, Any], Environment, Any], bool | None]
    warnings: tuple[Reason, ...]

    def __init__(self, text: str, node: Node, known: frozenset[str]) -> None:
        self.text, self._tree, self._known = text, node, known
        self.fn, self.names, self.warnings = compile_tree(node, text, known)

    def __repr__(self) -> str:
        return f"UnaryTests({self.text!r})"

    def matches(self, value: Any, variables: Mapping[str, Any], env: Environment) -> bool | None:
        """Whether the value passes the tests; a test that is null does not pass (DMN 1.5, 8.2.8)."""
        return self.fn(variables, env, value)

    def explain(self, value: Any, variables: Mapping[str, Any], env: Environment) -> Explanation:
        """Test again, noting why parts of the tests became null."""
        compiled = compile_tree(self._tree, self.text, self._known, explained=True)
        return _explain(compiled, self.text, variables, env, value)


def _explain(compiled: Compiled, text: str, *arguments: Any) -> Explanation:
    with Collector() as collector:
        value = compiled.function(*arguments)
    return Explanation(value, collector.reasons(text))


def compile_expression(text: str, *, names: Collection[str] = ()) -> Expression:
    """Compile a FEEL expression; `names` are known variables, those with blanks or odd characters above all."""
    known = frozenset(names)
    return Expression(text, parse_expression(text, known), known)


def compile_unary_tests(text: str, *, names: Collection[str] = ()) -> UnaryTests:
    """Compile the unary tests of a decision table's cell."""
    known = frozenset(names)
    return UnaryTests(text, parse_unary_tests(text, known), known)
