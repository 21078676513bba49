"""Who asks: a token, or a name and a password that fetch one when it is needed."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from procession import Client, CommandRejected, ProcessionError
from procession.client import credentials
from tests.unit.client.scripted import Answer, problem, scripted

ME = {"name": "ana", "roles": [], "expires": None, "allowed": {}}


class Identity:
    """Hands out token-1, token-2 …; only the newest is good."""

    def __init__(self, lifetime=3600):
        self.count, self.lifetime = 0, lifetime
        self.lock = threading.Lock()

    def __call__(self, asked):
        if asked.path == "/api/auth/login":
            if json.loads(asked.body) != {"username": "ana", "password": "s3cret-pw"}:
                return problem(401, "Unauthorized", detail="Wrong name or password.")
            with self.lock:
                self.count += 1
                return Answer(200, {"access_token": self.token, "token_type": "Bearer", "expires_in": self.lifetime})
        good = asked.headers.get("authorization") == f"Bearer {self.token}"
        return Answer(200, ME) if good else problem(401, "Unauthorized")

    @property
    def token(self):
        return f"token-{self.count}"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("URL", "TOKEN", "USER", "PASSWORD"):
        monkeypatch.delenv(f"PROCESSION_{name}", raising=False)


def test_a_token_is_sent_as_it_is():
    with scripted(Answer(200, ME)) as server, Client(server.url, token="abc.def") as client:
        assert client.me().name == "ana"
        assert server.asked[0].headers["authorization"] == "Bearer abc.def"


def test_a_name_and_a_password_log_in_at_the_first_call_and_stay_logged_in():
    with scripted(Identity()) as server, Client(server.url, user="ana", password="s3cret-pw") as client:
        assert server.asked == []
        client.me()
        client.me()
        assert server.paths == ["POST /api/auth/login", "GET /api/auth/me", "GET /api/auth/me"]


def test_the_next_token_is_fetched_before_the_old_one_ends(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(credentials.time, "monotonic", lambda: now[0])
    login, asked = credentials.Login("ana", "pw"), []

    def log_in(user, password):
        asked.append(user)
        return credentials.LoggedIn(f"token-{len(asked)}", 100)

    assert login.token(log_in) == "token-1"
    now[0] += 79
    assert login.token(log_in) == "token-1"
    now[0] += 1
    assert login.token(log_in) == "token-2"


def test_a_token_that_is_not_taken_any_more_is_replaced_once():
    identity = Identity()
    with scripted(identity) as server, Client(server.url, user="ana", password="s3cret-pw") as client:
        client.me()
        identity.count += 1  # somebody changed the secret of the server
        assert client.me().name == "ana"
        assert Counter(server.paths) == {"POST /api/auth/login": 2, "GET /api/auth/me": 3}


def test_a_refusal_after_a_fresh_log_in_is_final():
    def never(asked):
        return Identity(1)(asked) if "login" in asked.path else problem(401, "Unauthorized")

    with scripted(never) as server, Client(server.url, user="ana", password="s3cret-pw") as client:
        with pytest.raises(CommandRejected) as refused:
            client.me()
        assert (refused.value.status, refused.value.title) == (401, "Unauthorized")
        assert Counter(server.paths) == {"POST /api/auth/login": 2, "GET /api/auth/me": 2}


def test_a_fixed_token_that_is_refused_is_not_tried_again():
    with scripted(problem(401, "Unauthorized")) as server, Client(server.url, token="old") as client:
        with pytest.raises(CommandRejected, match="Unauthorized"):
            client.me()
        assert len(server.asked) == 1


def test_a_wrong_password_is_said_and_not_repeated():
    with scripted(Identity()) as server, Client(server.url, user="ana", password="wrong") as client:
        with pytest.raises(CommandRejected, match="Wrong name or password") as refused:
            client.me()
        assert refused.value.status == 401
        assert server.paths == ["POST /api/auth/login"]


def test_many_threads_log_in_once():
    with scripted(Identity()) as server, Client(server.url, user="ana", password="s3cret-pw") as client:
        threads = [threading.Thread(target=client.me) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(server.paths) == {"POST /api/auth/login": 1, "GET /api/auth/me": 8}


def test_without_credentials_a_401_says_what_is_missing():
    with scripted(problem(401, "Unauthorized", detail="Log in.")) as server, Client(server.url) as client:
        with pytest.raises(CommandRejected, match=r"Log in. Give the client a token, or a user and a password."):
            client.me()
        assert "authorization" not in server.asked[0].headers


def test_what_is_not_given_comes_from_the_environment(monkeypatch):
    with scripted(Identity()) as server:
        monkeypatch.setenv("PROCESSION_URL", server.url)
        monkeypatch.setenv("PROCESSION_USER", "ana")
        monkeypatch.setenv("PROCESSION_PASSWORD", "s3cret-pw")
        with Client() as client:
            assert client.me().name == "ana"
        with Client(user="ana") as client:
            assert client.me().name == "ana"
        monkeypatch.setenv("PROCESSION_TOKEN", "token-2")
        with Client() as client:
            client.me()
        assert server.asked[-1].headers["authorization"] == "Bearer token-2"
        assert server.paths[-1] == "GET /api/auth/me"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token": "a", "user": "b"}, "not both"),
        ({"user": "b"}, "There is no password"),
        ({"password": "b"}, "There is no user"),
        ({"token": ""}, "characters that none has"),
        ({"token": "abc\n"}, "characters that none has"),
        ({"token": "abc", "timeout": 0}, "makes no sense"),
    ],
)
def test_credentials_that_cannot_be_are_refused_at_once(options, message):
    with pytest.raises(ProcessionError, match=message) as refused:
        Client("http://localhost:1", **options)
    assert "abc" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (None, "set PROCESSION_URL"),
        ("localhost:8080", "no address of a server"),
        ("ftp://localhost", "no address of a server"),
        ("http://", "no address of a server"),
        ("http://[::1", "no address of a server"),
        ("http://localhost:99999", "no address of a server"),
        ("http://localhost/?x=1", "end it before"),
    ],
)
def test_what_is_no_address_is_refused_at_once(url, message):
    with pytest.raises(ProcessionError, match=message):
        Client(url, token="abc")


def test_credentials_in_the_address_are_refused_and_not_repeated():
    with pytest.raises(ProcessionError, match="beside the address") as refused:
        Client("http://ana:s3cret@example.org:8080")
    assert "s3cret" not in str(refused.value)
    assert "example.org:8080" in str(refused.value)


def test_a_client_shows_nothing_secret():
    with Client("http://localhost:1/", token="abc") as client:
        assert repr(client) == "Client('http://localhost:1')"
