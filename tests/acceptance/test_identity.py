"""Who is let in, by whom, for how long, and what ends it: a real server, and people who try what they should not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from procession.api.identity import CHECKS_AT_ONCE
from procession.api.throttle import FORGET, FREE, LONGEST, Throttle
from procession.runtime.clock import VirtualClock
from tests.acceptance.running import PASSWORD, SECRET, Running, running
from tests.acceptance.waiting import until

UI = "https://ui.example"
HOUR = 3600
ME = "/api/auth/me"
START = "/api/process/credit_card/start"
PERSON = {"startCondition": "PF", "client": {"name": "Ana", "income": 2400}}


class Hand:
    """Seconds that a test moves by hand: what failed log-ins are counted by."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with running(
        tmp_path_factory.mktemp("identity"),
        clock=VirtualClock(),
        token_lifetime=HOUR,
        session_lifetime=2 * HOUR,
        origins=[UI],
        proxies=["127.0.0.1"],
    ) as found:
        yield found


@pytest.fixture(autouse=True)
def hand(server) -> Hand:
    """Nobody is slowed down for what another test did."""
    made = Hand()
    server.app.state.edge.identity._throttle = Throttle(made)
    return made


@pytest.fixture
def user(server, request) -> Iterator[str]:
    """Somebody of one's own, with the role clerk."""
    name = "u" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    put(server, name, ["clerk"], PASSWORD)
    yield name
    server.client("admin").delete(f"/api/users/{name}")


