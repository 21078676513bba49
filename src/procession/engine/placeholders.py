"""`${path}` placeholders in the texts of actions: a JSON text whose strings may name variables.

A string that is one placeholder becomes the value itself, with its type; a placeholder outside of quotes, or within a longer
string, becomes text. `${client.pn}` reads a dotted path; what is not there becomes null (or nothing, within a text). Each is
looked up once: what a variable holds is never read for placeholders again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from procession.engine.codec import decode, encode
from procession.engine.step import Stuck

PLACEHOLDER = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


class Placeholders:
    """What placeholders stand for: `names` first, else the variables."""

    def __init__(self, variables: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        self._variables, self._names = variables, names

    def text(self, text: str) -> str:
        """A text that is no JSON."""
        return PLACEHOLDER.sub(lambda match: _text(self._look(match[1])), text)

    def document(self, text: str, what: str) -> dict[str, Any]:
        """The JSON object that a text stands for; an empty text is an empty object."""
        if not text.strip():
            return {}
        try:
            document = decode(_quote(text))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Stuck(
                "ActionEvaluation", f"The {what} is not valid JSON: {error}", source="Action", details=text[:2000]
            ) from error
        if not isinstance(document, dict):
            raise Stuck("ActionEvaluation", f"The {what} must be a JSON object.", source="Action")
        filled = self._fill(document)
        assert isinstance(filled, dict)
        return filled

    def texts(self, text: str, what: str) -> dict[str, str]:
        """The same, where every value is a text."""
        return {name: _text(value) for name, value in self.document(text, what).items()}

    def _look(self, path: str) -> Any:
        if path in self._names:
            return self._names[path]
        value: Any = self._variables
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item) for item in value]
        if not isinstance(value, str):
            return value
        if whole := PLACEHOLDER.fullmatch(value):
            return self._look(whole[1])
        return self.text(value)


def roots(text: str) -> set[str]:
    """The variables that a text names."""
    return {match[1].partition(".")[0] for match in PLACEHOLDER.finditer(text)}


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


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else encode(value).decode()
