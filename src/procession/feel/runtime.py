"""What compiled expressions call: names, paths, filters, iterations, ranges and functions.

None of these raises for any value: what cannot be done is null, with a reason. Only a used-up budget raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from procession.feel import compare
from procession.feel.arithmetic import whole_number
from procession.feel.limits import MAX_CALLS, Run, too_deep
from procession.feel.properties import temporal_property
from procession.feel.reasons import fail
from procession.feel.temporal import from_ordinal, ordinal
from procession.feel.text import kind
from procession.feel.tree import Type
from procession.feel.types import coerce
from procession.feel.values import Date, Function, Range

Body = Callable[..., Any]


# -- names and paths


def read(variables: Mapping[str, Any], name: str) -> Any:
    """A variable, with a reason when it is missing; only explained expressions read this way."""
    value = variables.get(name)
    if value is None and name not in variables:
        return fail(f"variable '{name}' is not there")
    return value


def path(value: Any, name: str) -> Any:
    """`value.name`: an entry, a property, or that of each item of a list (DMN 1.5, 10.3.2.5, Table 46)."""
    if type(value) is dict:
        if name in value:
            return value[name]
        return fail(f"the context has no entry '{name}': {{}}", value)
    if type(value) is list:
        return [path(item, name) for item in value]
    if value is None:
        return fail(f"null has no '{name}'")
    found, result = temporal_property(value, name)
    return result if found else fail(kind(value) + f" has no '{name}': {{}}", value)


# -- filters


def index(value: Any, position: Any) -> Any:
    """`value[position]`, counted from 1, or from -1 backwards."""
    number = whole_number(position)
    if value is None:
        return fail("null has no items")
    items = value if type(value) is list else [value]
    if not number or abs(number) > len(items):
        return fail(f"there is no item {{}} in a list of {len(items)}", position)
    return items[number - 1 if number > 0 else number]


def filtered(run: Run, value: Any, condition: Body) -> Any:
    """`value[condition]` (DMN 1.5, 10.3.2.5): the items for which it is true, or one item if it is a number."""
    if value is None:
        return fail("null cannot be filtered")
    items = value if type(value) is list else [value]
    if not items:
        first = condition(None)
        return index(items, first) if type(first) in (int, Decimal) else []
    kept = []
    for position, item in enumerate(items):
        run.left -= 1
        if run.left < 0:
            run.spend(0)
        result = condition(item)
        if result is True:
            kept.append(item)
        elif position == 0 and type(result) in (int, Decimal):
            return index(items, result)
    return kept


# -- iterations


def iterate(run: Run, domains: tuple[Body, ...], body: Body) -> Any:
    """`for … return body` (DMN 1.5, 10.3.2.14): the body also sees the results so far, as `partial`."""
    results: list[Any] = []
    for values in _combinations(run, domains):
        if values is None:
            return None
        results.append(body(*values, results))
    return results


def some(run: Run, domains: tuple[Body, ...], condition: Body) -> Any:
    """`some … satisfies condition`: true if it is once, else null if it was null once (Table 47)."""
    return _quantify(run, domains, condition, True)


def every(run: Run, domains: tuple[Body, ...], condition: Body) -> Any:
    """`every … satisfies condition`: false if it is once, else null if it was null once (Table 47)."""
    return _quantify(run, domains, condition, False)


def _quantify(run: Run, domains: tuple[Body, ...], condition: Body, decisive: bool) -> Any:
    outcome: Any = not decisive
    for values in _combinations(run, domains):
        if values is None:
            return None
        result = condition(*values)
        if result is decisive:
            return decisive
        if result is not (not decisive):
            outcome = fail("a condition has to be true or false, not {}", result)
    return outcome


def _combinations(run: Run, domains: tuple[Body, ...]) -> Iterator[list[Any] | None]:
    """The values of all iteration variables, the last one changing fastest; null once if a domain is none."""
    if len(domains) == 1:
        items = _items(domains[0]())
        if items is None:
            yield None
            return
        for item in items:
            run.left -= 1
            if run.left < 0:
                run.spend(0)
            yield [item]
        return
    for values in _combinations(run, domains[:-1]):
        items = None if values is None else _items(domains[-1](*values))
        if values is None or items is None:
            yield None
            return
        for item in items:
            run.left -= 1
            if run.left < 0:
                run.spend(0)
            yield [*values, item]


def _items(domain: Any) -> Iterable[Any] | None:
    """The items of a list, or the whole numbers or days of a range."""
    if type(domain) is list:
        return domain
    if type(domain) is Range and not domain.operator:
        items = span(domain.start, domain.end, domain.start_included, domain.end_included)
        if items is None or compare.at_most(domain.start, domain.end) is not True:
            fail("cannot iterate over {}", domain)
            return None
        return items
    if type(domain) is _Span:
        return domain.items
    if domain is not None:
        fail("cannot iterate over {}", domain)
    return None


class _Span:
    """The items of `start..end` in an iteration; not a value that an expression can get hold of."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = items