def put(server: Running, name: str, roles: list[str], password: str | None = None) -> httpx2.Response:
    body = {"roles": roles} | ({"password": password} if password is not None else {})
    answer = server.client("admin").put(f"/api/users/{name}", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer


def try_in(server: Running, name: str, password: str = PASSWORD, **headers: str) -> httpx2.Response:
    return server.client(None).post(
        "/api/auth/login", json={"username": name, "password": password}, headers=headers or None
    )


def token_of(server: Running, name: str, password: str = PASSWORD) -> str:
    answer = try_in(server, name, password)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def me(server: Running, **headers: str) -> httpx2.Response:
    return httpx2.get(server.url + ME, headers=headers)


class Browser:
    """Somebody with a session. What it sends is what a page of ours makes it send, but for what is given."""

    def __init__(self, server: Running, name: str, cookie: str | None = None) -> None:
        self.url, self.name = server.url, name
        headers = {"cookie": f"procession_session={cookie}"} if cookie else {}
        body = {"username": name, "password": PASSWORD, "session": True}
        self.login = httpx2.post(server.url + "/api/auth/login", json=body, headers=headers)
        assert self.login.status_code == 200, self.login.text
        self.set_cookie = self.login.headers["set-cookie"]
        self.cookie = self.set_cookie.partition(";")[0].partition("=")[2]
        self.csrf = self.login.json()["csrfToken"]

    def __call__(self, method: str, path: str, *, csrf: str | None = "own", **more: Any) -> httpx2.Response:
        headers = {"cookie": f"procession_session={self.cookie}", **more.pop("headers", {})}
        if csrf is not None and method != "GET":
            headers["x-csrf-token"] = self.csrf if csrf == "own" else csrf
        return httpx2.request(method, self.url + path, headers=headers, **more)

    @property
    def status(self) -> int:
        return self("GET", ME).status_code


def audit(server: Running, user: str) -> list[tuple[str, str, str]]:
    items = server.client("operator").get("/api/audit?limit=1000").json()["items"]
    return [(each["user"], each["event"], each["status"]) for each in items if each["subjectIdentifier"] == user]


# -- guessing passwords -----------------------------------------------------------------------------------------------


def test_a_wrong_name_and_a_wrong_password_look_alike(server, user):
    wrong, nobody = try_in(server, user, "wrong"), try_in(server, "nobody-" + user, "wrong")
    for answer in (wrong, nobody):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert _without_id(wrong) == _without_id(nobody)


def _without_id(answer: httpx2.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "requestId"}


def test_guessing_costs_more_and_more_time(server, user, hand):
    for _ in range(FREE["name"]):
        assert try_in(server, user, "wrong").status_code == 401
    waits = []
    for _ in range(12):
        answer = try_in(server, user)
        assert answer.status_code == 429, "nor is the right password looked at"
        waits.append(int(answer.headers["retry-after"]))
        assert answer.json()["retryAfter"] == waits[-1]
        assert try_in(server, "clerk").status_code == 200, "nobody else has to wait"
        hand.now += waits[-1]
        assert try_in(server, user, "wrong").status_code == 401
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LONGEST
    hand.now += LONGEST
    assert try_in(server, user).status_code == 200
    assert try_in(server, user, "wrong").status_code == 401, "it was them: all is forgiven"


def test_success_in_between_forgives(server, user):
    for _ in range(3):
        for _ in range(FREE["name"] - 1):
            assert try_in(server, user, "wrong").status_code == 401
        assert try_in(server, user).status_code == 200


def test_failures_are_forgotten(server, user, hand):
    for _ in range(FREE["name"]):
        try_in(server, user, "wrong")
    assert try_in(server, user).status_code == 429
    hand.now += FORGET + 1
    for _ in range(FREE["name"]):
        assert try_in(server, user, "wrong").status_code == 401


def test_an_address_that_tries_many_names_has_to_wait(server, user):
    here, there = {"x-forwarded-for": "203.0.113.7"}, {"x-forwarded-for": "203.0.113.8"}
    for number in range(FREE["address"]):
        assert try_in(server, f"name{number}", "wrong", **here).status_code == 401
    answer = try_in(server, user, **here)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert try_in(server, user, **there).status_code == 200
    assert try_in(server, user, **here).status_code == 429, "success elsewhere does not help"


def test_an_address_of_version_6_is_its_network(server, user):
    for number in range(FREE["address"]):
        try_in(server, f"name{number}", "wrong", **{"x-forwarded-for": f"2001:db8::{number:x}"})
    assert try_in(server, user, **{"x-forwarded-for": "2001:db8::ffff"}).status_code == 429
    assert try_in(server, user, **{"x-forwarded-for": "2001:db8:1::ffff"}).status_code == 200


def test_many_guesses_at_one_moment_are_no_way_around_it(server, user):
    with ThreadPoolExecutor(16) as people:
        answers = list(people.map(lambda number: try_in(server, user, f"wrong {number}").status_code, range(40)))
    assert set(answers) == {401, 429}
    assert answers.count(401) < FREE["name"] + CHECKS_AT_ONCE


def test_changing_a_password_is_no_way_around_it(server, user):
    token = token_of(server, user)
    for _ in range(FREE["name"]):
        answer = httpx2.post(
            server.url + "/api/auth/password", json={"old": "wrong", "new": PASSWORD}, headers=bearer(token)
        )
        assert (answer.status_code, answer.json()["errorKey"]) == (403, "error.password")
    answer = httpx2.post(
        server.url + "/api/auth/password", json={"old": PASSWORD, "new": PASSWORD}, headers=bearer(token)
    )
    assert answer.status_code == 429
    assert try_in(server, user).status_code == 429
    assert me(server, **bearer(token)).status_code == 200, "who is in stays in"


@pytest.mark.parametrize(
    "name",
    ["", " ", "ana\0", "a\nb", "\x1b[2J", "' OR 1=1 --", "a" * 5_000, "\u202eadmin", "аdmin", "ａｄｍｉｎ", "../admin"],
    ids=ascii,
)
def test_whatever_somebody_calls_themselves(server, name):
    operator = server.client("operator")
    assert try_in(server, name).status_code == 401
    items = operator.get("/api/audit?limit=1").json()["items"]
    assert items[0]["status"] == "failure"
    shown = items[0]["user"]
    assert len(shown) <= 100
    assert shown.isprintable()


@pytest.mark.parametrize("password", ["", "\0" * 10, "ä" * 2_000, "x" * 9_000])
def test_whatever_somebody_tries_as_a_password(server, password):
    assert try_in(server, "clerk", password).status_code == 401


@pytest.mark.parametrize("text", [rb'"\ud800"', rb'"\udfff\ud800"', b'"\xff"', b'"\xed\xa0\x80"'])
@pytest.mark.parametrize("field", ["username", "password"])
def test_what_is_no_text_is_refused(server, field, text):
    other = {"username": b'"password": "x"', "password": b'"username": "clerk"'}[field]
    body = b'{"%s": %s, %s}' % (field.encode(), text, other)
    answer = server.client(None).post("/api/auth/login", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 401, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_huge_password_is_not_even_read(server):
    assert try_in(server, "clerk", "x" * 20_000).status_code == 413


# -- access tokens ----------------------------------------------------------------------------------------------------


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(head: dict[str, Any], claims: Any, key: str = SECRET, how: Any = hashlib.sha256) -> str:
    text = f"{part(head)}.{part(claims)}"
    return f"{text}.{part(hmac.new(key.encode(), text.encode(), how).digest())}"


HEAD = {"alg": "HS256", "typ": "JWT"}


def forgeries(token: str) -> dict[str, str]:
    """Tokens that somebody makes who has one, who guesses at us, or who (in some) even has our secret."""
    claims = claims_of(token)
    head, body, signature = token.split(".")
    admin = {**claims, "sub": "admin"}
    without = {name: {key: value for key, value in claims.items() if key != name} for name in claims if name != "jti"}
    return {
        "alg none": f"{part({'alg': 'none'})}.{part(admin)}.",
        "alg none, signed": f"{part({'alg': 'none'})}.{part(admin)}.{signature}",
        "alg nOnE": f"{part({'alg': 'nOnE'})}.{part(admin)}.",
        "no alg": f"{part({'typ': 'JWT'})}.{body}.{signature}",
        "HS512": signed({"alg": "HS512"}, claims, how=hashlib.sha512),
        "HS384": signed({"alg": "HS384"}, claims, how=hashlib.sha384),
        "RS256 with the secret as key": signed({"alg": "RS256"}, claims),
        "ES256": signed({"alg": "ES256"}, claims),
        "a key of its own": signed({**HEAD, "jwk": {"kty": "oct", "k": part(b"x" * 32)}}, admin, "x" * 32),
        "a key from elsewhere": signed({**HEAD, "jku": "http://127.0.0.1:1/keys", "kid": "../../dev/null"}, admin, ""),
        "another payload": f"{head}.{part(admin)}.{signature}",
        "another secret": signed(HEAD, claims, "x" * 40),
        "an empty secret": signed(HEAD, admin, ""),
        "no signature": f"{head}.{body}.",
        "half a signature": token[:-10],
        "two parts": f"{head}.{body}",
        "four parts": f"{token}.{signature}",
        "another audience": signed(HEAD, {**claims, "aud": "somebody"}),
        "several audiences": signed(HEAD, {**claims, "aud": ["somebody", "procession"]}),
        "another issuer": signed(HEAD, {**claims, "iss": "somebody"}),
        "expired": signed(HEAD, {**claims, "exp": claims["iat"] - 1}),
        "an endless one": signed(HEAD, {**claims, "exp": "never"}),
        "infinite": f"{part(HEAD)}.{part(json.dumps(claims).replace(str(claims['exp']), '1e999').encode())}.x",
        "of a password that has changed": signed(HEAD, {**claims, "stamp": "0" * 32}),
        "of somebody who is not there": signed(HEAD, {**claims, "sub": "nobody"}),
        "of the engine": signed(HEAD, {**claims, "sub": "system"}),
        "a number as name": signed(HEAD, {**claims, "sub": 5}),
        "no object": signed(HEAD, [1, 2]),
        "roles of its own": signed(HEAD, {**claims, "stamp": "", "roles": ["admin"]}),
        "nested": f"{part(b'[' * 2_500)}.{body}.{signature}",
        "huge": "a" * 30_000,
        "no token": "x",
        "empty": "",
        "latin": "ä.ö.ü",
        **{f"without {name}": signed(HEAD, rest) for name, rest in without.items()},
    }


def test_no_forged_token_lets_anybody_in(server, user):
    token = token_of(server, user)
    assert me(server, **bearer(signed(HEAD, claims_of(token)))).status_code == 200, "that is how ours are made"
    for what, forged in forgeries(token).items():
        headers = {b"authorization": f"Bearer {forged}".strip().encode("latin-1")}
        answer = httpx2.get(server.url + ME, headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized"), what
        assert httpx2.get(server.url + ME, headers=headers).status_code == 401, f"{what}: nor the second time"
    assert me(server, **bearer(token)).status_code == 200


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "bearerx", "Bearer Bearer"])
def test_another_scheme_is_refused(server, scheme):
    token = server.log_in("admin")
    assert me(server, authorization=f"{scheme} {token}".strip()).status_code == 401
    assert me(server, authorization=f"bEaReR  {token}").status_code == 200, "only the case does not matter"


def test_a_token_is_not_taken_from_anywhere_else(server):
    token = server.log_in("admin")
    for name in ("access_token", "token", "authorization", "jwt"):
        assert httpx2.get(f"{server.url}{ME}?{name}={token}").status_code in (401, 422)
        assert httpx2.get(f"{server.url}/api/instances?{name}={token}").status_code in (401, 422)
        assert httpx2.get(f"{server.url}/api/events?{name}={token}").status_code in (401, 422)
        assert httpx2.get(server.url + ME, headers={"cookie": f"{name}={token}"}).status_code == 401
        with pytest.raises(InvalidStatus) as refused:
            socket(server, {}, path=f"/api/ws?{name}={token}")
        assert refused.value.response.status_code == 401
    assert httpx2.get(server.url + ME, headers={"cookie": f"procession_session={token}"}).status_code == 401
    assert httpx2.post(server.url + START, json=PERSON | {"access_token": token}).status_code == 401


def test_a_token_has_nothing_in_it_but_who_it_is_for(server, user):
    claims = claims_of(token_of(server, user))
    assert set(claims) == {"iss", "aud", "sub", "stamp", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == HOUR


def test_a_token_ends_by_the_clock_of_the_engine(server, user):
    token = token_of(server, user)
    clock = server.app.state.edge.node.clock
    clock.advance(HOUR - 1)
    assert me(server, **bearer(token)).status_code == 200
    clock.advance(1)
    answer = me(server, **bearer(token))
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]
    _log_in_again(server)


def _log_in_again(server: Running) -> None:
    """Time was moved: the tokens of those who are used by every test are over."""
    for client in server._clients.values():
        client.close()
    server._clients.clear()
    server._tokens.clear()


# -- what ends credentials at once ------------------------------------------------------------------------------------


@pytest.fixture
def inside(server, user) -> dict[str, Any]:
    """Somebody who is in, by a token and by a session, and was just seen with both."""
    token, browser = token_of(server, user), Browser(server, user)
    assert me(server, **bearer(token)).status_code == browser.status == 200
    return {"token": token, "browser": browser}


def test_another_password_ends_tokens_and_sessions_at_once(server, user, inside):
    put(server, user, ["clerk"], "another password")
    assert me(server, **bearer(inside["token"])).status_code == 401
    assert inside["browser"].status == 401
    assert try_in(server, user).status_code == 401
    assert me(server, **bearer(token_of(server, user, "another password"))).status_code == 200
    put(server, user, ["clerk"], PASSWORD)
    assert me(server, **bearer(inside["token"])).status_code == 401, "the same word is another password"
    assert inside["browser"].status == 401


def test_who_is_removed_is_out_at_once(server, user, inside):
    assert server.client("admin").delete(f"/api/users/{user}").status_code == 204
    assert me(server, **bearer(inside["token"])).status_code == 401
    assert inside["browser"].status == 401
    assert try_in(server, user).status_code == 401
    put(server, user, ["admin"], PASSWORD)
    assert me(server, **bearer(inside["token"])).status_code == 401, "who comes back under the name is somebody else"
    assert inside["browser"].status == 401


def test_other_roles_count_at_once(server, user, inside):
    token, browser = inside["token"], inside["browser"]
    audit_of = [
        lambda: httpx2.get(server.url + "/api/audit", headers=bearer(token)),
        lambda: browser("GET", "/api/audit"),
    ]
    assert [ask().status_code for ask in audit_of] == [403, 403]
    put(server, user, ["operator"])
    assert [ask().status_code for ask in audit_of] == [200, 200]
    assert me(server, **bearer(token)).json()["roles"] == ["operator"]
    put(server, user, ["clerk"])
    assert [ask().status_code for ask in audit_of] == [403, 403]
    assert browser.status == 200, "they stay logged in"


def test_one_can_change_ones_own_password(server, user, inside):
    token, browser = inside["token"], inside["browser"]
    change = {"old": PASSWORD, "new": "yet another password"}
    answer = browser("POST", "/api/auth/password", json=change)
    assert answer.status_code == 200, answer.text
    assert browser.status == 401, "it ends what was opened with the old one"
    assert me(server, **bearer(token)).status_code == 401
    assert me(server, **bearer(answer.json()["access_token"])).status_code == 200
    browser.cookie = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    browser.csrf = answer.json()["csrfToken"]
    assert browser.status == 200, "who changed it stays"
    assert browser("POST", START, json=PERSON).status_code == 201
    assert try_in(server, user).status_code == 401

    token = token_of(server, user, "yet another password")
    answer = httpx2.post(
        server.url + "/api/auth/password", json={"old": "yet another password", "new": PASSWORD}, headers=bearer(token)
    )
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers, "a program did not ask for a session"
    assert "csrfToken" not in answer.json()
    assert audit(server, user)[:2] == [(user, "Update password", "success"), (user, "Login", "success")]


@pytest.mark.parametrize("new", ["", "short", "a" * 501, "nul\0nul\0nul"])
def test_a_bad_password_is_refused(server, user, new):
    token = token_of(server, user)
    change = {"old": PASSWORD, "new": new}
    answer = httpx2.post(server.url + "/api/auth/password", json=change, headers=bearer(token))
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    assert (
        server.client("admin").put(f"/api/users/{user}", json={"roles": ["clerk"], "password": new}).status_code == 422
    )
    assert try_in(server, user).status_code == 200


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_the_cookie_of_a_session(server, user):
    attributes = [each.strip() for each in Browser(server, user).set_cookie.split(";")]
    assert attributes[1:] == ["Path=/", f"Max-Age={2 * HOUR}", "HttpOnly", "SameSite=Strict"]
    assert len(attributes[0].partition("=")[2]) == 43
    assert "set-cookie" not in try_in(server, user).headers, "only who asks for a session gets one"


def test_behind_a_proxy_with_tls_the_cookie_is_secure(server, user, tmp_path):
    body = {"username": user, "password": PASSWORD, "session": True}
    login = httpx2.post(server.url + "/api/auth/login", json=body, headers={"x-forwarded-proto": "https"})
    assert login.headers["set-cookie"].endswith("; Secure")
    with running(tmp_path) as other:
        body = {"username": "clerk", "password": PASSWORD, "session": True}
        login = httpx2.post(
            other.url + "/api/auth/login",
            json=body,
            headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"},
        )
        assert "Secure" not in login.headers["set-cookie"], "whom nobody trusts says nothing about it"
        item = other.client("operator").get("/api/audit").json()["items"][1]
        assert (item["event"], item["detail"]) == ("Login", "from 127.0.0.1")


def test_a_cookie_that_somebody_planted_is_not_adopted(server, user):
    for planted in ("a" * 43, "evil", Browser(server, "clerk").cookie):
        browser = Browser(server, user, cookie=planted)
        assert browser.cookie != planted
        assert browser("GET", ME).json()["name"] == user
        if planted in ("a" * 43, "evil"):
            browser.cookie = planted
            assert browser.status == 401


def test_no_two_sessions_are_alike(server, user):
    one, other = Browser(server, user), Browser(server, user)
    assert one.cookie != other.cookie
    assert one.csrf != other.csrf
    assert one.csrf not in (one.cookie, other.cookie)


def test_what_the_store_has_lets_nobody_in(server, user):
    browser = Browser(server, user)
    stored = b"".join(path.read_bytes() for path in server.folder.glob("server.db*"))
    assert hashlib.sha256(browser.cookie.encode()).hexdigest().encode() in stored
    assert browser.cookie.encode() not in stored
    assert PASSWORD.encode() not in stored
    browser.cookie = hashlib.sha256(browser.cookie.encode()).hexdigest()
    assert browser.status == 401


def test_what_changes_something_needs_the_token_of_the_session(server, user):
    browser, other = Browser(server, user), Browser(server, user)
    count = len(browser("GET", "/api/instances?limit=1000").json()["items"])
    for csrf in (None, "", "wrong", other.csrf, browser.csrf[:-1], browser.csrf + "x", "ä", "null"):
        answer = httpx2.post(
            server.url + START,
            json=PERSON,
            headers={b"cookie": f"procession_session={browser.cookie}".encode()}
            | ({} if csrf is None else {b"x-csrf-token": csrf.encode("latin-1")}),
        )
        assert (answer.status_code, answer.json()["errorKey"]) == (403, "error.csrf")
    in_query = browser("POST", f"{START}?x-csrf-token={browser.csrf}", csrf=None, json=PERSON)
    assert in_query.status_code == 403
    for method, path in (("PATCH", "/api/instances/1/variables"), ("PUT", "/api/users/x"), ("DELETE", "/api/users/x")):
        assert browser(method, path, csrf=None).json()["errorKey"] == "error.csrf"
    assert browser("POST", "/api/auth/logout", csrf=None).status_code == 403
    assert len(browser("GET", "/api/instances?limit=1000").json()["items"]) == count
    assert browser("POST", START, json=PERSON).status_code == 201
    assert browser("GET", ME).json()["csrfToken"] == browser.csrf


def test_a_form_of_another_site_cannot_log_somebody_in(server, user):
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        body = json.dumps({"username": user, "password": PASSWORD, "session": True})
        answer = httpx2.post(server.url + "/api/auth/login", content=body, headers={"content-type": media})
        assert answer.status_code == 415
        assert "set-cookie" not in answer.headers


def test_logging_out_ends_the_session_and_no_other(server, user):
    one, other, token = Browser(server, user), Browser(server, user), token_of(server, user)
    answer = one("POST", "/api/auth/logout")
    assert answer.status_code == 204
    assert "procession_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert one.status == 401
    assert one("POST", START, json=PERSON).status_code == 401
    assert other.status == 200
    assert me(server, **bearer(token)).status_code == 200
    assert httpx2.post(server.url + "/api/auth/logout", headers=bearer(token)).status_code == 204
    assert one("POST", "/api/auth/logout").status_code == 401


def test_a_session_ends_by_the_clock_of_the_engine(server, user):
    browser = Browser(server, user)
    clock = server.app.state.edge.node.clock
    clock.advance(2 * HOUR - 1)
    assert browser.status == 200
    clock.advance(1)
    assert browser.status == 401
    assert browser("POST", START, json=PERSON).status_code == 401
    _log_in_again(server)


def test_where_there_is_a_header_the_cookie_does_not_count(server, user):
    browser, admin = Browser(server, user), server.log_in("admin")
    assert browser("GET", ME, headers=bearer(admin)).json()["name"] == "admin"
    assert "csrfToken" not in browser("GET", ME, headers=bearer(admin)).json()
    assert browser("GET", ME, headers=bearer("wrong")).status_code == 401
    assert browser("GET", ME, headers={"authorization": ""}).status_code == 401
    started = browser("POST", START, csrf=None, json=PERSON, headers=bearer(admin))
    assert started.json()["startedBy"] == "admin"


def test_whatever_else_the_cookies_say(server, user):
    browser = Browser(server, user)
    mine = f"procession_session={browser.cookie}"
    for cookies in (f"a=b; {mine}; c=d", f"procession_session=evil; {mine}", f'x="a;b"; {mine}', f"=; ;{mine};;"):
        assert httpx2.get(server.url + ME, headers={"cookie": cookies}).status_code == 200, cookies
    for cookies in ("procession_session", "procession_session=", "procession_session=;", "x" * 8_000, f"x{mine}", "\\"):
        assert httpx2.get(server.url + ME, headers={"cookie": cookies}).status_code == 401, cookies


# -- other sites ------------------------------------------------------------------------------------------------------

FOREIGN = [
    "https://evil.example",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "null",
    "",
    "file://",
    "https://ui.example.evil.example",
    "https://ui.example:444",
    "http://ui.example",
    "https://ui.example@evil.example",
    "chrome-extension://abc",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_other_sites_do_nothing_with_a_session(server, user, origin):
    body = {"username": user, "password": PASSWORD, "session": True}
    login = httpx2.post(server.url + "/api/auth/login", json=body, headers={"origin": origin})
    assert (login.status_code, login.json()["errorKey"]) == (403, "error.origin")
    assert "set-cookie" not in login.headers
    browser = Browser(server, user)
    for method, path in (("POST", START), ("POST", "/api/auth/logout"), ("POST", "/api/jobs/activate")):
        answer = browser(method, path, json={}, headers={"origin": origin})
        assert (answer.status_code, answer.json()["errorKey"]) == (403, "error.origin"), "not even with the CSRF token"
    assert browser("GET", "/api/events", headers={"origin": origin}).status_code == 403
    assert browser.status == 200
    with pytest.raises(InvalidStatus) as refused:
        socket(server, {"cookie": f"procession_session={browser.cookie}"}, origin=origin)
    assert refused.value.response.status_code == 403


def test_our_pages_and_those_that_are_allowed_may(server, user):
    for origin in (server.url, UI):
        body = {"username": user, "password": PASSWORD, "session": True}
        assert httpx2.post(server.url + "/api/auth/login", json=body, headers={"origin": origin}).status_code == 200
        browser = Browser(server, user)
        assert browser("POST", START, json=PERSON, headers={"origin": origin}).status_code == 201
        with socket(server, {"cookie": f"procession_session={browser.cookie}"}, origin=origin) as ours:
            ours.send(json.dumps({"subscribe": {"tasks": "mine"}}))
            assert json.loads(ours.recv(timeout=10))["event"] == "subscribed"
        token = server.log_in("admin")
        assert httpx2.post(server.url + START, json=PERSON, headers=bearer(token) | {"origin": UI}).status_code == 201


def test_no_other_site_may_read_answers(server):
    """Without headers that allow it, browsers do not give answers to pages of other sites."""
    for path in (ME, "/api/openapi.json", "/health/live"):
        answer = server.client("admin").get(path, headers={"origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = httpx2.request("OPTIONS", server.url + START, headers=preflight)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_site_that_is_allowed_may_use_all_of_it(server, user):
    asking = {"origin": UI, "access-control-request-method": "POST", "access-control-request-headers": "x-csrf-token"}
    answer = httpx2.request("OPTIONS", server.url + START, headers=asking)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "x-csrf-token" in answer.headers["access-control-allow-headers"]
    for status, headers in ((200, bearer(server.log_in("admin"))), (401, {})):
        answer = me(server, origin=UI, **headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == UI
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "origin"
    with following(server, origin=UI, **bearer(server.log_in("admin"))) as answer:
        assert answer.headers["access-control-allow-origin"] == UI
    assert httpx2.request("OPTIONS", server.url + START, headers={"origin": UI}).status_code == 405


# -- the live channel -------------------------------------------------------------------------------------------------


def socket(server: Running, headers: dict[str, str], *, path: str = "/api/ws", origin: str | None = None) -> Any:
    return connect(
        server.url.replace("http", "ws", 1) + path,
        additional_headers=headers | ({} if origin is None else {"origin": origin}),
        open_timeout=10,
        close_timeout=1,
    )


@contextmanager
def following(server: Running, **headers: str) -> Iterator[httpx2.Response]:
    with httpx2.stream("GET", server.url + "/api/events", headers=headers, timeout=10) as answer:
        assert answer.status_code == 200
        yield answer


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}, {"cookie": "procession_session=" + "a" * 43}])
def test_nobody_listens_without_credentials(server, headers):
    assert httpx2.get(server.url + "/api/events", headers=headers).status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        socket(server, headers)
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/ws", "/health/ws", "/metrics/ws", "/api/events", "/api/ws/x", "/api"])
def test_there_is_one_socket(server, path):
    with pytest.raises((InvalidStatus, ConnectionClosed)) as refused:
        socket(server, bearer(server.log_in("admin")), path=path)
    if isinstance(refused.value, InvalidStatus):
        assert refused.value.response.status_code in (403, 404)


def ended(server: Running, stop: Any, **headers: str) -> None:
    """A stream that is open ends by itself after `stop`."""
    with following(server, **headers) as answer:
        count = len(server.app.state.edge.streams)
        stop()
        began = time.monotonic()
        for _ in answer.iter_raw():
            assert time.monotonic() - began < 8, "it goes on"
        until(lambda: len(server.app.state.edge.streams) < count)


def test_a_stream_ends_with_the_credentials_that_opened_it(server, user):
    browser = Browser(server, user)
    ended(server, lambda: browser("POST", "/api/auth/logout"), cookie=f"procession_session={browser.cookie}")
    ended(server, lambda: put(server, user, ["clerk"], PASSWORD), **bearer(token_of(server, user)))
    ended(server, lambda: server.client("admin").delete(f"/api/users/{user}"), **bearer(token_of(server, user)))


def test_a_socket_has_the_rights_of_now(server, user):
    """It was opened with rights that are gone when it asks for everything that ever happened."""
    put(server, user, ["operator"])
    server.start("credit_card", PERSON, user="manager")
    with socket(server, bearer(token_of(server, user))) as opened:
        put(server, user, ["clerk-of-another-office"])
        opened.send(json.dumps({"subscribe": {}, "after": "0.0"}))
        assert json.loads(opened.recv(timeout=10))["event"] == "subscribed"
        with pytest.raises(TimeoutError):
            print(opened.recv(timeout=0.7))


@pytest.mark.parametrize("end", ["removed", "password", "logged out", "time"])
def test_a_socket_ends_with_the_credentials_that_opened_it(server, user, end):
    put(server, user, ["operator"])
    browser = Browser(server, user)
    server.start("credit_card", PERSON, user="manager")
    with socket(server, {"cookie": f"procession_session={browser.cookie}"}) as opened:
        if end == "removed":
            server.client("admin").delete(f"/api/users/{user}")
        elif end == "password":
            put(server, user, ["operator"], PASSWORD)
        elif end == "logged out":
            browser("POST", "/api/auth/logout")
        else:
            server.app.state.edge.node.clock.advance(2 * HOUR)
            _log_in_again(server)
        opened.send(json.dumps({"subscribe": {}, "after": "0.0"}))
        told = json.loads(opened.recv(timeout=10))
        assert (told["event"], told["data"]["status"]) == ("error", 401)
        with pytest.raises(ConnectionClosed):
            opened.recv(timeout=10)


def test_rights_of_a_stream_follow_its_user(server, user):
    put(server, user, ["operator"])
    hub = server.app.state.edge.streams
    with socket(server, bearer(token_of(server, user))) as opened:
        opened.send(json.dumps({"subscribe": {"kinds": ["status"]}}))
        assert json.loads(opened.recv(timeout=10))["event"] == "subscribed"
        first = server.start("credit_card", PERSON, user="manager")["id"]
        assert json.loads(opened.recv(timeout=10))["data"]["instance"] == first
        put(server, user, ["clerk-of-another-office"])
        until(
            lambda: any(
                "operator" not in who.principal.roles for who in hub._open.values() if who.principal.name == user
            )
        )
        server.start("credit_card", PERSON, user="manager")
        put(server, user, ["operator"])
        until(
            lambda: any("operator" in who.principal.roles for who in hub._open.values() if who.principal.name == user)
        )
        third = server.start("credit_card", PERSON, user="manager")["id"]
        told = [json.loads(opened.recv(timeout=10))]
        while told[-1]["event"] == "resync":  # other rights: what is shown has to be read again
            told.append(json.loads(opened.recv(timeout=10)))
        assert len(told) > 1
        assert told[-1]["data"]["instance"] == third, "nothing was kept back for later"


def test_subscriptions_that_come_and_go_leave_nothing_behind(server):
    with socket(server, bearer(server.log_in("clerk"))) as opened:
        for number in range(200):
            wanted = {"kinds": ["task"], "definition": str(number)}
            opened.send(json.dumps({"subscribe": wanted}))
            opened.send(json.dumps({"unsubscribe": wanted}))
        for _ in range(400):
            opened.recv(timeout=10)
        until(lambda: len(server.app.state.edge.streams) == 0, 5)


def test_who_only_asks_for_the_head_of_a_stream_does_not_listen(server):
    answer = server.client("admin").head("/api/events")
    assert answer.status_code == 200
    until(lambda: len(server.app.state.edge.streams) == 0, 5)
    assert server.client("admin").get(ME).status_code == 200


# -- who did what -----------------------------------------------------------------------------------------------------


def test_the_audit_log_has_who_came_and_who_changed_whom(server, user):
    try_in(server, user, "wrong")
    browser = Browser(server, user)
    browser("POST", "/api/auth/logout")
    browser("POST", "/api/auth/logout")
    put(server, user, ["clerk", "manager"])
    put(server, user, ["clerk"], PASSWORD)
    server.client("admin").delete(f"/api/users/{user}")
    assert audit(server, user) == [
        ("admin", "Delete", "success"),
        ("admin", "Update password and roles", "success"),
        ("admin", "Update roles", "success"),
        (user, "Logout", "success"),
        (user, "Login", "success"),
        (user, "Login", "failure"),
        ("admin", "Create", "success"),
    ]
    assert PASSWORD not in server.client("admin").get("/api/audit?limit=1000").text


def test_who_did_what_to_an_instance_is_said_by_their_credentials(server, user):
    browser = Browser(server, user)
    started = browser("POST", START, json=PERSON).json()
    items = server.client("operator").get(f"/api/instances/{started['id']}/audit").json()["items"]
    assert (started["startedBy"], items[0]["user"], items[0]["event"]) == (user, user, "start")


# -- users ------------------------------------------------------------------------------------------------------------


def test_an_administrator_adds_changes_and_removes_users(server, user):
    admin = server.client("admin")
    fresh = admin.put(f"/api/users/{user}-2", json={"roles": ["b", "a", "b"], "password": PASSWORD})
    assert (fresh.status_code, fresh.json()) == (201, {"name": f"{user}-2", "roles": ["a", "b"]})
    assert admin.put(f"/api/users/{user}-2", json={"roles": ["c"]}).json()["roles"] == ["c"]
    assert admin.put(f"/api/users/{user}-2", json={"roles": ["c"], "password": PASSWORD}).status_code == 200
    names = [each["name"] for each in admin.get("/api/users?limit=1000").json()["items"]]
    assert names == sorted(names)
    assert {"admin", "clerk", user, f"{user}-2"} <= set(names)
    assert admin.delete(f"/api/users/{user}-2").status_code == 204
    assert admin.delete(f"/api/users/{user}-2").status_code == 404
    assert admin.put(f"/api/users/{user}-2", json={"roles": ["c"]}).status_code == 404, "a new user needs a password"
    assert PASSWORD not in admin.get("/api/users").text
    assert "argon2" not in admin.get("/api/users").text


def test_users_are_listed_in_parts(server):
    whole = server.client("admin").get("/api/users?limit=1000").json()
    assert whole["next"] is None
    found, cursor = [], None
    while True:
        parameters = {"limit": "3"} | ({} if cursor is None else {"cursor": cursor})
        page = server.client("admin").get("/api/users", params=parameters).json()
        assert 0 < len(page["items"]) <= 3
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole["items"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a/b",
        "a\0",
        "a" * 101,
        "system",
        "SYSTEM",
        "ａｄｍｉｎ",
        "аdmin",
        "ﬁnn",
        "a\u200db",
        "a\nb",
        "a<b",
    ],
    ids=ascii,
)
def test_what_is_no_user_name(server, name):
    answer = server.client("admin").put("/api/users/" + httpx2.QueryParams({"": name}).__str__()[1:].replace("+", "%20"),
                                        json={"roles": ["clerk"], "password": PASSWORD})  # fmt: skip
    assert answer.status_code in ((404, 405) if name == "" else (422,)), answer.text
    assert try_in(server, name).status_code == 401


def test_nobody_gets_a_name_that_looks_like_another(server, user):
    for name in (user.upper(), user.title()):
        answer = server.client("admin").put(f"/api/users/{name}", json={"roles": ["clerk"], "password": PASSWORD})
        assert (answer.status_code, answer.json()["errorKey"]) == (409, "error.state.user_name")
    for name in ("müller", "Юрий", "Ωmega"):
        allowed = server.client("admin").put(f"/api/users/{name}", json={"roles": ["clerk"], "password": PASSWORD})
        assert allowed.status_code == (422 if name == "Ωmega" else 201), allowed.text
        server.client("admin").delete(f"/api/users/{name}")


@pytest.mark.parametrize("roles", [[], ["a b"], [""], ["a\0"], [5], "admin", None, ["a" * 101]])
def test_what_are_no_roles(server, user, roles):
    answer = server.client("admin").put(f"/api/users/{user}", json={"roles": roles})
    assert answer.status_code == 422
    assert token_of(server, user)


def test_the_last_administrator_stays(server, user):
    admin = server.client("admin")
    for refused in (
        admin.delete("/api/users/admin"),
        admin.put("/api/users/admin", json={"roles": ["clerk"]}),
        admin.put("/api/users/admin", json={"roles": ["clerk"], "password": PASSWORD}),
    ):
        assert (refused.status_code, refused.json()["errorKey"]) == (409, "error.state.last_admin")
    assert admin.get(ME).json()["roles"] == ["admin"]
    put(server, user, ["admin"])
    other = bearer(token_of(server, user))
    assert httpx2.put(server.url + "/api/users/admin", json={"roles": ["clerk"]}, headers=other).status_code == 200
    assert admin.put("/api/users/admin", json={"roles": ["admin"]}).status_code == 403, "at once"
    assert httpx2.put(server.url + "/api/users/admin", json={"roles": ["admin"]}, headers=other).status_code == 200


# -- what somebody sends along ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["a b", "x\ty", "ä", "", "a" * 65, "<script>", "a;b", "%0d%0aset-cookie:%20x=y"])
def test_a_request_id_is_harmless(server, given):
    answer = httpx2.get(server.url + "/health/live", headers={b"x-request-id": given.encode("latin-1")})
    assert answer.headers["x-request-id"] != given
    assert answer.headers["x-request-id"].isalnum()
    assert "set-cookie" not in answer.headers
    assert (
        httpx2.get(server.url + "/health/live", headers={"x-request-id": "trace-1_a"}).headers["x-request-id"]
        == "trace-1_a"
    )


def test_a_process_file_cannot_run_as_ours_in_a_browser(server):
    plain = b"""<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="https://evil.example/x.xsl"?>
    <d:definitions xmlns:d="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">
    <d:process id="scripted" isExecutable="true">
    <d:documentation><h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script></d:documentation>
    <d:startEvent id="s"/><d:endEvent id="e"/><d:sequenceFlow id="f" sourceRef="s" targetRef="e"/></d:process></d:definitions>"""
    name = 'x"; filename=evil.html\r\nx-evil: 1'
    added = server.client("editor").post(
        "/api/definitions", params={"file": name}, content=plain.strip(), headers={"content-type": "application/xml"}
    )
    assert added.status_code == 201, added.text
    answer = server.client("editor").get("/api/definitions/scripted/versions/1/xml")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "/api//evil.example", "/api/auth/login/..", "/.."]
)
def test_nobody_is_sent_elsewhere(server, path):
    answer = httpx2.get(server.url + path, follow_redirects=False)
    assert answer.status_code == 404 or answer.status_code == 405
    assert "location" not in answer.headers
