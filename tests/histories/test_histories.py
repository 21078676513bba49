"""Every release left a database with live instances; this version opens each of them and brings everything to its end."""

from __future__ import annotations

import gzip
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from procession import Engine
from procession.runtime.drive import drive
from procession.runtime.sessions import Sessions, session_id
from procession.storage import migrations
from procession.storage.postgres_schema import MIGRATIONS as ON_POSTGRESQL
from procession.storage.sqlite_file import MIGRATIONS as ON_SQLITE
from procession.testing import VirtualClock
from tests.chaos import evidence
from tests.histories import make
from tests.services.postgresql import PostgreSQL

NAME = re.compile(r"(\d+)\.(\d+)\.(\d+)-(schema-(\d+)\.db|postgres-(\d+)\.sql)\.gz")
FILES = sorted(make.HERE.glob("*.gz"))
STEPS = {"sqlite": ON_SQLITE, "postgres": ON_POSTGRESQL}
SESSIONS, FORMS, REFUSED = 2, 3, 5
"""The schemas on SQLite from which there are sessions, forms with drafts, and business keys of starts that were refused. On
PostgreSQL the first one has them."""

MORNING = "2026-01-06T08:00:00Z"
"""When the new version is installed: the day after the files were made."""

DAYS = 14
IBAN = "DE02120300000000202051"

ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "free": ("FINISHED", {"iban": IBAN, "check": "done"}),
    "claimed": ("FINISHED", {"iban": IBAN, "check": "done"}),
    "finished": ("FINISHED", {"iban": IBAN, "verdict": "fine"}),
    "terminated": ("TERMINATED", {}),
    "second-version": ("FINISHED", {"check": "done"}),
    "job-exhausted": ("FINISHED", {"charge": "done"}),
    "job-failed": ("FINISHED", {"charge": "done"}),
    "job-done-on-hold": ("FINISHED", {"card": "kept"}),
    "job-declined": ("FINISHED", {"declined": True}),
    "job-leased": ("FINISHED", {"charge": "by the worker that had it"}),
    "job-waiting": ("FINISHED", {"charge": "done"}),
    "timer": ("FINISHED", {"awake": True}),
    "reminded": ("FINISHED", {"reminders": 1, "answer": "done"}),
    "too-late": ("FINISHED", {"reminders": 2, "late": True}),  # what was missed comes once
    "withdrawn": ("FINISHED", {"reminders": 1}),
    "message": ("FINISHED", {"paid": "message"}),
    "message-taken": ("FINISHED", {"paid": 1}),
    "answered": ("FINISHED", {"answered": "answered"}),
    "silent": ("FINISHED", {"silent": True}),
    "shipped": ("FINISHED", {}),
    "call": ("FINISHED", {"hand_over": "done", "thanked": True}),
    "parallel-loop": (
        "FINISHED",
        {"voters": ["ada", "bob", "eve"], "votes": ["ada: done", "bob: done", "eve: yes"]},
    ),
    "sequential-loop": ("FINISHED", {"turn": "done", "turns": [10, 20, 30]}),
    "scope": ("FINISHED", {"amount": 20, "fill": "done", "total": 42}),
    "join": ("FINISHED", {"sign": "ada", "pack": "done", "closed": True}),
    "inclusive-join": ("FINISHED", {"amount": 20, "one": "ada", "two": "done", "closed": True}),
    "incident": ("FINISHED", {"amount": 7, "size": "small"}),
    "on-hold": ("FINISHED", {"pack": "done", "sign": "done", "closed": True}),
    "deprecated": ("FINISHED", {"last": "done"}),
    "cut-off": ("FINISHED", {"n": make.TURNS}),
}
"""What becomes of each instance, by its business key: its state and its variables."""

SINCE: dict[str, dict[str, tuple[int, ...]]] = {"sqlite": {}, "postgres": {}}
"""The version and schema of the first file that has an instance, where that is not the very first: (0, 2, 0, 6)."""

LEFT_ALONE = {"silent", "too-late", "withdrawn"}
"""Nobody does what these wait for: time goes on with them, or a message."""

REPAIRS = {"incident": {"amount": 7}}
JOBS = ("charge", "turn", "pack")


class Past:
    """A history, unpacked where it may be changed."""

    def __init__(self, file: Path, url: str, ask: Callable[[str], list[list[str]]]) -> None:
        self.file, self.url, self.ask = file, url, ask
        self.dialect, self.made_by = parts_of(file)
        self.schema = self.made_by[-1]

    def opened(self) -> Engine:
        """In this version, on the morning after."""
        return Engine(self.url, clock=VirtualClock(MORNING), node=1)

    def has(self, since: int) -> bool:
        """Whether its schema has what there is on SQLite since a step."""
        return self.dialect == "postgres" or self.schema >= since

    def told(self) -> set[str]:
        """The business keys of the instances that it has."""
        return {key for key in ENDS if self.made_by >= SINCE[self.dialect].get(key, ())}

    def applied(self) -> list[str]:
        """The steps of the schema that it has been through."""
        table = "migration" if self.dialect == "sqlite" else f"{make.SCHEMA}.migration"
        return [name for (name,) in self.ask(f"SELECT name FROM {table} ORDER BY version")]

    def check(self) -> None:
        if self.dialect == "sqlite":
            evidence.check_file(self.url.removeprefix("sqlite:///"))


