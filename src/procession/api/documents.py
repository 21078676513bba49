"""The description of the API, and a page to read and try it. Nothing comes from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files

from procession.api import asyncapi
from procession.api.openapi import document
from procession.api.operations import TABLE, Answer, Call, operation
from procession.bus.topics import Naming
from procession.engine.codec import encode
from procession.errors import CommandRejected
from procession.runtime.exchange.exchange import group_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HTML, CSS, SCRIPT = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"


@operation("GET", "/api/openapi.json", tag="documents", public=True)
async def get_openapi(call: Call) -> bytes:
    """This document: OpenAPI 3.1."""
    return _openapi(call.node.clock.virtual)


@operation("GET", "/api/asyncapi.json", tag="documents", public=True)
async def get_asyncapi(call: Call) -> bytes:
    """The topics of the bus: AsyncAPI 3.0.

    Whoever is logged in is also told where the bus is.
    """
    exchange, naming = call.edge.exchange, call.node.machine.naming
    if exchange is None:
        return _asyncapi(naming, "", ())
    return _asyncapi(naming, exchange.url if await _is_known(call) else "", exchange.jobs)


async def _is_known(call: Call) -> bool:
    """Whether the caller is somebody. The document is for everybody; the addresses of machines are not."""
    try:
        await call.edge.identity.principal(call.headers, "GET")
    except CommandRejected:
        return False
    return True


@operation("GET", "/api/docs", tag="documents", public=True, media=HTML)
async def get_docs(call: Call) -> Answer:
    """A page to read the API and try it."""
    return Answer(
        _file("docs.html"), 200, HTML, (("content-security-policy", POLICY), ("referrer-policy", "no-referrer"))
    )


@operation("GET", "/api/docs/docs.css", tag="documents", public=True, media=CSS)
async def get_docs_style(call: Call) -> Answer:
    """The page's style."""
    return Answer(_file("docs.css"), 200, CSS)


@operation("GET", "/api/docs/docs.js", tag="documents", public=True, media=SCRIPT)
async def get_docs_script(call: Call) -> Answer:
    """The page's program."""
    return Answer(_file("docs.js"), 200, SCRIPT)


@cache
def _openapi(development: bool) -> bytes:
    table = [each for each in TABLE if development or each.tag != "development"]
    return encode(document(table, version("procession")))


@cache
def _asyncapi(naming: Naming, url: str, jobs: tuple[str, ...]) -> bytes:
    return encode(asyncapi.document(version("procession"), naming, group_of(naming), url=url, jobs=jobs))


@cache
def _file(name: str) -> bytes:
    return files("procession.api").joinpath("static", name).read_bytes()
