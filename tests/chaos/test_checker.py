"""What is wrong is found: faults are put into a store, or into what clients say, and the check must name each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import apsw
import pytest

from procession import Engine
from procession.runtime.views import JobView
from tests.chaos.clients import OWN
from tests.chaos.evidence import Facts
from tests.chaos.orders import check
from tests.chaos.processes import FILES

LOCK = 20.0


class Story:
    """Some orders, in different states, and what their client was told."""

    def __init__(self, path: str) -> None:
        self.path, self.url = path, f"sqlite:///{path}"
        self.lines: list[str] = []
        self.ids: list[str] = []
        with Engine(self.url) as engine:
            engine.deploy(*FILES, publish=True)
            self._tell(engine.as_user("admin", ["admin"]))

    def _tell(self, engine: Engine) -> None:
        for number in range(OWN, OWN + 6):
            self._order(engine, number, f"k{number}")
        for job in engine.activate_jobs("charge", worker="w", max_jobs=4, lock=LOCK):
            self.say("lease", job.id, job.token, job.worker, job.deadline, LOCK, "right")
            self.do(engine.complete_job, job.id, job.token, {"charged": job.variables["id"]})
            self.say("job", job.id, job.instance, job.worker, job.token, stamp=True)
        for job in engine.activate_jobs("pack", worker="w", max_jobs=4, lock=LOCK):
            self.say("lease", job.id, job.token, job.worker, job.deadline, LOCK, "right")
        for task in engine.tasks(limit=3).items:
            self.do(engine.complete_task, task.id, {"checked": task.instance})
            self.say("task", task.id, task.instance, stamp=True)
        end = time.monotonic() + 20
        while engine.counts()["timer"]:
            assert time.monotonic() < end
            time.sleep(0.02)

    def _order(self, engine: Engine, number: int, key: str) -> None:
        self.say("try", key)
        order = self.do(engine.start, "order", {"id": key, "amount": number}, business_key=key, idempotency_key=key)
        self.say("start", key, order.id, stamp=True)
        self.ids.append(order.id)
        for note in ("one", "two", "three"):
            self.do(engine.set_variables, order.id, {"notes": {f"{note}-{number}": True}})
            self.say("note", order.id, f"{note}-{number}", stamp=True)

    def do(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        self._before = time.monotonic_ns()
        return call(*given, **named)

    def say(self, *fact: object, stamp: bool = False) -> None:
        words = [*fact, f"@{self._before}:{time.monotonic_ns()}:client"] if stamp else fact
        self.lines.append(" ".join(map(str, words)) + "\n")

    def sql(self, statement: str, *given: object) -> list:
        connection = apsw.Connection(self.path)
        try:
            found = connection.execute(statement, given).fetchall()
            if not statement.startswith("SELECT"):
                assert found or connection.changes(), "nothing was put wrong"
            return found
        finally:
            connection.close()

    def check(self) -> None:
        facts = Facts()
        facts.read(self.lines)
        assert not facts.faults
        check(self.url, facts)

    def row(self, instance: str, note: str) -> int:
        """The position at which a note was written."""
        [(position,)] = self.sql(
            "SELECT position FROM history WHERE instance = ? AND command = 'set-variables' AND instr(events, ?)",
            int(instance),
            note,
        )
        return position


@pytest.fixture
def story(tmp_path):
    return Story(str(tmp_path / "orders.db"))


def found(story: Story, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        story.check()


def test_a_store_that_is_right_is_found_to_be_right(story):
    story.check()


def test_a_job_that_failed_on_hold_and_was_completed_later_was_completed_later(story):
    with Engine(story.url) as system:
        engine = system.as_user("admin", ["admin"])

        def lease() -> JobView:
            [job] = engine.activate_jobs("charge", worker="w", max_jobs=1, lock=LOCK)
            story.say("lease", job.id, job.token, job.worker, job.deadline, LOCK, "right")
            return job

        job = lease()
        engine.hold(job.instance)
        story.say("back", job.id, job.token)
        engine.fail_job(job.id, job.token, "the card was away", retries=3)
        engine.unhold(job.instance)
        story.do(engine.set_variables, job.instance, {"notes": {"between": True}})
        story.say("note", job.instance, "between", stamp=True)
        again = next(each for each in (lease(), lease()) if each.id == job.id)
        story.do(engine.complete_job, again.id, again.token, {"charged": again.variables["id"]})
        story.say("job", again.id, again.instance, again.worker, again.token, stamp=True)
    story.check()


# -- lost -----------------------------------------------------------------------------------------------------------------


def test_an_order_that_is_gone(story):
    lost = int(story.ids[2])
    for table in ("token", "variable", "job", "task", "timer", "subscription", "call", "history"):
        if story.sql(f"SELECT count(*) FROM {table} WHERE instance = ?", lost)[0][0]:
            story.sql(f"DELETE FROM {table} WHERE instance = ?", lost)
    story.sql("DELETE FROM instance WHERE id = ?", lost)
    story.sql("DELETE FROM inbox WHERE instr(key, ?)", f"k{OWN + 2}")
    found(story, r"was started twice")


def test_a_command_that_never_took_effect(story):
    now = time.monotonic_ns()
    story.lines.append(f"note {story.ids[1]} ghost @{now}:{now + 1}:client\n")
    found(story, "acknowledged and is not in history")


def test_a_completion_that_never_took_effect(story):
    now = time.monotonic_ns()
    [(task,)] = story.sql("SELECT id FROM task WHERE instance = ?", int(story.ids[0]))
    story.lines.append(f"task {task} {story.ids[0]} @{now - 1}:{now}:client\n")
    with Engine(story.url) as engine:
        engine.terminate(story.ids[0])
    found(story, "acknowledged and is not in history")


def test_history_that_has_a_gap(story):
    story.sql("DELETE FROM history WHERE instance = ? AND position = 2", int(story.ids[3]))
    found(story, str(story.ids[3]))


def test_a_record_that_was_lost(story):
    story.sql("DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox)")
    found(story, "the outbox and history differ")


# -- twice ----------------------------------------------------------------------------------------------------------------


def test_an_order_that_is_there_twice(story):
    key = f"k{OWN}"
    with Engine(story.url) as engine:
        engine.start("order", {"id": key, "amount": OWN}, business_key=key)
    found(story, "there are several of")


def test_a_key_that_was_forgotten(story):
    story.sql("DELETE FROM inbox WHERE instr(key, ?)", f"k{OWN + 1}")
    found(story, "was started twice")


def test_a_command_that_took_effect_twice(story):
    instance, note = story.ids[4], f"two-{OWN + 4}"
    with Engine(story.url) as engine:  # decided again after it was written: the data are the same as if it were once
        engine.set_variables(instance, {"notes": {note: True}})
    found(story, f"note {note} took effect 2 times")


def test_a_job_that_was_done_twice(story):
    [line] = [line for line in story.lines if line.startswith("job ")][:1]
    story.lines.append(line)
    found(story, "was done twice")


def test_a_completion_that_counts_for_somebody_else(story):
    [line] = [line for line in story.lines if line.startswith("job ")][:1]
    story.lines[story.lines.index(line)] = line.replace(" w ", " somebody ")
    found(story, "counts for w, and somebody was told that it does")


# -- a state that is not what happened ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE variable SET value = CAST('7' AS BLOB) WHERE instance = ? AND name = 'amount'",
        "UPDATE token SET node = 'rest' WHERE instance = ? AND node = 'check'",
        "UPDATE token SET version = version + 1 WHERE instance = ?",
        "DELETE FROM token WHERE instance = ? AND node = 'check'",
        "UPDATE instance SET next_token = next_token + 1 WHERE id = ?",
    ],
)
def test_a_changed_row(story, statement):
    story.sql(statement, int(story.ids[0]))
    found(story, f"instance {story.ids[0]}")


@pytest.mark.parametrize("table", ["task", "job", "subscription"])
def test_an_instance_that_waits_for_what_is_not_there(story, table):
    [instance] = story.sql(f"SELECT instance FROM {table} ORDER BY id DESC LIMIT 1")[0]
    story.sql(f"DELETE FROM {table} WHERE instance = ?", instance)
    found(story, str(instance))


def test_what_is_left_of_an_instance_that_has_ended(story):
    [(job, instance)] = story.sql("SELECT id, instance FROM job WHERE instance = ?", int(story.ids[0]))[:1]
    columns = "instance, token, node, type, retries, headers, created, due"
    [kept] = story.sql(f"SELECT {columns} FROM job WHERE id = ?", job)
    with Engine(story.url) as engine:
        engine.terminate(str(instance))
    marks = ", ".join("?" * (len(kept) + 1))
    story.sql(f"INSERT INTO job (id, {columns}) VALUES ({marks})", job, *kept)
    found(story, f"job {job} is handed out, and cannot be done")


# -- leases and order ---------------------------------------------------------------------------------------------------


def leases(story: Story) -> list[str]:
    """The facts about jobs that somebody has."""
    return [line for line in story.lines if line.startswith("lease ")]


def test_a_lease_that_was_given_twice_under_one_number(story):
    story.lines.append(leases(story)[0].replace(" w ", " v "))
    found(story, "handed out twice under number")


def test_a_job_that_two_had_at_one_time(story):
    job, fence, *rest = leases(story)[-1].split()[1:]
    story.lines.append(" ".join(["lease", job, str(int(fence) + 1), *rest]) + "\n")
    found(story, "two had job")


def test_a_job_that_was_given_back_may_be_had_by_another(story):
    job, fence, *rest = leases(story)[-1].split()[1:]
    story.lines.append(f"back {job} {fence}\n")
    story.lines.append(" ".join(["lease", job, str(int(fence) + 1), *rest]) + "\n")
    story.check()


def test_a_completion_by_a_worker_that_had_lost_the_job(story):
    done = {line.split()[1] for line in story.lines if line.startswith("job ")}
    job, fence, *rest = next(each.split()[1:] for each in leases(story) if each.split()[1] in done)
    story.lines.append(f"back {job} {fence}\n")
    story.lines.append(" ".join(["lease", job, str(int(fence) + 1), *rest]) + "\n")
    found(story, "was completed by one that had lost it")


def test_two_commands_in_the_wrong_order(story):
    instance = story.ids[2]
    one, two = story.row(instance, f"one-{OWN + 2}"), story.row(instance, f"three-{OWN + 2}")
    rows = dict(story.sql("SELECT position, events FROM history WHERE instance = ?", int(instance)))
    for position, events in ((one, rows[two]), (two, rows[one])):  # the data are the same afterwards
        statement = "UPDATE history SET events = ? WHERE instance = ? AND position = ?"
        story.sql(statement, events, int(instance), position)
    found(story, "comes after")