def parts_of(file: Path) -> tuple[str, tuple[int, ...]]:
    """Of which store it is, and the version and the schema that its name says."""
    match = NAME.fullmatch(file.name)
    assert match, f"{file.name} does not say of which version and schema it is, as 0.1.0-schema-1.db.gz does"
    *version, _, sqlite, postgres = match.groups()
    return "sqlite" if sqlite else "postgres", tuple(map(int, (*version, sqlite or postgres)))


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    """Databases that have been restored, by the names of their files: to copy one is quicker."""
    return {}


@pytest.fixture(params=FILES, ids=lambda file: file.name.removesuffix(".gz"))
def past(request, tmp_path, templates) -> Past:
    file = request.param
    data = gzip.decompress(file.read_bytes())
    if parts_of(file)[0] == "sqlite":
        path = tmp_path / "history.db"
        path.write_bytes(data)
        return Past(file, f"sqlite:///{path}", lambda sql: ask_file(path, sql))
    server: PostgreSQL = request.getfixturevalue("postgresql")
    if file.name not in templates:
        templates[file.name] = server.url().rpartition("/")[2]
        server.load(data.decode(), database=templates[file.name])
    database = f"d{secrets.token_hex(6)}"
    server.execute(f"CREATE DATABASE {database} TEMPLATE {templates[file.name]}")
    return Past(
        file,
        server.url(database),
        lambda sql: [line.split("|") for line in server.execute(sql, database=database).splitlines()],
    )


