"""The SQLite store keeps the contract, in a file and in memory; and what only a file can do to it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from procession.errors import StorageBusy, StorageError, StorageFull, VersionConflict
from procession.storage import Batch, InstanceFilter, Need, TaskFilter, sqlite_file
from procession.storage import sqlite as sqlite_module
from procession.storage.migrations import Migration
from procession.storage.sqlite import SqliteStorage
from tests.contracts.rows import (
    NOON,
    Driven,
    definition,
    draft,
    form,
    found,
    history,
    incident,
    instance,
    job,
    record,
    rows_in,
    session,
    started,
    stepped,
    task,
    token,
    user,
    variable,
)
from tests.contracts.storage import StorageContract

ROOT = Path(__file__).parents[2]


def opened(path) -> Driven:
    store = Driven(SqliteStorage(path))
    store.open()
    return store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.db"


@pytest.fixture
def store(path):
    store = opened(path)
    yield store
    store.close()


@pytest.fixture
def other(store, path):
    """Another process would be like this: another opener of the same file."""
    other = opened(path)
    yield other
    other.close()


def writer_of(store: Driven) -> apsw.Connection:
    return store.storage._file.writer.connection


class TestSqliteFile(StorageContract):
    @pytest.fixture
    def store(self, path):
        store = opened(path)
        yield store
        store.close()


class TestSqliteInMemory(StorageContract):
    @pytest.fixture
    def store(self):
        store = opened(":memory:")
        yield store
        store.close()

    @pytest.fixture
    def other(self, store):
        return store


# -- what is written stays --------------------------------------------------------------------------------------------


def test_what_was_committed_is_there_when_the_file_is_opened_again(store, path):
    order = instance()
    store.commit(started(order, tokens=[token(order.id)], variables=[variable(order.id)]))
    rows = found(store, order.id)
    store.close()
    again = opened(path)
    assert found(again, order.id) == rows
    again.close()


def test_a_commit_is_flushed_to_the_disk(store):
    connection = writer_of(store)
    settings = {
        name: connection.pragma(name) for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "mmap_size")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 4000, "mmap_size": 0}


def test_what_was_acknowledged_survives_a_kill(path):
    """A batch is there as a whole or not at all, whenever the process dies."""
    command = [sys.executable, "-c", STARTS_FOR_EVER, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(40)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
    store = opened(path)
    answer = store.load(Need(instances=dict.fromkeys(acknowledged, -1))).instances
    assert all(rows is not None and len(rows.variables) == 3 for rows in answer.values())
    counts = store.counts()
    assert counts["variable"] == 3 * counts["instance"] and counts["history"] == counts["instance"]
    assert writer_of(store).pragma("integrity_check") == "ok"
    store.close()


STARTS_FOR_EVER = """
import sys
sys.path[:0] = ["src", "."]
from procession.storage.sqlite import SqliteStorage
from tests.contracts.rows import drive, instance, started, variable
store = SqliteStorage(sys.argv[1])
drive(store.open())
number = 0
while True:
    number += 1
    drive(store.commit(started(instance(number), variables=[variable(number, name) for name in "abc"])))
    print(number, flush=True)
