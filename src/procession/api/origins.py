"""Pages of other sites: what a browser says in `Origin`, against where the request went (RFC 6454)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from procession.api.problems import refusal

PORTS = {"http": 80, "https": 443}

SENT = "authorization, content-type, idempotency-key, last-event-id, x-csrf-token, x-request-id"
READ = "retry-after, www-authenticate, x-request-id"
REMEMBERED = 600
"""Seconds for which a browser need not ask again whether a page may send something."""

Headers = tuple[tuple[bytes, bytes], ...]


class Origin(NamedTuple):
    """A site, as browsers tell them apart."""

    scheme: str
    host: str
    port: int


def check_origin(headers: Mapping[str, str], allowed: Sequence[str]) -> None:
    """Refuse a page of another site: it must be of the host that was asked, or be allowed.

    The scheme is not compared with ours: a proxy in front of us may have spoken TLS to the browser. Programs send no origin.
    """
    given = headers.get("origin")
    if given is None:
        return
    origin = read_origin(given)
    if origin is not None:
        if origin == read_origin(f"{origin.scheme}://{headers.get('host', '')}"):
            return
        if any(origin == read_origin(each) for each in allowed):
            return
    raise refusal(403, "Forbidden", "Pages of other sites may not do this.", "error.origin")


def sharing(headers: Mapping[str, str], allowed: Sequence[str]) -> Headers:
    """What tells a browser that the page of an allowed site may read the answer (CORS, of the Fetch standard)."""
    given = headers.get("origin")
    if given is None or (origin := read_origin(given)) is None or origin not in map(read_origin, allowed):
        return ()
    return (
        (b"access-control-allow-origin", given.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", READ.encode()),
        (b"vary", b"origin"),
    )


def may_send(methods: Iterable[str]) -> Headers:
    """What tells it that the page may send these methods, when it asks beforehand."""
    return (
        (b"access-control-allow-methods", ", ".join(methods).encode()),
        (b"access-control-allow-headers", SENT.encode()),
        (b"access-control-max-age", b"%d" % REMEMBERED),
    )


def read_origin(text: str) -> Origin | None:
    """The origin that a text names; None: it names none (`null`, for one)."""
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in PORTS or not host or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        return None
    return Origin(scheme, host, PORTS[scheme] if port is None else port)