def ask_file(path: Path, sql: str) -> list[list[str]]:
    connection = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        return [list(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def by_key(engine: Engine) -> dict[str, str]:
    """The instances that somebody started, by their business keys."""
    return {row.business_key: str(row.id) for row in evidence.rows(engine) if row.business_key is not None}


def go_on(engine: Engine) -> None:
    """Do every day what is to be done, until no instance is live."""
    for _ in range(DAYS):
        live = list(evidence.rows(engine, statuses=evidence.LIVE))
        if not live:
            return
        for row in live:
            if row.status == "ON_HOLD" and row.parent is None:
                engine.unhold(row.id, "the new version is there")
        for row in live:
            if row.business_key not in LEFT_ALONE:
                do_what_it_waits_for(engine, str(row.id), row.business_key)
        for type in JOBS:
            while jobs := engine.activate_jobs(type, max_jobs=100):
                for job in jobs:
                    engine.complete_job(job.id, job.token, {type: "done"})
        engine.clock.advance("P1D")
        engine.run_due()
    raise AssertionError(f"after {DAYS} days there are still {[row.business_key for row in live]}")


def do_what_it_waits_for(engine: Engine, instance: str, key: str | None) -> None:
    view = engine.instance(instance)
    if view.exceptions:
        if key in REPAIRS:
            engine.set_variables(instance, REPAIRS[key], "mended")
        engine.retry(instance, reason="mended")
    tasks = [wait for wait in view.waits if wait["kind"] == "task"]
    for wait in tasks:
        engine.complete_task(wait["id"], {wait["node"]: "done"})
    for wait in view.waits:
        if wait["kind"] == "message" and not tasks:
            engine.publish_message(wait["name"], wait["correlationKey"], {wait["name"]: wait["correlationKey"]})


def test_its_name_says_what_is_inside(past):
    assert len(past.applied()) == past.schema


@pytest.mark.parametrize("dialect", STEPS)
def test_there_is_a_history_of_every_step_of_the_schema(dialect):
    """The newest step may be one that no release has yet."""
    steps = {step.version for step in migrations.load(dialect, STEPS[dialect])}
    kept = {made_by[-1] for kind, made_by in map(parts_of, FILES) if kind == dialect}
    assert steps - {max(steps)} <= kept <= steps


def test_its_schema_is_brought_up_to_date(past):
    past.opened().close()
    assert past.applied() == list(STEPS[past.dialect])
    past.check()


def test_its_rows_are_what_its_history_says(past):
    with past.opened() as engine:
        assert evidence.check_live(engine) >= 20
        for row in evidence.rows(engine):
            evidence.check_state(engine, row.id)
        evidence.check_outbox(engine)


def test_its_history_can_be_read_at_every_position(past):
    with past.opened() as engine:
        for row in evidence.rows(engine):
            entries = engine.history(row.id)
            assert [each.position for each in entries] == list(range(1, row.position + 1))
            for each in entries:
                assert engine.state_at(row.id, each.position).seq == each.position
            assert engine.state_at(row.id, row.position).variables == engine.instance(row.id).variables
            assert engine.progress(row.id).state == row.status
            assert len(engine.tokens(row.id)) >= 1


def test_everything_that_lives_comes_to_its_end(past):
    with past.opened() as engine:
        keys = by_key(engine)
        assert keys.keys() == past.told()
        (leased,) = (wait for wait in engine.instance(keys["job-leased"]).waits if wait["kind"] == "job")
        engine.complete_job(leased["id"], 1, {"charge": "by the worker that had it"})
        assert engine.publish_message("withdrawn", "withdrawn").instances == [keys["withdrawn"]]

        go_on(engine)

        for key, instance in keys.items():
            view = engine.instance(instance)
            assert (key, view.state, view.variables) == (key, ENDS[key][0], {"id": key, **ENDS[key][1]})
        for row in evidence.rows(engine):
            evidence.check_state(engine, row.id)
        turns = engine.history(keys["cut-off"])  # it went on by itself, with the first chores
        assert [each.at.partition("T")[0] for each in turns] == ["2026-01-05", "2026-01-07"]
        (night,) = engine.instances(definition="nightly").items  # its time came
        assert (night.state, engine.instance(night.id).variables) == ("FINISHED", {"runs": 1})
        early = engine.start("pay", {"id": "message-early"}, business_key="message-early")
        assert (early.state, early.variables) == ("FINISHED", {"id": "message-early", "paid": 2})
        evidence.check_outbox(engine)
        evidence.check_nothing_left(engine)
    past.check()


def test_what_was_asked_before_is_not_done_again(past):
    with past.opened() as engine:
        again = engine.start("rest", {"id": "timer"}, business_key="timer", idempotency_key="timer")
        assert again.id == by_key(engine)["timer"]
        assert engine.publish_message("paid", "message-taken", {"paid": 1}, message_id="pay-1").duplicate
        assert engine.publish_message("paid", "message-early", {"paid": 2}, message_id="pay-2").duplicate


def test_what_can_be_started_is_still_so(past):
    with past.opened() as engine:
        definitions = engine.definitions()
        assert {(view.name, view.version): view.state for view in definitions} == {
            **{(name, 1): "published" for name in make.PUBLISHED},
            ("retired", 1): "deprecated",
            ("planned", 1): "draft",
            ("review", 1): "deprecated",  # by the second one
            ("review", 2): "published",
        }
        for view in definitions:
            assert engine.definition(view.name, view.version).nodes
            data = engine.definition_file(view.name, view.version)
            if view.name != "review":  # the same bytes are the same version; this one has a form
                assert [again.id for again in engine.deploy((view.file, data))] == [view.id]
        (ordered,) = engine.publish_message("ordered").instances
        assert engine.instance(ordered).state == "FINISHED"
        assert engine.publish("planned").state == "published"
        assert engine.start("planned").waiting_at == ["one_day"]


def test_people_find_what_they_left(past):
    with past.opened() as engine:
        assert {user.name: user.roles for user in engine.users.list()} == {
            name: frozenset(roles) for name, roles in make.USERS.items()
        }
        assert engine.users.verify("ada", "something else") is None
        who = engine.users.verify("ada", make.PASSWORD)
        assert who is not None
        sessions = drive(Sessions(engine.storage, engine.clock.now).find([session_id(make.COOKIE)]))
        assert [row.user for row in sessions.values()] == (["ada"] if past.has(SESSIONS) else [])
        ada, keys = engine.as_principal(who), by_key(engine)
        (claimed,) = ada.tasks(instance=keys["claimed"]).items
        (free,) = ada.tasks(instance=keys["free"]).items
        assert (claimed.assignee, free.assignee) == ("ada", None)
        assert claimed.id in {task.id for task in ada.tasks(scope="mine").items}
        assert ada.claim(free.id).assignee == "ada"
        screen = ada.task_form(claimed.id)
        assert screen.data["id"] == "claimed"
        assert screen.draft == ({"verdict": "not "} if past.has(FORMS) else None)
        assert screen.source == ("form" if past.has(FORMS) else "dataModel")
        if past.has(FORMS):
            assert engine.definition_form("review", "forms/check.json", 1) == make.FORM
        ended = ada.complete_task(claimed.id, {"verdict": "fine"})
        assert (ended.state, ended.variables["verdict"]) == ("FINISHED", "fine")


def test_what_went_wrong_is_still_known(past):
    with past.opened() as engine:
        (refused,) = engine.failed_starts().items
        assert (refused.process_definition_name, refused.title) == ("loan", "Some mandatory params are missing.")
        assert refused.business_key == ("refused" if past.has(REFUSED) else None)
        keys = by_key(engine)
        assert {view.instance for view in engine.exceptions(open_only=True)} == {
            keys["incident"],
            keys["job-exhausted"],
        }
        assert engine.audit(limit=1000).items
