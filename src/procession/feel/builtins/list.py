"""Functions on lists (DMN 1.5, 10.3.4.4, and Camunda 8)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from procession.feel.arithmetic import CONTEXT, add, divide, multiply, subtract
from procession.feel.builtins.registry import builtin
from procession.feel.compare import comparable, equal, key_of, sort_key
from procession.feel.limits import Run
from procession.feel.reasons import fail
from procession.feel.runtime import call
from procession.feel.values import Function

List = list[Any]
LIST = list
Number = int | Decimal

_NUMBERS = (int, Decimal)


@builtin("list contains(list: list, element: any)")
def list_contains(list: List, element: Any) -> bool:
    """Whether an item equals the element."""
    return any(_same(item, element) for item in list)


@builtin("count(list: list)")
def count(list: List) -> int:
    """How many items there are."""
    return len(list)


@builtin("is empty(list: list)")
def is_empty(list: List) -> bool:
    """Whether there are no items (Camunda 8)."""
    return not list


def _same(left: Any, right: Any) -> bool:
    if (type(left) is LIST) != (type(right) is LIST):
        return False
    return equal(left, right) is True


# -- one value from many


@builtin("min(list: list*)")
def min_(list: List) -> Any:
    """The least item."""
    return _extreme("min", list, -1)


@builtin("max(list: list*)")
def max_(list: List) -> Any:
    """The greatest item."""
    return _extreme("max", list, 1)


def _extreme(name: str, items: List, sign: int) -> Any:
    if not items:
        return fail(name + ": the list is empty")
    best = items[0]
    if sort_key(best) is None:
        return fail(name + ": {} has no order", best)
    for item in items[1:]:
        if not comparable(best, item) or sort_key(item) is None:
            return fail(name + ": cannot compare {} and {}", best, item)
        if (sort_key(item) > sort_key(best)) == (sign > 0) and sort_key(item) != sort_key(best):
            best = item
    return best


def _numbers(name: str, items: List) -> bool:
    """Whether there are items and all are numbers; else the reason is noted."""
    if not items:
        fail(name + ": the list is empty")
        return False
    for item in items:
        if type(item) not in _NUMBERS:
            fail(name + ": {} is not a number", item)
            return False
    return True


@builtin("sum(list: list*)")
def sum_(list: List) -> Any:
    """All numbers added."""
    return _fold("sum", list, add)


@builtin("product(list: list*)")
def product(list: List) -> Any:
    """All numbers multiplied."""
    return _fold("product", list, multiply)


def _fold(name: str, items: List, operation: Callable[[Any, Any], Any]) -> Any:
    if not _numbers(name, items):
        return None
    result = items[0]
    for item in items[1:]:
        result = operation(result, item)
    return result


@builtin("mean(list: list*)")
def mean(list: List) -> Any:
    """The average of the numbers."""
    return divide(_fold("mean", list, add), len(list)) if _numbers("mean", list) else None


@builtin("median(list: list*)")
def median(list: List) -> Any:
    """The middle one of the numbers, or the average of the middle two."""
    if not _numbers("median", list):
        return None
    ordered = sorted(list)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else divide(add(ordered[middle - 1], ordered[middle]), 2)


@builtin("stddev(list: list*)")
def stddev(list: List) -> Any:
    """The standard deviation of a sample."""
    if not _numbers("stddev", list):
        return None
    if len(list) < 2:
        return fail("stddev: one number does not deviate")
    average = mean(list)
    differences = [subtract(item, average) for item in list]
    squares = [multiply(item, item) for item in differences]
    variance = divide(_fold("stddev", squares, add), len(list) - 1)
    return None if variance is None else CONTEXT.sqrt(Decimal(variance))


@builtin("mode(list: list*)")
def mode(list: List) -> Any:
    """The numbers that occur most often, in order."""
    if not list:
        return []
    if not _numbers("mode", list):
        return None
    counts: dict[Any, int] = {}
    for item in list:
        counts[item] = counts.get(item, 0) + 1
    most = max(counts.values())
    return sorted(item for item, times in counts.items() if times == most)


# -- parts and changes


def _position(name: str, items: List, position: Number, *, beyond: int = 0) -> int | None:
    """The index of a position that counts from 1, or from -1 backwards; else the reason is noted."""
    number = int(position)
    if number == 0 or abs(number) > len(items) + beyond:
        fail(f"{name}: there is no position {{}} in a list of {len(items)}", position)
        return None
    return number - 1 if number > 0 else len(items) + number


@builtin("sublist(list: list, start position: number, length?: number)")
def sublist(list: List, start: Number, length: Number | None = None) -> Any:
    """Items from a position."""
    first = _position("sublist", list, start)
    if first is None:
        return None
    if length is not None and (length < 0 or first + int(length) > len(list)):
        return fail("sublist: there are no {} items from position {}", length, start)
    return list[first:] if length is None else list[first : first + int(length)]


@builtin("append(list: list, items...: any)")
def append(list: List, items: List) -> List:
    """With further items at its end."""
    return [*list, *items]


@builtin("concatenate(lists...: any)", run=True)
def concatenate(run: Run, lists: List) -> Any:
    """The items of all lists."""
    return _joined(run, "concatenate", lists)


@builtin("union(lists...: any)", run=True)
def union(run: Run, lists: List) -> Any:
    """The items of all lists, each once."""
    joined = _joined(run, "union", lists)
    return None if joined is None else distinct_values(joined)


def _joined(run: Run, name: str, lists: List) -> Any:
    if not lists:
        return fail(name + ": there is no list")
    result: List = []
    for part in lists:
        if part is None:
            return fail(name + ": null is not a list")
        items = part if type(part) is LIST else [part]
        run.spend(len(items))
        result += items
    return result


@builtin("insert before(list: list, position: number, newItem: any)")
def insert_before(list: List, position: Number, new_item: Any) -> Any:
    """With an item before that of a position."""
    index = _position("insert before", list, position)
    return None if index is None else [*list[:index], new_item, *list[index:]]


@builtin("remove(list: list, position: number)")
def remove(list: List, position: Number) -> Any:
    """Without the item of a position."""
    index = _position("remove", list, position)
    return None if index is None else [*list[:index], *list[index + 1 :]]


@builtin("list replace(list: list, position: number | function, newItem: any)", run=True)
@builtin("list replace(list: list, match: number | function, newItem: any)", run=True)
def list_replace(run: Run, list: List, match: Any, new_item: Any) -> Any:
    """With the item of a position, or each item that a function picks, replaced."""
    if not isinstance(match, Function):
        index = _position("list replace", list, match)
        return None if index is None else [*list[:index], new_item, *list[index + 1 :]]
    result: List = []
    for item in list:
        picked = call(run, match, item, new_item)
        if not isinstance(picked, bool):
            return fail("list replace: the function has to be true or false, not {}", picked)
        result.append(new_item if picked else item)
    return result


@builtin("reverse(list: list)")
def reverse(list: List) -> List:
    """In the opposite order."""
    return list[::-1]


@builtin("index of(list: list, match: any)")
def index_of(list: List, match: Any) -> List:
    """The positions of the items that equal the match."""
    return [position for position, item in enumerate(list, 1) if _same(item, match)]


@builtin("distinct values(list: list)")
def distinct_values(list: List) -> List:
    """Each item once."""
    first: dict[Any, Any] = {}
    for item in list:
        first.setdefault(key_of(item), item)
    return [*first.values()]


@builtin("duplicate values(list: list)")
def duplicate_values(list: List) -> List:
    """The items that occur more than once (Camunda 8)."""
    counts: dict[Any, int] = {}
    for item in list:
        key = key_of(item)
        counts[key] = counts.get(key, 0) + 1
    return [item for item in distinct_values(list) if counts[key_of(item)] > 1]


@builtin("flatten(list: list)", run=True)
def flatten(run: Run, list: List) -> List:
    """The items of the lists in the list, at any depth."""
    result: List = []
    waiting = list[::-1]
    while waiting:
        run.spend(1)
        item = waiting.pop()
        if type(item) is LIST:
            waiting += item[::-1]
        else:
            result.append(item)
    return result


@builtin("partition(list: list, size: number)")
def partition(list: List, size: Number) -> Any:
    """Lists of so many items each, the last one perhaps shorter (Camunda 8)."""
    step = int(size)
    if step < 1:
        return fail("partition: the size {} is less than 1", size)
    return [list[start : start + step] for start in range(0, len(list), step)]


# -- order


@builtin("sort(list: list)")
def sort_natural(list: List) -> Any:
    """From the least to the greatest."""
    for item in list:
        if sort_key(item) is None or not comparable(list[0], item):
            return fail("sort: cannot compare {} and {}", list[0], item)
    return sorted(list, key=sort_key)


@builtin("sort(list: list, precedes: function)", run=True)
def sort(run: Run, list: List, precedes: Function) -> Any:
    """In the order that a function tells: whether its first argument comes before the second (DMN 1.5, 10.3.4.6)."""
    undecided: List = []

    def order(left: Any, right: Any) -> int:
        before = call(run, precedes, left, right)
        if not isinstance(before, bool):
            undecided.append(before)
        if before is True:
            return -1
        return 1 if call(run, precedes, right, left) is True else 0

    result = sorted(list, key=cmp_to_key(order))
    return fail("sort: the function has to be true or false, not {}", undecided[0]) if undecided else result