"""


# -- two processes ----------------------------------------------------------------------------------------------------


def test_the_second_of_two_processes_decides_again(store, other):
    order = instance()
    store.commit(started(order))
    assert found(other, order.id).instance == order
    other.commit(stepped(order._replace(position=2, steps=1)))
    with pytest.raises(VersionConflict, match=f"{order.id} is at 2, not at 1"):
        store.commit(stepped(order._replace(position=2, steps=5)))
    assert found(store, order.id).instance.steps == 1


def test_what_another_process_changed_is_noticed_even_after_a_look_at_something_else(store, other):
    order, bystander = instance(), instance()
    store.commit(Batch(new=[order, bystander]))
    assert store.load(Need(instances={order.id: 1})).instances == {}
    moved = order._replace(position=2)
    other.commit(stepped(moved))
    assert store.load(Need(instances={bystander.id: 1})).instances == {}
    assert store.load(Need(instances={order.id: 1})).instances[order.id].instance == moved
    assert store.load(Need(instances={order.id: 2, bystander.id: 1})).instances == {}


def test_owners_that_another_process_changed_are_sent_again(store, other):
    order = instance()
    charge = job(order.id)
    store.commit(started(order, jobs=[charge]))
    cache = {order.id: 1}
    assert store.load(Need(jobs=[charge.id], known=cache)).instances == {}
    other.commit(stepped(order._replace(position=2)))
    assert list(store.load(Need(jobs=[charge.id], known=cache)).instances) == [order.id]


def test_while_nobody_else_writes_a_known_position_costs_one_look_at_the_files_counter(store):
    orders = [instance() for _ in range(50)]
    store.commit(Batch(new=orders))
    statements = []
    writer_of(store).exec_trace = lambda cursor, sql, bindings: statements.append(sql) or True
    store.load(Need(instances={order.id: 1 for order in orders}))
    assert statements == ["PRAGMA data_version"]


def test_what_was_verified_after_a_foreign_write_is_trusted_again(store, other, monkeypatch):
    orders = [instance() for _ in range(5)]
    store.commit(Batch(new=orders))
    other.commit(Batch(new=[instance()]))
    known = {order.id: 1 for order in orders}
    store.load(Need(instances=known))
    statements = []
    writer_of(store).exec_trace = lambda cursor, sql, bindings: statements.append(sql) or True
    assert store.load(Need(instances=known)).instances == {}
    assert statements == ["PRAGMA data_version"]
    monkeypatch.setattr(sqlite_module, "TRUSTED", 3)
    assert store.load(Need(instances=known)).instances == {}
    assert len(statements) > 2  # they are too many to remember, and were looked up again


def test_a_process_that_holds_the_write_lock_makes_the_store_busy(store, path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT", 50)
    order = instance()
    store.commit(started(order))
    waiting = opened(path)
    holder = apsw.Connection(str(path))
    holder.execute("BEGIN IMMEDIATE")
    for attempt in (
        lambda: waiting.commit(started(instance())),
        lambda: waiting.lease_jobs("charge-card", "w", 1, NOON, NOON + 1),
        lambda: waiting.add_definitions([], []),
    ):
        with pytest.raises(StorageBusy, match="Another process holds the write lock") as busy:
            attempt()
        assert busy.value.__cause__ is None and busy.value.__suppress_context__
    assert [row.id for row in waiting.instances(InstanceFilter())] == [order.id]
    assert found(waiting, order.id).instance == order
    holder.execute("ROLLBACK")
    holder.close()
    waiting.commit(started(instance()))
    assert waiting.counts()["instance"] == 2
    waiting.close()


def test_many_processes_may_open_a_new_file_at_once(path):
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: opened(path), range(8)))
    for store in stores:
        store.commit(started(instance()))
    assert stores[0].counts()["instance"] == 8
    for store in stores:
        store.close()


def test_queries_run_beside_commits(store):
    """From other threads, each on a connection of its own; they see whole batches only."""
    done = threading.Event()

    def watch():
        looks = 0
        while not done.is_set():
            counts = store.counts()
            assert counts["variable"] == 20 * counts["instance"]
            for row in store.instances(InstanceFilter(), limit=2):
                assert len(store.instance(row.id).variables) == 20
            looks += 1
        return looks

    with ThreadPoolExecutor(3) as pool:
        watchers = [pool.submit(watch) for _ in range(3)]
        try:
            for _ in range(60):
                order = instance()
                store.commit(started(order, variables=[variable(order.id, f"v{n}") for n in range(20)]))
        finally:
            done.set()
        assert all(watcher.result() for watcher in watchers)
    assert len(store.storage._file.idle) <= 3


def test_what_the_edge_asks_does_not_wait_for_a_commit(store):
    order, ada = instance(), user()
    store.put_user(ada, [])
    store.put_session(session("s", ada))
    todo, card = task(order.id), definition("card")
    store.commit(started(order, tasks=[todo], incidents=[incident(order.id)]))
    store.put_draft(draft(todo.id))
    store.add_definitions([card], [], [form(card.id, "a.json")])
    questions = {
        "user": ("ada",),
        "users": (),
        "session": ("s",),
        "forms": (card.id,),
        "form": (card.id, "a.json"),
        "draft": (todo.id, "ada"),
        "sessions": (["s"],),
        "last_history": (),
        "history_after": (0, 10),
        "history_number": (order.id, 1),
        "instance_heads": ([order.id],),
        "tasks": (TaskFilter(),),
        "incidents": (),
    }
    with store.storage._file.writer as connection, ThreadPoolExecutor(1) as readers:
        connection.execute("BEGIN IMMEDIATE")
        for question, given in questions.items():
            assert readers.submit(getattr(store, question), *given).result(timeout=10), question
        connection.execute("ROLLBACK")


def test_a_backup_is_made_while_it_runs(store, tmp_path, path):
    order = instance()
    store.commit(started(order, variables=[variable(order.id)]))
    anybody = apsw.Connection(str(path))
    anybody.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    anybody.close()
    store.commit(started(instance()))
    backup = opened(tmp_path / "backup.db")
    assert backup.instance(order.id) == store.instance(order.id)
    assert rows_in(backup) == {"instance": 1, "variable": 1, "history": 1}
    backup.close()


# -- a full disk ------------------------------------------------------------------------------------------------------


def big(order) -> Batch:
    return started(order, variables=[variable(order.id, f"v{n}", b'"' + b"x" * 50_000 + b'"') for n in range(20)])


def test_a_full_disk_writes_nothing_half_and_can_be_mended(store):
    order = instance()
    store.commit(started(order))
    pages = writer_of(store).pragma("page_count")
    writer_of(store).pragma("max_page_count", pages + 20)
    before = store.counts()
    for _ in range(2):
        with pytest.raises(StorageFull, match="no space left"):
            store.commit(big(instance()))
        assert store.counts() == before
    store.commit(stepped(order._replace(position=2)))  # what fits, goes on
    writer_of(store).pragma("max_page_count", 1_000_000)
    store.commit(big(instance()))
    assert store.counts()["variable"] == 20


def test_a_log_that_cannot_grow_is_a_full_disk(store):
    """As when the file system is full, or the user's share of it: SQLite hears of it from the operating system."""
    store.commit(started(instance()))
    before = store.counts()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StorageFull):
            store.commit(big(instance()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert store.counts() == before
    store.commit(big(instance()))
    assert store.counts()["variable"] == 20


# -- a bad batch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [object(), {"a": 1}, 2**70], ids=["object", "dict", "too large"])
def test_a_row_that_cannot_be_stored_leaves_nothing(store, value):
    order = instance()
    with pytest.raises((TypeError, OverflowError)):
        store.commit(started(order, variables=[variable(order.id), variable(order.id, "bad", value)]))
    assert rows_in(store) == {}
    store.commit(started(order))


def test_a_column_has_its_type(store):
    with pytest.raises(StorageError, match="SQLite refuses"):
        store.commit(Batch(new=[instance()], history=[history(1, "first")]))
    assert rows_in(store) == {}


# -- the file ---------------------------------------------------------------------------------------------------------


def refused(path, match) -> str:
    """The error with which opening the file is refused; it is for people, without a trace of the library below."""
    with pytest.raises(StorageError, match=match) as refusal:
        opened(path)
    assert refusal.value.__cause__ is None
    return str(refusal.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    refused(tmp_path / "nowhere" / "orders.db", "nowhere.* does not exist")


def test_a_folder_is_not_a_file(tmp_path):
    refused(tmp_path, "cannot be opened")


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"once upon a time " * 500)
    refused(path, "not a SQLite database")


def test_a_damaged_file_is_said_to_be_damaged(store, path):
    orders = [instance() for _ in range(2000)]
    store.commit(Batch(new=orders, variables=[variable(order.id) for order in orders]))
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 25 * 4096)
        file.write(os.urandom(25 * 4096))
    broken = opened(path)
    with pytest.raises(StorageError, match="damaged") as damage:
        broken.counts()
    assert damage.value.__cause__ is None
    broken.close()


def test_a_database_of_another_program_is_refused_and_left_alone(path):
    foreign = apsw.Connection(str(path))
    foreign.execute("CREATE TABLE recipe (name TEXT); INSERT INTO recipe VALUES ('soup')")
    foreign.close()
    before = path.read_bytes()
    refused(path, "another program")
    assert path.read_bytes() == before


def test_an_old_sqlite_is_refused():
    with pytest.raises(StorageError, match=r"3\.51\.3"):
        sqlite_file.check_version("3.51.2")
    sqlite_file.check_version("3.51.3")
    sqlite_file.check_version("4.0.0")


def test_a_store_that_is_not_open_says_so(path):
    store = Driven(SqliteStorage(path))
    for attempt in (lambda: store.commit(Batch()), lambda: store.load(Need()), store.counts):
        with pytest.raises(StorageError, match="not open"):
            attempt()
    store.open()
    store.counts()
    store.close()
    store.close()
    with pytest.raises(StorageError, match="not open"):
        store.counts()


def test_no_table_is_left_out_of_the_counts(store):
    tables = {name for (name,) in writer_of(store).execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert set(store.counts()) == tables - {"migration", "revision", "sqlite_sequence"}


# -- migrations -------------------------------------------------------------------------------------------------------


OURS = ["0001_initial", "0002_edge", "0003_forms", "0004_tasks_by_due_date", "0005_failed_starts", "0006_bus"]


def change(path, statement) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    connection.close()


def test_a_file_remembers_what_it_has_been_through(store):
    rows = list(writer_of(store).execute("SELECT * FROM migration"))
    assert [name for _, name, _, _ in rows] == OURS
    assert [version for version, _, _, _ in rows] == [1, 2, 3, 4, 5, 6]
    for _, _, checksum, applied in rows:
        assert len(checksum) == 64
        assert applied > NOON - 365 * 86_400_000_000


def test_a_file_of_the_first_version_is_brought_up_to_date(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "MIGRATIONS", ("0001_initial",))
        first = opened(path)
        order = instance()
        first.commit(started(order, jobs=[job(order.id)]))
        assert not writer_of(first).table_exists("main", "session")
        first.close()
    change(path, "INSERT INTO user VALUES ('ada', '$argon2id$…', x'5b5d', 5)")
    assert [step.name for step in Driven(SqliteStorage(path)).migrate(dry_run=True)] == OURS[1:]
    again = opened(path)
    assert found(again, order.id).instance == order
    assert [number for number, _ in again.history_after(0, 10)] == [1]
    ada = again.user("ada")
    again.put_session(session("s", ada))
    assert again.session("s").stamp == ada.stamp
    again.close()


def test_records_of_an_older_file_are_numbered_by_their_ids(path, monkeypatch):
    records = [record(1) for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "MIGRATIONS", OURS[:5])
        old = opened(path)
        old.commit(Batch(outbox=records[::-1]))
        old.close()
    again = opened(path)
    assert again.outbox() == list(enumerate(records, 1))
    last = record(1, id=1)
    again.commit(Batch(outbox=[last]))
    assert again.outbox()[-1] == (4, last)
    again.commit(Batch(outbox_gone=[(4,)]))
    again.close()
    reopened = opened(path)
    reopened.commit(Batch(outbox=[last]))
    assert reopened.outbox()[-1] == (5, last), "not a number that was used"
    reopened.close()


def test_a_step_that_was_passed_over_is_made_up_for(path, monkeypatch):
    """0003 and 0004 were written beside each other, and 0004 was there first."""
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "MIGRATIONS", ("0001_initial", "0002_edge", "0004_tasks_by_due_date"))
        opened(path).close()
    again = opened(path)
    assert again.counts()["draft"] == 0
    again.close()
    assert Driven(SqliteStorage(path)).migrate(dry_run=True) == []


def test_a_newer_schema_is_refused(store, path):
    store.close()
    change(path, "INSERT INTO migration VALUES (99, '0099_of_tomorrow', 'abc', 0)")
    refused(path, "0099_of_tomorrow, which this version of procession does not know")


def test_a_changed_migration_is_refused(store, path):
    store.close()
    change(path, "UPDATE migration SET checksum = 'abcdef'")
    refused(path, "0001_initial.* is not the one")


@pytest.fixture
def tomorrow(monkeypatch):
    """The next version of procession has one more migration."""
    real = sqlite_file.migrations.load
    one_more = Migration(
        99, "0099_colour", "ALTER TABLE job ADD COLUMN colour TEXT; CREATE TABLE hue (id INTEGER)", "c2"
    )
    monkeypatch.setattr(sqlite_file.migrations, "load", lambda folder, names: [*real(folder, names), one_more])
    return one_more


def test_a_file_of_yesterday_is_brought_up_to_date(store, path, request):
    order = instance()
    store.commit(started(order, jobs=[job(order.id)]))
    store.close()
    request.getfixturevalue("tomorrow")
    again = opened(path)
    assert [name for (name,) in writer_of(again).execute("SELECT name FROM migration")] == [*OURS, "0099_colour"]
    assert found(again, order.id).instance == order
    again.close()


def test_a_migration_that_fails_changes_nothing(store, path, monkeypatch):
    store.close()
    real = sqlite_file.migrations.load
    broken = Migration(99, "0099_broken", "CREATE TABLE hue (id INTEGER); INSERT INTO absent VALUES (1)", "c2")
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file.migrations, "load", lambda folder, names: [*real(folder, names), broken])
        refused(path, "no such table: absent")
    again = opened(path)
    assert not writer_of(again).table_exists("main", "hue")
    again.close()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(path, request):
    store = Driven(SqliteStorage(path))
    assert [step.name for step in store.migrate(dry_run=True)] == OURS
    assert not path.exists()
    assert [step.name for step in store.migrate()] == OURS
    assert store.migrate(dry_run=True) == []
    tomorrow = request.getfixturevalue("tomorrow")
    assert store.migrate(dry_run=True) == [tomorrow]
    assert writer_of(store).pragma("user_version") == 0
    assert store.counts()["job"] == 0
    store.close()
