"""Forms: JSON Schemas (draft 2020-12) that data from people is held against. Only this module knows the library that does it.

A form is checked as a whole when it is added (`valid`), and made ready for use at its first use: the library takes longer to
import than everything else of an engine together, and most engines never need it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError
from msgspec import json as exact

if TYPE_CHECKING:
    from jsonschema_rs import Validator

LARGEST = 1_000_000
"""Bytes of one form."""

MOST = 100
"""More mistakes than these help nobody."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
HINT = "Correct it: it must be a JSON Schema of draft 2020-12."

_TYPES = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_FORMATS = {
    "date": "a date such as 2030-01-31",
    "time": "a time such as 12:00:00Z",
    "date-time": "a date and time such as 2030-01-31T12:00:00Z",
    "duration": "a duration such as P1D",
    "email": "an e-mail address",
    "uri": "an address such as https://example.com",
    "uuid": "a UUID",
    "regex": "a regular expression that is matched in linear time: no look-around, no back-reference",
}
_decoder = exact.Decoder(float_hook=Decimal)


class FormError(ValueError):
    """What is wrong with a form, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True)
class Form:
    """A JSON Schema by the key with which a process refers to it; `data` is the file as it came."""

    key: str
    data: bytes
    schema: Mapping[str, Any]

    def check(self, data: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Everything that does not fit: JSON pointers, in order, with messages, which never have a value of the data in them."""
        found: dict[tuple[str, str], None] = {}
        for error in self._validator.iter_errors(data):
            for wrong in _mistakes(error):
                found[wrong] = None
            if len(found) >= MOST:
                break
        return sorted(found)[:MOST]

    @cached_property
    def names(self) -> frozenset[str]:
        """The properties that the schema names for the document as a whole."""
        return frozenset(_names(self.schema))

    @cached_property
    def _validator(self) -> Validator:
        library = import_module("jsonschema_rs")
        found: Validator = library.Draft202012Validator(
            self.schema,
            validate_formats=True,
            pattern_options=library.RegexOptions(),  # the engine that needs linear time
            mask="***",
            offline=True,  # whatever a schema refers to is in it: nothing is fetched
        )
        return found


def read_form(key: str, data: bytes) -> Form:
    """A form by its bytes; `FormError` where they are no JSON object."""
    if len(data) > LARGEST:
        raise FormError(
            f"The form is larger than the {LARGEST:,} bytes that are allowed.", "Ask for less on one screen."
        )
    try:
        schema = _decoder.decode(data)
    except InvalidOperation:
        raise FormError("The form has a number that nobody can count with.", "Write a smaller one.") from None
    except (DecodeError, UnicodeDecodeError) as error:
        raise FormError(f"The form is not JSON: {error}.", "Write one JSON Schema.") from None
    except RecursionError:
        raise FormError("The form is nested too deeply.", "Put parts of it into $defs.") from None
    if not isinstance(schema, dict):
        raise FormError("The form is not a JSON object.", "Write a JSON Schema: one object.")
    return Form(key, data, schema)


def valid(form: Form) -> Form:
    """The form, if it is a JSON Schema that can be used; else a `FormError`."""
    said = form.schema.get("$schema", DRAFT)
    if not isinstance(said, str) or said.rstrip("#") != DRAFT:
        raise FormError(
            "The form is written in another draft of JSON Schema than 2020-12.", f'Write "$schema": "{DRAFT}".'
        )
    try:
        form._validator  # noqa: B018  made ready, for what that finds
    except ValueError as error:
        raise _unusable(error) from None
    return form


def _unusable(error: Any) -> FormError:
    """What the library says of a schema, in our words."""
    kind = getattr(error, "kind", None)
    if kind is None:
        return FormError(f"The form is no valid JSON Schema: {_first_line(error)}.", HINT)
    if kind.name == "$ref":
        return FormError(
            f"A reference of the form leads nowhere: {_first_line(error)}.",
            "A form may refer to its own parts only, such as #/$defs/address; nothing is fetched.",
        )
    wrong = [f"{pointer or 'the whole'} {message}" for pointer, message in _mistakes(error)]
    return FormError(f"The form is no valid JSON Schema: {'; '.join(wrong[:5])}.", HINT)


