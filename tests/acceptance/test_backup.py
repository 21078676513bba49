"""Backups as docs/howto/back-up-and-restore.md has them: made while nodes work, restored elsewhere, and gone on with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from procession import Client, Engine
from procession.runtime.drive import drive
from tests.acceptance.programs import running
from tests.acceptance.test_cluster import GOOD, PASSWORD
from tests.chaos import evidence
from tests.chaos.processes import FILES
from tests.conftest import start_postgresql
from tests.services.postgresql import PostgreSQL, programs

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "back-up-and-restore.md"
BEFORE = 40
"""Instances that are there before a backup is made."""

JOBS = ("charge", "pack")
BURN = "DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
"""Transactions that make a server older than the one on which its backup is restored."""

ARCHIVED = "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver"


def said(start: str) -> str:
    """The commands of the page that begin like this."""
    (found,) = [
        block for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL) if block.startswith(start)
    ]
    return found


def run(commands: str, **variables: object) -> None:
    """As a shell does."""
    path = f"{programs()}:{os.environ['PATH']}" if "pg_" in commands else os.environ["PATH"]
    given = {**os.environ, "PATH": path, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(["sh", "-ec", commands], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def key_of(number: int) -> str:
    return f"k{number}"


def start(engine: Engine, number: int) -> str:
    key = key_of(number)
    return engine.start("order", {"id": key, "amount": number}, business_key=key, idempotency_key=key).id


def begin(url: str) -> dict[str, str]:
    """Instances that have come to different places, by their keys."""
    with Engine(url) as engine:
        engine.deploy(*FILES, publish=True)
        engine.users.add("admin", PASSWORD, ["admin"])
        known = {key_of(number): start(engine, number) for number in range(BEFORE)}
        for job in engine.activate_jobs("pack", max_jobs=BEFORE // 2):
            engine.complete_job(job.id, job.token, {"packed": job.variables["id"]})
        for job in engine.activate_jobs("charge", max_jobs=5, lock=3.0):
            assert job.id, "handed out, and never reported"
        for number in range(0, BEFORE, 3):
            engine.publish_message("paid", key_of(number), {"paid": key_of(number)}, message_id=f"pay-{key_of(number)}")
        engine.hold(known[key_of(7)], "an audit")
        return known


@contextmanager
def at_work(url: str) -> Iterator[list[str]]:
    """A node that starts orders and does tasks all the time; the instances that it was told of."""
    told: list[str] = []
    stop, failures = threading.Event(), []

    def work() -> None:
        try:
            with Engine(url) as engine:
                while not stop.is_set():
                    told.append(start(engine, BEFORE + len(told)))
                    for task in engine.tasks(limit=2).items[1:]:
                        engine.complete_task(task.id, {"checked": task.instance})
        except Exception as error:  # noqa: BLE001  told below
            failures.append(error)

    working = threading.Thread(target=work)
    working.start()
    try:
        wait_for(lambda: len(told) >= 10 or failures)
        yield told
        count = len(told)
        wait_for(lambda: len(told) >= count + 10 or failures)
    finally:
        stop.set()
        working.join(30)
    assert failures == []


def wait_for(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.01)


def go_on(url: str, known: dict[str, str], before: list[str], after: list[str]) -> None:
    """What a backup has is whole, and everything in it comes to its end."""
    with Engine(url) as engine:
        there = {row.business_key: str(row.id) for row in evidence.rows(engine) if row.business_key is not None}
        assert known.items() <= there.items()
        assert set(before) <= set(there.values()), "it was acknowledged before the backup began"
        assert not set(after) & set(there.values()), "it began after the backup was done"
        assert evidence.check_live(engine) >= BEFORE
        for key, instance in known.items():
            assert start(engine, int(key[1:])) == instance, "a key of before the backup is known"
        for number in range(BEFORE + len(there)):
            start(engine, number)
        evidence.drive_to_the_end(engine, JOBS, "paid")
        for row in evidence.rows(engine):
            evidence.check_state(engine, row.id)
            assert row.status == "FINISHED"
        evidence.check_outbox(engine)
        evidence.check_nothing_left(engine)


def number(server: PostgreSQL, url: str, what: str) -> int:
    """Of the order of history."""
    return int(server.execute(f"SELECT {what} FROM procession.history", database=url.rpartition("/")[2]))


@pytest.fixture
def old() -> Iterator[PostgreSQL]:
    """A server whose transactions have high numbers."""
    with start_postgresql() as server:
        server.execute(BURN)
        yield server


def test_a_dump_of_postgresql_goes_on_at_another_server(old, postgresql, tmp_path):
    url, backup = old.url(), tmp_path / "procession.dump"
    known = begin(url)
    with Engine(url) as engine:
        mark = f"{drive(engine.storage.last_history())}.0"
    with at_work(url) as told:
        before = list(told)
        run(said("pg_dump"), DATABASE=url, BACKUP=backup)
        done = len(told)
        wait_for(lambda: len(told) >= done + 5)
    after = told[done + 1 :]  # one may have been on its way

    restored = postgresql.url()
    run(said("pg_restore"), DATABASE=restored, BACKUP=backup)
    last = number(postgresql, restored, "max(number)")
    assert int(postgresql.execute("SELECT pg_current_xact_id()")) << 20 < last, "the new server counts anew"

    with running("serve", "--store", restored, "--port", "0", cwd=tmp_path, **GOOD) as serving:
        with Client(serving.address(), user="admin", password=PASSWORD) as client:
            heard: list[str] = []

            def listen() -> None:
                for event in client.events(kinds=["status"], after=mark):
                    heard.append(event.data["instance"])
                    if heard[-1] == news:
                        return

            news = client.start("order", {"id": "news", "amount": 1}, business_key="k-news").id
            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            listener.join(20)
            assert heard[-1:] == [news]
            assert set(before) - set(known.values()) <= set(heard), "what happened between the mark and the backup"
        assert serving.stop() == 0
    assert number(postgresql, restored, f"min(number) FILTER (WHERE instance = {news})") > last
    go_on(restored, known, before, after)


@pytest.fixture
def archive() -> Iterator[Path]:
    """A folder that the server may write to, whoever it runs as."""
    folder = Path(tempfile.mkdtemp(prefix="procession-wal-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_postgresql_is_restored_as_it_was_at_a_moment(archive):
    keep = {"archive_mode": "on", "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f"}
    with start_postgresql(**keep) as server:
        url = server.url()
        known = begin(url)
        replay = {"restore_command": f"cp {archive}/%f %p", "recovery_target_action": "promote"}
        with start_postgresql(copy_of=server, recovery=True, **replay) as restored:
            with at_work(url) as told:
                before = list(told)
                restored.settings["recovery_target_time"] = server.execute("SELECT clock_timestamp()")
                done = len(told)
                wait_for(lambda: len(told) >= done + 5)
            after = told[done + 1 :]
            server.execute("SELECT pg_switch_wal()")
            wait_for(lambda: server.execute(ARCHIVED) == "t")
            restored.start()
            wait_for(lambda: restored.execute("SELECT pg_is_in_recovery()") == "f")
            go_on(url.replace(f":{server.port}/", f":{restored.port}/"), known, before, after)


def test_a_copy_of_a_sqlite_file_goes_on(tmp_path):
    path, backup = tmp_path / "procession.db", tmp_path / "backup.db"
    url = f"sqlite:///{path}"
    known = begin(url)
    with at_work(url) as told:
        before = list(told)
        run(said("sqlite3"), STORE=path, BACKUP=backup)
        done = len(told)
        wait_for(lambda: len(told) >= done + 5)
    after = told[done + 1 :]

    copied = tmp_path / "copied.db"
    shutil.copy(path, copied)  # what is there when it is restored: a file with a log of its own
    copied.with_name("copied.db-wal").write_bytes(b"of the old one")
    run(said("rm -f"), STORE=copied, BACKUP=backup)
    assert copied.stat().st_mode & 0o777 == 0o600
    evidence.check_file(str(copied))
    go_on(f"sqlite:///{copied}", known, before, after)
