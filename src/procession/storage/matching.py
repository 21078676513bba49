"""Whether a variable has the value that a query asks for: the same answer from every store."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_MISSING = object()


def conditions(variables: Mapping[str, Any]) -> list[str]:
    """Each dotted path and its value as a JSON array: the variable's name, the path inside it, the value."""
    return [_encode([*_split(path), value]).decode() for path, value in variables.items()]


def _split(path: str) -> tuple[str, list[str]]:
    name, *inside = path.split(".")
    return name, inside


@lru_cache(maxsize=256)
def parse(condition: str) -> tuple[str, list[str], Any]:
    """The name, the path and the value of one of the `conditions`."""
    name, inside, value = _decode(condition)
    return name, inside, value


def matches(value: bytes, condition: str) -> bool:
    """Whether the JSON of a variable has, at the path of the condition, its value."""
    _, inside, wanted = parse(condition)
    found = _decode(value)
    for step in inside:
        found = found.get(step, _MISSING) if isinstance(found, dict) else _MISSING
    return same(found, wanted)


def same(one: Any, other: Any) -> bool:
    """JSON equality: 1 is 1.0 and not true; objects whatever the order of their names."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