def steps(start: Any, end: Any) -> Any:
    """`start..end` of an iteration, upwards or downwards (rule 44)."""
    items = span(start, end, True, True)
    return fail("cannot iterate from {} to {}", start, end) if items is None else _Span(items)


def span(start: Any, end: Any, start_included: bool, end_included: bool) -> Iterable[Any] | None:
    """The whole numbers or the days from one to the other, towards the end."""
    if type(start) is Date and type(end) is Date:
        days = _whole_span(ordinal(start), ordinal(end), start_included, end_included)
        return (from_ordinal(day) for day in days)
    first, last = whole_number(start), whole_number(end)
    return None if first is None or last is None else _whole_span(first, last, start_included, end_included)


def _whole_span(first: int, last: int, start_included: bool, end_included: bool) -> Iterable[int]:
    step = 1 if first <= last else -1
    return range(first if start_included else first + step, last + step if end_included else last, step)


# -- ranges


def interval(start: Any, end: Any, start_included: bool, end_included: bool) -> Any:
    """`[start..end]`; an end that is null stays open to anything (DMN 1.5, Table 43)."""
    if start is not None and end is not None and not compare.comparable(start, end):
        return fail("a range from {} to {} mixes kinds", start, end)
    for endpoint in (start, end):
        if endpoint is not None and compare.sort_key(endpoint) is None:
            return fail("a range cannot end at " + kind(endpoint) + ": {}", endpoint)
    return Range(start, end, start_included, end_included)


def test_value(operator: str, endpoint: Any) -> Any:
    """`(< endpoint)` as a value: a range without the other end."""
    if operator.startswith("<"):
        return Range(None, endpoint, False, operator == "<=", operator)
    if operator.startswith(">"):
        return Range(endpoint, None, operator == ">=", False, operator)
    return Range(endpoint, endpoint, True, True, operator)


def not_boolean(value: Any) -> Any:
    """The condition of an `if` that is neither true nor false counts as false (Table 44)."""
    if not isinstance(value, bool):
        fail("the condition of 'if' has to be true or false, not {}", value)
    return value


# -- functions


def function(parameters: tuple[str, ...], types: tuple[Type | None, ...], body: Body) -> Function:
    """`function(…) body` as a value, which checks its arguments (DMN 1.5, 10.3.2.9.4)."""

    def invoke(run: Run, arguments: list[Any]) -> Any:
        for position, wanted in enumerate(types):
            if wanted is None:
                continue
            fits, arguments[position] = coerce(arguments[position], wanted)
            if not fits:
                return fail(f"the argument '{parameters[position]}' has to be a {wanted.name}")
        return body(run, *arguments)

    return Function(parameters, invoke, arity=(len(parameters), len(parameters)))


def callee(value: Any, builtin: Function) -> Function:
    """The function that a name means when it is a variable and a built-in function at once."""
    return value if type(value) is Function else builtin


def call(run: Run, target: Any, *arguments: Any) -> Any:
    """Call a function that is a value, with arguments by position."""
    if type(target) is not Function:
        return fail("{} is not a function", target)
    least, most = target.arity
    if not least <= len(arguments) or (most is not None and len(arguments) > most):
        return fail(f"{{}} does not take {len(arguments)} arguments", target)
    run.left -= 1
    if run.left < 0:
        run.spend(0)
    if run.calls >= MAX_CALLS:
        too_deep()
    run.calls += 1
    result = target.call(run, list(arguments))
    run.calls -= 1
    return result


def call_named(run: Run, target: Any, names: tuple[str, ...], *arguments: Any) -> Any:
    """Call a function that is a value, with arguments by name."""
    if type(target) is not Function:
        return fail("{} is not a function", target)
    given = dict(zip(names, arguments, strict=True))
    wanted = target.parameters[: len(given)]
    if set(given) != set(wanted):
        return fail(f"{{}} does not take the arguments {', '.join(names)}", target)
    return call(run, target, *(given[name] for name in wanted))
