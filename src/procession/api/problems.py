"""What goes wrong, as `application/problem+json` (RFC 9457). One place maps errors to statuses.

Nothing of a problem shows a stack trace, a path of the machine or a secret: what is no mistake of the caller is logged with the
request's id, and the caller gets the id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from procession.errors import (
    CommandRejected,
    ExpressionError,
    InvalidDefinition,
    StorageBusy,
    StorageError,
    StorageFull,
)

log = logging.getLogger("procession.api")

MEDIA = "application/problem+json"
LONGEST_DETAIL, LONGEST_TEXT = 600, 300


class FieldError(Struct):
    """What is wrong at one place of a body (a JSON pointer, RFC 6901) or of the query string."""

    pointer: Annotated[str, Meta(description="/items/0/name; of the query string ?name.")]
    message: Annotated[str, Meta(description="What is wrong there.")]


class DefinitionProblem(Struct):
    """What is wrong with a process file, where, and what to do about it."""

    file: Annotated[str, Meta(description="The name of the file.")]
    line: Annotated[int | None, Meta(description="1, 2, 3….")]
    element: Annotated[str | None, Meta(description="The id of the element.")]
    message: Annotated[str, Meta(description="What is wrong.")]
    hint: Annotated[str, Meta(description="What to do about it.")] = ""
    severity: Annotated[str, Meta(description="error or warning.")] = "error"


class Problem(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Why a request was refused. `errorKey` is stable; `detail` is for people."""

    title: Annotated[str, Meta(description="What went wrong, always in these words.")]
    status: Annotated[int, Meta(description="As the answer has it.", ge=400, le=599)]
    detail: Annotated[str, Meta(description="What went wrong this time, and what to do about it.")]
    error_key: Annotated[str, Meta(description="For programs: stable.", pattern=r"^error\.")]
    default_message: Annotated[str, Meta(description="The same as `title`.")]
    type: str = "about:blank"
    instance: Annotated[str | None, Meta(description="The path of the request.")] = None
    request_id: Annotated[str | None, Meta(description="What the server's log has it under.")] = None
    errors: Annotated[list[FieldError] | None, Meta(description="What is not valid, and where.")] = None
    missing: Annotated[list[str] | None, Meta(description="Mandatory parameters that were not sent.")] = None
    problems: Annotated[list[DefinitionProblem] | None, Meta(description="What is wrong with process files.")] = None
    state: Annotated[str | None, Meta(description="The state in which it cannot be done.")] = None
    line: Annotated[int | None, Meta(description="Of an expression.")] = None
    column: Annotated[int | None, Meta(description="Of an expression.")] = None
    allow: Annotated[list[str] | None, Meta(description="Methods that are possible.")] = None
    accept: Annotated[list[str] | None, Meta(description="Content types that are possible.")] = None
    retry_after: Annotated[int | None, Meta(description="Seconds until it is worth trying again.")] = None


def refusal(status: int, title: str, detail: str = "", key: str = "", **extra: Any) -> CommandRejected:
    """A refusal of the edge itself."""
    return CommandRejected(status, title, detail, key=key, extra=extra)


def not_built(what: str) -> CommandRejected:
    """501: agreed on and still to come."""
    return refusal(501, "Not built yet.", f"{what} is not built yet.", "error.not_built")


def nothing_here() -> CommandRejected:
    """404: an address that there is not."""
    return refusal(404, "Not found.", "There is nothing at this address. See /api/docs.", "error.not_found")


def wrong_method(method: str, allow: list[str]) -> CommandRejected:
    """405: an address that there is, asked for something else."""
    detail = f"{method[:20]} is not possible here, only {', '.join(allow)}."
    return refusal(405, "Method not allowed.", detail, "error.method", allow=allow)


def problem(error: BaseException, path: str, request_id: str) -> dict[str, Any]:
    """The problem document of an error: its fields in their order."""
    refused = _refused(error, request_id)
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": refused.title,
        "status": refused.status,
        "detail": _clipped(refused.detail, LONGEST_DETAIL),
        "instance": path,
        "errorKey": refused.key,
        "defaultMessage": refused.title,
        "requestId": request_id,
    }
    for name, value in refused.extra.items():
        document.setdefault(name, value)
    if "errors" in document:
        document["errors"] = [
            {name: _clipped(text, LONGEST_TEXT) for name, text in each.items()} for each in document["errors"]
        ]
    return document


def _clipped(text: str, most: int) -> str:
    """Details quote what was sent: whoever sends much does not get it all back."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def headers_of(document: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Headers that go with a problem."""
    headers = []
    if document["status"] == 401:
        headers.append((b"www-authenticate", b'Bearer realm="procession"'))
    if document.get("retryAfter") is not None:
        headers.append((b"retry-after", str(document["retryAfter"]).encode()))
    if document.get("allow"):
        headers.append((b"allow", ", ".join(document["allow"]).encode()))
    if document["status"] in (408, 413):  # the rest of the body is not read
        headers.append((b"connection", b"close"))
    return headers


def _refused(error: BaseException, request_id: str) -> CommandRejected:
    match error:
        case CommandRejected():
            return error
        case InvalidDefinition():
            problems = [msgspec.to_builtins(each) for each in error.problems]
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            return refusal(
                422, "Not valid.", f"The files have {count}.", "error.validation.definition", problems=problems
            )
        case ExpressionError():
            return refusal(
                422, "Not valid.", str(error), "error.validation.expression", line=error.line, column=error.column
            )
        case msgspec.ValidationError():
            return _misfit(str(error))
        case msgspec.DecodeError() | UnicodeDecodeError():
            return refusal(400, "Malformed JSON.", f"The body is no JSON: {error}.", "error.malformed")
        case RecursionError():
            return refusal(422, "Not valid.", "The body is nested too deeply.", "error.validation.too_deep")
        case StorageFull():
            log.error("request %s: %s", request_id, error)
            return refusal(507, "Insufficient storage.", "The store is full. Nothing was done.", "error.storage.full")
        case StorageBusy() | StorageError():
            log.error("request %s: %s", request_id, error)
            return refusal(
                503,
                "Service unavailable.",
                "The store could not do it; try again. What was acknowledged before is safe.",
                "error.storage",
                retryAfter=1,
            )
        case _:
            log.error("request %s failed", request_id, exc_info=error)
            detail = f"A fault of ours. It is in the log under request {request_id}."
            return refusal(500, "Internal error.", detail, "error.internal")


_AT = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"^Object (?:contains unknown|missing required) field `(?P<name>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")


def _misfit(text: str) -> CommandRejected:
    """A body that does not fit its schema: msgspec's `$.a[0].b` as a JSON pointer."""
    found = _AT.match(text)
    message, path = (found["message"], found["path"] or "") if found else (text, "")
    steps = [name or index for name, index in _STEP.findall(path)]
    if (field := _FIELD.match(message)) is not None:
        steps.append(field["name"])
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    message = message.replace("`", "'")
    detail = f"{message} (at {pointer})." if pointer else f"{message}."
    return refusal(422, "Not valid.", detail, "error.validation", errors=[{"pointer": pointer, "message": message}])


def phrase(status: int) -> str:
    """What a status is called."""
    return HTTPStatus(status).phrase