def _first_line(error: Any) -> str:
    return str(error).partition("\n")[0][:200].rstrip(".")


# -- what does not fit ------------------------------------------------------------------------------------------------


def _mistakes(error: Any) -> Iterator[tuple[str, str]]:
    """One error of the library as places and messages."""
    kind, path = error.kind.name, list(error.instance_path)
    given = error.kind.as_dict()
    if kind == "required":
        yield pointer([*path, given["property"]]), "is missing"
    elif kind in ("additionalProperties", "unevaluatedProperties"):
        for name in given["unexpected"]:
            yield pointer([*path, name]), "is not expected here"
    elif kind in ("anyOf", "oneOf") and (branch := _meant(given.get("context", ()), path)):
        for inner in branch:
            yield from _mistakes(inner)
    else:
        yield pointer(path), _message(kind, given)


def _meant(branches: Iterable[list[Any]], path: list[str | int]) -> list[Any]:
    """Of alternatives that all failed, the only one that is for a value of this type."""
    likely = [
        branch
        for branch in branches
        if branch and not any(e.kind.name in ("type", "const") and list(e.instance_path) == path for e in branch)
    ]
    return likely[0] if len(likely) == 1 else []


def _message(kind: str, given: Mapping[str, Any]) -> str:
    limit = _shown(given.get("limit"))
    match kind:
        case "type":
            return "must be " + " or ".join(_TYPES.get(name, name) for name in given["types"])
        case "const":
            return f"must be {_shown(given['expected_value'])}"
        case "enum":
            return f"must be one of {', '.join(map(_shown, given['options']))}"
        case "format":
            return f"must be {_FORMATS.get(given['format'], given['format'])}"
        case "pattern":
            return f"must match {given['pattern']}"
        case "minimum":
            return f"must be {limit} at least"
        case "maximum":
            return f"must be {limit} at most"
        case "exclusiveMinimum":
            return f"must be more than {limit}"
        case "exclusiveMaximum":
            return f"must be less than {limit}"
        case "multipleOf":
            return f"must be a multiple of {_shown(given['multiple_of'])}"
        case "minLength":
            return f"must have {_counted(limit, 'character')} at least"
        case "maxLength":
            return f"must have {_counted(limit, 'character')} at most"
        case "minItems":
            return f"must have {_counted(limit, 'item')} at least"
        case "maxItems":
            return f"must have {_counted(limit, 'item')} at most"
        case "minProperties":
            return f"must have {_counted(limit, 'field')} at least"
        case "maxProperties":
            return f"must have {_counted(limit, 'field')} at most"
        case "uniqueItems":
            return "must not have the same item twice"
        case "contains":
            return "lacks an item that must be there"
        case "unevaluatedItems" | "additionalItems":
            return "has more items than are expected"
        case "propertyNames":
            return "has a field with a name that is not allowed"
        case "oneOf" | "anyOf":
            return "fits none of the alternatives, or too many"
    return "is not allowed"


def _counted(limit: str, word: str) -> str:
    return f"{limit} {word}" if limit == "1" else f"{limit} {word}s"


def _shown(value: Any) -> str:
    """A value of the schema."""
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)[:100]


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


# -- what a schema speaks of ------------------------------------------------------------------------------------------


def _names(schema: Any) -> Iterator[str]:
    """The properties that a schema, or a part of it that is for the same value, names."""
    todo, seen = [schema], set()
    while todo:
        at = todo.pop()
        if not isinstance(at, Mapping) or id(at) in seen:
            continue
        seen.add(id(at))
        yield from at.get("properties", ())
        yield from at.get("required", ())
        for name, others in at.get("dependentRequired", {}).items():
            yield from (name, *others)
        todo += [part for keyword in ("allOf", "anyOf", "oneOf") for part in at.get(keyword, ())]
        todo += [at.get(keyword) for keyword in ("if", "then", "else")]
        todo += at.get("dependentSchemas", {}).values()
        todo.append(referred(schema, at))


def referred(schema: Any, part: Mapping[str, Any]) -> Any:
    """What the `$ref` of a part of a schema leads to, within the schema; None: nothing."""
    reference = part.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    at = schema
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        at = at.get(name) if isinstance(at, Mapping) else None
    return at
