"""Sessions: a cookie opens them, time and passwords end them."""

from __future__ import annotations

import pytest

from procession.runtime.clock import VirtualClock
from procession.runtime.drive import drive
from procession.runtime.sessions import Sessions, session_id
from procession.storage import UserRow
from procession.storage.memory import MemoryStorage
from procession.storage.sqlite import SqliteStorage

HOUR = 3_600_000_000
ANA = UserRow("ana", "$argon2id$…", b'["clerk"]', 5)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    storage = MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "sessions.db")
    drive(storage.open())
    drive(storage.put_user(ANA, []))
    yield storage
    drive(storage.close())


@pytest.fixture
def sessions(storage, clock):
    return Sessions(storage, clock.now)


def test_a_session_is_found_by_what_the_cookie_says(sessions, clock):
    opened = drive(sessions.open(ANA, HOUR))
    id = session_id(opened.secret)
    (row,) = drive(sessions.find([id, session_id("another")])).values()
    assert (row.id, row.user, row.stamp, row.csrf) == (id, "ana", ANA.stamp, opened.csrf)
    assert (row.created, row.expires, opened.expires) == (clock.now(), clock.now() + HOUR, clock.now() + HOUR)


def test_the_store_does_not_know_what_the_cookie_says(sessions, storage, tmp_path):
    opened = drive(sessions.open(ANA, HOUR))
    assert opened.secret not in str(drive(storage.session(session_id(opened.secret))))
    assert drive(storage.session(opened.secret)) is None
    for file in tmp_path.iterdir():
        assert opened.secret.encode() not in file.read_bytes()


def test_no_two_sessions_are_alike(sessions):
    opened = [drive(sessions.open(ANA, HOUR)) for _ in range(50)]
    assert len({each.secret for each in opened} | {each.csrf for each in opened}) == 100
    assert all(len(each.secret) == 43 for each in opened)


def test_a_session_ends_with_its_time(sessions, clock):
    id = session_id(drive(sessions.open(ANA, HOUR)).secret)
    clock.advance(3599.999_999)
    assert id in drive(sessions.find([id]))
    clock.advance(0.000_001)
    assert drive(sessions.find([id])) == {}


def test_a_session_is_closed_once(sessions):
    id = session_id(drive(sessions.open(ANA, HOUR)).secret)
    assert drive(sessions.close(id))
    assert not drive(sessions.close(id))
    assert drive(sessions.find([id])) == {}


def test_those_that_are_over_are_cleared_away_when_the_next_one_opens(sessions, storage, clock):
    for _ in range(3):
        drive(sessions.open(ANA, HOUR))
    clock.advance("PT2H")
    drive(sessions.open(ANA, HOUR))
    assert drive(storage.counts())["session"] == 1
    clock.advance("PT2H")
    assert drive(sessions.expire()) == 1


@pytest.mark.parametrize("secret", ["", "\0", "\ud800", "x" * 1_000_000])
def test_whatever_a_cookie_says_it_has_an_id(sessions, secret):
    assert drive(sessions.find([session_id(secret)])) == {}
