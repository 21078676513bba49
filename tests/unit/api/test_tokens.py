"""Access tokens: what they carry, when they end, and what is no token of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.api import tokens as tokens_module
from procession.api.tokens import AccessTokens, BadCredentials, Claims
from procession.runtime.clock import VirtualClock

SECRET = "a secret of more than thirty-two bytes"
HOUR = 3_600_000_000


@pytest.fixture
def clock():
    return VirtualClock("2030-01-01T00:00:00.123456Z")


@pytest.fixture
def tokens(clock):
    return AccessTokens(SECRET, 3600, clock.now)


def claims_of(tokens, clock, **changed):
    """What an honest token says, but for these; `...` takes one out."""
    now = clock.now() / 1e6
    honest = {"iss": "procession", "aud": "procession", "sub": "ana", "stamp": "s", "iat": now, "exp": now + 60}
    return {name: value for name, value in (honest | changed).items() if value is not ...}


def part(document) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def refused(tokens, token) -> str:
    with pytest.raises(BadCredentials) as refusal:
        tokens.verify(token)
    assert refusal.value.__cause__ is None
    assert tokens.known(token) is None
    return str(refusal.value)


def test_a_token_says_who_it_is_for_and_until_when(tokens, clock):
    token, seconds = tokens.issue("ana", "stamp of ana")
    assert seconds == 3600
    assert tokens.verify(token) == Claims("ana", "stamp of ana", clock.now(), clock.now() + HOUR)
    said = jwt.decode(token, options={"verify_signature": False})
    assert sorted(said) == ["aud", "exp", "iat", "iss", "jti", "stamp", "sub"]
    assert jwt.get_unverified_header(token)["alg"] == "HS256"


def test_times_are_kept_to_the_microsecond(tokens, clock):
    for _ in range(1000):
        clock.advance(0.000_001)
        assert tokens.verify(tokens.issue("ana", "s")[0]).issued == clock.now()


def test_no_two_tokens_are_the_same(tokens):
    assert len({tokens.issue("ana", "s")[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["ana", "Åsa.öberg+x@größe", "語" * 100, "\U0001f600" * 100])
def test_any_name_fits(tokens, name):
    token, _ = tokens.issue(name, "0" * 32)
    assert tokens.verify(token).name == name


def test_a_token_ends_by_the_clock_of_the_engine(tokens, clock):
    token, _ = tokens.issue("ana", "s")
    clock.advance(3599.999_999)
    assert tokens.verify(token).name == "ana"
    assert tokens.known(token) is not None
    clock.advance(0.000_001)
    assert "expired" in refused(tokens, token)


def test_a_token_that_nobody_has_seen_ends_too(tokens, clock):
    token, _ = tokens.issue("ana", "s")
    clock.advance(3600)
    assert "expired" in refused(tokens, token)


def test_the_clock_of_the_machine_does_not_count(clock):
    """Neither where the engine's time is long over, nor where it is still to come."""
    for start in ("1999-01-01T00:00:00Z", "2200-01-01T00:00:00Z"):
        old = AccessTokens(SECRET, 60, VirtualClock(start).now)
        assert old.verify(old.issue("ana", "s")[0]).name == "ana"


def test_a_lifetime_may_be_given(tokens, clock):
    token, seconds = tokens.issue("ana", "s", lifetime=86_400)
    assert seconds == 86_400
    clock.advance("PT23H59M")
    assert tokens.verify(token).name == "ana"


# -- forgeries --------------------------------------------------------------------------------------------------------


def test_a_token_without_a_signature_is_refused(tokens, clock):
    claims = claims_of(tokens, clock)
    assert "not valid" in refused(tokens, jwt.encode(claims, "", "none"))
    for algorithm in ("none", "None", "NONE", "", None, [], {"HS256": 1}):
        head = part({"typ": "JWT", "alg": algorithm})
        refused(tokens, f"{head}.{part(claims)}.")
        signed = hmac.digest(SECRET.encode(), f"{head}.{part(claims)}".encode(), "sha256")
        refused(tokens, f"{head}.{part(claims)}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_only_one_algorithm_is_taken_even_with_the_right_key(tokens, clock, algorithm):
    key = SECRET * 2
    ours = AccessTokens(key, 60, clock.now)
    refused(ours, jwt.encode(claims_of(tokens, clock), key, algorithm))
    assert ours.verify(jwt.encode(claims_of(tokens, clock), key, "HS256")).name == "ana"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "PS256", "HS1", "hs256"])
