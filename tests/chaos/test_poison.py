"""A defect of ours in one command: only that command fails, nothing of it is written, and the rest of the batch goes on."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from procession import Engine, StorageError, StorageFull, VirtualClock
from procession.definition import nodes
from procession.engine.behaviors.registry import BEHAVIORS
from procession.errors import ExpressionError
from procession.runtime.chores import Reconciler
from procession.testing import process
from tests.chaos import evidence

STEP = process("step").start().user_task("fill").script("work", "=n + 1", "n").user_task("more").end().build()
AT_ONCE = process("at_once").start().script("work", "=n + 1", "n").user_task("fill").end().build()
LATE = process("late").start().catch_timer("nap", "PT1M").script("work", "=n + 1", "n").end().build()
CALLED = process("called").start().user_task("fill").end().build()
CALLER = process("caller").start().call("call", "called").script("work", "=n + 1", "n").end().build()
AGAIN = process("again").start().exclusive("x").script("work", "=n + 1", "n").exclusive("y").when("=n > 9000").end()
FILES = [
    (f"{number}.bpmn", data)
    for number, data in enumerate([STEP, AT_ONCE, LATE, CALLED, CALLER, AGAIN.back_to("y").otherwise().to("x").build()])
]


class Broken:
    """A script task with a defect that shows with some data only."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        self.error: Exception = RuntimeError("a defect of ours")

    def enter(self, step: Any, token: Any, node: Any) -> Any:
        if step.state.variables.get("poison") or step.state.variables.get("n") == 5_000:
            step.write(token, {"half": "done"})
            raise self.error
        return self.whole.enter(step, token, node)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


@pytest.fixture
def broken(monkeypatch):
    found = Broken(BEHAVIORS[nodes.ScriptTask])
    monkeypatch.setitem(BEHAVIORS, nodes.ScriptTask, found)
    return found


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(*FILES, publish=True)
        yield found


def mended(monkeypatch, broken):
    monkeypatch.setitem(BEHAVIORS, nodes.ScriptTask, broken.whole)


def answers(engine, asks):
    """The answer to each, or the error."""
    for ask in asks:
        engine.submit(ask)
    found = []
    for ask in asks:
        try:
            found.append(engine.wait(ask))
        except Exception as error:  # noqa: BLE001
            found.append(error)
    return found


def test_one_completion_of_fifty(engine, broken, monkeypatch, caplog):
    started = [engine.start("step", {"n": n, "poison": n == 25, "secret": "tiger"}) for n in range(50)]
    tasks = {task.instance: task.id for task in engine.tasks(limit=1000).items}
    before = engine.history(started[25].id)
    found = answers(engine, [engine.ask_complete_task(tasks[each.id], {"pin": "1234"}) for each in started])
    assert [index for index, answer in enumerate(found) if isinstance(answer, Exception)] == [25]
    assert found[25] is broken.error
    for number, each in enumerate(started):
        view = engine.instance(each.id)
        if number != 25:
            assert (view.waiting_at, view.variables["n"]) == (["more"], number + 1)
    victim = engine.instance(started[25].id)
    assert (victim.waiting_at, victim.variables) == (["fill"], {"n": 25, "poison": True, "secret": "tiger"})
    assert engine.history(victim.id) == before
    assert evidence.check_live(engine) == 50

    (row,) = [row for row in engine.audit().items if row.subject == "Engine"]
    assert (row.event, row.status, row.subject_identifier) == ("Error", "failure", f"CompleteTask {tasks[victim.id]}")
    assert "RuntimeError: a defect of ours" in row.detail
    assert "a defect of ours" in caplog.text
    assert not any(secret in caplog.text + row.detail for secret in ("tiger", "1234"))

    assert engine.set_variables(victim.id, {"poison": None}).state == "STARTED"
    assert engine.complete_task(tasks[victim.id]).waiting_at == ["more"]
    assert engine.instance(victim.id).variables["n"] == 26
    mended(monkeypatch, broken)


def test_one_start_of_fifty(engine, broken, caplog):
    found = answers(engine, [engine.ask_start("at_once", {"n": n, "poison": n == 25}) for n in range(50)])
    assert [index for index, answer in enumerate(found) if isinstance(answer, Exception)] == [25]
    assert len(list(evidence.rows(engine))) == 49
    (failed,) = engine.failed_starts().items
    assert (failed.process_definition_name, failed.status, failed.title) == ("at_once", 500, "Internal error.")
    assert failed.data == {"n": 25, "poison": True}
    assert "Traceback" not in failed.detail and ".py" not in failed.detail
    assert evidence.check_live(engine) == 49


def test_the_key_of_a_start_that_broke_can_be_used_again(engine, broken, monkeypatch, caplog):
    with pytest.raises(RuntimeError, match="a defect of ours"):
        engine.start("at_once", {"n": 1, "poison": True}, idempotency_key="k")
    mended(monkeypatch, broken)
    assert engine.start("at_once", {"n": 1, "poison": True}, idempotency_key="k").waiting_at == ["fill"]


def test_one_timer_of_twenty(engine, broken, monkeypatch, caplog):
    late = [engine.start("late", {"n": n, "poison": n == 7}).id for n in range(20)]
    engine.clock.advance("PT2M")
    with pytest.raises(RuntimeError, match="a defect of ours"):
        engine.run_due()
    assert [engine.instance(each).state for each in late].count("FINISHED") == 19
    assert engine.instance(late[7]).waiting_at == ["nap"]
    assert evidence.check_live(engine) == 1
    mended(monkeypatch, broken)
    assert engine.run_due() == 1
    assert engine.instance(late[7]).state == "FINISHED"


