"""Every release left a database with live instances; this version opens each of them and brings everything to its end."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import apsw
import pytest

from procession import Engine
from procession.runtime.drive import drive
from procession.runtime.sessions import Sessions, session_id
from procession.storage import migrations
from procession.storage.sqlite_file import MIGRATIONS
from procession.testing import VirtualClock
from tests.chaos import evidence
from tests.histories import make

NAME = re.compile(r"(\d+)\.(\d+)\.(\d+)-schema-(\d+)\.db\.gz")
FILES = sorted(make.HERE.glob("*.gz"))
NEWEST = migrations.load("sqlite", MIGRATIONS)[-1].version
SESSIONS, FORMS, REFUSED = 2, 3, 5
"""The schemas from which there are sessions, forms with drafts, and business keys of starts that were refused."""

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

SINCE: dict[str, tuple[int, ...]] = {}
"""The version and schema of the first file that has an instance, where that is not the very first: (0, 2, 0, 6)."""

LEFT_ALONE = {"silent", "too-late", "withdrawn"}
"""Nobody does what these wait for: time goes on with them, or a message."""

REPAIRS = {"incident": {"amount": 7}}
JOBS = ("charge", "turn", "pack")

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".gz"))


def made_by(file: Path) -> tuple[int, ...]:
    """The version and the schema that its name says."""
    match = NAME.fullmatch(file.name)
    assert match, f"{file.name} does not say of which version and schema it is, as 0.1.0-schema-1.db.gz does"
    return tuple(map(int, match.groups()))


def schema_of(file: Path) -> int:
    return made_by(file)[-1]


def told(file: Path) -> set[str]:
    """The business keys of the instances that it has."""
    return {key for key in ENDS if made_by(file) >= SINCE.get(key, ())}


def unpacked(file: Path, folder: Path) -> str:
    """A copy of a history that may be changed; the URL of its store."""
    path = folder / "history.db"
    path.write_bytes(gzip.decompress(file.read_bytes()))
    return f"sqlite:///{path}"


def opened(file: Path, folder: Path) -> Engine:
    """A history in this version, on the morning after."""
    return Engine(unpacked(file, folder), clock=VirtualClock(MORNING), node=1)


def applied(path: Path) -> list[tuple[int, str]]:
    """The steps of the schema that a file has been through."""
    connection = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        return list(connection.execute("SELECT version, name FROM migration ORDER BY version"))
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


@every_file
def test_its_name_says_what_is_inside(file, tmp_path):
    unpacked(file, tmp_path)
    assert applied(tmp_path / "history.db")[-1][0] == schema_of(file)


def test_there_is_a_history_of_every_step_of_the_schema():
    """The newest step may be one that no release has yet."""
    steps = {step.version for step in migrations.load("sqlite", MIGRATIONS)}
    assert steps - {NEWEST} <= {schema_of(file) for file in FILES} <= steps


@every_file
def test_its_schema_is_brought_up_to_date(file, tmp_path):
    opened(file, tmp_path).close()
    assert [name for _, name in applied(tmp_path / "history.db")] == list(MIGRATIONS)
    evidence.check_file(str(tmp_path / "history.db"))


@every_file
def test_its_rows_are_what_its_history_says(file, tmp_path):
    with opened(file, tmp_path) as engine:
        assert evidence.check_live(engine) >= 20
        for row in evidence.rows(engine):
            evidence.check_state(engine, row.id)
        evidence.check_outbox(engine)


@every_file
def test_its_history_can_be_read_at_every_position(file, tmp_path):
    with opened(file, tmp_path) as engine:
        for row in evidence.rows(engine):
            past = engine.history(row.id)
            assert [each.position for each in past] == list(range(1, row.position + 1))
            for each in past:
                assert engine.state_at(row.id, each.position).seq == each.position
            assert engine.state_at(row.id, row.position).variables == engine.instance(row.id).variables
            assert engine.progress(row.id).state == row.status
            assert len(engine.tokens(row.id)) >= 1


@every_file
def test_everything_that_lives_comes_to_its_end(file, tmp_path):
    with opened(file, tmp_path) as engine:
        keys = by_key(engine)
        assert keys.keys() == told(file)
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
    evidence.check_file(str(tmp_path / "history.db"))


@every_file
def test_what_was_asked_before_is_not_done_again(file, tmp_path):
    with opened(file, tmp_path) as engine:
        again = engine.start("rest", {"id": "timer"}, business_key="timer", idempotency_key="timer")
        assert again.id == by_key(engine)["timer"]
        assert engine.publish_message("paid", "message-taken", {"paid": 1}, message_id="pay-1").duplicate
        assert engine.publish_message("paid", "message-early", {"paid": 2}, message_id="pay-2").duplicate


@every_file
def test_what_can_be_started_is_still_so(file, tmp_path):
    with opened(file, tmp_path) as engine:
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


@every_file
def test_people_find_what_they_left(file, tmp_path):
    with opened(file, tmp_path) as engine:
        assert {user.name: user.roles for user in engine.users.list()} == {
            name: frozenset(roles) for name, roles in make.USERS.items()
        }
        assert engine.users.verify("ada", "something else") is None
        who = engine.users.verify("ada", make.PASSWORD)
        assert who is not None
        sessions = drive(Sessions(engine.storage, engine.clock.now).find([session_id(make.COOKIE)]))
        assert [row.user for row in sessions.values()] == (["ada"] if schema_of(file) >= SESSIONS else [])
        ada, keys = engine.as_principal(who), by_key(engine)
        (claimed,) = ada.tasks(instance=keys["claimed"]).items
        (free,) = ada.tasks(instance=keys["free"]).items
        assert (claimed.assignee, free.assignee) == ("ada", None)
        assert claimed.id in {task.id for task in ada.tasks(scope="mine").items}
        assert ada.claim(free.id).assignee == "ada"
        screen = ada.task_form(claimed.id)
        assert screen.data["id"] == "claimed"
        assert screen.draft == ({"verdict": "not "} if schema_of(file) >= FORMS else None)
        assert screen.source == ("form" if schema_of(file) >= FORMS else "dataModel")
        if schema_of(file) >= FORMS:
            assert engine.definition_form("review", "forms/check.json", 1) == make.FORM
        ended = ada.complete_task(claimed.id, {"verdict": "fine"})
        assert (ended.state, ended.variables["verdict"]) == ("FINISHED", "fine")


@every_file
def test_what_went_wrong_is_still_known(file, tmp_path):
    with opened(file, tmp_path) as engine:
        (refused,) = engine.failed_starts().items
        assert (refused.process_definition_name, refused.title) == ("loan", "Some mandatory params are missing.")
        assert refused.business_key == ("refused" if schema_of(file) >= REFUSED else None)
        keys = by_key(engine)
        assert {view.instance for view in engine.exceptions(open_only=True)} == {
            keys["incident"],
            keys["job-exhausted"],
        }
        assert engine.audit(limit=1000).items
