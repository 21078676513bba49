"""Process definitions: adding files, publishing versions, looking at them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from procession.api.asking import idempotency_key, listed
from procession.api.fields import Process, Text
from procession.api.operations import Answer, Call, Many, PageQuery, Query, Upload, operation
from procession.api.problems import refusal
from procession.api.uploads import files_of
from procession.runtime import checks
from procession.runtime.definitions import read, require_editor
from procession.runtime.views import DefinitionDetail, DefinitionView, Page

XML, ZIP, FORM = "application/xml", "application/zip", "multipart/form-data"
SCHEMA = "application/schema+json"
INERT = (
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("content-disposition", "attachment"),
)
"""A file may hold scripts, which must not run as ours in the browser of whoever opens its address."""

LARGEST = 20_000_000
CURSOR = r"^[0-9]{1,19}\.[^\x00]*$"


KEY = {"Idempotency-Key": "Accepted, and not needed: the same files make no new version."}


class DefinitionQuery(PageQuery):
    """Versions to list."""

    cursor: Annotated[
        Text | None, Meta(description="The `next` of the part before.", extra_json_schema={"pattern": CURSOR})
    ] = None
    name: Process | None = None
    state: Annotated[Literal["draft", "published", "deprecated"] | None, Meta(description="In this state.")] = None


class DeployQuery(Query):
    """What to do with the files."""

    publish: Annotated[bool, Meta(description="Also make the new versions the ones that are started.")] = False
    file: Annotated[str, Meta(description="What the file is called, where the body is one BPMN file.")] = "process.bpmn"


class Deployed(Struct, rename="camel"):
    """One version for each process of the files."""

    items: Annotated[list[DefinitionView], Meta(description="In the order of the files.")]
    next: Annotated[str | UnsetType | None, Meta(description="Always null: all are here.")] = UNSET


@operation(
    "POST", "/api/definitions", tag="definitions", uploads=(XML, "text/xml", ZIP, FORM), limit=LARGEST, query=DeployQuery,
    answers=Deployed, status=201, also=(200,), refusals=(400, 403, 422, 501), headers=KEY,
    guard=require_editor,
)  # fmt: skip
async def deploy(call: Call) -> Answer:
    """Add process files, all or none.

    The body is one BPMN file, or several with the forms (JSON schemas, `.json`) that they refer to: a zip, or multipart. A draft
    is made of each process (201); one whose file and forms are there already, byte for byte, keeps its version (200 where nothing
    is new). What is wrong with the files is listed in `problems`, with file, line, element and what to do. Needs the role
    `editor`.
    """
    idempotency_key(call)  # the same files make no new version, whatever it is
    upload: Upload = call.body
    parsed = await asyncio.to_thread(lambda: read(files_of(upload, call.query.file)))
    before = call.node.new_id()  # ids grow
    rows = await call.node.alone(call.node.definitions.add(parsed, call.principal, publish=call.query.publish))
    if call.query.publish:
        await call.node.published()
    views = await call.read(call.queries.deployed(rows))
    fresh = any(row.id > before for row in rows)
    return Answer({"items": views, "next": None}, 201 if fresh else 200)


@operation("GET", "/api/definitions", tag="definitions", answers=Many(DefinitionView), query=DefinitionQuery)
async def list_definitions(call: Call) -> Answer | Page[Any]:
    """Every version of every process that one may see, by name, newest first."""
    query: DefinitionQuery = call.query
    question = call.queries.definitions(checks.maybe_text(query.name, "name"), query.state, query.limit, query.cursor)
    return await listed(call, question)


VERSION = "/api/definitions/{name}/versions/{version}"


@operation("GET", VERSION, tag="definitions", answers=DefinitionDetail, refusals=(404,))
async def get_definition(call: Call) -> DefinitionDetail:
    """A version: its start events with their parameters, lanes, nodes, data model."""
    return await call.read(call.queries.definition(_name(call), _version(call)))


@operation("GET", VERSION + "/xml", tag="definitions", media=XML, refusals=(404,))
async def get_definition_file(call: Call) -> Answer:
    """The file of a version, byte for byte as it was added."""
    data = await call.read(call.queries.file(_name(call), _version(call)))
    return Answer(data, 200, XML, INERT)


@operation("GET", VERSION + "/forms/{form}", tag="definitions", media=SCHEMA, refusals=(404,))
async def get_definition_form(call: Call) -> Answer:
    """A form of a version, byte for byte as it was added.

    `form` is the key by which the process refers to it, percent-encoded as one segment: `forms%2Freview.schema.json`.
    """
    data = await call.read(call.queries.form(_name(call), _version(call), checks.text(call.path["form"], "The form")))
    return Answer(data, 200, SCHEMA, INERT)


@operation("POST", VERSION + "/publish", tag="definitions", answers=DefinitionView, refusals=(403, 404))
async def publish_definition(call: Call) -> DefinitionView:
    """Make a version the one that is started; the one before is deprecated. Needs the role `editor`."""
    name, version = _name(call), _version(call)
    row = await call.node.alone(call.node.definitions.publish(name, version, call.principal))
    await call.node.published()
    return (await call.read(call.queries.deployed([row])))[0]


@operation("POST", VERSION + "/deprecate", tag="definitions", answers=DefinitionView, refusals=(403, 404))
async def deprecate_definition(call: Call) -> DefinitionView:
    """Start no more instances of a version; running ones go on. Needs the role `editor`."""
    name, version = _name(call), _version(call)
    row = await call.node.alone(call.node.definitions.deprecate(name, version, call.principal))
    return (await call.read(call.queries.deployed([row])))[0]


def _name(call: Call) -> str:
    return checks.text(call.path["name"], "The process")


def _version(call: Call) -> int:
    text = call.path["version"]
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise refusal(
            404,
            "Process definition not found.",
            f"{text[:50]!r} is no version: a number from 1.",
            "error.definition_not_found",
        )
    return int(text)