def test_a_head_with_another_algorithm_is_refused(tokens, clock, algorithm):
    head, body = part({"typ": "JWT", "alg": algorithm}), part(claims_of(tokens, clock))
    for digest in (hashlib.sha256, hashlib.sha512):
        signature = hmac.new(SECRET.encode(), f"{head}.{body}".encode(), digest).digest()
        refused(tokens, f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def test_a_changed_token_is_refused(tokens, clock):
    head, body, signature = tokens.issue("ana", "s")[0].split(".")
    refused(tokens, f"{head}.{part(claims_of(tokens, clock, sub='root'))}.{signature}")
    refused(tokens, f"{head}.{body}.{signature[:-2]}")
    refused(tokens, f"{head}.{body}.{signature[::-1]}")
    refused(tokens, f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'x'})}.{body}.{signature}")
    assert tokens.verify(f"{head}.{body}.{signature}").name == "ana", "the honest one is one"


def test_a_token_of_another_key_is_refused(tokens, clock):
    refused(tokens, AccessTokens(SECRET + "!", 3600, clock.now).issue("ana", "s")[0])


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "stamp", "iat", "exp"])
def test_a_claim_that_is_missing_is_missed(tokens, clock, claim):
    refused(tokens, jwt.encode(claims_of(tokens, clock, **{claim: ...}), SECRET, "HS256"))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another"},
        {"aud": ["procession"]},
        {"aud": ["another", "procession"]},
        {"aud": ""},
        {"aud": None},
        {"iss": "another"},
        {"iss": ["procession"]},
        {"sub": 7},
        {"sub": None},
        {"exp": "tomorrow"},
        {"exp": "99999999999"},
        {"exp": True},
        {"exp": None},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": [1]},
        {"iat": "today"},
        {"iat": False},
        {"jti": 5},
    ],
    ids=repr,
)
def test_a_claim_that_is_wrong_is_refused(tokens, clock, changed):
    body = json.dumps(claims_of(tokens, clock, **changed))
    token = jwt.api_jws.encode(body.encode(), SECRET, "HS256")
    assert refused(tokens, token) == "The access token is not valid. Log in again."
    honest = jwt.api_jws.encode(json.dumps(claims_of(tokens, clock)).encode(), SECRET, "HS256")
    assert tokens.verify(honest).name == "ana"


@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=60))
def test_anything_else_is_no_token(text):
    tokens = AccessTokens(SECRET, 60, VirtualClock().now)
    refused(tokens, text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_no_head_is_dangerous(head):
    tokens = AccessTokens(SECRET, 60, VirtualClock().now)
    refused(tokens, f"{part(head)}.{part({'sub': 'ana'})}.{part('x')}")
    if isinstance(head, dict):
        refused(tokens, f"{part(head | {'alg': 'HS256'})}.{part({'sub': 'ana'})}.{part('x')}")


def test_what_is_too_long_is_not_even_looked_at(tokens, clock):
    nested = base64.urlsafe_b64encode(b"[" * 2000).decode()
    refused(tokens, f"{nested}.x.x")
    refused(tokens, "a" * 2_000_000)
    long = jwt.encode(claims_of(tokens, clock, note="x" * 4000), SECRET, "HS256")
    assert refused(tokens, long) == "This is no access token."


# -- what is remembered -----------------------------------------------------------------------------------------------


def test_a_token_is_known_once_it_was_checked(tokens):
    token, _ = tokens.issue("ana", "s")
    assert tokens.known(token) is None
    claims = tokens.verify(token)
    assert tokens.known(token) is claims
    assert tokens.verify(token) is claims
    assert all(token.encode() not in key for key in tokens._checked), "only hashes are kept"


def test_what_is_remembered_is_bounded(tokens, monkeypatch):
    monkeypatch.setattr(tokens_module, "REMEMBERED", 3)
    issued = [tokens.issue("ana", "s")[0] for _ in range(5)]
    for token in issued:
        tokens.verify(token)
    assert [tokens.known(token) is not None for token in issued] == [False, False, True, True, True]
    assert tokens.verify(issued[0]).name == "ana"


def test_what_was_refused_is_not_remembered(tokens, clock):
    for _ in range(10):
        refused(tokens, "nonsense")
    assert not tokens._checked


# -- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, b"x" * 31])
def test_a_short_secret_is_refused(secret):
    with pytest.raises(ValueError, match=rf"32 bytes at least.*this one has {len(secret)}") as refusal:
        AccessTokens(secret, 60, VirtualClock().now)
    assert not secret or str(secret) not in str(refusal.value)


@pytest.mark.parametrize("secret", ["ö" * 16, b"\x00\xff" * 16, "x" * 32])
def test_a_secret_counts_its_bytes(secret, clock):
    tokens = AccessTokens(secret, 60, clock.now)
    assert tokens.verify(tokens.issue("ana", "s")[0]).name == "ana"


def test_a_public_key_is_no_secret():
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmRZ0u8v2xZ7m5kYw0uYpT0y5s6o0oQeW0QeX0QeX0Q"
    with pytest.raises(ValueError, match=r"cannot be used.*asymmetric key") as refusal:
        AccessTokens(public, 60, VirtualClock().now)
    assert public not in str(refusal.value)
