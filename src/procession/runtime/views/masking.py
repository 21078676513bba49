"""Sensitive data: who may see it, and what everybody else gets instead.

A data model marks paths as sensitive. Only the program that embeds the engine sees what is there; for everybody else it is
masked wherever data is shown, and cannot be searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from procession.definition import MASK, FlowNode, ProcessDefinition
from procession.engine import events as e
from procession.engine.access import Principal
from procession.engine.codec import copy


def hidden(principal: Principal, definition: ProcessDefinition) -> Collection[str]:
    """The dotted paths whose values the principal may not see."""
    return () if principal.system else definition.sensitive


def reveals(path: str, sensitive: Collection[str]) -> bool:
    """Whether the value at a path is sensitive, holds something sensitive, or is a part of it."""
    steps = path.split(".")
    for other in sensitive:
        wanted = other.split(".")
        shared = min(len(steps), len(wanted))
        if steps[:shared] == wanted[:shared]:
            return True
    return False


def mask(variables: dict[str, Any], definition: ProcessDefinition, principal: Principal) -> dict[str, Any]:
    """Variables as the principal may see them: of their own, the state is not the caller's to change."""
    result: dict[str, Any] = masked(copy(variables), hidden(principal, definition))
    return result


def masked(value: Any, paths: Collection[str]) -> Any:
    """The value with what is at these paths masked; nothing is copied that need not be."""
    for path in paths:
        value = _at(value, path.split("."))
    return value


def _at(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_at(item, path) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    inner = MASK if len(path) == 1 else _at(value[path[0]], path[1:])
    return {**value, path[0]: inner}


def masked_key(key: str, node: FlowNode | None, paths: Collection[str]) -> str:
    """A correlation key; masked where the node makes it of a variable that has something sensitive."""
    if not paths:
        return key
    expression = getattr(getattr(node, "trigger", None), "key", None)
    names = getattr(expression, "names", ())
    return MASK if any(path.split(".")[0] in names for path in paths) else key


# -- history ----------------------------------------------------------------------------------------------------------

Masker = Callable[[Any, Collection[str]], Any]


def _wholly(value: Any, paths: Collection[str]) -> Any:
    """What has no names by which sensitive parts could be told from others."""
    if isinstance(value, list):
        return [MASK] * len(value)
    return None if value is None else MASK


FIELDS: dict[type[e.Fact], dict[str, Masker]] = {
    e.InstanceStarted: {"variables": masked},
    e.CommandKept: {"command": _wholly},
    e.VariablesSet: {"values": masked},
    e.VariablesReplaced: {"values": masked},
    e.VariablesPatched: {"patch": masked},
    e.LocalsSet: {"values": masked},
    e.LoopStarted: {"items": _wholly},
    e.ItemFinished: {"output": _wholly},
    e.SubscriptionOpened: {"key": _wholly},
    e.CallStarted: {"variables": masked},
    e.MessagePublished: {"key": _wholly, "variables": masked, "message_id": _wholly},
    e.RecordSent: {"key": _wholly, "value": _wholly, "headers": _wholly},
}
"""The fields of events that carry data of the process."""

_PLACES = {
    kind.__struct_config__.tag: [(kind.__struct_fields__.index(name) + 1, masker) for name, masker in fields.items()]
    for kind, fields in FIELDS.items()
}


def masked_events(events: list[Any], paths: Collection[str]) -> list[Any]:
    """Tagged arrays of the log with sensitive data masked."""
    if paths:
        for event in events:
            for place, masker in _PLACES.get(event[0], ()):
                if place < len(event):
                    event[place] = masker(event[place], paths)
    return events
