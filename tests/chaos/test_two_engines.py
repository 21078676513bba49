"""Two engines on one store at the same time: nothing lost, nothing twice, and a clear error where one must wait."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import apsw
import pytest

from procession import CommandRejected, Engine, StorageBusy, VirtualClock
from procession.engine import events as e
from procession.runtime.drive import drive
from procession.testing import process
from tests.chaos import evidence
from tests.chaos.processes import FILES

TASK = process("task").start().user_task("one").user_task("two").end().build()
PAY = process("pay").start().user_task("before").catch_message("paid", "paid", "=id").user_task("after").end().build()


@pytest.fixture(params=["sqlite", "postgresql"])
def open_engine(request, tmp_path):
    """Opens engines on one store; all are closed at the end."""
    server = request.param == "postgresql"
    url = request.getfixturevalue("postgresql").url() if server else f"sqlite:///{tmp_path}/shared.db"
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Engine(url, **options))


on_sqlite = pytest.mark.parametrize("open_engine", ["sqlite"], indirect=True)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Call them in threads of their own at the same moment; results, or the errors that were raised."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = calls[index]()
        except Exception as error:  # noqa: BLE001
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@contextmanager
def between(engine: Engine, action: Callable[[], Any]):
    """Something that another process does after this engine has decided and before it commits, once."""
    commit = engine.storage.commit
    done = []

    async def late(batch):
        if not done:
            done.append(True)
            action()
        await commit(batch)

    engine.storage.commit = late
    try:
        yield done
    finally:
        engine.storage.commit = commit
    assert done, "it never committed"


def happened(engine: Engine, instance: str, kind: type) -> int:
    return sum(isinstance(event, kind) for event in evidence.history(engine, int(instance)))


# -- both do everything -------------------------------------------------------------------------------------------------


def test_both_do_the_same_work_and_it_is_done_once(open_engine):
    count = 120
    one, two = open_engine(), open_engine()
    one.deploy(*FILES, publish=True)
    won: Counter[str] = Counter()
    refused: Counter[int] = Counter()
    wrong: list[str] = []

    def note(what: str, call: Callable[[], Any]) -> Any:
        try:
            result = call()
            won[what] += 1
            return result
        except CommandRejected as error:
            refused[error.status] += 1
            if error.status not in (404, 409):
                wrong.append(str(error))
        return None

    def starts(engine: Engine) -> dict[str, str]:
        found = {}
        for number in range(count):
            key = f"k{number}"
            variables = {"id": key, "amount": number}
            found[key] = engine.start("order", variables, business_key=key, idempotency_key=key).id
            message = engine.publish_message("paid", key, {"paid": key}, message_id=f"pay-{key}")
            won["paid"] += not message.duplicate
        return found

    first, second = together(lambda: starts(one), lambda: starts(two))
    assert first == second
    assert won["paid"] == count

    def tasks(engine: Engine) -> None:
        for task in engine.tasks(limit=1000).items:
            note(task.id, lambda task=task: engine.complete_task(task.id, {"checked": task.instance}))

    def jobs(engine: Engine) -> None:
        while leased := [job for type in ("charge", "pack") for job in engine.activate_jobs(type, max_jobs=7)]:
            for job in leased:
                result = {"charge": "charged", "pack": "packed"}[job.type]
                note(
                    job.id,
                    lambda job=job, result=result: engine.complete_job(job.id, job.token, {result: job.instance}),
                )

    failed = together(*(lambda e=e, f=f: f(e) for e in (one, two) for f in (tasks, jobs)))
    assert [error for error in failed if error is not None] == []
    assert wrong == []
    del won["paid"]
    assert set(won.values()) == {1}
    assert len(won) == 3 * count, "each task and each job, once"

    end = time.monotonic() + 30
    while list(evidence.rows(one, statuses=evidence.LIVE)) and time.monotonic() < end:
        time.sleep(0.05)  # both wait for the timers
    for engine in (one, two):
        evidence.check_nothing_left(engine)
    evidence.check_outbox(two)
    for row in evidence.rows(two):
        evidence.check_state(two, row.id)
        assert row.status == "FINISHED"
        if row.name == "order":
            assert happened(two, str(row.id), e.TimerFired) == happened(two, str(row.id), e.MessageReceived) == 1


def test_a_task_that_both_complete_is_refused_to_one(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("task.bpmn", TASK), publish=True)
    for _ in range(30):
        instance = one.start("task").id
        task = one.tasks(instance=instance).items[0].id
        results = together(*(partial(engine.complete_task, task) for engine in (one, two)))
        (lost,) = [result for result in results if isinstance(result, Exception)]
        assert isinstance(lost, CommandRejected)
        assert (lost.status, lost.title) == (404, "Task not found.")
        assert two.instance(instance).waiting_at == ["two"]


def test_a_job_that_both_complete_is_refused_to_one(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("job.bpmn", process("job").start().service_task("work").end().build()), publish=True)
    for _ in range(30):
        one.start("job")
        (job,) = one.activate_jobs("work")
        assert two.activate_jobs("work") == []
        results = together(*(partial(engine.complete_job, job.id, job.token) for engine in (one, two)))
        (lost,) = [result for result in results if isinstance(result, Exception)]
        assert lost.status in (404, 409), lost  # the job is gone, or the instance is FINISHED


def test_a_late_worker_is_refused_by_its_fencing_number(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("job.bpmn", process("job").start().service_task("work").end().build()), publish=True)
    one.start("job")
    (early,) = one.activate_jobs("work", lock=0.001)
    time.sleep(0.01)
    (later,) = two.activate_jobs("work")
    assert later.token > early.token
    with pytest.raises(CommandRejected, match="Lease is lost"):
        one.complete_job(early.id, early.token, {"by": "one"})
    assert one.extend_job(early.id, early.token, 60) is False
    instance = two.complete_job(later.id, later.token, {"by": "two"})
    assert one.instance(instance).variables == {"by": "two"}


@pytest.mark.parametrize("report", ["complete", "fail"])
def test_a_lease_that_runs_out_while_its_result_is_decided(open_engine, report):
    """Whoever has got the job since has it: the result that comes too late is refused, and takes no job from anybody."""
    one, two = open_engine(), open_engine()
    one.deploy(("job.bpmn", process("job").start().service_task("work").end().build()), publish=True)
    one.start("job")
    (early,) = one.activate_jobs("work", lock=0.001)
    time.sleep(0.01)
    later: list[Any] = []
    late = one.complete_job if report == "complete" else partial(one.fail_job, message="too late", retries=3)
    with (
        between(one, lambda: later.extend(two.activate_jobs("work"))),
        pytest.raises(CommandRejected, match="Lease is lost"),
    ):
        late(early.id, early.token)
    assert [job.token for job in later] == [early.token + 1]
    assert one.activate_jobs("work") == []
    instance = two.complete_job(later[0].id, later[0].token)
    assert one.instance(instance).state == "FINISHED"


def test_one_start_for_one_key_whoever_asks(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("task.bpmn", TASK), publish=True)
    for number in range(30):
        key = f"key-{number}"
        started = together(*(partial(engine.start, "task", idempotency_key=key) for engine in (one, two, one, two)))
        assert len({view.id for view in started}) == 1, started
    assert len(list(evidence.rows(one))) == 30


# -- what one decides on what the other has changed meanwhile --------------------------------------------------------------


def test_a_decision_that_came_too_late_is_made_again(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("task.bpmn", TASK), publish=True)
    order = one.start("task", {"a": 1})
    with between(one, lambda: two.set_variables(order.id, {"b": 2})):
        view = one.set_variables(order.id, {"c": 3})
    assert view.variables == {"a": 1, "b": 2, "c": 3}
    assert [row.command for row in one.history(order.id)] == ["start", "set-variables", "set-variables"]
    evidence.check_live(one)


def test_a_decision_is_refused_where_the_other_took_the_task(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("task.bpmn", TASK), publish=True)
    task = one.tasks(instance=one.start("task").id).items[0].id
    with between(one, lambda: two.as_user("ben").claim(task)), pytest.raises(CommandRejected) as refused:
        one.as_user("ana").claim(task)
    assert (refused.value.status, refused.value.title) == (409, "Task is assigned.")
    assert "ben" in refused.value.detail


def test_what_one_remembers_of_an_instance_does_not_hide_what_the_other_did(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("pay.bpmn", PAY), publish=True)
    order = one.start("pay", {"id": "7"})
    two.complete_task(two.tasks(instance=order.id).items[0].id)
    message = one.publish_message("paid", "7", ttl=0)
    assert message.instances == [order.id]
    assert two.instance(order.id).waiting_at == ["after"]


def test_a_message_and_its_receiver_that_come_at_the_same_moment_find_each_other(open_engine):
    clock = VirtualClock()
    one, two = open_engine(clock=clock), open_engine(clock=clock)
    one.deploy(("pay.bpmn", PAY), publish=True)
    order = two.start("pay", {"id": "7"})
    task = two.tasks(instance=order.id).items[0].id
    with between(one, lambda: two.complete_task(task)):
        message = one.publish_message("paid", "7", {"sum": 5})
    assert message.buffered
    one.run_due()
    assert two.instance(order.id).waiting_at == ["after"]
    assert two.instance(order.id).variables["sum"] == 5
    assert one.counts()["message"] == 0


def test_a_buffered_message_is_handed_out_once(open_engine):
    one, two = open_engine(), open_engine()
    receive = process("receive").start().catch_message("paid", "paid", "=id").end().build()
    one.deploy(("receive.bpmn", receive), publish=True)
    one.publish_message("paid", "7")
    other: list[Any] = []
    with between(one, lambda: other.append(two.start("receive", {"id": "7"}))):
        order = one.start("receive", {"id": "7"})
    assert other[0].state == "FINISHED"
    assert order.waiting_at == ["paid"]
    one.publish_message("paid", "7")
    assert two.instance(order.id).state == "FINISHED"


def test_a_message_with_an_id_is_taken_once(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("receive.bpmn", process("receive").start(message="go").user_task("fill").end().build()), publish=True)
    for number in range(30):
        results = together(*(partial(engine.publish_message, "go", message_id=f"m{number}") for engine in (one, two)))
        assert sorted(result.duplicate for result in results) == [False, True], results
    assert len(list(evidence.rows(one))) == 30


# -- time -------------------------------------------------------------------------------------------------------------------


def test_a_timer_that_both_see_fires_once(open_engine):
    clock = VirtualClock()
    one, two = open_engine(clock=clock), open_engine(clock=clock)
    once = process("once").start().catch_timer("nap", "PT1M").end().build()
    often = process("often").start().user_task("fill").end()
    often.boundary_timer("fill", "again", cycle="R/PT1M", interrupting=False).script("s", "=1", "x").end()
    starter = process("starter").start(cycle="R5/PT1M").end().build()
    one.deploy(("once.bpmn", once), ("often.bpmn", often.build()), ("starter.bpmn", starter), publish=True)
    naps = [one.start("once").id for _ in range(20)]
    fills = [one.start("often").id for _ in range(20)]
    for turn in range(1, 8):
        clock.advance("PT1M")
        failed = together(one.run_due, two.run_due, one.run_due, two.run_due)
        assert [error for error in failed if isinstance(error, Exception)] == []
        assert {happened(two, instance, e.TimerFired) for instance in naps} == {1}
        assert {happened(two, instance, e.TimerFired) for instance in fills} == {turn}
        assert len(list(evidence.rows(two, definition="starter"))) == min(turn, 5)
    assert one.counts()["start_timer"] == 0


def test_a_timer_that_repeats_does_not_fire_early_because_two_saw_it(open_engine):
    clock = VirtualClock()
    one, two = open_engine(clock=clock), open_engine(clock=clock)
    often = process("often").start().user_task("fill").end()
    often.boundary_timer("fill", "again", cycle="R/PT1M", interrupting=False).script("s", "=1", "x").end()
    one.deploy(("often.bpmn", often.build()), publish=True)
    instance = one.start("often").id
    clock.advance("PT1M")
    with between(one, two.run_due):
        one.set_variables(instance, {"x": 0})  # whatever: both have it in memory now
    assert one.run_due() == 0
    clock.advance("PT1M")
    with between(one, two.run_due):
        one.run_due()
    assert happened(one, instance, e.TimerFired) == 2


def test_a_start_timer_ends_with_its_version_also_where_it_was_due_already(open_engine):
    clock = VirtualClock()
    one, two = open_engine(clock=clock), open_engine(clock=clock)
    every = process("every").start(cycle="R/PT1M")
    one.deploy(("every.bpmn", every.task("old").end().build()), publish=True)
    newer = process("every").start(cycle="R/PT10M").task("new").end().build()
    clock.advance("PT1M")
    due = one.storage.due

    async def and_then_published(now, limit, until):
        found = await due(now, limit, until)
        one.storage.due = due
        two.deploy(("every.bpmn", newer), publish=True)
        return found

    one.storage.due = and_then_published
    one.run_due()
    assert list(evidence.rows(one)) == []
    clock.advance("PT9M")
    one.run_due()
    two.run_due()
    assert list(evidence.rows(one)) == []
    clock.advance("PT1M")
    one.run_due()
    assert [row.version for row in evidence.rows(two)] == [2]


# -- definitions ------------------------------------------------------------------------------------------------------------


def test_what_one_publishes_the_other_starts(open_engine):
    one, two = open_engine(), open_engine()
    one.deploy(("task.bpmn", TASK), publish=True)
    assert two.start("task").version == 1
    assert one.start("task").version == 1
    one.deploy(("task.bpmn", TASK + b"<!-- changed -->"), publish=True)
    assert two.start("task").version == 2
    two.deprecate("task", 2)
    with pytest.raises(CommandRejected, match=r"Process definition not found\."):
        one.start("task")


def test_the_same_file_added_by_both_is_one_version(open_engine):
    one, two = open_engine(), open_engine()
    for number in range(10):
        name = f"task_{number}"
        data = TASK.replace(b'"task"', f'"{name}"'.encode())
        results = together(*(partial(engine.deploy, ("task.bpmn", data), publish=True) for engine in (one, two)))
        assert [view.version for (view,) in results] == [1, 1]
        assert [(view.version, view.state) for view in one.definitions(name)] == [(1, "published")]


def test_engines_of_one_program_never_make_the_same_ids(open_engine):
    engines = [open_engine() for _ in range(12)]
    ids = [[engine._machine.new_id() for _ in range(200)] for engine in engines]
    assert len({number for some in ids for number in some}) == 12 * 200


# -- the write lock of a file -------------------------------------------------------------------------------------------------


@pytest.fixture
def lock(open_engine, tmp_path, monkeypatch):
    """Another program that holds the write lock while the context lasts."""
    monkeypatch.setattr("procession.storage.sqlite_file.BUSY_TIMEOUT", 1_000)

    @contextmanager
    def held():
        connection = apsw.Connection(str(tmp_path / "shared.db"))
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    return held


@on_sqlite
def test_a_lock_that_is_held_for_long_is_a_clear_error_and_the_engine_goes_on(lock, open_engine):
    engine = open_engine()
    engine.deploy(("task.bpmn", TASK), ("pay.bpmn", PAY), publish=True)
    first = engine.start("task")
    task = engine.tasks(instance=first.id).items[0].id
    with lock():
        asks = [engine.submit(engine.ask_start("task")) for _ in range(3)]
        asks.append(engine.submit(engine.ask_complete_task(task)))
        for ask in asks:
            with pytest.raises(
                StorageBusy, match=r"holds the write lock of .*shared\.db.*more than 1 s.*Nothing was written"
            ):
                engine.wait(ask)
        with pytest.raises(StorageBusy):
            engine.activate_jobs("work")
        assert engine.instance(first.id).waiting_at == ["one"], "reading goes on"
    assert engine.complete_task(task).waiting_at == ["two"]
    assert [row.id for row in evidence.rows(engine)] == [int(first.id)]
    evidence.check_live(engine)


@on_sqlite
def test_a_timer_waits_for_the_lock(lock, open_engine):
    engine = open_engine()
    engine._machine._reconciler._every = 0.1
    engine.deploy(("nap.bpmn", process("nap").start().catch_timer("rest", "PT0.05S").end().build()), publish=True)
    nap = engine.start("nap")
    with lock():
        time.sleep(1.5)
        assert engine.instance(nap.id).state == "STARTED"
    end = time.monotonic() + 20
    while engine.instance(nap.id).state != "FINISHED":
        assert time.monotonic() < end
        time.sleep(0.02)
    assert happened(engine, nap.id, e.TimerFired) == 1


@on_sqlite
def test_what_a_run_was_in_the_middle_of_goes_on_after_the_lock(lock, open_engine):
    engine = open_engine()
    engine._machine._reconciler._every = 0.1
    engine.deploy(*FILES, publish=True)
    ask = engine.submit(engine.ask_start("spin", {"n": 0}))
    drive(engine._intake.turn())
    spin = drive(engine.storage.ready(1))[0]
    with lock(), pytest.raises(StorageBusy):
        engine.wait(ask)
    end = time.monotonic() + 20
    while engine.instance(spin).state != "FINISHED":
        assert time.monotonic() < end
        time.sleep(0.02)
    evidence.check_state(engine, spin)


# -- an instance that all want -------------------------------------------------------------------------------------------


def test_an_instance_that_all_change_at_once_is_shared_fairly(open_engine):
    """Each node that was too late waits for its turn, instead of deciding for others who are quicker."""
    engines = [open_engine() for _ in range(3)]
    many = process("many").start().service_task("item", job="item").end()
    many.multi_instance("items", on="item")
    engines[0].deploy(("many.bpmn", many.build()), publish=True)
    instance = engines[0].start("many", {"items": list(range(150))}).id

    def work(engine: Engine) -> int:
        done = 0
        while jobs := engine.activate_jobs("item", max_jobs=5, lock=60.0):
            for job in jobs:
                engine.complete_job(job.id, job.token)
                done += 1
        return done

    results = together(*(partial(work, engine) for engine in engines))
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(results) == 150
    assert engines[1].instance(instance).state == "FINISHED"
    assert happened(engines[2], instance, e.JobCompleted) == 150
    evidence.check_state(engines[0], int(instance))


def test_only_what_was_lost_is_held_the_next_time(open_engine):
    """A batch of many does not keep other nodes from the rest because of one."""
    one, two = open_engine(), open_engine()
    one.deploy(("task.bpmn", TASK), publish=True)
    instances = [one.start("task").id for _ in range(5)]
    tasks = [one.tasks(instance=instance).items[0].id for instance in instances]
    with between(one, lambda: two.set_variables(instances[2], {"x": 1})):
        asks = [one.submit(one.ask_complete_task(task)) for task in tasks]
        for ask in asks:
            one.wait(ask)
    assert set(one._intake.processor._hot) == {int(instances[2])}
    assert {one.instance(instance).waiting_at[0] for instance in instances} == {"two"}
