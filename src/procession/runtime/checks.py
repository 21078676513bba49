"""What callers hand in, before it goes anywhere: ids, texts, numbers, spans of time and data. What is none is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, TypeVar

import msgspec

from procession.definition.iso8601 import add_duration, parse_duration, parse_instant
from procession.engine.codec import decode, encode
from procession.engine.triggers.message import correlation_key
from procession.errors import CommandRejected
from procession.runtime.clock import microseconds

T = TypeVar("T")

DEEPEST = 200
"""Levels of objects and lists in each other."""

LARGEST_ID = 2**63 - 1
LONGEST_SPAN = 100 * 365 * 86_400 * 1_000_000
"""Microseconds: a hundred years."""


def identity(value: Any, what: str) -> int:
    """The number behind an id; what cannot be one is not found."""
    if isinstance(value, int) or (isinstance(value, str) and _is_number(value)):
        number = int(value)
        if 0 <= number <= LARGEST_ID:
            return number
    raise CommandRejected(404, f"{what} not found.", f"{str(value)[:50]!r} is no id.")


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= len(str(LARGEST_ID))


def text(value: Any, what: str) -> str:
    """A name or a key: any characters but those that no store keeps."""
    if not isinstance(value, str):
        raise not_valid(f"{what} must be a text, not {kind(value)}.")
    if "\0" in value:
        raise not_valid(f"{what} must not contain the character NUL.")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise not_valid(f"{what} must be Unicode; {ascii(value)[:100]} contains half a surrogate pair.")
    return value


def maybe_text(value: Any, what: str) -> str | None:
    """The same, where none may be given."""
    return None if value is None else text(value, what)


def remark(value: str) -> str:
    """A reason or the message of an error: kept for people to read, with ? for what no store keeps."""
    return str(value).replace("\0", "?").encode("utf-8", "replace").decode()


def number(value: Any, what: str, least: int, most: int = 1_000_000_000) -> int:
    """A whole number within bounds."""
    if not isinstance(value, int) or not least <= value <= most:
        raise not_valid(f"{what} must be a whole number from {least:,} to {most:,}, not {str(value)[:50]}.")
    return value


def span(value: float | timedelta, what: str) -> int:
    """Seconds or a timedelta, in microseconds."""
    try:
        length = microseconds(value)
    except (TypeError, ValueError, OverflowError):
        length = -1
    if not 0 <= length <= LONGEST_SPAN:
        raise not_valid(f"{what} must be seconds or a timedelta, from 0 to a hundred years, not {str(value)[:50]}.")
    return length


def document(data: Mapping[str, Any] | None, limit: int | None = None) -> dict[str, Any]:
    """A copy of the caller's data as JSON values: fractions become decimals; what is no JSON is refused."""
    if not data and (data is None or isinstance(data, Mapping)):
        return {}
    try:
        if not isinstance(data, Mapping):
            raise _NoJson(f"an object, not {kind(data)}")
        if not _plain(data, DEEPEST - 1):
            _check(data, 1)
        encoded = encode(data if isinstance(data, dict) else dict(data))
        if limit is not None and len(encoded) > limit:
            detail = f"Data of {len(encoded):,} bytes; {limit:,} are allowed."
            raise CommandRejected(413, "Request is too large.", detail)
        result: Any = decode(encoded)
    except _NoJson as error:
        raise not_valid(f"Data must be JSON: {error}", error.pointer) from None
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise not_valid(f"Data must be JSON: {error}") from error
    return result  # type: ignore[no-any-return]


def own_document(data: dict[str, Any]) -> dict[str, Any]:
    """Data that was just read from JSON, and is nobody else's: checked, not copied."""
    if data and not _plain(data, DEEPEST - 1):
        return document(data)
    return data


def converted(value: Any, kind: type[T], pointer: str) -> T:
    """A part of a document as what it should be; `pointer` leads to it."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise not_valid(str(error).replace("`", "'"), pointer) from None


def correlation(key: Any) -> str | None:
    """A correlation key: a text or a number."""
    same = correlation_key(Decimal(repr(key)) if isinstance(key, float) else key)
    if key is not None and same is None:
        raise not_valid(f"The correlation key must be a text or a number, not {kind(key)}.")
    return maybe_text(same, "The correlation key")


def duration(value: str, what: str) -> int:
    """An ISO 8601 duration of up to a hundred years, in microseconds (a month counts from 1970-01-01)."""
    try:
        length = add_duration(0, parse_duration(value), "UTC")
    except ValueError as error:
        raise not_valid(f"{what} must be an ISO 8601 duration such as PT1H: {error}") from None
    if not 0 <= length <= LONGEST_SPAN:
        raise not_valid(f"{what} must be from PT0S to a hundred years, not {value[:50]}.")
    return length


def moment(value: str | None, what: str) -> int | None:
    """An ISO 8601 instant, in microseconds since the epoch."""
    if value is None:
        return None
    try:
        return parse_instant(value)
    except ValueError as error:
        raise not_valid(f"{what} must be an instant such as 2030-01-31T12:00:00Z: {error}") from None


class _NoJson(Exception):
    """Something that JSON has not; `path` leads to it, from the inside out."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path: list[str | int] = []

    @property
    def pointer(self) -> str:
        """A JSON pointer (RFC 6901)."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in reversed(self.path))
        return "".join(f"/{step}" for step in steps).encode("utf-8", "replace").decode()[:200]

    def __str__(self) -> str:
        return f"{self.message} (at {self.pointer})." if self.path else f"{self.message}."


_PLAIN = frozenset({str, int, bool, type(None)})


def _plain(value: Any, levels: int) -> bool:
    """Whether it is what almost all data is: a quick answer, where yes is sure."""
    kind = value.__class__
    if kind is dict:
        for name in value:
            if name.__class__ is not str:
                return False
        value = value.values()
    elif kind is not list:
        return False
    for item in value:
        kind = item.__class__
        if kind in _PLAIN or (kind is float and isfinite(item)) or (kind is Decimal and item.is_finite()):
            continue
        if not levels or not _plain(item, levels - 1):
            return False
    return True


def _check(value: Any, depth: int) -> None:
    """The encoder would make null of NaN and a list of a set: what JSON has not is refused, not changed."""
    if value.__class__ in _PLAIN or isinstance(value, str | int):
        return
    if isinstance(value, float | Decimal):
        if not (isfinite(value) if isinstance(value, float) else value.is_finite()):
            raise _NoJson(f"{value} is no number of JSON")
        return
    named = isinstance(value, Mapping)
    if not named and not isinstance(value, list | tuple):
        raise _NoJson(f"{kind(value)} is no value of JSON")
    if depth > DEEPEST:
        raise _NoJson(f"it is nested deeper than {DEEPEST} levels, or contains itself")
    for name, item in value.items() if named else enumerate(value):
        if named and not isinstance(name, str):
            raise _NoJson(f"the name {name!r} is no text")
        if item.__class__ not in _PLAIN:
            try:
                _check(item, depth + 1)
            except _NoJson as error:
                error.path.append(name)
                raise


def kind(value: Any) -> str:
    """What a value is, for people."""
    return f"a {value.__class__.__name__}"


def not_valid(detail: str, pointer: str = "") -> CommandRejected:
    """422, with a JSON pointer to what is wrong."""
    extra = {"errors": [{"pointer": pointer, "message": detail}]} if pointer else None
    return CommandRejected(422, "Not valid.", detail, key="error.validation", extra=extra)
