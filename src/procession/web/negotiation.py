"""What a browser can take, and what it has already (RFC 9110, 12.5.3 and 13.1.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from procession.web.files import IDENTITY

_WEIGHT = re.compile(r"^\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


def encoding_for(accepted: str, there: Sequence[str]) -> str:
    """The encoding that is liked most; of equals the first one that is there, and all before none."""
    weights = {}
    for part in accepted.lower().split(","):
        name, *parameters = part.split(";")
        weight = 1.0
        for parameter in parameters:
            found = _WEIGHT.match(parameter)
            weight = float(found[1]) if found else 0.0  # nobody knows what it asks for
        weights[name.strip()] = weight
    rest = weights.get("*", 0.0)
    liked = max(there, key=lambda each: weights.get(each, rest), default=IDENTITY)
    weight = weights.get(liked, rest) if there else 0.0
    return liked if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else IDENTITY


def has_already(known: str, tag: str) -> bool:
    """Whether `If-None-Match` names this entity tag. A proxy that compresses makes a weak one of it."""
    return known.strip() == "*" or tag in _TAG.findall(known)
