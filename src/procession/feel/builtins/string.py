"""Functions on strings (DMN 1.5, 10.3.4.3, and Camunda 8)."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any

from procession.feel import regex
from procession.feel.builtins.registry import builtin
from procession.feel.limits import Run, bounded
from procession.feel.reasons import fail

Number = int | Decimal


@builtin("substring(string: string, start position: number, length?: number)")
def substring(string: str, start: Number, length: Number | None = None) -> Any:
    """Characters from a position, counted from 1, or from -1 backwards."""
    first = int(start)
    if first == 0:
        return fail("substring: positions start at 1 or end at -1")
    if abs(first) > len(string):
        return fail("substring: there is no position {} in {}", start, string)
    if length is not None and length < 1:
        return fail("substring: the length {} is less than 1", length)
    begin = first - 1 if first > 0 else len(string) + first
    return string[begin:] if length is None else string[begin : begin + int(length)]


@builtin("string length(string: string)")
def string_length(string: str) -> int:
    """How many characters it has."""
    return len(string)


@builtin("upper case(string: string)")
def upper_case(string: str) -> str:
    """In capital letters."""
    return bounded(string.upper())


@builtin("lower case(string: string)")
def lower_case(string: str) -> str:
    """In small letters."""
    return bounded(string.lower())


@builtin("substring before(string: string, match: string)")
def substring_before(string: str, match: str) -> str:
    """What stands before the first match; nothing if there is none."""
    before, found, _ = string.partition(match) if match else ("", "", "")
    return before if found else ""


@builtin("substring after(string: string, match: string)")
def substring_after(string: str, match: str) -> str:
    """What stands after the first match; nothing if there is none, everything after an empty match."""
    return string.partition(match)[2] if match else string


@builtin("contains(string: string, match: string)")
def contains(string: str, match: str) -> bool:
    """Whether the match is in it."""
    return match in string


@builtin("starts with(string: string, match: string)")
def starts_with(string: str, match: str) -> bool:
    """Whether the match is at its start."""
    return string.startswith(match)


@builtin("ends with(string: string, match: string)")
def ends_with(string: str, match: str) -> bool:
    """Whether the match is at its end."""
    return string.endswith(match)


@builtin("matches(input: string, pattern: string, flags?: string | null)")
def matches(input: str, pattern: str, flags: str | None = None) -> Any:
    """Whether the regular expression is found in it."""
    compiled = regex.compile_pattern(pattern, flags or "", input)
    return None if compiled is None else compiled.search(input) is not None


@builtin("replace(input: string, pattern: string, replacement: string, flags?: string | null)")
def replace(input: str, pattern: str, replacement: str, flags: str | None = None) -> Any:
    """Each match replaced, `$1` in the replacement standing for the first group."""
    compiled = regex.compile_pattern(pattern, flags or "", input)
    return None if compiled is None else regex.replace(compiled, input, replacement)


@builtin("split(string: string, delimiter: string)", run=True)
def split(run: Run, string: str, delimiter: str) -> Any:
    """The parts between the matches of a regular expression."""
    compiled = regex.compile_pattern(delimiter, "", string)
    if compiled is None:
        return None
    parts = regex.split(compiled, string)
    run.spend(len(parts))
    return parts


@builtin("extract(string: string, pattern: string)", run=True)
def extract(run: Run, string: str, pattern: str) -> Any:
    """All matches of a regular expression (Camunda 8)."""
    compiled = regex.compile_pattern(pattern, "", string)
    if compiled is None:
        return None
    found = [match[0] for match in compiled.finditer(string)]
    run.spend(len(found))
    return found


@builtin("string join(list: list, delimiter?: string | null, prefix?: string | null, suffix?: string | null)")
def string_join(
    list: list[Any], delimiter: str | None = None, prefix: str | None = None, suffix: str | None = None
) -> Any:
    """The strings of the list in one, nulls left out."""
    parts = [item for item in list if item is not None]
    for part in parts:
        if not isinstance(part, str):
            return fail("string join: {} is not a string", part)
    return bounded((prefix or "") + (delimiter or "").join(parts) + (suffix or ""))


@builtin("trim(string: string)")
def trim(string: str) -> str:
    """Without blanks at its ends (Camunda 8)."""
    return string.strip()


@builtin("is blank(string: string)")
def is_blank(string: str) -> bool:
    """Whether there are only blanks in it (Camunda 8)."""
    return not string.strip()


@builtin("to base64(value: string)")
def to_base64(value: str) -> str:
    """Its bytes in UTF-8, in base 64 (Camunda 8)."""
    return bounded(base64.b64encode(value.encode("utf-8", "replace")).decode("ascii"))


@builtin("from base64(value: string)")
def from_base64(value: str) -> Any:
    """The string that was put into base 64 (Camunda 8)."""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return fail("from base64: {} is not a string in base 64", value)
