"""Functions on contexts (DMN 1.5, 10.3.4.7, and Camunda 8)."""

from __future__ import annotations

from typing import Any

from procession.feel.builtins.registry import builtin
from procession.feel.reasons import fail

Context = dict[str, Any]


@builtin("get value(context: context, keys: list)")
@builtin("get value(context: context, key: string | list)")
@builtin("get value(m: context, key: string | list)")
def get_value(m: Context, key: Any) -> Any:
    """The value of an entry, or of an entry of an entry."""
    value: Any = m
    for part in [key] if isinstance(key, str) else key:
        if not isinstance(value, dict) or not isinstance(part, str) or part not in value:
            return fail("get value: there is no entry {} in {}", part, value)
        value = value[part]
    return value


@builtin("get entries(context: context)")
@builtin("get entries(m: context)")
def get_entries(m: Context) -> list[Context]:
    """Its entries, as contexts with a key and a value."""
    return [{"key": key, "value": value} for key, value in m.items()]


@builtin("context(entries: list)")
def context(entries: list[Any]) -> Any:
    """A context of such entries."""
    made: Context = {}
    for entry in entries:
        if not isinstance(entry, dict) or not {"key", "value"} <= entry.keys():
            return fail("context: {} has no key and value", entry)
        key = entry["key"]
        if not isinstance(key, str):
            return fail("context: the key {} is not a string", key)
        if key in made:
            return fail("context: the key {} is there twice", key)
        made[key] = entry["value"]
    return made


@builtin("put(context: context, key: string | list, value: any)")
@builtin("context put(context: context, keys: list, value: any)")
@builtin("context put(context: context, key: string | list, value: any)")
def context_put(context: Context, key: Any, value: Any) -> Any:
    """With an entry set, or an entry of an entry."""
    keys = [key] if isinstance(key, str) else key
    if not keys or not all(isinstance(part, str) for part in keys):
        return fail("context put: {} is not a key", key)
    return _put(context, keys, value)


def _put(context: Context, keys: list[str], value: Any) -> Context:
    if len(keys) == 1:
        return {**context, keys[0]: value}
    inner = context.get(keys[0])
    return {**context, keys[0]: _put(inner if isinstance(inner, dict) else {}, keys[1:], value)}


@builtin("put all(contexts: list*)")
@builtin("context merge(contexts: list*)")
def context_merge(contexts: list[Any]) -> Any:
    """The entries of all contexts; a later one replaces an earlier one."""
    merged: Context = {}
    for context in contexts:
        if not isinstance(context, dict):
            return fail("context merge: {} is not a context", context)
        merged.update(context)
    return merged
