"""A Pratt parser for FEEL (grammar.md; DMN 1.5, 10.3.1.2).

It knows the names with blanks that are in scope while it reads, because only they tell where such a name ends. Depth is
bounded here, so that nothing behind the parser can run out of stack.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from procession.errors import ExpressionError
from procession.feel import lexer, tree
from procession.feel.arithmetic import CONTEXT
from procession.feel.builtins import BLANK_NAMES
from procession.feel.lexer import Lexer, Token
from procession.feel.reasons import place
from procession.feel.temporal import parse_literal
from procession.feel.types import TYPE_NAMES

N = TypeVar("N", bound=tree.Node)

MAX_DEPTH = 80
MAX_LENGTH = 200_000
_MAX_RETRIES = 50

_OR, _AND, _COMPARE, _ADD, _MULTIPLY, _POWER, _NEGATE, _INSTANCE, _POSTFIX = range(1, 10)
_SYMBOLS = {
    "=": _COMPARE,
    "!=": _COMPARE,
    "<": _COMPARE,
    "<=": _COMPARE,
    ">": _COMPARE,
    ">=": _COMPARE,
    "+": _ADD,
    "-": _ADD,
    "*": _MULTIPLY,
    "/": _MULTIPLY,
    "**": _POWER,
    ".": _POSTFIX,
    "[": _POSTFIX,
    "(": _POSTFIX,
}
_WORDS = {"or": _OR, "and": _AND, "between": _COMPARE, "in": _COMPARE, "instance": _INSTANCE}
_TESTS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_RESERVED = frozenset(
    {"if", "for", "some", "every", "function"}
    | {"and", "or", "then", "else", "in", "return", "satisfies", "between", "instance", "external"}
)
_HABITS = {"==": "=", "&&": "and", "||": "or", "=>": ">=", "=<": "<=", "<>": "!=", "!": "not(...)"}
_CONSTANTS = {"null": None, "true": True, "false": False}
_PROPERTIES = frozenset({"time offset", "start included", "end included"})


def parse_expression(text: str, names: Collection[str] = ()) -> tree.Node:
    """The tree of a textual expression."""
    parser = _Parser(text, lexer.odd(names))
    return parser.whole(parser.expression)


def parse_unary_tests(text: str, names: Collection[str] = ()) -> tree.UnaryTests:
    """The tree of unary tests (rules 9 to 12)."""
    parser = _Parser(text, lexer.odd(names))
    return parser.whole(parser.unary_tests)


class _Parser:
    __slots__ = ("_depth", "_known", "_last", "_lexer", "_open_end", "_position", "_properties", "_retries", "_text")

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self._text = text
        self._lexer = Lexer(text)
        self._known = names
        self._properties = names | _PROPERTIES
        self._position = 0
        self._depth = 0
        self._retries = 0
        self._open_end = False
        self._last: tuple[int, Token] | None = None
        if len(text) > MAX_LENGTH:
            raise self._error(f"The expression is longer than {MAX_LENGTH} characters.", 0)

    # -- tokens

    def _operator(self) -> Token:
        """The next token, where an operator may stand; it is not taken yet."""
        if self._last is None or self._last[0] != self._position:
            self._last = (self._position, self._lexer.operator(self._position))
        return self._last[1]

    def _operand(self) -> Token:
        """The next token, where an operand may stand; it is not taken yet."""
        return self._lexer.operand(self._position, lexer.matcher(self._known, BLANK_NAMES))

    def _take(self, token: Token) -> None:
        self._position = token.end

    def _accept(self, text: str) -> Token | None:
        """Take the next token if it is this symbol or word."""
        token = self._operator()
        if token.text == text and token.kind in ("symbol", "name"):
            self._take(token)
            return token
        return None

    def _expect(self, *texts: str) -> Token:
        for text in texts:
            if token := self._accept(text):
                return token
        token = self._operator()
        wanted = " or ".join(f"'{text}'" for text in texts)
        raise self._error(f"Expected {wanted}, but found {_found(token)}.", token.at, self._hint(token))

    def _error(self, message: str, at: int, hint: str = "") -> ExpressionError:
        line, column = place(self._text, at)
        return ExpressionError(message, self._text, line, column, hint)

    def _hint(self, token: Token) -> str:
        for wrong, right in _HABITS.items():
            if self._text.startswith(wrong, token.at) or self._text.startswith(wrong, max(token.at - 1, 0)):
                return f"FEEL writes {right} for {wrong}."
        if token.kind != "name":
            return ""
        return "Join the parts with an operator; a name with blanks has to be known, or stand between backticks."

    def whole(self, read: Callable[[], N]) -> N:
        """What the whole text is, read by one of the methods."""
        try:
            node = read()
        except RecursionError:
            # The depth is bounded, but the caller may have left too little of the stack.
            raise self._error("The expression is nested too deeply.", self._position) from None
        token = self._operator()
        if token.kind == "end":
            return node
        if token.kind == "bad":
            raise self._bad(token)
        raise self._error(f"Expected an operator, but found {_found(token)}.", token.at, self._hint(token))

    def _bad(self, token: Token) -> ExpressionError:
        if token.text == '"':
            return self._error("The string does not end.", token.at, 'Close it with a quotation mark (").')
        if token.text == "'":
            return self._error("A string needs double quotation marks.", token.at, 'Write "text".')
        return self._error(f"The character {token.text!r} has no meaning here.", token.at, self._hint(token))

    @contextmanager
    def _knowing(self, names: Collection[str]) -> Iterator[None]:
        """New names are in scope."""
        outer = self._known
        self._known = outer | lexer.odd(names)
        self._properties |= self._known
        try:
            yield
        finally:
            self._known = outer

    # -- expressions

    def expression(self, power: int = 0, *, open_end: bool = False) -> tree.Node:
        """An expression whose operators all bind tighter than `power`."""
        outer, self._open_end = self._open_end, open_end
        self._deeper(1)
        node = self._prefix()
        links = 0
        while (token := self._operator()).kind in ("symbol", "name"):
            strength = (_SYMBOLS if token.kind == "symbol" else _WORDS).get(token.text, 0)
            if strength <= power or (open_end and token.text == "["):
                break
            links += 1
            self._deeper(1)
            self._take(token)
            node = self._infix(node, token, strength)
        self._depth -= links + 1
        self._open_end = outer
        return node

    def _deeper(self, levels: int) -> None:
        self._depth += levels
        if self._depth > MAX_DEPTH:
            raise self._error(f"The expression is nested more than {MAX_DEPTH} levels deep.", self._position)

    def _prefix(self) -> tree.Node:
        token = self._operand()
        if token.kind == "name" and token.text in _RESERVED:
            return self._word(token)
        self._take(token)
        match token.kind:
            case "number":
                number = _number(token.text)
                if isinstance(number, Decimal) and not number.is_finite():  # no JSON has a form for that
                    raise self._error("The number is too large: it must be less than 1E+6145.", token.at)
                return tree.Literal(token.at, number)
            case "string":
                return tree.Literal(token.at, lexer.unescape(token.text))
            case "name" if token.text in _CONSTANTS:
                return tree.Literal(token.at, _CONSTANTS[token.text])
            case "name" | "quoted":
                return tree.Name(token.at, lexer.one_blank(token.text))
            case "symbol" if token.text in _PREFIXES:
                return _PREFIXES[token.text](self, token)
            case "bad":
                raise self._bad(token)
        raise self._error(f"Expected an expression, but found {_found(token)}.", token.at, self._hint(token))

    def _word(self, token: Token) -> tree.Node:
        self._take(token)
        if token.text in ("and", "or") and self._operator().text == "(":
            return tree.Name(token.at, token.text)
        if token.text in _STATEMENTS:
            return _STATEMENTS[token.text](self, token)
        raise self._error(f"Expected an expression, but found the word '{token.text}'.", token.at)

    def _infix(self, left: tree.Node, token: Token, power: int) -> tree.Node:
        match token.text:
            case "+" | "-" | "*" | "/" | "**":
                return self._arithmetic(left, token, power)
            case "and" | "or":
                return self._logic(left, token, power)
            case "between":
                low = self.expression(_COMPARE)
                self._expect("and")
                return tree.Between(token.at, left, low, self.expression(_COMPARE))
            case "in":
                return tree.In(token.at, left, self._tests())
            case "instance":
                self._expect("of")
                return tree.InstanceOf(token.at, left, self._type())
            case ".":
                return tree.Path(token.at, left, self._property())
            case "[":
                condition = self.expression()
                self._expect("]")
                return tree.Filter(token.at, left, condition)
            case "(":
                return self._call(left, token)
        return tree.Comparison(token.at, token.text, left, self.expression(_COMPARE))

    def _arithmetic(self, left: tree.Node, token: Token, power: int) -> tree.Node:
        """Operators of one strength form one node, so that a long sum is not a deep one."""
        at, rest = token.at, [(token.text, self.expression(power, open_end=self._open_end))]
        while (token := self._operator()).kind == "symbol" and power <= _POWER and _SYMBOLS.get(token.text) == power:
            self._take(token)
            rest.append((token.text, self.expression(power, open_end=self._open_end)))
        return tree.Arithmetic(at, left, tuple(rest))

    def _logic(self, left: tree.Node, token: Token, power: int) -> tree.Node:
        operands = [left, self.expression(power)]
        while self._accept(token.text):
            operands.append(self.expression(power))
        return tree.Logic(token.at, token.text, tuple(operands))

    def _property(self) -> str:
        token = self._lexer.operand(self._position, lexer.matcher(self._properties))
        if token.kind not in ("name", "quoted"):
            raise self._error(f"Expected a name after '.', but found {_found(token)}.", token.at)
        self._take(token)
        return lexer.one_blank(token.text)

    # -- calls and types

    def _call(self, function: tree.Node, token: Token) -> tree.Node:
        at = function.at if isinstance(function, tree.Name) else token.at
        if self._accept(")"):
            return tree.Call(at, function, ())
        names: list[str] = []
        arguments: list[tree.Node] = []
        while True:
            start = self._lexer.skip(self._position)
            label = self._lexer.label(start)
            if label is not None and label[1] == ":":
                self._position = label[3]
                self._expect(":")
                names.append(label[0])
            elif names:
                raise self._error("Either all arguments are named or none.", start)
            arguments.append(self.expression())
            if self._expect(",", ")").text == ")":
                break
        if names and len(names) < len(arguments):
            raise self._error("Either all arguments are named or none.", at)
        if len(set(names)) < len(names):
            raise self._error("An argument is given twice.", at)
        return tree.Call(at, function, tuple(arguments), tuple(names) if names else None)

    def _type(self) -> tree.Type:
        self._deeper(1)
        token = self._lexer.operand(self._position, lexer.matcher(TYPE_NAMES))
        if token.kind not in ("name", "quoted") or token.text not in TYPE_NAMES:
            raise self._error(f"Expected a type, but found {_found(token)}.", token.at, "Types: " + _TYPE_LIST)
        self._take(token)
        found = self._typed(token.text)
        self._depth -= 1
        return found

    def _typed(self, name: str) -> tree.Type:
        if name == "context" and self._accept("<"):
            return self._context_type()
        if name == "function" and self._accept("<"):
            parts = [] if self._operator().text == ">" else [self._type()]
            while parts and self._accept(","):
                parts.append(self._type())
            self._expect(">")
            self._expect("->")
            return tree.Type(name, (*parts, self._type()))
        if name in ("list", "range") and self._accept("<"):
            part = self._type()
            self._expect(">")
            return tree.Type(name, (part,))
        return tree.Type(name)

    def _context_type(self) -> tree.Type:
        names: list[str] = []
        parts: list[tree.Type] = []
        while True:
            names.append(self._label("name of an entry", ":"))
            self._expect(":")
            parts.append(self._type())
            if self._expect(",", ">").text == ">":
                return tree.Type("context", tuple(parts), tuple(names))

    def _label(self, what: str, *after: str) -> str:
        """Take a new name that ends before one of these characters."""
        label = self._lexer.label(self._position)
        if label is None or label[1] not in after:
            token = self._operator()
            raise self._error(f"Expected the {what}, but found {_found(token)}.", token.at)
        self._position = label[3]
        return label[0]

    # -- prefixes

    def _negation(self, token: Token) -> tree.Node:
        operand = self.expression(_NEGATE, open_end=self._open_end)
        if isinstance(operand, tree.Literal) and type(operand.value) in (int, Decimal):
            return tree.Literal(token.at, -operand.value)
        return tree.Negation(token.at, operand)

    def _at_literal(self, token: Token) -> tree.Node:
        text = self._operator()
        if text.kind != "string":
            raise self._error('Expected a string after "@".', token.at, 'Such as @"2024-02-29" or @"P1D".')
        self._take(text)
        value = parse_literal(lexer.unescape(text.text))
        if value is None:
            raise self._error(f"{text.text} is no date, time, date and time, or duration.", token.at)
        return tree.Literal(token.at, value)

    def _parenthesis(self, token: Token) -> tree.Node:
        """`(a)`, `(a..b)`, `(< a)`, or after `in` also `(a, b)`."""
        may_be_interval = self._operator().text not in _TESTS
        first = self._test()
        if may_be_interval and self._accept(".."):
            return self._interval(token, first, False)
        tests = [first]
        while self._accept(","):
            tests.append(self._test())
        self._expect(")")
        return tree.Alternatives(token.at, tuple(tests)) if len(tests) > 1 else first

    def _bracket(self, token: Token) -> tree.Node:
        """A list or an interval with its start included."""
        if self._accept("]"):
            return tree.ListLiteral(token.at, ())
        may_be_interval = self._operator().text not in _TESTS
        first = self._test()
        if may_be_interval and self._accept(".."):
            return self._interval(token, first, True)
        items = [first]
        while self._expect(",", "]").text == ",":
            items.append(self._test())
        return tree.ListLiteral(token.at, tuple(items))

    def _open_start(self, token: Token) -> tree.Node:
        """`]a..b]`"""
        start = self.expression()
        self._expect("..")
        return self._interval(token, start, False)

    def _interval(self, token: Token, start: tree.Node, included: bool) -> tree.Node:
        """The rest of an interval. In `[1..10[` the last bracket is no filter: then read the end a second time."""
        position, depth, known = self._position, self._depth, self._known
        try:
            end = self.expression()
            close = self._expect("]", ")", "[")
        except ExpressionError:
            self._retries += 1
            if self._retries > _MAX_RETRIES:
                raise
            self._position, self._depth, self._known = position, depth, known
            end = self.expression(open_end=True)
            close = self._expect("]", ")", "[")
        return tree.Interval(token.at, start, end, included, close.text == "]")

    def _context(self, token: Token) -> tree.Node:
        entries: list[tuple[str, tree.Node]] = []
        if self._accept("}"):
            return tree.ContextLiteral(token.at, ())
        outer = self._known
        while True:
            key = self._key()
            if any(key == name for name, _ in entries):
                raise self._error(f"The context has two entries named '{key}'.", self._position)
            self._expect(":")
            value = self.expression()
            entries.append((key, value))
            self._known |= lexer.odd([key])
            self._properties |= self._known
            if self._expect(",", "}").text == "}":
                self._known = outer
                return tree.ContextLiteral(token.at, tuple(entries))

    def _key(self) -> str:
        token = self._operator()
        if token.kind == "string":
            self._take(token)
            return lexer.unescape(token.text)
        if token.kind == "quoted":
            self._take(token)
            return token.text
        return self._label("name of an entry", ":")

    # -- statements

    def _if(self, token: Token) -> tree.Node:
        branches: list[tuple[tree.Node, tree.Node]] = []
        while True:
            condition = self.expression()
            self._expect("then")
            branches.append((condition, self.expression()))
            self._expect("else")
            if not self._accept("if"):
                return tree.If(token.at, tuple(branches), self.expression())

    def _for(self, token: Token) -> tree.Node:
        iterations = self._iterations()
        self._expect("return")
        with self._knowing([iteration.name for iteration in iterations]):
            return tree.For(token.at, iterations, self.expression())

    def _quantified(self, token: Token) -> tree.Node:
        iterations = self._iterations()
        self._expect("satisfies")
        with self._knowing([iteration.name for iteration in iterations]):
            return tree.Quantified(token.at, token.text == "some", iterations, self.expression())

    def _iterations(self) -> tuple[tree.Iteration, ...]:
        iterations: list[tree.Iteration] = []
        outer = self._known
        while True:
            found = self._lexer.variable(self._position)
            if found is None:
                token = self._operator()
                raise self._error(f"Expected a name and 'in', but found {_found(token)}.", token.at)
            name, self._position = found
            self._expect("in")
            domain = self.expression()
            end = self.expression() if self._accept("..") else None
            iterations.append(tree.Iteration(name, domain, end))
            self._known |= lexer.odd([name])
            if not self._accept(","):
                self._known = outer
                return tuple(iterations)

    def _function(self, token: Token) -> tree.Node:
        self._expect("(")
        parameters: list[tuple[str, tree.Type | None]] = []
        while not self._accept(")"):
            if parameters:
                self._expect(",")
            name = self._label("name of a parameter", ":", ",", ")")
            parameters.append((name, self._type() if self._accept(":") else None))
        if self._operator().text == "external":
            hint = "Write the body in FEEL, or let a job worker do it."
            raise self._error("External functions are not supported.", self._operator().at, hint)
        names = [name for name, _ in parameters]
        if len(set(names)) < len(names):
            raise self._error("A parameter is named twice.", token.at)
        with self._knowing(names):
            return tree.FunctionLiteral(token.at, tuple(parameters), self.expression())

    # -- tests

    def _tests(self) -> tuple[tree.Node, ...]:
        """What stands after `in`."""
        node = self._test(_COMPARE)
        return node.tests if isinstance(node, tree.Alternatives) else (node,)

    def _test(self, power: int = 0) -> tree.Node:
        """A comparison with the tested value, or an expression."""
        token = self._operator()
        if token.kind == "symbol" and token.text in _TESTS:
            self._take(token)
            return tree.Test(token.at, token.text, self.expression(_COMPARE))
        return self.expression(power)

    def unary_tests(self) -> tree.UnaryTests:
        """`-`, tests, or `not(tests)`."""
        start = self._lexer.skip(0)
        if self._text[start:].strip() == "-":
            self._position = len(self._text)
            return tree.UnaryTests(start, ())
        if self._accept("not") and self._accept("("):
            tests = self._test_list()
            self._expect(")")
            if self._operator().kind == "end":
                return tree.UnaryTests(start, tests, negated=True)
        self._position = start
        return tree.UnaryTests(start, self._test_list())

    def _test_list(self) -> tuple[tree.Node, ...]:
        tests = [self._test()]
        while self._accept(","):
            tests.append(self._test())
        return tuple(tests)


_PREFIXES: dict[str, Callable[[_Parser, Token], tree.Node]] = {
    "-": _Parser._negation,
    "(": _Parser._parenthesis,
    "[": _Parser._bracket,
    "]": _Parser._open_start,
    "{": _Parser._context,
    "@": _Parser._at_literal,
}
_STATEMENTS: dict[str, Callable[[_Parser, Token], tree.Node]] = {
    "if": _Parser._if,
    "for": _Parser._for,
    "some": _Parser._quantified,
    "every": _Parser._quantified,
    "function": _Parser._function,
}
_TYPE_LIST = ", ".join(sorted(TYPE_NAMES))


def _number(text: str) -> int | Decimal:
    """Digits only are an integer while 34 of them suffice; everything else is a decimal."""
    if text.isdigit() and len(digits := text.lstrip("0")) <= CONTEXT.prec:
        return int(digits or "0")  # without the zeros in front: Python refuses to read thousands of digits
    return CONTEXT.create_decimal(text)


def _found(token: Token) -> str:
    return "the end" if token.kind == "end" else f"'{token.text}'"
