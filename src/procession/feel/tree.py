"""The syntax tree of FEEL (DMN 1.5, 10.3.1.2): frozen nodes, each with its offset in the text."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Node(Struct, frozen=True):
    """A part of an expression; `at` is its offset, for messages."""

    at: int


class Literal(Node, frozen=True):
    """A value known now: null, true, false, a number, a string, or an @-literal."""

    value: Any


class Name(Node, frozen=True):
    """A variable, or a built-in function used as a value."""

    name: str


class Negation(Node, frozen=True):
    """Minus one operand (rule 4)."""

    operand: Node


class Arithmetic(Node, frozen=True):
    """`first`, then each operator with its operand, from left to right (rule 4)."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


class Comparison(Node, frozen=True):
    """=, !=, <, <=, > or >= (rule 49a)."""

    operator: str
    left: Node
    right: Node


class Between(Node, frozen=True):
    """`value between low and high` (rule 49b)."""

    value: Node
    low: Node
    high: Node


class In(Node, frozen=True):
    """`value in tests` (rule 49c)."""

    value: Node
    tests: tuple[Node, ...]


class Logic(Node, frozen=True):
    """A conjunction or disjunction of two or more operands (rules 47 and 48)."""

    operator: str
    operands: tuple[Node, ...]


class Alternatives(Node, frozen=True):
    """`(a, b)`: several tests, which may stand only after `in` (rule 49c)."""

    tests: tuple[Node, ...]


class InstanceOf(Node, frozen=True):
    """`value instance of type` (rule 51)."""

    value: Node
    type: Type


class If(Node, frozen=True):
    """Branches of a condition and a result each, and the result otherwise (rule 45)."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node


class Iteration(Struct, frozen=True):
    """`name in domain`, or `name in domain..end` (rule 44)."""

    name: str
    domain: Node
    end: Node | None = None


class For(Node, frozen=True):
    """`for iterations return body` (rule 44)."""

    iterations: tuple[Iteration, ...]
    body: Node


class Quantified(Node, frozen=True):
    """`some` or `every` (rule 46)."""

    some: bool
    iterations: tuple[Iteration, ...]
    condition: Node


class ListLiteral(Node, frozen=True):
    """`[a, b]` (rule 54)."""

    items: tuple[Node, ...]


class ContextLiteral(Node, frozen=True):
    """`{key: value}`; each value sees the entries before it (rule 57)."""

    entries: tuple[tuple[str, Node], ...]


class Path(Node, frozen=True):
    """`value.name` (rule 43)."""

    value: Node
    name: str


class Filter(Node, frozen=True):
    """`value[condition]`, or `value[index]` (rule 50)."""

    value: Node
    condition: Node


class Interval(Node, frozen=True):
    """`[start..end]` with either end open or closed (rule 66)."""

    start: Node
    end: Node
    start_included: bool
    end_included: bool


class Test(Node, frozen=True):
    """A comparison with the tested value, such as `< 10` (rule 7)."""

    operator: str
    operand: Node


class Call(Node, frozen=True):
    """A function with arguments by position, or by name (rules 38 to 42)."""

    function: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...] | None = None


class FunctionLiteral(Node, frozen=True):
    """`function(a, b) body` (rule 55)."""

    parameters: tuple[tuple[str, Type | None], ...]
    body: Node


class UnaryTests(Node, frozen=True):
    """Tests of which one has to hold, or with `negated` none; no tests at all is `-` (rules 9 to 12)."""

    tests: tuple[Node, ...]
    negated: bool = False


class Type(Struct, frozen=True):
    """A type: its name, what it is made of, and the names of a context's entries (rule 52)."""

    name: str
    parts: tuple[Type, ...] = ()
    names: tuple[str, ...] = ()
