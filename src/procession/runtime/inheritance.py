"""Starting with values of an earlier instance: whitelist first, then blacklist, and sent values win by deep merge."""

from __future__ import annotations

from typing import Any

from procession.engine.state import ProcessInstance, merge
from procession.runtime.asks import Inherit


def inherited(source: ProcessInstance, inherit: Inherit, data: dict[str, Any]) -> dict[str, Any]:
    """The data of the new instance. Paths are dotted; a path that is not there copies nothing."""
    values: dict[str, Any] = {}
    if inherit.copy:
        for path in inherit.copy:
            found, value = _look(source.variables, path)
            if found:
                values = merge(values, _wrap(path, value))
    else:
        values = dict(source.variables)
    for path in inherit.without:
        values = _without(values, path.split("."))
    result = merge(values, data)
    assert isinstance(result, dict)
    return result


def _look(value: Any, path: str) -> tuple[bool, Any]:
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value


def _wrap(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def _without(values: dict[str, Any], path: list[str]) -> dict[str, Any]:
    head, *rest = path
    if head not in values:
        return values
    copy = dict(values)
    if not rest:
        del copy[head]
    elif isinstance(copy[head], dict):
        copy[head] = _without(copy[head], rest)
    return copy
