"""Writes `src/api/types.ts`: what the HTTP API says of its answers and bodies, as types of TypeScript.

`python ui/api_types.py` writes the file, `--check` says whether it is as the API is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from procession.api.application import operations
from procession.api.openapi import document
from procession.engine.codec import encode

FILE = Path(__file__).parent / "src" / "api" / "types.ts"
HEAD = "// Written by `python ui/api_types.py` from the description of the HTTP API. Not to be edited.\n"


def written() -> str:
    """The whole file."""
    described = json.loads(encode(document(operations(), "0")))
    schemas: dict[str, Any] = described["components"]["schemas"]
    return HEAD + "".join(f"\nexport type {name} = {_type(schema, 0)}\n" for name, schema in sorted(schemas.items()))


def _type(schema: dict[str, Any], depth: int) -> str:
    """A JSON schema as a type."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each, depth) for each in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": each}, depth) for each in kind)
    if "prefixItems" in schema:
        return f"[{', '.join(_type(each, depth) for each in schema['prefixItems'])}]"
    if kind == "array":
        inner = _type(schema.get("items", {}), depth)
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "object":
        return _object(schema, depth)
    known = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
    return known.get(str(kind), "unknown")


def _object(schema: dict[str, Any], depth: int) -> str:
    properties: dict[str, Any] = schema.get("properties", {})
    if not properties:
        others = schema.get("additionalProperties")
        return f"Record<string, {_type(others, depth) if isinstance(others, dict) else 'unknown'}>"
    required = schema.get("required", ())
    indent = "  " * (depth + 1)
    lines = []
    for name, inner in properties.items():
        mark = "" if name in required else "?"
        lines.append(f"{indent}{name}{mark}: {_type(inner, depth + 1)}\n")
    return "{\n" + "".join(lines) + "  " * depth + "}"


def main() -> int:
    """0, or 1 where the file is not as the API is."""
    if "--check" not in sys.argv:
        FILE.write_text(written(), encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != written():
        print(f"{FILE.name} is not as the API is. Write it again: python ui/api_types.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
