"""Starting with values of an earlier instance: whitelist first, then blacklist, and sent values win by deep merge.

What is masked in the one instance must not be laid open by the other: a sensitive value goes only where it is sensitive too.
"""

from __future__ import annotations

from typing import Any

from procession.definition import ProcessDefinition
from procession.engine.state import ProcessInstance, merge
from procession.runtime.asks import Inherit
from procession.runtime.views import masked


def inherited(source: ProcessInstance, inherit: Inherit) -> dict[str, Any]:
    """What the new instance takes over. Paths are dotted; a path that is not there copies nothing."""
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
    return values


def laid_open(values: dict[str, Any], source: ProcessDefinition, target: ProcessDefinition) -> str | None:
    """Why these values may not be taken over: a path that is sensitive in the one process and not in the other."""
    for path in sorted(source.sensitive):
        covered = any(path == other or path.startswith(f"{other}.") for other in target.sensitive)
        if not covered and masked(values, (path,)) != values:
            return (
                f"{path!r} is sensitive in {source.name!r}, and would be open in {target.name!r}. "
                "Mark it in its data model, or leave it out with withoutParams"
            )
    return None


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
