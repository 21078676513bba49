"""The OpenAPI 3.1 document, written out from the table of operations: nothing in it is kept by hand twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_origin

import msgspec
from msgspec import Struct

from procession.api.examples import EXAMPLES, PARAMETERS, PROBLEMS, REQUESTS, SENT, STREAM, UPLOADS
from procession.api.links import LINKS
from procession.api.operations import JSON, Many, Nothing, Operation
from procession.api.problems import MEDIA, Problem, phrase
from procession.runtime.live.shapes import MESSAGES

REF = "#/components/schemas/{name}"
TAGS = {
    "auth": "Who one is: log in, log out.",
    "users": "Who may log in, for administrators.",
    "processes": "Start processes, and look at what became of them.",
    "tasks": "What people do.",
    "instances": "Search, look at, operate and repair process instances.",
    "definitions": "Add process files, publish versions.",
    "jobs": "Work for programs.",
    "messages": "BPMN messages and signals.",
    "operations": "For operators, across instances.",
    "bus": "Records on topics: for integrations without a client of the bus, and for operators.",
    "expressions": "FEEL and decisions.",
    "analytics": "How processes run.",
    "live": "What happens, as it happens.",
    "health": "For those who watch the server.",
    "documents": "This description.",
    "development": "Only where time is moved by hand.",
}
REASONS = {
    400: "The request cannot be understood, or may not be done as it is.",
    401: "Not logged in.",
    403: "Not allowed.",
    404: "There is no such thing, or it may not be seen.",
    405: "Another method is needed; `Allow` names it.",
    408: "The body did not arrive in time.",
    409: "Not in this state; the detail names it.",
    413: "Too large.",
    414: "The query string is too long.",
    415: "The body is of another type.",
    422: "Not valid: `errors` has JSON pointers.",
    429: "Too many; `Retry-After` says when to come again.",
    500: "A fault of the server.",
    501: "Agreed on, and not built yet.",
    503: "The store or the server cannot do it now; try again.",
    507: "The store is full.",
}
_PARAMETER = re.compile(r"\{(\w+)\}")


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    table = sorted(operations, key=lambda each: (list(TAGS).index(each.tag), each.path, each.method))
    schemas = _schemas(table)
    paths: dict[str, Any] = {}
    for each in table:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    used = {each.tag for each in table}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "procession",
            "version": version,
            "summary": "Runs business processes drawn in BPMN 2.0.",
            "description": (
                "Log in with `POST /api/auth/login` and send the `access_token` as `Authorization: Bearer …`. Errors are "
                "`application/problem+json`. Every answer about an object has `seq` (the history position it was true at) and "
                "`allowed` (for each action true, or the reason why not). Ids are decimal strings; times are ISO 8601, UTC.\n\n"
                "Lists come in parts: `limit` items and a `next`, which is the `cursor` of the part after it. A request that "
                "creates something may carry an `Idempotency-Key`: sent again, it is answered again and does nothing new. Every "
                "answer has an `X-Request-Id`, which the server's log knows too.\n\n"
                'The live channel is also there as a WebSocket, at `/api/ws`: send `{"subscribe": {"instance": "…"}}`.'
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": [], "csrf": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": schemas["components"],
            "responses": {
                f"Problem{status}": {
                    "description": text,
                    "content": {MEDIA: {"schema": {"$ref": REF.format(name="Problem")}, "example": PROBLEMS[status]}},
                    **({"headers": HEADERS[status]} if status in HEADERS else {}),
                }
                for status, text in REASONS.items()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` that `POST /api/auth/login` gives.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "procession_session",
                    "description": "For browsers: logging in with `session: true` sets it.",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRF-Token",
                    "description": "The `csrfToken` of the session, for every request that may change something.",
                },
                "metrics": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The metrics token of the server's settings, or the access token of an operator.",
                },
            },
        },
    }


HEADERS: Mapping[int, Any] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    405: {"Allow": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
}


def statuses(each: Operation) -> list[int]:
    """Every status of a problem that a call may answer."""
    found = {*each.refusals, 405, 422, 500, 503}
    if not each.public:
        found |= {401, 403}  # a request by session without its CSRF token
    if each.body is not None or each.uploads:
        found |= {400, 408, 413, 415, 507}
    elif each.method != "GET":
        found.add(507)
    if each.query is not Nothing:
        found |= {400, 414}
    if not each.built:
        found.add(501)
    return sorted(found)


def _schemas(table: Iterable[Operation]) -> dict[str, Any]:
    """A schema for each type, by `id`; and the components that they refer to."""
    kinds: list[Any] = [Problem, *MESSAGES]
    for each in table:
        for kind in (_of(each.answers), each.documented):
            if kind is not None and kind is not dict and kind not in kinds:
                kinds.append(kind)
    found, components = msgspec.json.schema_components(kinds, ref_template=REF)
    for name, example in EXAMPLES.items():
        if name in components:
            components[name]["examples"] = [example]
    for schema in components.values():
        schema.pop("title", None)
    return {"components": components, "by_kind": dict(zip(kinds, found, strict=True)), "kinds": kinds}


def _of(answers: Any) -> Any:
    return answers.of if isinstance(answers, Many) else answers


def _schema(kind: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    if kind is dict or get_origin(kind) is dict:
        return {"type": "object"}
    schema: dict[str, Any] = schemas["by_kind"][kind]
    return schema


def _operation(each: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "operationId": each.name,
        "tags": [each.tag],
        "summary": each.summary.rstrip(".").replace("`", ""),
        "description": each.description or each.summary,
    }
    if each.public:
        result["security"] = [{"metrics": []}] if each.media.startswith("text/plain") else []
    elif each.method == "GET":
        result["security"] = [{"bearer": []}, {"session": []}]
    parameters = [*_path_parameters(each), *_query_parameters(each), *_header_parameters(each)]
    if parameters:
        result["parameters"] = parameters
    content: dict[str, Any] = {}
    if each.documented is not None:
        media: dict[str, Any] = {"schema": _schema(each.documented, schemas)}
        if each.name in REQUESTS:
            media["example"] = REQUESTS[each.name]
        content["application/merge-patch+json" if each.method == "PATCH" else JSON] = media
        if each.method == "PATCH":
            content[JSON] = media
    for kind in each.uploads:
        content[kind] = {"schema": _upload_schema(kind), **({"example": UPLOADS[kind]} if kind in UPLOADS else {})}
    if content:
        result["requestBody"] = {"required": each.body_required or bool(each.uploads), "content": content}
    result["responses"] = _responses(each, schemas)
    return result


def _upload_schema(kind: str) -> dict[str, Any]:
    if kind == "multipart/form-data":
        items = {"type": "string", "contentMediaType": "application/octet-stream"}
        files = {"type": "array", "minItems": 1, "items": items, "description": "Each with its name."}
        return {"type": "object", "properties": {"file": files}, "required": ["file"]}
    return {"type": "string", "contentMediaType": kind}


def _responses(each: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if each.built:
        good: dict[str, Any] = {"description": phrase(each.status)}
        if isinstance(each.answers, Many):
            good["content"] = {JSON: {"schema": _page(_schema(each.answers.of, schemas))}}
        elif each.answers is not None:
            shown = {"example": STREAM} if each.tag == "live" else {}
            good["content"] = {each.media: {"schema": _schema(each.answers, schemas), **shown}}
        elif each.status != 204:
            schema = {"type": "object"} if each.media == JSON else {"type": "string"}
            good["content"] = {each.media: {"schema": schema}}
        if each.name in LINKS:
            good["links"] = LINKS[each.name]
        responses[str(each.status)] = good
        for status in each.also:
            responses[str(status)] = {**good, "description": phrase(status)}
    for status in statuses(each):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
    return responses


def _page(items: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": items, "description": "So many as were asked for, at most."},
            "next": {"type": ["string", "null"], "description": "The cursor of the next part; null at the end."},
            "lastEventId": {
                "type": "string",
                "description": "The id of the last live event before this was read: subscribe with `after` to go on from here.",
            },
        },
    }


def _path_parameters(each: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **PARAMETERS.get(f"{each.tag}.{name}", PARAMETERS[name])}
        for name in _PARAMETER.findall(each.path)
    ]


def _query_parameters(each: Operation) -> list[dict[str, Any]]:
    kind: type[Struct] = each.query
    if kind is Nothing:
        return []
    _, components = msgspec.json.schema_components([kind], ref_template=REF)
    found = []
    for field, given in components[kind.__name__]["properties"].items():
        if field == "variables":
            continue  # var.PATH=VALUE: any name
        schema = _given(given)
        found.append({"name": field, "in": "query", "description": schema.pop("description", ""), "schema": schema})
    return found


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that may be left out: nobody can write null in a query string."""
    result = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    kinds = [kind for kind in result.pop("anyOf", ()) if kind != {"type": "null"}]
    return {**kinds[0], **result} if kinds else result


def _header_parameters(each: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": SENT[name],
        }
        for name, text in each.headers.items()
    ]
