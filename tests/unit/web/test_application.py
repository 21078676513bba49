"""The web application's files over ASGI: headers, compression, what is asked for again, and what nobody gets."""

from __future__ import annotations

import asyncio
import gzip
import json
import re

import pytest

from procession.api.application import _refuse
from procession.web import WebApplication
from tests.unit.web.build import PAGE, SCRIPT, brotli, write_build

SCRIPT_AT, STYLE_AT = "/assets/index-1a2b3c.js", "/assets/index-4d5e6f.css"


class Reply:
    def __init__(self, sent):
        start, *bodies = sent
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        assert len(self.headers) == len(start["headers"]), "a header is there twice"
        self.body = b"".join(each["body"] for each in bodies)

    def problem(self, status):
        assert (self.status, self.headers["content-type"]) == (status, "application/problem+json")
        assert self.headers["x-content-type-options"] == "nosniff"
        return json.loads(self.body)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_build(tmp_path_factory.mktemp("web") / "static")


@pytest.fixture
def ask(folder):
    return asking(folder)


def asking(folder):
    application = WebApplication(folder, _refuse)

    def ask(path, method="GET", **headers):
        sent = []

        async def send(message):
            sent.append(message)

        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        raw = path if isinstance(path, bytes) else path.encode()
        scope = {"type": "http", "method": method, "raw_path": raw, "path": "", "headers": fields}
        asyncio.run(application(scope, None, send))
        return Reply(sent)

    return ask


def nonces(reply):
    policy = set(re.findall(r"'nonce-([^']+)'", reply.headers["content-security-policy"]))
    return policy, set(re.findall(r'nonce="([^"]+)"', reply.body.decode()))


# -- the page ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/", "/index.html", "/tasks", "/tasks/", "/instances/1a2b/history?at=3", "/start/a%20b", "/start/a%2fb",
        "/start/J%C3%BCrgen", "/definitions/order.fulfilment", "/definitions/a.b/versions/2", "/apis", "/healthy",
        "/a/" + "b" * 10_000,
    ],
    ids=lambda path: path[:30],
)  # fmt: skip
def test_every_address_within_the_application_is_answered_with_the_page(ask, path):
    reply = ask(path)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy, page = nonces(reply)
    assert policy == page
    assert len(page) == 1
    assert reply.body.decode() == PAGE.replace("__CSP_NONCE__", page.pop())
    assert reply.headers["content-length"] == str(len(reply.body))


def test_the_page_says_what_may_happen_on_it(ask):
    headers = ask("/").headers
    nonce = re.search(r"'nonce-([\w-]{24})'", headers["content-security-policy"])[1]
    assert headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    denied = headers["permissions-policy"].split(", ")
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(denied)
    assert all(each.endswith("=()") for each in denied)
    assert "etag" not in headers


def test_no_two_pages_have_the_same_nonce(ask):
    found = [nonces(ask("/"))[0].pop() for _ in range(50)]
    assert len(set(found)) == 50


# -- files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "media"),
    [
        (SCRIPT_AT, "text/javascript; charset=utf-8"),
        (STYLE_AT, "text/css; charset=utf-8"),
        ("/assets/inter-latin-7a8b.woff2", "font/woff2"),
        ("/assets/data-9c.json", "application/json"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/favicon.svg", "image/svg+xml"),
        ("/icons/icon-192.png", "image/png"),
        ("/unknown.kind", "application/octet-stream"),
        ("/assets/data%2D9c.json?v=1", "application/json"),
    ],
)
def test_a_file_has_its_type_its_tag_and_its_time(ask, path, media):
    reply = ask(path)
    assert (reply.status, reply.headers["content-type"]) == (200, media)
    lasting = path.startswith("/assets/")
    assert reply.headers["cache-control"] == ("public, max-age=31536000, immutable" if lasting else "no-cache")
    assert re.fullmatch(r'"[0-9a-f]{32}"', reply.headers["etag"])
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "'none'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.8,gzip;q=0.8", "br"),
        ("br;q=0, gzip;q=0", None),
        ("br;q=0, *", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, identity;q=0.1", "gzip"),
        ("gzip; Q=0.001", "gzip"),
        ("gzip;q=nonsense", None),
        ("deflate, zstd", None),
        ("brotli, gzipped", None),
        (",;,=;", None),
    ],
)
def test_the_encoding_is_the_one_that_is_liked_most(ask, accepted, encoding):
    reply = ask(SCRIPT_AT, **({} if accepted is None else {"accept_encoding": accepted}))
    assert reply.headers.get("content-encoding") == encoding
    assert reply.headers["vary"] == "accept-encoding"
    wanted = {None: SCRIPT, "br": brotli(SCRIPT), "gzip": SCRIPT}[encoding]
    assert (gzip.decompress(reply.body) if encoding == "gzip" else reply.body) == wanted