def test_more_broken_timers_than_are_read_at_once_do_not_keep_others_from_firing(engine, broken, monkeypatch, caplog):
    monkeypatch.setattr("procession.runtime.chores.DUE_AT_ONCE", 5)
    for n in range(12):
        engine.start("late", {"n": n, "poison": True})
    engine.clock.advance("PT1S")
    well = engine.start("late", {"n": 0})
    engine.clock.advance("PT2M")
    with pytest.raises(RuntimeError, match="a defect of ours"):
        engine.run_due()
    assert engine.instance(well.id).state == "FINISHED"


def test_what_broke_is_set_aside_and_not_tried_again_at_once(engine, broken, caplog):
    engine.start("late", {"n": 1, "poison": True})
    engine.clock.advance("PT2M")
    keeper = Reconciler(engine._intake, engine.clock.now, every=0.01)
    keeper.start()
    end = time.monotonic() + 10
    while not engine.counts()["audit"] > len(FILES) * 2 and time.monotonic() < end:
        time.sleep(0.01)
    well = engine.start("late", {"n": 1})
    engine.clock.advance("PT2M")
    while engine.instance(well.id).state != "FINISHED" and time.monotonic() < end:
        time.sleep(0.01)
        keeper.wake()
    keeper.stop()
    assert engine.instance(well.id).state == "FINISHED"
    assert len([row for row in engine.audit().items if row.subject == "Engine"]) == 1


def test_what_follows_in_another_instance_breaks_the_whole_command(engine, broken, monkeypatch, caplog):
    caller = engine.start("caller", {"n": 1, "poison": True})
    (task,) = engine.tasks().items
    with pytest.raises(RuntimeError, match="a defect of ours"):
        engine.complete_task(task.id)
    assert engine.instance(task.instance).waiting_at == ["fill"]
    assert engine.instance(caller.id).waiting_at == ["call"]
    assert evidence.check_live(engine) == 2
    mended(monkeypatch, broken)
    assert engine.complete_task(task.id).state == "FINISHED"
    assert engine.instance(caller.id).state == "FINISHED"


def test_a_long_run_that_breaks_stays_where_it_was(engine, broken, monkeypatch, caplog):
    with pytest.raises(RuntimeError, match="a defect of ours"):
        engine.start("again", {"n": 0})
    (row,) = evidence.rows(engine)
    view = engine.instance(row.id)
    assert [wait["kind"] for wait in view.waits] == ["engine"]
    assert 0 < view.variables["n"] < 5_000
    evidence.check_live(engine)
    assert engine.start("step", {"n": 1}).waiting_at == ["fill"], "others go on"
    mended(monkeypatch, broken)
    assert engine.run_due() > 0
    assert engine.instance(row.id).variables["n"] == 9_001


@pytest.mark.parametrize(
    "error", [ExpressionError("bad", "x y"), ZeroDivisionError(), RecursionError(), AssertionError()]
)
def test_whatever_the_defect_raises(engine, broken, error, caplog):
    broken.error = error
    with pytest.raises(type(error)):
        engine.start("at_once", {"n": 1, "poison": True})
    assert engine.start("at_once", {"n": 1}).waiting_at == ["fill"]
    assert len([row for row in engine.audit().items if row.subject == "Engine"]) == 1


def test_an_answer_that_cannot_be_made_is_no_command_that_failed(engine, monkeypatch, caplog):
    def defect(*_: Any) -> Any:
        raise RuntimeError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr("procession.runtime.views.instance_view", defect)
        with pytest.raises(RuntimeError, match="no answer"):
            engine.start("step", {"n": 1})
    (row,) = evidence.rows(engine)
    assert engine.instance(row.id).waiting_at == ["fill"]
    assert engine.complete_task(engine.tasks().items[0].id).waiting_at == ["more"]
    assert "took effect" in caplog.text


def test_a_defect_that_cannot_even_be_noted(engine, broken, caplog):
    commit = engine.storage.commit

    async def full(batch):
        if batch.audit:
            raise StorageFull("There is no space left.")
        await commit(batch)

    engine.storage.commit = full
    found = answers(engine, [engine.ask_start("at_once", {"n": n, "poison": n == 1}) for n in range(3)])
    assert [isinstance(answer, RuntimeError) for answer in found] == [False, True, False]
    assert "could not be noted" in caplog.text


def test_whoever_is_interrupted_does_not_keep_the_others_waiting(engine):
    """Ctrl-C comes in the thread that decides for all."""
    step = engine.storage.commit
    reached, go_on = threading.Event(), threading.Event()

    async def interrupted(batch):
        engine.storage.commit = step
        reached.set()
        go_on.wait(10)
        raise KeyboardInterrupt

    engine.storage.commit = interrupted
    asks = [engine.submit(engine.ask_start("step", {"n": n})) for n in range(3)]
    errors: list[BaseException | None] = [None] * 3

    def wait(index: int) -> None:
        try:
            engine.wait(asks[index])
        except BaseException as error:  # noqa: BLE001
            errors[index] = error

    threads = [threading.Thread(target=wait, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    assert reached.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "it waits for ever"
    assert sum(isinstance(error, KeyboardInterrupt) for error in errors) == 1
    told = [error for error in errors if isinstance(error, StorageError)]
    assert len(told) == 2
    assert "KeyboardInterrupt came in between" in str(told[0])
    assert engine.start("step", {"n": 1}).waiting_at == ["fill"]
    evidence.check_live(engine)
