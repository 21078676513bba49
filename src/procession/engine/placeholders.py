"""`${path}` placeholders in the texts of actions: a JSON text whose strings may name variables.

A string that is one placeholder becomes the value itself, with its type; a placeholder outside of quotes, or within a longer
string, becomes text. `${client.pn}` reads a dotted path; what is not there becomes null (or nothing, within a text).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from procession.definition import FlowNode
from procession.engine.codec import decode, encode
from procession.engine.step import Step, Stuck

PLACEHOLDER = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


def resolve(
    step: Step, node: FlowNode, what: str, text: str, variables: Mapping[str, Any], names: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON object that a text stands for; an empty text is an empty object."""
    if not text.strip():
        return {}

    def look(path: str) -> Any:
        if path in names:
            return names[path]
        value: Any = variables
        for part in path.split("."):
            value = value.get(part) if hasattr(value, "get") else None
        return value

    try:
        document = decode(_quote(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Stuck(
            "ActionEvaluation",
            f"The {what} of '{step.label(node.id)}' is not valid JSON: {error}",
            source="Action",
            details=text[:2000],
        ) from error
    if not isinstance(document, dict):
        raise Stuck(
            "ActionEvaluation", f"The {what} of '{step.label(node.id)}' must be a JSON object.", source="Action"
        )
    filled = _fill(document, look)
    assert isinstance(filled, dict)
    return filled


def _quote(text: str) -> str:
    """Put placeholders that stand outside of quotes into quotes."""
    out: list[str] = []
    inside, position = False, 0
    while position < len(text):
        char = text[position]
        if inside and char == "\\":
            out.append(text[position : position + 2])
            position += 2
            continue
        if char == '"':
            inside = not inside
        elif char == "$" and not inside and (match := PLACEHOLDER.match(text, position)):
            out.append(f'"{match[0]}"')
            position = match.end()
            continue
        out.append(char)
        position += 1
    return "".join(out)


def _fill(value: Any, look: Any) -> Any:
    if isinstance(value, dict):
        return {name: _fill(item, look) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, look) for item in value]
    if not isinstance(value, str):
        return value
    if whole := PLACEHOLDER.fullmatch(value):
        return look(whole[1])
    return PLACEHOLDER.sub(lambda match: _text(look(match[1])), value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else encode(value).decode()
