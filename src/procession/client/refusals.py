"""What a server says when it refuses, as the exceptions that an engine of one's own raises."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import msgspec

from procession.errors import (
    CommandRejected,
    InvalidDefinition,
    Problem,
    ProcessionError,
    StorageError,
    StorageFull,
)

AWAY = frozenset({502, 503, 504})
"""The server cannot answer now, or what stands before it does not reach it."""

_ENVELOPE = frozenset(
    {"type", "title", "status", "detail", "instance", "errorKey", "defaultMessage", "requestId", "problems"}
)
_document = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def error_of(status: int, media: str, data: bytes) -> ProcessionError:
    """An answer that is a refusal: a problem document, or whatever a server that is not ours sends."""
    document: dict[str, Any] = {}
    if "json" in media:
        try:
            document = _document.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):  # then its status has to say it all
            document = {}
    return refusal({**document, "status": status})


def refusal(document: Mapping[str, Any]) -> ProcessionError:
    """A problem document as the exception that the engine raised."""
    status = document["status"]
    title, detail = str(document.get("title") or _phrase(status)), str(document.get("detail") or "")
    if problems := document.get("problems"):
        return InvalidDefinition(msgspec.convert(problems, list[Problem]))
    if status == 507:
        return StorageFull(f"{title} {detail}".strip() + " Free space on the server and try again.")
    if status in AWAY:
        return StorageError(f"{title} {detail or 'The server cannot answer now; try again.'}")
    extra = {name: value for name, value in document.items() if name not in _ENVELOPE}
    return CommandRejected(status, title, detail, key=str(document.get("errorKey") or ""), extra=extra)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase + "."
    except ValueError:
        return f"Status {status}."
