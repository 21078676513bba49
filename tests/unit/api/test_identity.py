"""Who a request is of: tokens, sessions, and what ends them; logging in, and being slowed down."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest

from procession.api import identity as identity_module
from procession.api.identity import Identity, LoggedIn, Who, session_cookie
from procession.engine.access import SYSTEM, Principal
from procession.errors import CommandRejected
from procession.runtime import users as users_module
from procession.runtime.clock import VirtualClock
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.runtime.sessions import session_id
from procession.runtime.users import Users
from procession.storage.memory import MemoryStorage
from procession.storage.sqlite import SqliteStorage

SECRET = "a secret of more than thirty-two bytes"
PASSWORD = "correct horse"
HOST = {"host": "flows.test"}
ANA = Principal("ana", frozenset({"clerk"}))


class World:
    """A node with its identity, and Ana as a user of it. Users are changed behind its back, as another process would."""

    def __init__(self, node: Node) -> None:
        self.node, self.clock, self.storage = node, node.clock, node.storage
        self.identity = Identity(
            node, secret=SECRET, token_lifetime=3600, session_lifetime=7200, origins=["https://ui.test"]
        )
        self.users = Users(node.storage, node.new_id, node.clock.now)

    async def add(self, name="ana", password=PASSWORD, roles=("clerk",)):
        await self.node.alone(self.users.add(name, password, roles, SYSTEM))

    async def login(self, name="ana", password=PASSWORD, address="192.0.2.1", session=False) -> LoggedIn:
        return await self.identity.login(name, password, address, session=session)

    async def token(self) -> dict[str, str]:
        return HOST | {"authorization": f"Bearer {(await self.login()).access_token}"}

    async def session(self) -> tuple[dict[str, str], LoggedIn]:
        opened = await self.login(session=True)
        (cookie,) = opened.cookies(secure=False)
        return HOST | {"cookie": f"theme=dark; {cookie.partition(';')[0]}; x=y"}, opened

    async def who(self, headers, method="GET") -> Who:
        return await self.identity.principal(headers, method)

    async def refused(self, headers, method="GET") -> CommandRejected:
        return await rejection(self.who(headers, method))

    async def audit(self) -> list[tuple[str, ...]]:
        rows = await self.node.read(self.storage.audit(1000))
        return [(row.actor, row.event, row.identifier, row.status, row.detail) for row in rows if row.event != "Create"]


async def rejection(coroutine) -> CommandRejected:
    with pytest.raises(CommandRejected) as refusal:
        await coroutine
    return refusal.value


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    return MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "identity.db")


@pytest.fixture
def play(storage) -> Callable[..., None]:
    """Runs a story in an event loop, with a world of its own."""

    @asynccontextmanager
    async def world():
        node = Node(Machine(storage, VirtualClock()))
        await node.open()
        try:
            made = World(node)
            await made.add()
            yield made
        finally:
            await node.close()

    def run(story):
        async def tell():
            async with world() as made:
                await story(made)

        asyncio.run(tell())

    return run


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_says_who_asks(play):
    async def story(world):
        opened = await world.login()
        assert (opened.expires_in, opened.csrf, opened.cookies(secure=True)) == (3600, None, [])
        for header in (f"Bearer {opened.access_token}", f"bearer  {opened.access_token} "):
            who = await world.who({"authorization": header}, "POST")
            assert (who.principal, who.session, who.csrf) == (ANA, None, None)
            assert who.expires == world.clock.now() + 3600 * 1_000_000

    play(story)


def test_a_token_that_was_just_seen_is_known_at_once(play):
    async def story(world):
        headers = await world.token()
        header = headers["authorization"]
        assert world.identity.known(header) is None
        who = await world.who(headers)
        assert world.identity.known(header) == who
        for other in ("", "Bearer", "Bearer ", header.lower(), header + "x", header[:-1], "Basic YTpi"):
            assert world.identity.known(other) is None
        world.clock.advance(3600)
        assert world.identity.known(header) is None

    play(story)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer a.b.c"},
        {"authorization": "Basic YW5hOmNvcnJlY3QgaG9yc2U="},
        {"cookie": ""},
        {"cookie": "procession_session="},
        {"cookie": "procession_session=short"},
        {"cookie": "procession_session=" + "x" * 43},
        {"cookie": "other=" + "x" * 43},
    ],
    ids=str,
)
def test_nobody_is_unauthorized(play, headers):
    async def story(world):
        for method in ("GET", "POST"):
            refusal = await world.refused(HOST | headers, method)
            assert (refusal.status, refusal.title, refusal.key) == (401, "Unauthorized", "error.unauthorized")
            assert refusal.detail

    play(story)


def test_a_token_ends_by_the_clock_of_the_engine(play):
    async def story(world):
        headers = await world.token()
        await world.who(headers)
        world.clock.advance("PT59M59S")
        await world.who(headers)
        world.clock.advance("PT1S")
        refusal = await world.refused(headers)
        assert (refusal.status, refusal.detail) == (401, "The access token has expired. Log in again.")

    play(story)


def test_a_new_password_ends_tokens_and_sessions_though_the_clock_stands_still(play):
    async def story(world):
        token, (cookie, opened) = await world.token(), await world.session()
        unsafe = cookie | {"x-csrf-token": opened.csrf}
        assert (await world.who(token)).principal == (await world.who(unsafe, "POST")).principal == ANA
        await world.add(password="another password")
        world.identity.forget()
        assert world.identity.known(token["authorization"]) is None
        assert [(await world.refused(each)).status for each in (token, cookie)] == [401, 401]
        assert (await rejection(world.login())).status == 401
        again = await world.login(password="another password")
        fresh = f"Bearer {again.access_token}"
        assert (await world.who({"authorization": fresh})).principal == ANA
        assert world.identity.known(fresh) is not None
        assert world.identity.known(token["authorization"]) is None, "though both are remembered, and so is Ana"

    play(story)


def test_another_process_that_changes_a_password_is_noticed_within_a_second(play):
    async def story(world):
        token, (cookie, _) = await world.token(), await world.session()
        await world.who(token)
        await world.who(cookie)
        await world.add()
        await asyncio.sleep(1.1)
        assert world.identity.known(token["authorization"]) is None
        assert [(await world.refused(each)).status for each in (token, cookie)] == [401, 401]

    play(story)


def test_roles_are_looked_up_and_not_carried(play):
    async def story(world):
        token, (cookie, _) = await world.token(), await world.session()
        await world.who(token)
        await world.node.alone(world.users.set_roles("ana", ["clerk", "operator"], SYSTEM))
        world.identity.forget()
        promoted = Principal("ana", frozenset({"clerk", "operator"}))
        assert [(await world.who(each)).principal for each in (token, cookie)] == [promoted, promoted]

    play(story)


def test_a_removed_user_is_nobody_even_when_they_come_back(play):
    async def story(world):
        token, (cookie, _) = await world.token(), await world.session()
        await world.node.alone(world.users.remove("ana", SYSTEM))
        world.identity.forget()
        assert [(await world.refused(each)).status for each in (token, cookie)] == [401, 401]
        await world.add()
        world.identity.forget()
        assert [(await world.refused(each)).status for each in (token, cookie)] == [401, 401]

    play(story)


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_says_who_asks(play):
    async def story(world):
        headers, opened = await world.session()
        who = await world.who(headers)
        assert (who.principal, who.csrf, who.session) == (ANA, opened.csrf, session_id(opened.secret))
        assert who.expires == world.clock.now() + 7200 * 1_000_000
        view = await world.identity.me(who)
        assert (view.name, view.roles, view.csrf_token) == ("ana", ["clerk"], opened.csrf)
        assert (await world.identity.me(await world.who(await world.token()))).csrf_token != opened.csrf
        world.clock.advance(7200)
        assert (await world.refused(headers)).detail == "The session is over. Log in again."

    play(story)


def test_the_cookie_is_for_this_site_and_not_for_scripts(play):
    async def story(world):
        _, opened = await world.session()
        (plain,), (secure,) = opened.cookies(secure=False), opened.cookies(secure=True)
        value = f"procession_session={opened.secret}"
        assert plain == f"{value}; Path=/; Max-Age=7200; HttpOnly; SameSite=Strict"
        assert secure == plain + "; Secure"
        assert opened.access_token not in plain

    play(story)


def test_what_changes_something_needs_the_token_of_the_session(play):
    async def story(world):
        headers, opened = await world.session()
        _, other = await world.session()
        for method in ("GET", "HEAD", "OPTIONS"):
            assert (await world.who(headers, method)).principal == ANA
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "post", "ODD"):
            assert (await world.who(headers | {"x-csrf-token": opened.csrf}, method)).principal == ANA
            for wrong in ({}, *({"x-csrf-token": each} for each in ("", "x", "ü", other.csrf, opened.csrf + "x"))):
                refusal = await world.refused(headers | wrong, method)
                assert (refusal.status, refusal.title, refusal.key) == (403, "Forbidden", "error.csrf")

    play(story)


def test_pages_of_other_sites_change_nothing_even_with_the_token(play):
    async def story(world):
        headers, opened = await world.session()
        headers = headers | {"x-csrf-token": opened.csrf}
        for origin in ("http://flows.test", "https://ui.test"):
            assert (await world.who(headers | {"origin": origin}, "POST")).principal == ANA
        for origin in ("https://evil.test", "null"):
            refusal = await world.refused(headers | {"origin": origin}, "POST")
            assert (refusal.status, refusal.key) == (403, "error.origin")
            token = await world.token()
            assert (await world.who(token | {"origin": origin}, "POST")).principal == ANA, "a header is no cookie"

    play(story)


def test_where_there_is_a_header_the_cookie_does_not_count(play):
    async def story(world):
        cookie, opened = await world.session()
        token = await world.token()
        who = await world.who(cookie | token, "POST")
        assert (who.session, who.csrf) == (None, None)
        for header in ("Bearer nonsense", "Basic YTpi", ""):
            given = cookie | {"x-csrf-token": opened.csrf, "authorization": header}
            assert (await world.refused(given)).status == 401

    play(story)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("procession_session=" + "a" * 43, "a" * 43),
        ("a[b=1; c; =; procession_session=" + "-" * 43 + " ;d", "-" * 43),
        ('x="; procession_session=' + "_" * 43, "_" * 43),
        ("procession_session=; procession_session=" + "a" * 43, "a" * 43),
        ("xprocession_session=" + "a" * 43, None),
        ("procession_session=" + "a" * 44, None),
        ("procession_session=" + "ä" * 43, None),
        ("procession_session", None),
    ],
)
def test_our_cookie_is_found_among_others(header, found):
    assert session_cookie(header) == found


def test_logging_out_ends_the_session_at_once(play):
    async def story(world):
        headers, _ = await world.session()
        who = await world.who(headers)
        (cookie,) = await world.identity.logout(who, secure=True)
        assert cookie.startswith("procession_session=; Path=/; Max-Age=0;") and cookie.endswith("Secure")
        assert (await world.refused(headers)).status == 401
        assert await world.identity.logout(who, secure=False) != [], "twice does no harm"
        assert await world.identity.logout(await world.who(await world.token()), secure=False) == []
        assert [row[:2] for row in await world.audit()] == [("ana", "Login"), ("ana", "Logout"), ("ana", "Login")]

    play(story)


# -- those who stay ---------------------------------------------------------------------------------------------------


def test_who_stays_is_known_as_they_are_now(play):
    async def story(world):
        by_token, by_session = await world.who(await world.token()), await world.who((await world.session())[0])
        world.identity.forget()
        await world.identity.refresh()
        assert world.identity.current(by_token) is by_token
        assert world.identity.current(by_session) is by_session
        await world.node.alone(world.users.set_roles("ana", ["operator"], SYSTEM))
        await world.identity.refresh()
        for before in (by_token, by_session):
            now = world.identity.current(before)
            assert now.principal == Principal("ana", frozenset({"operator"}))
            assert (now.session, now.csrf, now.expires) == (before.session, before.csrf, before.expires)
            assert world.identity.current(now) is now

    play(story)


def test_who_stays_goes_with_their_session_their_password_and_their_time(play):
    async def story(world):
        by_token, by_session = await world.who(await world.token()), await world.who((await world.session())[0])
        await world.identity.logout(by_session, secure=False)
        await world.identity.refresh()
        assert world.identity.current(by_session) is None
        assert world.identity.current(by_token) is by_token
        late = await world.who((await world.session())[0])
        world.clock.advance(3600)
        assert world.identity.current(by_token) is None
        assert world.identity.current(late) is late
        await world.add()
        await world.identity.refresh()
        assert world.identity.current(late) is None
        fresh = await world.who(await world.token())
        await world.node.alone(world.users.remove("ana", SYSTEM))
        await world.identity.refresh()
        assert world.identity.current(fresh) is None

    play(story)


# -- logging in -------------------------------------------------------------------------------------------------------


def test_log_ins_are_in_the_audit_log(play):
    async def story(world):
        await world.login(address="192.0.2.7")
        await rejection(world.login(password="wrong", address="2001:db8::1"))
        await rejection(world.login(name="eve", address=""))
        assert await world.audit() == [
            ("eve", "Login", "eve", "failure", ""),
            ("ana", "Login", "ana", "failure", "from 2001:db8::1"),
            ("ana", "Login", "ana", "success", "from 192.0.2.7"),
        ]
        rows = await world.node.read(world.storage.audit(1))
        assert rows[0].subject == "User"

    play(story)


def test_a_wrong_name_and_a_wrong_password_look_alike(play):
    async def story(world):
        wrong = [await rejection(world.login(*each)) for each in (("ana", "wrong"), ("eve", PASSWORD))]
        assert wrong[0].args == wrong[1].args
        assert (wrong[0].status, wrong[0].title, wrong[0].key) == (401, "Unauthorized", "error.unauthorized")
        assert wrong[0].extra == {}

    play(story)


@pytest.mark.parametrize("name", ["", "\0", "ana\n\x1b[31m", "\ud800", "\u202eana", "x" * 9_000, "' OR 1=1 --", "語"])
def test_whatever_somebody_calls_themselves(play, name):
    async def story(world):
        refusal = await rejection(world.login(name, "\0\ud800", name))
        assert refusal.status == 401
        ((actor, _, identifier, status, detail),) = await world.audit()
        assert status == "failure" and actor == identifier
        assert len(actor) <= 100 and actor.isprintable() and detail.isprintable()

    play(story)


def test_guessing_is_slowed_down(play):
    async def story(world):
        for _ in range(5):
            assert (await rejection(world.login(password="guess"))).status == 401
        for password in ("guess", PASSWORD):
            refusal = await rejection(world.login(password=password, address="192.0.2.99"))
            assert (refusal.status, refusal.key, refusal.extra) == (429, "error.throttled", {"retryAfter": 1})
        assert len(await world.audit()) == 5, "who is told to wait is not tried"
        await asyncio.sleep(1.05)
        await world.login()
        assert (await rejection(world.login(password="guess"))).status == 401, "it was them; they start anew"

    play(story)


def test_many_guesses_at_one_moment_are_slowed_down_too(play):
    async def story(world):
        guesses = [world.login(password=f"guess {number}", address=f"192.0.2.{number}") for number in range(30)]
        statuses = [(await each).status for each in [asyncio.ensure_future(rejection(guess)) for guess in guesses]]
        assert statuses.count(401) <= 5 + identity_module.CHECKS_AT_ONCE - 1
        assert set(statuses) == {401, 429}

    play(story)


def test_two_passwords_are_checked_at_once_and_a_long_queue_is_refused(play, monkeypatch):
    """How many hash at one moment is seen from inside of the hashing itself."""
    held, most, hashing = threading.Event(), 0, 0
    real, lock = users_module.has_password, threading.Lock()

    def slow(user, password):
        nonlocal most, hashing
        with lock:
            hashing += 1
            most = max(most, hashing)
        assert held.wait(30)
        with lock:
            hashing -= 1
        return real(user, password)

    monkeypatch.setattr(identity_module, "has_password", slow)

    async def story(world):
        for number in range(52):
            await world.node.alone(world.storage.put_user(await anybody(world, number), []))
        logging_in = [asyncio.ensure_future(world.login(f"user{number}", address="")) for number in range(52)]
        await asyncio.sleep(0.2)
        refusal = await rejection(world.login(address=""))
        assert (refusal.status, refusal.key, refusal.extra) == (429, "error.busy", {"retryAfter": 1})
        started = await asyncio.wait_for(world.node.read(world.storage.user("ana")), 5)
        assert started is not None, "readers are free"
        held.set()
        done = await asyncio.gather(*logging_in)
        assert len(done) == 52
        assert most == 2
        await world.login(address="")

    async def anybody(world, number):
        ana = await world.node.read(world.storage.user("ana"))
        return ana._replace(name=f"user{number}")

    play(story)


def test_a_password_that_changes_while_somebody_logs_in_with_the_old_one(play, monkeypatch):
    """The log-in succeeds, since the password was right when it was looked at; what it gives does not count."""
    real = users_module.has_password
    checked, go_on = threading.Event(), threading.Event()

    def meanwhile(user, password):
        right = real(user, password)
        checked.set()
        assert go_on.wait(30)
        return right

    monkeypatch.setattr(identity_module, "has_password", meanwhile)

    async def story(world):
        logging_in = asyncio.ensure_future(world.login(session=True))
        await asyncio.to_thread(checked.wait, 30)
        await world.add(password="another password")
        go_on.set()
        opened = await logging_in
        (cookie,) = opened.cookies(secure=False)
        for headers in ({"authorization": f"Bearer {opened.access_token}"}, {"cookie": cookie.partition(";")[0]}):
            assert (await world.refused(headers)).status == 401

    play(story)


def test_a_secret_that_is_too_short_is_refused(play):
    async def story(world):
        with pytest.raises(ValueError, match="32 bytes"):
            Identity(world.node, secret="short", token_lifetime=60, session_lifetime=60)

    play(story)
