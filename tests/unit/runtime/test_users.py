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
from procession.runtime.users import Credentials, Users, has_password
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
    ):
        with pytest.raises(CommandRejected) as refusal:
            drive(attempt)
        assert (refusal.value.status, refusal.value.key) == (403, "error.forbidden")
    assert [user.name for user in drive(users.list())] == ["ana"]
