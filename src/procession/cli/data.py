"""Data that people give to commands: JSON on the command line, in a file, or on stdin."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

from procession.cli.failures import Usage


def read_object(text: str | None, option: str = "--data") -> dict[str, Any]:
    """The JSON object in `text`, in the file of `@FILE`, or on stdin for `-`; empty when nothing was given."""
    if text is None:
        return {}
    source, content = _content(text, option)
    value = parse(content, source)
    if not isinstance(value, dict):
        kind = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
        raise Usage(f"{source} is {kind}, not a JSON object.", 'Write {"name": value, …}.')
    return value


def parse(content: str, source: str) -> Any:
    """Any JSON value; what is not JSON is refused with the place."""
    try:
        return json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        lines = content.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        begin = max(0, error.colno - 31)
        part = line[begin : error.colno + 29]
        marker = " " * (error.colno - 1 - begin) + "^"
        place = f"line {error.lineno}, column {error.colno}"
        raise Usage(f"{source} is not JSON: {error.msg} ({place}).\n  {part}\n  {marker}") from None
    except ValueError as error:
        raise Usage(f"{source} is not JSON: {error}.") from None
    except RecursionError:
        raise Usage(f"{source} is nested too deeply.") from None


def _content(text: str, option: str) -> tuple[str, str]:
    try:
        if text == "-":
            return "The data on stdin", sys.stdin.read()
        if text.startswith("@"):
            return f"The file '{text[1:]}'", Path(text[1:]).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Usage(f"{option}: cannot read '{text[1:]}': {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise Usage(f"{option}: the data is not UTF-8 (byte {error.start}).") from None
    return f"{option}", text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number that JSON knows")


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"the number {text} is too large")
    return value


def read_file(path: str) -> bytes:
    """The bytes of a file that was named on the command line."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Usage(f"Cannot read '{path}': {error.strerror}.") from None
