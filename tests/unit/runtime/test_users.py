"""The built-in identity: who is there, with which password, and what a change of it does."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters

from procession.engine.access import SYSTEM, Principal
from procession.errors import CommandRejected
from procession.runtime import users as users_module
from procession.runtime.clock import VirtualClock
from procession.runtime.drive import drive
from procession.runtime.ids import Ids
from procession.runtime.sessions import Sessions, session_id
from procession.runtime.users import Credentials, Users, has_password, hash_password, why_no_name
from procession.storage.memory import MemoryStorage
from procession.storage.sqlite import SqliteStorage

PASSWORD = "correct horse"
HOUR = 3_600_000_000


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    storage = MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "users.db")
    drive(storage.open())
    yield storage
    drive(storage.close())


@pytest.fixture
def users(storage, clock):
    users = Users(storage, Ids(clock.now), clock.now)
    drive(users.add("ana", PASSWORD, ["clerk"], SYSTEM))
    return users


def credentials(users, name="ana"):
    return drive(users.credentials([name])).get(name)


def test_a_password_is_verified(users):
    assert drive(users.verify("ana", PASSWORD)) == Principal("ana", frozenset({"clerk"}))
    assert drive(users.verify("ana", PASSWORD + "!")) is None
    assert drive(users.verify("ana", "")) is None


@pytest.mark.parametrize(
    "name", ["bo", "Ana", "ana ", "", "\0", "ana\0", "\ud800", "a" * 1_000_000, "%", "' OR 1=1 --"]
)
def test_whoever_is_not_there_has_no_password(users, name):
    assert drive(users.find(name)) is None
    assert drive(users.verify(name, PASSWORD)) is None


@pytest.mark.parametrize("password", ["\0", "\ud800", "x" * 1_000_000, "語" * 100])
def test_any_password_may_be_tried(users, password):
    assert drive(users.verify("ana", password)) is None


def test_a_name_that_is_not_there_takes_as_long():
    """The hash that is compared then was made with the same parameters; no other costs the same."""
    assert extract_parameters(users_module._NOBODY) == extract_parameters(users_module._hasher.hash("x" * 8))
    assert not has_password(None, PASSWORD)


def test_credentials_are_read_for_those_who_are_asked_for(users):
    drive(users.add("bo", PASSWORD, ["manager", "clerk"], SYSTEM))
    found = drive(users.credentials(["ana", "bo", "eve"]))
    assert sorted(found) == ["ana", "bo"]
    assert found["bo"].principal == Principal("bo", frozenset({"manager", "clerk"}))
    assert found["ana"].stamp != found["bo"].stamp, "the same word is another hash"
    assert isinstance(found["ana"], Credentials)
    assert drive(users.credentials([])) == {}


def test_a_new_password_is_another_stamp_and_ends_sessions_though_the_clock_stands_still(users, storage, clock):
    sessions, before = Sessions(storage, clock.now), credentials(users)
    id = session_id(drive(sessions.open(drive(users.find("ana")), HOUR)).secret)
    drive(users.add("ana", PASSWORD, ["clerk"], SYSTEM))
    assert credentials(users).stamp != before.stamp
    assert drive(sessions.find([id])) == {}


def test_other_roles_keep_the_stamp_and_the_sessions(users, storage, clock):
    sessions, before = Sessions(storage, clock.now), credentials(users)
    id = session_id(drive(sessions.open(drive(users.find("ana")), HOUR)).secret)
    drive(users.set_roles("ana", ["manager"], SYSTEM))
    assert credentials(users) == Credentials(Principal("ana", frozenset({"manager"})), before.stamp)
    assert id in drive(sessions.find([id]))


def test_who_is_removed_and_comes_back_is_somebody_else(users, storage, clock):
    sessions, before = Sessions(storage, clock.now), credentials(users)
    id = session_id(drive(sessions.open(drive(users.find("ana")), HOUR)).secret)
    drive(users.remove("ana", SYSTEM))
    assert credentials(users) is None
    assert drive(sessions.find([id])) == {}
    drive(users.add("ana", PASSWORD, ["clerk"], SYSTEM))
    assert credentials(users).stamp != before.stamp


def test_a_session_of_a_password_that_has_changed_meanwhile_does_not_count(users, storage, clock):
    """Somebody logs in while the password is changed: the session is opened after it, and has the stamp of the old one."""
    sessions, row = Sessions(storage, clock.now), drive(users.find("ana"))
    drive(users.add("ana", "another password", ["clerk"], SYSTEM))
    id = session_id(drive(sessions.open(row, HOUR)).secret)
    assert drive(sessions.find([id]))[id].stamp != credentials(users).stamp


def test_only_an_administrator_manages_users(users):
    clerk = Principal("ana", frozenset({"clerk"}))
    for attempt in (
        users.add("eve", PASSWORD, ["admin"], clerk),
        users.set_roles("ana", ["admin"], clerk),
        users.remove("ana", clerk),
        users.set_password("eve", PASSWORD, clerk, ""),
    ):
        with pytest.raises(CommandRejected) as refusal:
            drive(attempt)
        assert (refusal.value.status, refusal.value.key) == (403, "error.forbidden")
    assert [user.name for user in drive(users.list())] == ["ana"]


# -- names and passwords ----------------------------------------------------------------------------------------------


def refusal(coroutine) -> CommandRejected:
    with pytest.raises(CommandRejected) as refused:
        drive(coroutine)
    return refused.value


@pytest.mark.parametrize(
    "name", ["ana", "ana.b+c@example.org", "müller", "Юрий", "Ελένη", "李雷", "さくら", "a-1_2", "x" * 100]
)
def test_people_are_called_many_things(name):
    assert why_no_name(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "letters"), ("a b", "letters"), ("a/b", "letters"), ("a\0", "letters"), ("a\n", "letters"), ("x" * 101, "letters"),
        ("a\u200db", "letters"), ("\u202eana", "letters"), ("e\u0301ric", "letters"), ("\ud800", "letters"),
        ("system", "engine"), ("System", "engine"),
        ("ａｎａ", "another way"), ("ﬁnn", "another way"), ("ana²", "another way"),
        ("аna", "several scripts"), ("anα", "several scripts"), ("ｓystem", "engine"),
    ],
)  # fmt: skip
def test_what_nobody_is_called(users, name, why):
    assert why in (why_no_name(name) or "")
    error = refusal(users.add(name, PASSWORD, ["clerk"], SYSTEM))
    assert error.status == 422
    assert error.detail.isprintable()
    assert [user.name for user in drive(users.list())] == ["ana"]


def test_nobody_gets_a_name_that_looks_like_another(users):
    for name in ("Ana", "ANA"):
        assert refusal(users.add(name, PASSWORD, ["clerk"], SYSTEM)).status == 409
    assert drive(users.add("anna", PASSWORD, ["clerk"], SYSTEM))
    assert not drive(users.add("ana", PASSWORD, ["clerk"], SYSTEM)), "it is no new one"


def test_who_is_there_already_may_keep_any_name(users, storage):
    """Names were not always checked like this."""
    row = drive(users.find("ana"))
    for name in ("ANA", "аna"):
        drive(storage.put_user(row._replace(name=name), []))
        assert not drive(users.add(name, PASSWORD, ["clerk"], SYSTEM))
        drive(users.set_roles(name, ["manager"], SYSTEM))
        assert drive(users.verify(name, PASSWORD)) == Principal(name, frozenset({"manager"}))
        drive(users.remove(name, SYSTEM))


@pytest.mark.parametrize("password", ["", "short", "x" * 501, "nul\0nul\0nul", "\ud800" * 10])
def test_what_is_no_password(users, password):
    before = credentials(users)
    for attempt in (
        users.add("ana", password, ["clerk"], SYSTEM),
        users.set_password("ana", password, Principal("ana"), before.stamp),
    ):
        assert refusal(attempt).status == 422
    assert credentials(users) == before


def test_a_password_may_be_hashed_before(users):
    hashed = hash_password("another password")
    assert hash_password(hashed) is hashed
    drive(users.add("ana", hashed, ["clerk"], SYSTEM))
    assert drive(users.verify("ana", "another password")) is not None


def test_one_changes_ones_own_password(users, storage, clock):
    ana, before = Principal("ana", frozenset({"clerk"})), credentials(users)
    sessions = Sessions(storage, clock.now)
    id = session_id(drive(sessions.open(drive(users.find("ana")), HOUR)).secret)
    drive(users.set_password("ana", "another password", ana, before.stamp))
    assert drive(users.verify("ana", "another password")) == ana
    assert drive(users.verify("ana", PASSWORD)) is None
    assert drive(sessions.find([id])) == {}
    late = users.set_password("ana", "a third password", ana, before.stamp)
    assert refusal(late).key == "error.state.password", "somebody was faster"
    assert drive(users.verify("ana", "another password")) == ana
    assert refusal(users.set_password("eve", PASSWORD, Principal("eve"), "")).status == 404


def test_the_last_administrator_stays(users):
    drive(users.add("root", PASSWORD, ["admin"], SYSTEM))
    root = Principal("root", frozenset({"admin"}))
    attempts = (
        lambda: users.remove("root", root),
        lambda: users.set_roles("root", ["clerk"], root),
        lambda: users.add("root", PASSWORD, ["clerk"], root),
    )
    for attempt in attempts:
        assert refusal(attempt()).key == "error.state.last_admin"
    drive(users.set_roles("root", ["admin", "clerk"], root))
    drive(users.set_roles("ana", ["admin"], root))
    drive(users.remove("root", root))
    drive(users.remove("ana", SYSTEM))  # whoever has the shell can make another one
    assert drive(users.list()) == []


def test_what_was_changed_is_in_the_audit_log(users, storage):
    drive(users.set_roles("ana", ["manager", "clerk"], SYSTEM))
    drive(users.set_password("ana", "another password", Principal("ana"), credentials(users).stamp))
    drive(users.add("ana", PASSWORD, ["clerk"], SYSTEM))
    drive(users.remove("ana", SYSTEM))
    rows = drive(storage.audit())
    assert [(row.actor, row.event, row.identifier, row.detail) for row in reversed(rows)] == [
        ("system", "Create", "ana", "clerk"),
        ("system", "Update roles", "ana", "clerk, manager"),
        ("ana", "Update password", "ana", ""),
        ("system", "Update password and roles", "ana", "clerk"),
        ("system", "Delete", "ana", ""),
    ]
