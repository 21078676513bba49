"""Which pages may use a session: ours, and those of sites that are allowed."""

from __future__ import annotations

import pytest

from procession.api.origins import Origin, check_origin, may_send, read_origin, sharing
from procession.errors import CommandRejected


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "example.com"),
        ("https://example.com", "example.com"),
        ("https://example.com", "example.com:443"),
        ("https://example.com:443", "example.com"),
        ("http://example.com", "example.com:80"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://LOCALHOST:8080", "localhost:8080"),
        ("https://Example.com", "EXAMPLE.com"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://app.example.org", "example.com"),
        ("https://app.example.org:443", "example.com"),
        ("http://ui.test:3000", "example.com"),
    ],
)
def test_our_own_pages_and_those_that_are_allowed_may(origin, host):
    headers = {"host": host} if origin is None else {"host": host, "origin": origin}
    check_origin(headers, ["https://app.example.org/", "http://ui.test:3000", "nonsense"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.test", "example.com"),
        ("https://example.com.evil.test", "example.com"),
        ("https://evilexample.com", "example.com"),
        ("https://sub.example.com", "example.com"),
        ("https://example.com:8443", "example.com"),
        ("http://localhost:8081", "localhost:8080"),
        ("http://localhost", "localhost:8080"),
        ("http://app.example.org", "example.com"),
        ("https://app.example.org.evil.test", "example.com"),
        ("https://user@example.com", "example.com"),
        ("https://example.com", "user@example.com"),
        ("https://example.com/path", "example.com"),
        ("https://example.com?x", "example.com"),
        ("https://example.com", ""),
        ("https://", ""),
        ("null", "example.com"),
        ("null", "null"),
        ("", ""),
        ("", "example.com"),
        ("example.com", "example.com"),
        ("file://", "example.com"),
        ("ftp://example.com", "example.com"),
        ("https://example.com:99999", "example.com"),
        ("https://example.com:x", "example.com"),
        ("https://[::1", "[::1"),
        ("https://example.com https://evil.test", "example.com"),
        ("https://evil.test, https://example.com", "example.com"),
    ],
)
def test_pages_of_other_sites_may_not(origin, host):
    with pytest.raises(CommandRejected) as refusal:
        check_origin({"host": host, "origin": origin}, ["https://app.example.org", "*"])
    assert (refusal.value.status, refusal.value.title, refusal.value.key) == (403, "Forbidden", "error.origin")


def test_a_request_without_a_host_has_no_pages_of_its_own():
    with pytest.raises(CommandRejected):
        check_origin({"origin": "https://example.com"}, [])


def test_origins_are_told_apart_by_scheme_host_and_port():
    assert read_origin("HTTPS://Example.com") == Origin("https", "example.com", 443)
    assert read_origin("http://example.com:8080") == Origin("http", "example.com", 8080)
    assert read_origin("*") is None


@pytest.mark.parametrize(
    "origin", ["https://app.example.org", "https://app.example.org:443", "HTTPS://APP.example.org"]
)
def test_a_page_that_is_allowed_may_read_answers(origin):
    told = dict(sharing({"origin": origin}, ["https://app.example.org"]))
    assert told[b"access-control-allow-origin"] == origin.encode()
    assert told[b"access-control-allow-credentials"] == b"true"
    assert told[b"vary"] == b"origin"


@pytest.mark.parametrize(
    "origin",
    [None, "null", "", "*", "https://evil.test", "http://app.example.org", "https://app.example.org.evil.test"],
)
def test_no_other_page_may_read_answers(origin):
    assert sharing({} if origin is None else {"origin": origin}, ["https://app.example.org", "*", "null"]) == ()


def test_what_a_page_may_send():
    told = dict(may_send(["DELETE", "PUT"]))
    assert told[b"access-control-allow-methods"] == b"DELETE, PUT"
    assert b"x-csrf-token" in told[b"access-control-allow-headers"]