def test_what_was_not_compressed_does_not_vary(ask):
    reply = ask("/icons/icon-192.png", accept_encoding="br, gzip")
    assert not {"vary", "content-encoding"} & set(reply.headers)
    assert reply.body == b"\x89PNG"


def test_each_encoding_has_its_own_tag(ask):
    tags = {ask(SCRIPT_AT, accept_encoding=each).headers["etag"] for each in ("identity", "gzip", "br")}
    assert len(tags) == 3


@pytest.mark.parametrize("path", ["/sw.js", SCRIPT_AT])
def test_what_a_browser_has_already_is_not_sent_again(ask, path):
    first = ask(path, accept_encoding="gzip")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        reply = ask(path, accept_encoding="gzip", if_none_match=known)
        assert (reply.status, reply.body) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert reply.headers[name] == first.headers[name]
        assert not {"content-length", "content-type", "content-encoding"} & set(reply.headers)
    for unknown in ('"other"', "", tag.strip('"'), "nonsense"):
        assert ask(path, accept_encoding="gzip", if_none_match=unknown).status == 200
    assert ask(path, accept_encoding="br", if_none_match=tag).status == 200


# -- methods -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/tasks", SCRIPT_AT, "/sw.js"])
def test_the_head_is_what_stands_before_the_body(ask, path):
    whole, head = ask(path, accept_encoding="br"), ask(path, "HEAD", accept_encoding="br")
    assert head.body == b""
    for headers in (whole.headers, head.headers):
        headers.pop("content-security-policy")
    assert (head.status, head.headers) == (whole.status, whole.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_else_is_possible(ask, method):
    for path in ("/", "/tasks", SCRIPT_AT):
        reply = ask(path, method)
        assert reply.problem(405)["instance"] == path
        assert reply.headers["allow"] == "GET, HEAD"
    assert ask("/assets/missing.js", method).status == 404


# -- what nobody gets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing-1a.js", "/assets/", "/assets", "/assets/missing", "/icons", "/icons/", "/missing.png",
        "/robots.txt", "/wp-login.php", "/../outside.txt", "/assets/../../outside.txt",
        "/assets/..%2f..%2foutside.txt", "/%2e%2e/outside.txt", "/..", "/.", "/assets/%2e%2e/%2e%2e/outside.txt",
        "/..%5coutside.txt", "/..\\outside.txt", "/assets\\index-1a2b3c.js", "/tasks/..", "/index.html%00",
        "/sw.js%00.png", "/tasks%00", "/tasks%0d%0aset-cookie:a", "//etc/passwd", "//example.com", "/tasks//1",
        "/.secret", "/.vite/manifest.json", "/.env", "/.git/config", "/assets/linked.txt", "/assets/up/outside.txt",
        SCRIPT_AT + ".br", SCRIPT_AT + ".gz", SCRIPT_AT + "/", "/SW.JS", "/tasks/%ff", "/%c3%28", "", "tasks", "*",
    ],
)  # fmt: skip
def test_there_is_nothing_else(ask, path):
    found = ask(path).problem(404)
    assert found["instance"] == path
    assert "outside" not in found["detail"]


def test_a_socket_is_refused(folder):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(WebApplication(folder, _refuse)({"type": "websocket", "raw_path": b"/tasks"}, None, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


# -- builds that come and go ---------------------------------------------------------------------------------------------


def test_without_a_build_it_says_how_to_make_one(tmp_path):
    ask = asking(tmp_path / "static")
    for path in ("/", "/tasks"):
        reply = ask(path)
        assert (reply.status, reply.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert b"make ui" in reply.body
        assert b'href="/api/docs"' in reply.body
        assert reply.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert ask("/", "HEAD").body == b""
    ask("/", "POST").problem(405)
    ask("/assets/index.js").problem(404)


def test_a_file_that_goes_is_missed_and_one_that_comes_waits_for_the_next_start(tmp_path):
    folder = write_build(tmp_path / "static")
    ask = asking(folder)
    assert ask("/sw.js").status == 200
    for path in folder.glob("assets/*.css*"):
        path.unlink()
    (folder / "sw.js").unlink()
    (folder / "new.js").write_text("//")
    ask(STYLE_AT, accept_encoding="gzip").problem(404)
    assert ask("/sw.js").status == 200, "it was read before"
    ask("/new.js").problem(404)
    assert asking(folder)("/new.js").status == 200
