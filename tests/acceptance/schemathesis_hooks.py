"""What Schemathesis is told beside the description."""

from __future__ import annotations

from typing import Any

import schemathesis


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
