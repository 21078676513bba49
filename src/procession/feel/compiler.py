"""Turns a syntax tree into a Python function.

The Python syntax tree made here consists of names that we chose, of constants, and of calls to helpers from a table; no
text of the user becomes source. Numbers are calculated in line while they are ints and the result fits into 34 digits.

Names are found in scopes, the innermost first: a filter's item (whose entries are names), then bound names (entries of
the context literal, iteration variables, parameters), and last the variables, each read with one `get`.

With `explained` nothing is in line: each helper is called through `at`, which tells where in the text we are.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, NamedTuple

from procession.errors import ExpressionError
from procession.feel import arithmetic, compare, reasons, runtime, tree, types
from procession.feel.builtins import BUILTINS, EXCLUDED, MISSING, Builtin, Overload
from procession.feel.limits import Run, too_deep
from procession.feel.reasons import Reason, place

_VARIABLES, _ENV, _INPUT, _RUN = "variables", "env", "tested", "run"
_INLINE_LINKS = 8  # a longer sum is calculated by one helper, to keep the Python tree shallow
_SUM_BOUND = arithmetic.INT_LIMIT // 10
_FACTOR_BOUND = 10**17
_HELPERS: dict[str, Callable[..., Any] | type] = {
    "add": arithmetic.add,
    "subtract": arithmetic.subtract,
    "multiply": arithmetic.multiply,
    "divide": arithmetic.divide,
    "power": arithmetic.power,
    "negate": arithmetic.negate,
    "calculate": arithmetic.calculate,
    "equal": compare.equal,
    "unequal": compare.unequal,
    "less": compare.less,
    "at_most": compare.at_most,
    "greater": compare.greater,
    "at_least": compare.at_least,
    "both": compare.both,
    "either": compare.either,
    "between": compare.between,
    "is_in": compare.is_in,
    "any_of": compare.any_of,
    "read": runtime.read,
    "path": runtime.path,
    "index": runtime.index,
    "filtered": runtime.filtered,
    "iterate": runtime.iterate,
    "some": runtime.some,
    "every": runtime.every,
    "steps": runtime.steps,
    "interval": runtime.interval,
    "test_value": runtime.test_value,
    "not_boolean": runtime.not_boolean,
    "is_instance": types.is_instance,
    "function": runtime.function,
    "call": runtime.call,
    "call_named": runtime.call_named,
    "callee": runtime.callee,
    "at": reasons.at,
    "fail": reasons.fail,
    "too_deep": too_deep,
    "Run": Run,
    "int": int,
    "str": str,
    "dict": dict,
    "type": type,
    "RecursionError": RecursionError,
}
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power"}
_COMPARISON = {"=": "equal", "!=": "unequal", "<": "less", "<=": "at_most", ">": "greater", ">=": "at_least"}
_PYTHON: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}
_PYTHON_COMPARE: dict[str, ast.cmpop] = {
    "=": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
}


class Compiled(NamedTuple):
    """The function, the names it reads from the variables, and what is suspicious about it."""

    function: Callable[..., Any]
    names: frozenset[str]
    warnings: tuple[Reason, ...]


class Item(NamedTuple):
    """The scope of a filter: the Python name of the item."""

    variable: str


Scope = Item | dict[str, str]


def compile_tree(node: tree.Node, text: str, names: Collection[str] = (), *, explained: bool = False) -> Compiled:
    """A function of variables and environment; for unary tests also of the tested value."""
    compiler = _Compiler(text, frozenset(names), explained)
    tests = isinstance(node, tree.UnaryTests)
    if tests:
        compiler.scopes.append({"?": _INPUT})
    try:
        body = compiler.unary_tests(node) if isinstance(node, tree.UnaryTests) else compiler.emit(node)
        function = compiler.function(body, [_VARIABLES, _ENV, *([_INPUT] if tests else [])])
    except (RecursionError, MemoryError):
        hint = "Split it into several expressions."
        raise ExpressionError("The expression is nested too deeply.", text, hint=hint) from None
    return Compiled(function, frozenset(compiler.free), tuple(compiler.warnings))


class _Compiler:
    __slots__ = ("_count", "_explained", "_globals", "_known", "_runs", "_text", "free", "scopes", "warnings")

    def __init__(self, text: str, known: frozenset[str], explained: bool) -> None:
        self._text = text
        self._known = known
        self._explained = explained
        self._globals: dict[str, Any] = {"__builtins__": {}, **_HELPERS}
        self._count = 0
        self._runs = False
        self.scopes: list[Scope] = []
        self.free: set[str] = set()
        self.warnings: list[Reason] = []

    # -- pieces of Python

    def function(self, body: ast.expr, parameters: list[str]) -> Callable[..., Any]:
        """The whole, with one guard for data that is nested too deeply."""
        statements: list[ast.stmt] = [ast.Return(body)]
        if self._runs:
            run = ast.Call(_name("Run"), [_name(_ENV)], [])
            statements.insert(0, ast.Assign([ast.Name(_RUN, ast.Store())], run))
        handler = ast.ExceptHandler(_name("RecursionError"), None, [ast.Return(ast.Call(_name("too_deep"), [], []))])
        guarded: list[ast.stmt] = [ast.Try(statements, [handler], [], [])]
        definition = ast.FunctionDef("expression", _parameters(parameters), guarded, [], None)
        module = ast.fix_missing_locations(ast.Module([definition], []))
        exec(compile(module, "<feel>", "exec"), self._globals)
        made: Callable[..., Any] = self._globals["expression"]
        return made

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _constant(self, value: Any) -> ast.expr:
        """A value that Python's constants cannot hold is a name in the table."""
        if value is None or type(value) in (bool, int, str):
            return ast.Constant(value)
        name = self._fresh("k")
        self._globals[name] = value
        return _name(name)

    def _op(self, node: tree.Node, helper: str, *arguments: ast.expr) -> ast.expr:
        """A call of a helper, that knows its place when it is explained."""
        if self._explained:
            return ast.Call(_name("at"), [ast.Constant(node.at), _name(helper), *arguments], [])
        return ast.Call(_name(helper), list(arguments), [])

    def _run(self) -> ast.expr:
        self._runs = True
        return _name(_RUN)

    def _temporary(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """An expression that keeps its value, and the name to use it again; a plain name stays itself."""
        if isinstance(value, ast.Name | ast.Constant):
            return value, value
        name = self._fresh("t")
        return ast.NamedExpr(ast.Name(name, ast.Store()), value), _name(name)

    def _lambda(self, parameters: list[str], scope: Scope, body: tree.Node) -> ast.expr:
        self.scopes.append(scope)
        try:
            return ast.Lambda(_parameters(parameters), self.emit(body))
        finally:
            self.scopes.pop()

    # -- expressions

    def emit(self, node: tree.Node) -> ast.expr:
        """The Python expression for a node."""
        return _EMITTERS[type(node)](self, node)

    def _literal(self, node: tree.Literal) -> ast.expr:
        return self._constant(node.value)

    def _name(self, node: tree.Name) -> ast.expr:
        return self._resolve(node, len(self.scopes))

    def _resolve(self, node: tree.Name, depth: int) -> ast.expr:
        """The name as the scopes below `depth` know it."""
        for level in range(depth - 1, -1, -1):
            scope = self.scopes[level]
            if isinstance(scope, dict):
                if node.name in scope:
                    return _name(scope[node.name])
            elif node.name == "item":
                return _name(scope.variable)
            else:
                return self._entry(scope, node, self._resolve(node, level))
        return self._variable(node)

    def _entry(self, scope: Item, node: tree.Name, otherwise: ast.expr) -> ast.expr:
        """An entry of the filter's item if it has one of this name."""
        item = _name(scope.variable)
        has = ast.Compare(ast.Constant(node.name), [ast.In()], [item])
        entry = ast.Subscript(item, ast.Constant(node.name), ast.Load())
        return ast.IfExp(_and(_is_type(item, "dict"), has), entry, otherwise)

    def _variable(self, node: tree.Name) -> ast.expr:
        self.free.add(node.name)
        key = ast.Constant(node.name)
        if self._explained:
            return self._op(node, "read", _name(_VARIABLES), key)
        return ast.Call(ast.Attribute(_name(_VARIABLES), "get", ast.Load()), [key], [])

    # -- operators

    def _negation(self, node: tree.Negation) -> ast.expr:
        return self._op(node, "negate", self.emit(node.operand))

    def _arithmetic(self, node: tree.Arithmetic) -> ast.expr:
        result = self.emit(node.first)
        if len(node.rest) > _INLINE_LINKS:
            operators = self._constant(tuple(operator for operator, _ in node.rest))
            return self._op(node, "calculate", operators, result, *(self.emit(operand) for _, operand in node.rest))
        for operator, operand in node.rest:
            result = self._calculate(node, operator, result, self.emit(operand))
        return result

    def _calculate(self, node: tree.Node, operator: str, left: ast.expr, right: ast.expr) -> ast.expr:
        constant = isinstance(left, ast.Constant) and isinstance(right, ast.Constant)
        if self._explained or constant or operator not in _PYTHON or not (_may_be_int(left) and _may_be_int(right)):
            return self._op(node, _ARITHMETIC[operator], left, right)
        bound = _FACTOR_BOUND if operator == "*" else _SUM_BOUND
        (left, left_again), (right, right_again) = self._temporary(left), self._temporary(right)
        if isinstance(right, ast.Constant):
            tests = [_is_type(left, "int")]
        elif isinstance(left, ast.Constant):
            tests = [_is_type(right, "int")]
        else:
            # One comparison, so that both operands have their value whatever it says.
            types = [ast.Call(_name("type"), [value], []) for value in (left, right)]
            tests = [ast.Compare(types[0], [ast.Is(), ast.Is()], [types[1], _name("int")])]
        bounds = [_within(again, bound) for again in (left_again, right_again) if not isinstance(again, ast.Constant)]
        inline = ast.BinOp(left_again, _PYTHON[operator], right_again)
        otherwise = self._op(node, _ARITHMETIC[operator], left_again, right_again)
        return ast.IfExp(_and(*tests, *bounds), inline, otherwise)

    def _comparison(self, node: tree.Comparison) -> ast.expr:
        return self._compared(node, node.operator, self.emit(node.left), self.emit(node.right))

    def _compared(self, node: tree.Node, operator: str, left: ast.expr, right: ast.expr) -> ast.expr:
        """A comparison, in line when one side is a constant and the other turns out to be of its kind."""
        helper = _COMPARISON[operator]
        kind = _inline_kind(right) or _inline_kind(left)
        constant = isinstance(left, ast.Constant) and isinstance(right, ast.Constant)
        if self._explained or kind is None or constant or (kind == "str" and operator not in ("=", "!=")):
            return self._op(node, helper, left, right)
        (left, left_again), (right, right_again) = self._temporary(left), self._temporary(right)
        test = _is_type(left if isinstance(right, ast.Constant) else right, kind)
        inline = ast.Compare(left_again, [_PYTHON_COMPARE[operator]], [right_again])
        return ast.IfExp(test, inline, self._op(node, helper, left_again, right_again))

    def _logic(self, node: tree.Logic) -> ast.expr:
        """Kleene's logic: an operand that decides ends it, before the others are looked at."""
        decisive, helper = (False, "both") if node.operator == "and" else (True, "either")
        pairs = [self._temporary(self.emit(operand)) for operand in node.operands]
        decided = [_is(value, decisive) for value, _ in pairs]
        agreed = [_is(again, not decisive) for _, again in pairs]
        undecided = self._op(node, helper, *(again for _, again in pairs))
        rest = ast.IfExp(_and(*agreed), ast.Constant(not decisive), undecided)
        return ast.IfExp(ast.BoolOp(ast.Or(), decided), ast.Constant(decisive), rest)

    def _between(self, node: tree.Between) -> ast.expr:
        return self._op(node, "between", self.emit(node.value), self.emit(node.low), self.emit(node.high))

    def _instance_of(self, node: tree.InstanceOf) -> ast.expr:
        return self._op(node, "is_instance", self._function_or_value(node.value), self._constant(node.type))

    def _if(self, node: tree.If) -> ast.expr:
        result = self.emit(node.otherwise)
        for condition, value in reversed(node.branches):
            tested = self.emit(condition)
            if self._explained:
                tested = self._op(condition, "not_boolean", tested)
            result = ast.IfExp(_is(tested, True), self.emit(value), result)
        return result

    # -- tests

    def _in(self, node: tree.In) -> ast.expr:
        value, again = self._temporary(self.emit(node.value))
        tests = [self._tested(test, again) for test in node.tests]
        # The value is kept before the tests use it.
        result = tests[0] if len(tests) == 1 else self._alternatives(node, tests)
        if value is again:
            return result
        return ast.Subscript(ast.Tuple([value, result], ast.Load()), ast.Constant(1), ast.Load())

    def _alternatives(self, node: tree.Node, tests: list[ast.expr]) -> ast.expr:
        """True at the first test that is true."""
        pairs = [self._temporary(test) for test in tests]
        failed = self._op(node, "any_of", *(again for _, again in pairs))
        return ast.IfExp(ast.BoolOp(ast.Or(), [_is(test, True) for test, _ in pairs]), ast.Constant(True), failed)

    def _tested(self, test: tree.Node, value: ast.expr) -> ast.expr:
        """Whether a value, that is a plain name, passes one test."""
        if isinstance(test, tree.Test):
            return self._compared(test, test.operator, value, self.emit(test.operand))
        tested = self.emit(test)
        if _inline_kind(tested) is not None:
            return self._compared(test, "=", value, tested)
        return self._op(test, "is_in", value, tested)

    def unary_tests(self, node: tree.UnaryTests) -> ast.expr:
        """Whether one of the tests holds for the tested value (DMN 1.5, 7.3.10 and rules 9 to 12)."""
        if not node.tests:
            return ast.Constant(True)
        results = [_is(self._unary_test(test), True) for test in node.tests]
        matched: ast.expr = results[0] if len(results) == 1 else ast.BoolOp(ast.Or(), results)
        return ast.UnaryOp(ast.Not(), matched) if node.negated else matched

    def _unary_test(self, test: tree.Node) -> ast.expr:
        """An expression that asks about `?` has to be true; any other has to be equal to the value, or contain it."""
        if isinstance(test, tree.Test):
            return self._tested(test, _name(_INPUT))
        value, again = self._temporary(self.emit(test))
        is_in = self._op(test, "is_in", _name(_INPUT), again)
        if not any(isinstance(part, ast.Name) and part.id == _INPUT for part in ast.walk(value)):
            return self._op(test, "is_in", _name(_INPUT), value)
        return ast.IfExp(_is(value, True), ast.Constant(True), ast.IfExp(_is(again, False), ast.Constant(False), is_in))

    def _misplaced(self, node: tree.Alternatives) -> ast.expr:
        message = "Several values in parentheses may stand only after 'in'."
        raise ExpressionError(message, self._text, *place(self._text, node.at), "Write a list: [a, b].")

    def _test(self, node: tree.Test) -> ast.expr:
        return self._op(node, "test_value", ast.Constant(node.operator), self.emit(node.operand))

    def _interval(self, node: tree.Interval) -> ast.expr:
        ends = (ast.Constant(node.start_included), ast.Constant(node.end_included))
        return self._op(node, "interval", self.emit(node.start), self.emit(node.end), *ends)

    # -- lists and contexts

    def _list(self, node: tree.ListLiteral) -> ast.expr:
        return ast.List([self.emit(item) for item in node.items], ast.Load())

    def _context(self, node: tree.ContextLiteral) -> ast.expr:
        scope: dict[str, str] = {}
        self.scopes.append(scope)
        values: list[ast.expr] = []
        for key, entry in node.entries:
            variable = self._fresh("c")
            values.append(ast.NamedExpr(ast.Name(variable, ast.Store()), self.emit(entry)))
            scope[key] = variable
        self.scopes.pop()
        return ast.Dict([ast.Constant(key) for key, _ in node.entries], values)

    def _path(self, node: tree.Path) -> ast.expr:
        value, name = self.emit(node.value), ast.Constant(node.name)
        if self._explained:
            return self._op(node, "path", value, name)
        value, again = self._temporary(value)
        entry = ast.Call(ast.Attribute(again, "get", ast.Load()), [name], [])
        return ast.IfExp(_is_type(value, "dict"), entry, self._op(node, "path", again, name))

    def _filter(self, node: tree.Filter) -> ast.expr:
        value = self.emit(node.value)
        if isinstance(node.condition, tree.Literal) and type(node.condition.value) in (int, Decimal):
            return self._op(node, "index", value, self._constant(node.condition.value))
        item = self._fresh("i")
        return self._op(node, "filtered", self._run(), value, self._lambda([item], Item(item), node.condition))

    # -- iterations

    def _for(self, node: tree.For) -> ast.expr:
        domains, scope = self._domains(node.iterations)
        variables = list(scope.values())
        body_scope = {"partial": self._fresh("p"), **scope}
        body = self._lambda([*variables, body_scope["partial"]], body_scope, node.body)
        return self._op(node, "iterate", self._run(), domains, body)

    def _quantified(self, node: tree.Quantified) -> ast.expr:
        domains, scope = self._domains(node.iterations)
        condition = self._lambda(list(scope.values()), scope, node.condition)
        return self._op(node, "some" if node.some else "every", self._run(), domains, condition)

    def _domains(self, iterations: tuple[tree.Iteration, ...]) -> tuple[ast.expr, dict[str, str]]:
        """Each domain as a function of the variables before it, and the Python names of all variables."""
        names: list[str] = []
        scope: dict[str, str] = {}
        domains: list[ast.expr] = []
        for iteration in iterations:
            self.scopes.append(dict(scope))
            domain = self.emit(iteration.domain)
            if iteration.end is not None:
                domain = self._op(iteration.domain, "steps", domain, self.emit(iteration.end))
            self.scopes.pop()
            domains.append(ast.Lambda(_parameters(names), domain))
            names = [*names, self._fresh("v")]
            scope[iteration.name] = names[-1]
        return ast.Tuple(domains, ast.Load()), _distinct(scope, names)

    # -- functions

    def _function(self, node: tree.FunctionLiteral) -> ast.expr:
        scope = {name: self._fresh("a") for name, _ in node.parameters}
        body = self._lambda([_RUN, *scope.values()], scope, node.body)
        names = self._constant(tuple(scope))
        return self._op(node, "function", names, self._constant(tuple(kind for _, kind in node.parameters)), body)

    def _call(self, node: tree.Call) -> ast.expr:
        if not isinstance(node.function, tree.Name):
            return self._dynamic(node, self.emit(node.function))
        name = node.function.name
        builtin = BUILTINS.get(name)
        if self._is_bound(name):
            target = self.emit(node.function)
            if builtin is not None:
                # A variable that is no function does not hide one.
                target = self._op(node, "callee", target, self._constant(builtin.value()))
            return self._dynamic(node, target)
        if builtin is not None:
            return self._builtin(node, builtin)
        if name in EXCLUDED:
            message = f"The function '{name}' is not available."
            raise ExpressionError(message, self._text, *place(self._text, node.at), EXCLUDED[name])
        self._warn(f"There is no function '{name}'.", node.at)
        return self._dynamic(node, self.emit(node.function))

    def _is_bound(self, name: str) -> bool:
        return name in self._known or any(isinstance(scope, dict) and name in scope for scope in self.scopes)

    def _dynamic(self, node: tree.Call, target: ast.expr) -> ast.expr:
        """A call of whatever function the target turns out to be."""
        arguments = [self._function_or_value(argument) for argument in node.arguments]
        if node.names is None:
            return self._op(node, "call", self._run(), target, *arguments)
        return self._op(node, "call_named", self._run(), target, self._constant(node.names), *arguments)

    def _function_or_value(self, node: tree.Node) -> ast.expr:
        """Where a function may be meant, the name of a built-in one is its value, if there is no such variable."""
        if not isinstance(node, tree.Name) or node.name not in BUILTINS or self._is_bound(node.name):
            return self.emit(node)
        self.free.add(node.name)
        function = self._constant(BUILTINS[node.name].value())
        get = ast.Attribute(_name(_VARIABLES), "get", ast.Load())
        return ast.Call(get, [ast.Constant(node.name), function], [])

    def _builtin(self, node: tree.Call, builtin: Builtin) -> ast.expr:
        """A call of a built-in function, its overload chosen now."""
        count = len(node.arguments)
        if node.names is not None:
            found = builtin.named(node.names)
        else:
            overload = builtin.positional(count)
            found = None if overload is None else (overload, list(range(count)))
        if found is not None:
            return self._overload(node, *found)
        given = f"{count} arguments" if node.names is None else f"the arguments {', '.join(node.names)}"
        message = f"{builtin.name} does not take {given}: {builtin.usage()}"
        self._warn(message, node.at)
        return self._op(node, "fail", self._constant(message.replace("{", "{{").replace("}", "}}")))

    def _overload(self, node: tree.Call, overload: Overload, order: list[int | None]) -> ast.expr:
        """The call, with a stand-in for each argument that is left out between named ones."""
        arguments: list[ast.expr] = []
        for position, given in enumerate(order):
            if given is None:
                arguments.append(self._constant(MISSING))
            elif overload.takes_function(position):
                arguments.append(self._function_or_value(node.arguments[given]))
            else:
                arguments.append(self.emit(node.arguments[given]))
        helper = self._fresh("f")
        self._globals[helper] = overload
        return self._op(node, helper, self._run(), *arguments)

    def _warn(self, message: str, at: int) -> None:
        self.warnings.append(Reason(message, *place(self._text, at)))


_EMITTERS: dict[type[tree.Node], Callable[[_Compiler, Any], ast.expr]] = {
    tree.Literal: _Compiler._literal,
    tree.Name: _Compiler._name,
    tree.Negation: _Compiler._negation,
    tree.Arithmetic: _Compiler._arithmetic,
    tree.Comparison: _Compiler._comparison,
    tree.Between: _Compiler._between,
    tree.In: _Compiler._in,
    tree.Logic: _Compiler._logic,
    tree.InstanceOf: _Compiler._instance_of,
    tree.If: _Compiler._if,
    tree.For: _Compiler._for,
    tree.Quantified: _Compiler._quantified,
    tree.ListLiteral: _Compiler._list,
    tree.ContextLiteral: _Compiler._context,
    tree.Path: _Compiler._path,
    tree.Filter: _Compiler._filter,
    tree.Interval: _Compiler._interval,
    tree.Test: _Compiler._test,
    tree.Call: _Compiler._call,
    tree.FunctionLiteral: _Compiler._function,
    tree.Alternatives: _Compiler._misplaced,
}


def _distinct(scope: dict[str, str], names: list[str]) -> dict[str, str]:
    """The scope with an entry for each parameter, also for a variable that a later one of the same name hides."""
    hidden = [name for name in names if name not in scope.values()]
    ordered = {name: key for key, name in scope.items()} | {name: f"{name} hidden" for name in hidden}
    return {ordered[name]: name for name in names}


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _parameters(names: list[str]) -> ast.arguments:
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])


def _and(*tests: ast.expr) -> ast.expr:
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), list(tests))


def _is(value: ast.expr, constant: bool) -> ast.expr:
    if isinstance(value, ast.Constant):
        return ast.Constant(value.value is constant)
    return ast.Compare(value, [ast.Is()], [ast.Constant(constant)])


def _is_type(value: ast.expr, name: str) -> ast.expr:
    return ast.Compare(ast.Call(_name("type"), [value], []), [ast.Is()], [_name(name)])


def _within(value: ast.expr, bound: int) -> ast.expr:
    return ast.Compare(ast.Constant(-bound), [ast.Lt(), ast.Lt()], [value, ast.Constant(bound)])


def _may_be_int(value: ast.expr) -> bool:
    """Whether it is worth testing for an int; a large constant or a string is not."""
    if isinstance(value, ast.Constant):
        return type(value.value) is int and abs(value.value) < _FACTOR_BOUND
    return not (isinstance(value, ast.Name) and value.id.startswith("k"))


def _inline_kind(value: ast.expr) -> str | None:
    """The Python type within which a comparison with this constant may be done in line."""
    if isinstance(value, ast.Constant) and type(value.value) in (int, str):
        return type(value.value).__name__
    return None
