"""Bad requests to a real server: the right status, a decent problem, no secret; and the server goes on."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from procession.api.edge import Limits
from procession.runtime.drive import drive
from procession.testing import process
from tests.acceptance.raw import Raw, Reply, check_secrets, chunked, decent, request
from tests.acceptance.running import Running, running
from tests.acceptance.waiting import until

FILL = process("fill").start().user_task("fill_in").end().build()
MAKING = process("making").start().service_task("make", job="make").end().build()
PAID = process("paid").start().catch_message("payment", "paid", "=id").end().build()
FILES = [FILL, MAKING, PAID]
XML = "application/xml"
START = "/api/process/fill/start"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bad"), limits=Limits(body=5.0)) as found:
        found.deploy(*FILES)
        yield found


@pytest.fixture(autouse=True)
def works_afterwards(server, caplog):
    """Whatever was sent: the server goes on, and saw no fault of its own."""
    yield
    assert server.client().get("/health/ready").json()["status"] == "ready"
    assert server.start("fill")["state"] == "STARTED"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def ask(server):
    """One request on a connection of its own; as administrator, if nobody else is named."""

    def ask(method: str, path: str, body: Any = None, *, user: str | None = "admin", **more: Any) -> Reply:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with Raw(server) as raw:
            token = None if user is None else server.log_in(user)
            reply = raw.send(request(method, path, data, token=token, **more)).reply()
        assert reply is not None
        check_secrets(reply)
        return reply

    return ask


def instances(server: Running) -> int:
    """How many there ever were, as the store counts them."""
    found: int = drive(server.app.state.edge.node.storage.counts())["instance"]
    return found


# -- JSON ---------------------------------------------------------------------------------------------------------------

MALFORMED = {
    "begun": b"{",
    "no value": b'{"a":}',
    "no name": b"{1:2}",
    "single quotes": b"{'a':1}",
    "trailing comma": b'{"a":1,}',
    "comment": b'{"a":1 /* one */}',
    "two documents": b'{"a":1}{"a":2}',
    "blank": b"   ",
    "truncated UTF-8": b'{"a":"\xc3',
    "bad UTF-8": b'{"a":"\xff\xfe"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "surrogates in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-32": '{"a":1}'.encode("utf-32-le"),
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "NaN": b'{"a":NaN}',
    "infinite": b'{"a":-Infinity}',
    "lone surrogate": rb'{"a":"\ud800"}',
    "half a pair": rb'{"a":"\ud800\u0041"}',
    "name with a lone surrogate": rb'{"\udc00":1}',
    "bad escape": rb'{"a":"\x41"}',
    "raw line break": b'{"a":"\n"}',
    "raw NUL": b'{"a":"\0"}',
    "NUL behind": b"{}\0",
    "leading zero": b'{"a":01}',
    "hexadecimal": b'{"a":0x10}',
    "plus": b'{"a":+1}',
    "bare point": b'{"a":.5}',
    "yaml": b"a: 1",
    "binary": bytes(range(256)),
}
NOT_VALID = {
    "list": b"[]",
    "text": b'"a"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "exponent that nobody counts": b'{"a":1e99999999999999999999}',
    "5,000 digits": b'{"a":1' + b"0" * 5_000 + b"}",
    "100,000 lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 lists that do not end": b'{"a":' + b"[" * 100_000,
    "300 levels": b'{"a":' * 300 + b"1" + b"}" * 300,
}
PLACES = {"start": ("POST", START), "patch": ("PATCH", "/api/instances/1/variables")}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json(ask, place, name):
    method, path = PLACES[place]
    found = decent(ask(method, path, MALFORMED[name]), 400, path)
    assert (found["title"], found["errorKey"]) == ("Malformed JSON.", "error.malformed")


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_where_fields_are_known(ask, name):
    """Whatever is seen first: that it is no JSON, or that it does not fit."""
    for path, field in (("/api/messages", b'"name"'), ("/api/auth/login", b'"username"'), ("/api/messages", b'"a"')):
        reply = ask("POST", path, MALFORMED[name].replace(b'"a"', field), user="worker")
        assert reply.status in (400, 422)
        decent(reply, reply.status, path)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NOT_VALID)
def test_json_that_is_no_data(ask, place, name):
    method, path = PLACES[place]
    assert decent(ask(method, path, NOT_VALID[name]), 422, path)["errorKey"].startswith("error.validation")


@pytest.mark.parametrize("name", NOT_VALID)
def test_json_that_is_no_data_in_a_field(ask, name):
    for path, body in (
        ("/api/messages", b'{"name": "n", "variables": %b}'),
        ("/api/jobs/1/complete", b'{"token": 1, "variables": %b}'),
        ("/api/feel/evaluate", b'{"expression": "1", "context": %b}'),
        ("/api/process/fill/start/inheritFrom/1", b'{"paramsToInherit": %b}'),
    ):
        decent(ask("POST", path, body % NOT_VALID[name]), 422, path)


def test_odd_json_that_is_data_comes_back(server, ask):
    sent = rb'{"e":1e999999,"t":1E-400,"d":1.10,"n":1%b,"a":1,"a":2,"u":"\ud83d\ude00\u0000","":{"":[]}}' % (b"0" * 400)
    reply = ask("POST", START, sent)
    assert reply.status == 201
    shown = ask("GET", f"/api/instances/{reply.json['id']}")
    for text in (b'"e":1E+999999', b'"t":1E-400', b'"d":1.10', b'"n":1' + b"0" * 400, b'"a":2'):
        assert text in reply.body and text in shown.body
    assert shown.json["variables"]["u"] == "😀\0"
    assert shown.json["variables"][""] == {"": []}
    deep = b'{"a":' * 150 + b"1" + b"}" * 150
    assert ask("POST", START, deep).status == 201


def test_many_items(ask):
    decent(ask("POST", START, b'{"a":[' + b"0," * 1_000_000 + b"0]}"), 413, START)
    assert ask("POST", START, b'{"a":[' + b"0," * 400_000 + b"0]}").status == 201
    names = ",".join(f'"n{number}":0' for number in range(80_000))
    assert ask("POST", START, f"{{{names}}}".encode()).status == 201


LONG = "x" * 15_000
ECHOES = [
    ("POST", "/api/messages", {"name": "n", "ttl": LONG}),
    ("POST", "/api/messages", {"name": "n", LONG: 1}),
    ("POST", "/api/messages", {"name": f"\0{LONG}"}),
    ("POST", "/api/messages", {"name": "n", "correlationKey": [LONG]}),
    ("POST", "/api/jobs/1/complete", {"token": LONG}),
    ("POST", "/api/jobs/report", {"reports": [{"id": LONG, "token": 1, "outcome": LONG}]}),
    ("POST", "/api/instances/1/operations", {"operationType": LONG}),
    ("POST", "/api/feel/evaluate", {"expression": f"1 + {LONG} +"}),
    ("POST", "/api/feel/evaluate", {"expression": f'"{LONG}'}),
    ("POST", "/api/feel/evaluate", {"expression": "(" + LONG}),
    ("POST", "/api/tasks/1/assign", {"assignee": f"\0{LONG}"}),
    ("POST", "/api/tasks/1/complete", {"variables": {LONG: {LONG: [[[{LONG: [None] * 9}]]]}}, LONG: 1}),
    ("POST", START, {"startCondition": f"\0{LONG}"}),
    ("POST", START, {"startCondition": [LONG]}),
    ("POST", "/api/process/fill/start/inheritFrom/1", {"paramsToInherit": {LONG: 1}}),
    ("PUT", "/api/users/bo", {"roles": [f" {LONG[:9_000]}"], "password": "long enough"}),
    ("PUT", f"/api/users/{LONG[:5_000]}", {"roles": ["a"], "password": "long enough"}),
    ("GET", f"/api/instances?startedAfter={LONG[:7_000]}", None),
    ("GET", f"/api/instances?startedAfter=2020-01-01T00:00:00Z[{LONG[:7_000]}]", None),
    ("GET", f"/api/instances?status={LONG[:7_000]}", None),
    ("GET", f"/api/instances?cursor={LONG[:7_000]}", None),
    ("GET", f"/api/instances?{LONG[:7_000]}=1", None),
    ("GET", f"/api/events?kinds={LONG[:7_000]}", None),
    ("GET", f"/api/definitions?cursor={LONG[:7_000]}", None),
    ("POST", f"/api/process/{LONG[:9_000]}/start", {}),
    ("GET", f"/api/definitions/{LONG[:9_000]}/versions/1", None),
    ("GET", f"/api/definitions/fill/versions/{LONG[:9_000]}", None),
    ("GET", f"/api/instances/{LONG[:9_000]}", None),
    ("GET", f"/api/process/1/data/{LONG[:9_000]}", None),
    ("GET", f"/api/{LONG[:9_000]}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ECHOES, ids=lambda value: str(value)[:40])
def test_what_is_long_does_not_come_back(ask, method, path, body):
    reply = ask(method, path, body)
    assert reply.status in (404, 422)
    decent(reply, reply.status, path)


@pytest.mark.parametrize(
    ("expression", "status"),
    [
        ("0" * 20_000, 200), ("1" * 20_000, 422), ("1e400", 200), ("1e6144", 200), ("1e6145", 422),
        ("-1e99999999999999999999", 422), ("1e-99999999999999999999", 200),
        ("[1..3]", 422), ("function(x) x", 422), ("", 422), ("(" * 10_000, 422), ("9**9**9**9", 200), ("-big", 200), ("big", 200),
        ("for i in 1..1000000000 return i", 422), ('matches("a", "a{99999}")', 200), ('string("\\uD800")', 200),
        ('"\\u0000"', 200),
        ("(function(f) f(f))(function(f) f(f))", 422), ("@" + '"' + "P" + "9" * 5_000 + 'Y"', 422),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_expressions(ask, expression, status):
    body = b'{"expression": %b, "context": {"big": 1e999999}}' % json.dumps(expression).encode()
    reply = ask("POST", "/api/feel/evaluate", body)
    assert b"Infinity" not in reply.body
    if reply.status != 200:
        decent(reply, 422, "/api/feel/evaluate")
    assert reply.status == status


UNKNOWN = [
    ("POST", "/api/auth/login", {"username": "a", "password": "b", "admin": True}, "/admin"),
    ("POST", "/api/messages", {"name": "n", "correlationkey": "k"}, "/correlationkey"),
    ("POST", "/api/jobs/activate", {"type": "t", "max_jobs": 1}, "/max_jobs"),
    ("POST", "/api/jobs/1/complete", {"token": 1, "result": {}}, "/result"),
    (
        "POST",
        "/api/jobs/report",
        {"reports": [{"id": "1", "token": 1, "outcome": "fail", "why": ""}]},
        "/reports/0/why",
    ),
    ("POST", "/api/tasks/1/complete", {"client": {}}, "/client"),
    ("POST", "/api/tasks/1/assign", {"assignee": "bo", "by": "me"}, "/by"),
    ("POST", "/api/instances/1/operations", {"operationType": "HOLD", "a/b~c": 1}, "/a~1b~0c"),
    ("POST", "/api/instances/1/tokens/1/retry", {"retry": 1}, "/retry"),
    ("POST", "/api/feel/evaluate", {"expression": "1", "limit": 10**9}, "/limit"),
    ("POST", "/api/process/fill/start/inheritFrom/1", {"paramsToInherit": {"params": []}}, "/paramsToInherit"),
]
WRONG = [
    ("POST", "/api/auth/login", {"username": 1, "password": "b"}, "/username"),
    ("POST", "/api/auth/login", {"username": "a"}, "/password"),
    ("POST", "/api/messages", {"name": "n", "variables": []}, "/variables"),
    ("POST", "/api/messages", {"name": "n", "correlationKey": True}, "/correlationKey"),
    ("POST", "/api/jobs/activate", {"type": "t", "maxJobs": 0}, "/maxJobs"),
    ("POST", "/api/jobs/activate", {"type": "t", "maxJobs": 10**400}, "/maxJobs"),
    ("POST", "/api/jobs/activate", {"type": "t", "waitMs": -1}, "/waitMs"),
    ("POST", "/api/jobs/activate", {"type": "t", "lockMs": 0.5}, "/lockMs"),
    ("POST", "/api/jobs/activate", {"type": "t", "fetchVariables": [1]}, "/fetchVariables/0"),
    ("POST", "/api/jobs/1/complete", {"token": "1"}, "/token"),
    ("POST", "/api/jobs/1/fail", {"token": 2**63}, "/token"),
    ("POST", "/api/jobs/report", {"reports": [{"id": "x", "token": 1, "outcome": "fail"}]}, "/reports/0/id"),
    ("POST", "/api/jobs/report", {"reports": [{"id": "1", "token": 1, "outcome": "fail"}] * 1001}, "/reports"),
    ("POST", "/api/instances/1/operations", {"operationType": "EXPLODE"}, "/operationType"),
    ("POST", "/api/instances/1/tokens/1/retry", {"retries": 0}, "/retries"),
    ("POST", "/api/feel/evaluate", {"expression": "1", "type": "python"}, "/type"),
    ("POST", "/api/feel/evaluate", {"expression": "1" * 20_001}, "/expression"),
]


@pytest.mark.parametrize(("method", "path", "body", "pointer"), UNKNOWN + WRONG, ids=lambda value: str(value)[:60])
def test_a_field_that_is_not_known_or_of_another_type(ask, method, path, body, pointer):
    found = decent(ask(method, path, body), 422, path)
    assert [error["pointer"] for error in found["errors"]] == [pointer]


NUL = [
    ("POST", START, {"startCondition": "a\0"}),
    ("POST", START, {"businessKey": "\0"}),
    ("POST", START, {"flowName": "\0"}),
    ("POST", "/api/messages", {"name": "a\0b"}),
    ("POST", "/api/messages", {"name": "a", "correlationKey": "\0"}),
    ("POST", "/api/messages", {"name": "a", "messageId": "\0"}),
    ("POST", "/api/messages", {"name": "a", "ttl": "PT1H\0"}),
    ("POST", "/api/jobs/activate", {"type": "\0"}),
    ("POST", "/api/jobs/activate", {"type": "a", "worker": "\0"}),
    ("POST", "/api/jobs/1/error", {"token": 1, "code": "\0"}),
    ("POST", "/api/tasks/1/assign", {"assignee": "\0"}),
    ("POST", "/api/feel/evaluate", {"expression": "\0"}),
    ("POST", "/api/process/%00/start", {}),
    ("POST", "/api/process/a%00b/start", {}),
    ("GET", "/api/definitions/%00/versions/1", None),
    ("GET", "/api/definitions/%00/versions/1/xml", None),
    ("POST", "/api/definitions/%00/versions/1/publish", None),
    ("POST", "/api/definitions/%00/versions/1/deprecate", None),
    ("GET", "/api/definitions?name=%00", None),
    ("GET", "/api/instances?definition=%00", None),
    ("GET", "/api/instances?businessKey=%00", None),
    ("GET", "/api/instances?status=%00", None),
    ("GET", "/api/instances?status=STARTED,%00", None),
    ("GET", "/api/instances?node=%00", None),
    ("GET", "/api/instances?q=%00", None),
    ("GET", "/api/instances?startedAfter=%00", None),
    ("GET", "/api/instances?cursor=%00", None),
    ("GET", "/api/instances?parent=%00", None),
    ("GET", "/api/instances?%00=1", None),
    ("GET", "/api/tasks?definition=%00", None),
    ("GET", "/api/tasks?node=%00", None),
    ("GET", "/api/tasks?instance=%00", None),
    ("GET", "/api/tasks?scope=%00", None),
    ("GET", "/api/audit?cursor=%00", None),
    ("GET", "/api/users?cursor=%00", None),
    ("GET", "/api/events?definition=%00", None),
    ("GET", "/api/events?kinds=%00", None),
    ("GET", "/api/events?after=%00", None),
]


@pytest.mark.parametrize(("method", "path", "body"), NUL, ids=str)
def test_the_character_nul_in_every_kind_of_text(ask, method, path, body):
    decent(ask(method, path, body), 422, path)


def test_the_character_nul_in_what_is_kept_for_people(server, ask):
    name = server.start("fill")["id"]
    assert ask("POST", f"/api/instances/{name}/operations", {"operationType": "HOLD", "reason": "a\0b"}).status == 200
    assert ask("GET", f"/api/instances/{name}/history?after=1").json["items"][0]["reason"] == "a?b"
    assert ask("GET", "/api/instances?var.a%00b=1").status == 200
    for path in ("/api/instances/%00", "/api/tasks/%00", f"/api/process/{name}/data/%00", "/api/tasks/1%00"):
        decent(ask("GET", path), 404, path)
    decent(ask("POST", "/api/auth/login", {"username": "admin\0", "password": "x"}, user=None), 401, "/api/auth/login")


# -- types of bodies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "media",
    [
        None, "text/plain", "text/json", "application/xml", "application/x-www-form-urlencoded", "application/jsonp",
        "application/json; charset=utf-16", 'application/json; charset="ISO-8859-1"', "multipart/form-data; boundary=x",
        "*/*", "application/", "json", ";", "application/json, text/plain", "x" * 5_000,
    ],
    ids=lambda media: str(media)[:50],
)  # fmt: skip
def test_a_body_of_another_type(ask, media):
    for path in (START, "/api/messages"):
        found = decent(ask("POST", path, b'{"name": "n"}', media=media), 415, path)
        assert found["errorKey"] == "error.media_type"


def test_other_types_that_are_json(ask):
    for media in (
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/problem+json",
        "application/json;",
    ):
        assert ask("POST", START, b"{}", media=media).status == 201, media
    assert ask("POST", START).status == 201, "no body is no data"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
def test_a_body_that_is_packed(ask, encoding):
    for path, body, media in ((START, b"{}", "application/json"), ("/api/definitions", FILL, XML)):
        reply = ask("POST", path, body, media=media, headers={"Content-Encoding": encoding})
        decent(reply, 415, path, "Content-Encoding")
    assert ask("POST", START, b"{}", headers={"Content-Encoding": "identity"}).status == 201


@pytest.mark.parametrize(
    "media", [None, "application/json", "text/plain", "application/octet-stream", "application/xhtml+xml"]
)
def test_a_process_file_of_another_type(ask, media):
    decent(ask("POST", "/api/definitions", FILL, media=media), 415, "/api/definitions", XML)


# -- framing ------------------------------------------------------------------------------------------------------------


def test_a_body_in_chunks(server):
    head = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    with Raw(server) as raw:
        raw.send(request("POST", START, headers=head, token=server.log_in("admin")))
        raw.send(chunked(b'{"a"', b":", b"1}"))
        reply = raw.reply()
        assert reply.status == 201
        assert reply.json["variables"] == {"a": 1}
        raw.send(request("GET", "/health/live"))
        assert raw.reply().status == 200, "the connection goes on"


BROKEN = {
    "no length of a chunk": b"zz\r\n{}\r\n0\r\n\r\n",
    "negative length of a chunk": b"-1\r\n{}\r\n0\r\n\r\n",
    "endless length of a chunk": b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n",
    "chunk that is longer": b"1\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_chunks_that_are_none(server, name):
    before = instances(server)
    began = time.monotonic()
    head = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    with Raw(server) as raw:
        raw.send(request("POST", START, headers=head, token=server.log_in("admin")) + BROKEN[name])
        decent(raw.reply(), 400, "")
        assert raw.reply() is None
    assert time.monotonic() - began < 4, "nobody waits for the rest"
    assert instances(server) == before


HEADS = {
    "two lengths": "Content-Length: 2\r\nContent-Length: 3\r\n",
    "length and chunks": "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    "negative length": "Content-Length: -2\r\n",
    "length with a plus": "Content-Length: +2\r\n",
    "length that is none": "Content-Length: two\r\n",
    "endless length": f"Content-Length: {'9' * 40}\r\n",
    "packed chunks": "Transfer-Encoding: gzip, chunked\r\n",
    "chunks that are not last": "Transfer-Encoding: chunked, identity\r\n",
    "chunks twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
    "packed": "Transfer-Encoding: gzip\r\n",
    "space before the colon": "Content-Length : 2\r\n",
    "no colon": "Content-Length 2\r\n",
    "no name": ": 2\r\n",
    "NUL in a header": "X-A: a\0b\r\n",
    "a bare carriage return": "X-A: a\rX-B: b\r\n",
}


NOT_CHUNKED = {"packed chunks", "packed"}


@pytest.mark.parametrize("name", HEADS)
def test_headers_that_could_smuggle(server, name):
    before = instances(server)
    token = server.log_in("admin")
    head = f"POST {START} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    with Raw(server) as raw:
        raw.send((head + HEADS[name] + "\r\n").encode() + b"{}")
        decent(raw.reply(), 501 if name in NOT_CHUNKED else 400, "")
        assert raw.reply() is None, "what follows is nobody's request"
    assert instances(server) == before


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/9.9", b"GET /", b"get /health/live HTTP/1.1", b"GET /health/live HTTP/1.1 x", b"GET  HTTP/1.1",
        b"BREW /coffee HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET /\xff\xfe HTTP/1.1",
        b"GET /health live HTTP/1.1", b"CONNECT x:443 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET http:// HTTP/1.1",
        b"PRI * HTTP/2.0", b"GET /a\0b HTTP/1.1",
    ],
    ids=repr,
)  # fmt: skip
def test_first_lines_that_are_none(server, line):
    with Raw(server) as raw:
        reply = raw.send(line + b"\r\nHost: x\r\n\r\n").end().reply()
        assert reply is None or reply.status in (400, 404, 405)
        if reply is not None:
            decent(reply, reply.status, reply.json["instance"])


def test_a_length_that_is_a_lie(server):
    """Shorter: the rest is no request. Longer: nothing starts."""
    before = instances(server)
    token = server.log_in("admin")
    with Raw(server) as raw:
        raw.send(request("POST", START, b'{"a":1}', headers={"Content-Length": "4"}, token=token))
        decent(raw.reply(), 400, START)
        reply = raw.reply()
        assert reply is None or reply.status == 400
        assert raw.reply() is None
    with Raw(server) as raw:
        raw.send(request("POST", START, b'{"a":1}', headers={"Content-Length": "8"}, token=token)).end()
        assert raw.reply() is None
    assert instances(server) == before


@pytest.mark.parametrize("path", [START, "/api/definitions", "/api/jobs/1/complete", "/api/auth/login"])
def test_a_body_that_is_too_large(server, path):
    token = server.log_in("admin")
    media = XML if path == "/api/definitions" else "application/json"
    most = {"/api/definitions": 20_000_000, "/api/auth/login": 10_000}.get(path, 1_000_000)
    with Raw(server) as raw:  # as it says, before any of it has come
        raw.send(request("POST", path, b"{", headers={"Content-Length": str(most + 1)}, token=token, media=media))
        decent(raw.reply(), 413, path, f"{most:,}")
    with Raw(server) as raw:  # as it is
        head = {"Transfer-Encoding": "chunked", "Content-Type": media}
        raw.send(request("POST", path, headers=head, token=token))
        raw.send(chunked(*[b" " * 5_000] * (most // 5_000), end=False))
        raw.send(chunked(b" ", end=False))
        decent(raw.reply(), 413, path, f"{most:,}")


def test_a_body_that_comes_slowly(tmp_path):
    with running(tmp_path, limits=Limits(body=0.3)) as slow, Raw(slow) as raw:
        raw.send(
            request(
                "POST",
                "/api/process/credit_card/start",
                b"{",
                headers={"Content-Length": "9"},
                token=slow.log_in("admin"),
            )
        )
        began = time.monotonic()
        for _ in range(4):
            time.sleep(0.05)
            raw.send(b" ")
        decent(raw.reply(), 408, "/api/process/credit_card/start", "0.3 s")
        assert 0.2 < time.monotonic() - began < 5
        raw.send(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = raw.reply()
        assert reply is None or reply.status != 200, "what comes late is no request"


def test_requests_that_wait_in_line_are_answered_in_their_order(server):
    token = server.log_in("admin")
    parts = [
        request("GET", "/health/live"),
        request("POST", START, b'{"a":1}', token=token),
        request("GET", "/api/nothing"),
        request("POST", START, b"{", token=token),
        request("GET", "/api/auth/me", token=token),
    ]
    with Raw(server) as raw:
        raw.send(b"".join(parts))
        assert [raw.reply().status for _ in range(4)] == [200, 201, 404, 400]
        assert raw.reply().json["name"] == "admin"


def test_expect_100_continue(server):
    token = server.log_in("admin")
    with Raw(server) as raw:
        raw.send(
            request(
                "POST",
                START,
                headers={"Content-Length": "7", "Content-Type": "application/json", "Expect": "100-continue"},
                token=token,
            )
        )
        assert raw.reply().status == 100
        raw.send(b'{"a":1}')
        assert raw.reply().status == 201
    for headers, path, status in (
        ({"Content-Length": "9999999999"}, START, 413),
        ({"Content-Length": "7", "Content-Encoding": "gzip"}, START, 415),
        ({"Content-Length": "7"}, "/api/nothing", 404),
    ):
        with Raw(server) as raw:
            raw.send(
                request(
                    "POST",
                    path,
                    headers={"Expect": "100-continue", "Content-Type": "application/json", **headers},
                    token=token,
                )
            )
            decent(raw.reply(), status, path)  # and not first 100


# -- clients that go away -----------------------------------------------------------------------------------------------


def test_a_client_that_goes_in_the_middle_of_a_body(server):
    before = instances(server)
    token = server.log_in("admin")
    for cut in (1, 3, 6):
        for _ in range(5):
            with Raw(server) as raw:
                raw.send(request("POST", START, b'{"a":1}', token=token)[:-cut])
    time.sleep(0.2)
    assert instances(server) == before


def activate(server: Running, wait: int, lock: int) -> bytes:
    body = {"type": "make", "worker": "gone", "waitMs": wait, "maxJobs": 5, "lockMs": lock}
    return request("POST", "/api/jobs/activate", json.dumps(body).encode(), token=server.log_in("worker"))


def hand_in_all(server: Running, count: int, seconds: float) -> None:
    """Another worker gets so many jobs, in time."""
    admin = server.client()
    done = []

    def all_done() -> bool:
        answer = admin.post("/api/jobs/activate", json={"type": "make", "worker": "here", "maxJobs": 100})
        for job in answer.json()["items"]:
            assert admin.post(f"/api/jobs/{job['id']}/complete", json={"token": job["token"]}).status_code == 200
            done.append(job["id"])
        return len(done) >= count

    until(all_done, seconds)
    assert len(set(done)) == len(done) == count


def test_jobs_are_not_lost_to_workers_that_went_while_they_waited(server):
    for _ in range(3):
        gone = [Raw(server).send(activate(server, 30_000, 600_000)) for _ in range(10)]
        time.sleep(0.1)
        for raw in gone:
            raw.close()
        for _ in range(10):
            server.start("making")
        hand_in_all(server, 10, 5)


def test_jobs_that_were_on_their_way_to_a_worker_that_went_come_back(server):
    """At the latest when the lock is over, where the answer had been sent already."""
    for _ in range(20):
        server.start("making")
    for _ in range(20):
        with Raw(server) as raw:
            raw.send(activate(server, 0, 500))
    hand_in_all(server, 20, 10)


def test_a_listener_that_goes_is_forgotten(server):
    streams = server.app.state.edge.streams
    token = server.log_in("admin")
    gone = [Raw(server).send(request("GET", "/api/events", token=token)) for _ in range(20)]
    assert all(raw.reply().status == 200 for raw in gone)
    assert len(streams) == 20
    for raw in gone:
        raw.close()
    server.start("fill")
    until(lambda: len(streams) == 0, 10)


def test_asking_for_the_head_of_a_stream_opens_none(server):
    with Raw(server) as raw:
        raw.send(request("HEAD", "/api/events", token=server.log_in("admin")))
        assert b" 200 " in raw.line()
        while raw.line().strip():
            pass
        assert raw.send(request("GET", "/health/live")).reply().status == 200, "nothing came after it"
    assert len(server.app.state.edge.streams) == 0


# -- addresses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nothing", "/api", "/api/", "/api/nothing", "/apis/tasks", "/api/../etc/passwd", "/api/docs/..%2f..%2fdocs.css",
        "/api/docs/../docs/docs.css", "/api/docs/%2e%2e/docs.css", "/api/docs/docs.css%00", "/api/%2e%2e/health/live",
        "/api/.", "/api/%2fhealth", "/api%2ftasks", "/api/tasks%2f", "/api/%", "/api/%zz", "/api/%ff", "/api/%c3%28",
        "/api/process/%ff/start", "/api/instances/%ff", "/api/instances/1/nothing", "/API/TASKS", "/api/tasks;a=b",
        "/api/tasks/1/2/3/4/5", "/health", "/health/", "/metrics/x", "/api/ws", "/.env", "/.git/config", "/openapi.json",
        "/api/static/docs.css", "/api/" + "a/" * 2_000, "/api/" + "a" * 15_000,
    ],
    ids=lambda path: path[:50],
)  # fmt: skip
def test_addresses_where_nothing_is(ask, path):
    for method in ("GET", "POST"):
        decent(ask(method, path), 404, path)


def test_a_name_with_a_slash_is_one_name(ask):
    for path in (
        "/api/definitions/a%2fb/versions/1",
        "/api/definitions/..%2f..%2fetc%2fpasswd/versions/1",
        "/api/process/1%2f2/status",
    ):
        decent(ask("GET", path), 404, path)
    decent(ask("POST", "/api/process/%2e%2e/start", {}), 404, "/api/process/%2e%2e/start", "'..'")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "LINK"])
def test_another_method(ask, method):
    for path, allowed in (
        ("/api/tasks", "GET, HEAD"),
        ("/api/auth/login", "POST"),
        ("/health/live", "GET, HEAD"),
        ("/api/instances/1", "GET, HEAD"),
    ):
        reply = ask(method, path, user=None)
        found = decent(reply, 405, path)
        assert reply.headers["allow"] == ", ".join(found["allow"]) == allowed


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=1&limit=2", 422), ("limit=1&LIMIT=2", 422), ("limit=", 422), ("limit=null", 422), ("limit=x", 422),
        ("limit=0", 422), ("limit=1001", 422), ("limit=1.5", 422), ("limit=%D9%A3", 422), ("limit=" + "9" * 400, 422),
        ("limit=" + "9" * 5_000, 422), ("nothing=1", 422), ("%66oo=1", 422), ("limit[]=1", 422), ("variables=1", 422),
        ("variables.a=1", 422), ("definition=a&definition=a", 422), ("definition=%ff", 400), ("definition=%c3%28", 400),
        ("definition=%ed%a0%80", 400), ("limit", 400), ("&&", 400), ("=", 422), ("=1", 422), ("limit=1&&", 400),
        ("status=NOPE", 422), ("status=", 422), ("status=null", 422), ("version=null", 422), ("exceptions=perhaps", 422),
        ("startedAfter=yesterday", 422), ("startedAfter=2020-13-01T00:00:00Z", 422), ("startedAfter=" + "9" * 5_000, 422),
        ("parent=x", 422), ("cursor=x", 422), ("cursor=" + "9" * 19, 200), ("cursor=" + "9" * 20, 422),
        ("&".join(f"var.a{number}=1" for number in range(101)), 400), ("var.=1", 200), ("var.a..b=1", 200),
        ("var.a=" + "[" * 5_000, 200), ("var.a=1e99999999999999999999", 200), ("var.a=NaN", 200), ("var.a=1&var.a=2", 422),
        ("q=" + "a" * 7_990, 200), ("q=" + "a" * 8_000, 414), ("q=%27%3B%20DROP%20TABLE%20instance--", 200), ("q=%25_%5C", 200),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_query_strings(ask, query, status):
    path = f"/api/instances?{query}"
    reply = ask("GET", path)
    if status == 200:
        assert (reply.status, reply.json["next"]) == (200, None) or query.startswith(("cursor", "q=", "var."))
    else:
        decent(reply, status, path)


def test_a_query_string_of_100_kb(ask):
    decent(ask("GET", "/api/instances?q=" + "a" * 100_000), 414, "")
    decent(ask("GET", "/" + "a" * 100_000), 414, "")
    decent(ask("GET", "/health/live?x=1"), 422, "/health/live")


# -- what there is not, and what cannot be done now -----------------------------------------------------------------------

NO_IDS = ["0", "-1", "1.0", "1e5", "abc", "%D9%A3", "9" * 19, "9" * 30, "null", "%20", "1%0a", "0x1", "00", "..", "*"]


@pytest.mark.parametrize("id", NO_IDS)
def test_ids_of_nothing(ask, id):
    for method, path, body in (
        ("GET", f"/api/instances/{id}", None),
        ("GET", f"/api/instances/{id}/tokens", None),
        ("GET", f"/api/instances/{id}/history", None),
        ("GET", f"/api/instances/{id}/audit", None),
        ("GET", f"/api/instances/{id}/exceptions", None),
        ("GET", f"/api/instances/{id}/state?at=1", None),
        ("GET", f"/api/process/{id}/status", None),
        ("GET", f"/api/process/{id}/data/fill_in", None),
        ("GET", f"/api/tasks/{id}", None),
        ("POST", f"/api/tasks/{id}/claim", None),
        ("POST", f"/api/tasks/{id}/unclaim", None),
        ("POST", f"/api/tasks/{id}/assign", {"assignee": None}),
        ("POST", f"/api/tasks/{id}/complete", {}),
        ("POST", f"/api/instances/{id}/operations", {"operationType": "HOLD"}),
        ("POST", f"/api/instances/{id}/tokens/1/retry", {}),
        ("PATCH", f"/api/instances/{id}/variables", {"a": 1}),
        ("POST", f"/api/jobs/{id}/complete", {"token": 1}),
        ("POST", f"/api/jobs/{id}/fail", {"token": 1}),
        ("POST", f"/api/jobs/{id}/error", {"token": 1, "code": "E"}),
        ("POST", f"/api/jobs/{id}/extend", {"token": 1}),
        ("POST", f"/api/jobs/{id}/release", {"token": 1}),
        ("POST", f"/api/process/fill/start/inheritFrom/{id}", {}),
    ):
        assert decent(ask(method, path, body), 404, path)["title"].endswith(" not found.")


@pytest.mark.parametrize("version", ["0", "-1", "2", "1.0", "abc", "99999999999", "%D9%A1", "latest", "1%00"])
def test_versions_that_are_not_there(ask, version):
    for method, rest in (("GET", ""), ("GET", "/xml"), ("POST", "/publish"), ("POST", "/deprecate")):
        path = f"/api/definitions/fill/versions/{version}{rest}"
        assert decent(ask(method, path), 404, path)["title"] == "Process definition not found."


def test_states_in_which_it_cannot_be_done(server, ask):
    begun = server.start("fill")["id"]
    (task,) = ask("GET", f"/api/tasks?instance={begun}").json["items"]
    where = f"/api/instances/{begun}"

    def refused(method: str, path: str, body: Any = None, says: str = "", *, user: str = "admin") -> dict[str, Any]:
        return decent(ask(method, path, body, user=user), 409, path, says)

    refused("POST", f"{where}/operations", {"operationType": "UNHOLD"}, "STARTED")
    refused("POST", f"{where}/operations", {"operationType": "DISMISS"}, "subprocess")
    refused("POST", f"{where}/tokens/1/retry", {}, "exception")
    refused("POST", f"/api/tasks/{task['id']}/unclaim", None, "assigned")
    assert ask("POST", f"/api/tasks/{task['id']}/claim", user="clerk").status == 200
    refused("POST", f"/api/tasks/{task['id']}/claim", None, "clerk", user="manager")
    assert ask("POST", f"{where}/operations", {"operationType": "HOLD"}).status == 200
    for path, body in (
        (f"{where}/operations", {"operationType": "HOLD"}),
        (f"/api/tasks/{task['id']}/complete", {}),
        (f"/api/tasks/{task['id']}/assign", {"assignee": None}),
    ):
        found = refused("POST", path, body)
        assert "on hold" in found["title"] or found["state"] == "ON_HOLD"
    assert ask("POST", f"{where}/operations", {"operationType": "TERMINATE"}).status == 200
    for method, path, body in (
        ("POST", f"{where}/operations", {"operationType": "HOLD"}),
        ("POST", f"{where}/operations", {"operationType": "TERMINATE"}),
        ("PATCH", f"{where}/variables", {"a": 1}),
        ("POST", f"{where}/tokens/1/retry", {}),
    ):
        assert refused(method, path, body)["state"] == "TERMINATED"
    decent(ask("POST", f"/api/tasks/{task['id']}/complete", {}), 404, f"/api/tasks/{task['id']}/complete")


def test_a_lease_that_is_lost(server, ask):
    server.start("making")
    (job,) = ask("POST", "/api/jobs/activate", {"type": "make", "lockMs": 600_000}).json["items"]
    for call, body in (("complete", {}), ("fail", {}), ("error", {"code": "E"}), ("extend", {}), ("release", {})):
        path = f"/api/jobs/{job['id']}/{call}"
        for token in (job["token"] + 1, 0, 2**63 - 1):
            found = decent(ask("POST", path, {"token": token, **body}), 409, path)
            assert found["errorKey"] == "error.state.lease_lost"
    assert ask("POST", f"/api/jobs/{job['id']}/complete", {"token": job["token"]}).status == 200
    path = f"/api/jobs/{job['id']}/complete"
    decent(ask("POST", path, {"token": job["token"]}), 404, path)


def test_what_is_not_built_says_so(ask):
    for method, path, body in (
        ("POST", "/api/signals", {"name": "a"}),
        ("POST", START, {"flowName": "adult"}),
        ("GET", "/api/analytics/durations", None),
        ("POST", "/api/decisions/credit/evaluate", {}),
    ):
        assert decent(ask(method, path, body), 501, path)["errorKey"] == "error.not_built"
    form = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.dmn"\r\n\r\n<a/>\r\n--B--\r\n'
    decent(
        ask("POST", "/api/definitions", form, media="multipart/form-data; boundary=B"), 501, "/api/definitions", "DMN"
    )


# -- process files --------------------------------------------------------------------------------------------------------

DEPLOY = "/api/definitions"
DTD = '<?xml version="1.0"?><!DOCTYPE d [%s]><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">%s</definitions>'
LAUGHS = "".join(f'<!ENTITY a{n} "{(f"&a{n - 1};" if n else "hahaha") * 10}">' for n in range(10))
BOMBS = {
    "laughs": DTD % (LAUGHS, '<process id="p" name="&a9;"/>'),
    "laughs in text": DTD % (LAUGHS, "<documentation>&a9;</documentation>"),
    "quadratic": DTD % (f'<!ENTITY a "{"a" * 50_000}">', f"<documentation>{'&a;' * 5_000}</documentation>"),
    "file": DTD % ('<!ENTITY a SYSTEM "file:///etc/passwd">', '<process id="p" name="&a;"/>'),
    "file in text": DTD % ('<!ENTITY a SYSTEM "file:///etc/passwd">', "<documentation>&a;</documentation>"),
    "address": DTD % ('<!ENTITY a SYSTEM "http://127.0.0.1:1/x">', "<documentation>&a;</documentation>"),
    "parameter entity": DTD % ('<!ENTITY % a SYSTEM "file:///etc/passwd">%a;', ""),
    "document type elsewhere": '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x.dtd"><definitions/>',
    "included": '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xi="http://www.w3.org/2001/XInclude">'
    '<xi:include href="file:///etc/passwd" parse="text"/></definitions>',
    "imported": '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><import location="file:///etc/passwd" '
    'importType="http://www.w3.org/2001/XMLSchema" namespace="x"/></definitions>',
    "deep": "<a>" * 100_000,
    "attributes": "<a " + " ".join(f'a{n}="1"' for n in range(50_000)) + "/>",
    "long name": f"<{'a' * 1_000_000}/>",
    "html": "<!DOCTYPE html><html><body/></html>",
    "text": "hello",
    "no end": FILL.decode()[:-50],
    "no such encoding": FILL.decode().replace("UTF-8", "UTF-99"),
    "too large for one file": "<definitions>" + " " * 6_000_000 + "</definitions>",
    "too many elements": f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">{"<a/>" * 150_000}</definitions>',
}


@pytest.mark.parametrize("name", BOMBS)
def test_files_that_are_no_processes(ask, name):
    began = time.monotonic()
    reply = ask("POST", f"{DEPLOY}?publish=true&file=bomb.bpmn", BOMBS[name].encode(), media=XML)
    assert time.monotonic() - began < 5
    found = decent(reply, 422, DEPLOY)
    assert found["errorKey"] == "error.validation.definition"
    for problem in found["problems"]:
        assert problem["file"] == "bomb.bpmn"
        assert problem["message"]


def packed(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as bundle:
        for name, data in files.items():
            bundle.writestr(zipfile.ZipInfo(name), data, kind)
    return buffer.getvalue()


GOOD = packed({"a.bpmn": FILL})
ZIPS = {
    "nothing": (b"", 400),
    "no zip": (b"PK\x03\x04 and so on", 400),
    "empty zip": (packed({}), 400),
    "empty file": (packed({"a.bpmn": b""}), 400),
    "cut off": (GOOD[:-30], 400),
    "rotten": (GOOD[:60] + bytes(len(GOOD) - 120) + GOOD[-60:], 400),
    "bomb": (packed({"a.bpmn": bytes(60_000_000)}), 413),
    "bomb in parts": (packed({f"{number}.bpmn": bytes(6_000_000) for number in range(10)}), 413),
    "many files": (packed({f"{number}.bpmn": b"a" for number in range(1_001)}), 413),
    "absolute": (packed({"/etc/cron.d/a.bpmn": FILL}), 400),
    "upwards": (packed({"../../a.bpmn": FILL}), 400),
    "upwards in the middle": (packed({"a/../../b.bpmn": FILL}), 400),
    "backwards": (packed({"..\\..\\a.bpmn": FILL}), 400),
    "drive": (packed({"C:\\a.bpmn": FILL}), 400),
    "locked": (
        GOOD[:6] + b"\x01" + GOOD[7:].replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
        400,
    ),
    "lzma": (packed({"a.bpmn": FILL}, zipfile.ZIP_LZMA), 400),
    "bzip2": (packed({"a.bpmn": FILL}, zipfile.ZIP_BZIP2), 400),
    "no process": (packed({"a.bpmn": b"<a/>"}), 422),
    "zip in a zip": (packed({"a.zip": GOOD}), 422),
}


@pytest.mark.parametrize("name", ZIPS)
def test_zips_that_are_none_or_bad(ask, name):
    data, status = ZIPS[name]
    decent(ask("POST", DEPLOY, data, media="application/zip"), status, DEPLOY)


def part(name: str = "a.bpmn", data: bytes = FILL, more: str = "") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="file"{f"; filename={name}" if name else ""}\r\n{more}\r\n'
    return head.encode() + data + b"\r\n"


END = b"--B--\r\n"
FORM = "multipart/form-data; boundary=B"
FORMS = {
    "no boundary": ("multipart/form-data", part() + END, 400),
    "empty boundary": ("multipart/form-data; boundary=", part() + END, 400),
    "another boundary": ("multipart/form-data; boundary=C", part() + END, 400),
    "odd boundary": ("multipart/form-data; boundary*=x'y'%ff%00", part() + END, 400),
    "nothing": (FORM, b"", 400),
    "only the end": (FORM, END, 400),
    "no end": (FORM, part(), 400),
    "cut off": (FORM, (part() + END)[:-12], 400),
    "fields only": (FORM, part("") + END, 400),
    "a file and a field": (FORM, part() + part("") + END, 400),
    "no headers": (FORM, b"--B\r\n\r\nhello\r\n" + END, 400),
    "no blank line": (FORM, b"--B\r\nhello\r\n" + END, 400),
    "empty file": (FORM, part(data=b"") + END, 400),
    "packed part": (FORM, part(more="Content-Transfer-Encoding: base64\r\n") + END, 400),
    "form in a form": (FORM, part(more="Content-Type: multipart/mixed; boundary=X\r\n", data=b"--X--") + END, 422),
    "10,000 parts": (FORM, part(data=b"x") * 10_000 + END, 413),
    "long head": (FORM, part(more=f"X: {'x' * 100_000}\r\n") + END, 400),
    "no process": (FORM, part(data=b"<a/>") + END, 422),
    "odd name": (FORM, part("\"../../\\u0000\\ud800.bpmn\"", data=b"<a/>") + END, 422),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_forms_that_are_none_or_bad(ask, name):
    media, data, status = FORMS[name]
    began = time.monotonic()
    decent(ask("POST", DEPLOY, data, media=media), status, DEPLOY)
    assert time.monotonic() - began < 5


def test_files_in_good_zips_and_forms(ask):
    a, b = (process(name).start().end().build() for name in ("zipped", "posted"))
    reply = ask(
        "POST", DEPLOY, packed({"folder/": b"", "folder/a.bpmn": a, "manifest.json": b"{}"}), media="application/zip"
    )
    assert (reply.status, [item["name"] for item in reply.json["items"]]) == (201, ["zipped"])
    for data in (part("b.bpmn", b) + END, b"hello\r\n" + part("b.bpmn", b) + b"--B-- bye"):
        reply = ask("POST", DEPLOY, data, media='multipart/form-data; boundary="B"')
        assert [item["file"] for item in reply.json["items"]] == ["b.bpmn"]


# -- the same again -------------------------------------------------------------------------------------------------------


def test_keys_of_idempotency_that_are_none(ask):
    for key in ("k" * 201, "k" * 5_000):
        for path in (START, "/api/messages"):
            decent(ask("POST", path, {"name": "n"}, headers={"Idempotency-Key": key}), 422, path, "Idempotency-Key")
    with_key = {"Idempotency-Key": "a key of \xe4nna"}
    first = ask("POST", START, {"a": 1}, headers=with_key)
    again = ask("POST", START, {"a": 1}, headers=with_key)
    assert (first.status, first.json["id"]) == (again.status, again.json["id"])
    assert decent(ask("POST", START, {"a": 2}, headers=with_key), 422, START)["errorKey"] == "error.idempotency"
    other = "/api/process/making/start"
    assert decent(ask("POST", other, {"a": 1}, headers=with_key), 422, other)["errorKey"] == "error.idempotency"
    assert ask("POST", START, {"a": 1}, headers=with_key, user="clerk").json["id"] != first.json["id"], (
        "keys are one's own"
    )


@pytest.mark.parametrize("path", [START, "/api/messages"])
def test_twenty_at_once_with_one_key_do_it_once(server, path):
    before = instances(server)
    body = b'{"name": "paid", "correlationKey": "twenty"}' if path == "/api/messages" else b'{"n": 20}'
    sent = request("POST", path, body, token=server.log_in("admin"), headers={"Idempotency-Key": f"twenty at {path}"})
    barrier = threading.Barrier(20)

    def once(_: int) -> Reply | None:
        with Raw(server) as raw:
            barrier.wait()
            return raw.send(sent).reply()

    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(once, range(20)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json["id"] for reply in replies}) == 1
    if path == START:
        assert instances(server) == before + 1
    else:
        first, second = server.start("paid", {"id": "twenty"}), server.start("paid", {"id": "twenty"})
        until(lambda: server.client().get(f"/api/instances/{first['id']}").json()["state"] == "FINISHED")
        assert server.client().get(f"/api/instances/{second['id']}").json()["state"] == "STARTED"


def test_one_key_on_connections_that_are_cut(server):
    """The answer is lost, the effect is not, and it is not there twice."""
    before = instances(server)
    sent = request("POST", START, b'{"cut": 1}', token=server.log_in("admin"), headers={"Idempotency-Key": "cut"})
    for _ in range(10):
        with Raw(server) as raw:
            raw.send(sent)
    with Raw(server) as raw:
        reply = raw.send(sent).reply()
    assert reply.status == 201
    assert instances(server) == before + 1
