"""Runs that wait for nobody: bounded transactions, turns for the others in between, and an end for what has none."""

from __future__ import annotations

import threading

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.engine.codec import decode_events
from procession.engine.events import TokenAdvanced
from procession.runtime.drive import drive
from procession.testing import process
from tests.acceptance.waiting import until
from tests.chaos import evidence

BOUND = 10_000
TURNS = 100_000
TASK = process("task").start().user_task("fill").end().build()
SPIN = (
    process("spin")
    .start()
    .exclusive("again")
    .script("count", "=n + 1", "n")
    .exclusive("enough")
    .when("=n >= turns")
    .user_task("fill")
    .end()
    .back_to("enough")
    .otherwise()
    .to("again")
    .build()
)
ENDLESS = process("endless").start().exclusive("x").task("a").task("b").exclusive("y").when("=stop = true").end()
FILES = [
    ("task.bpmn", TASK),
    ("spin.bpmn", SPIN),
    ("endless.bpmn", ENDLESS.back_to("y").otherwise().to("x").build()),
]


@pytest.fixture
def engine(url):
    with Engine(url) as found:
        found.deploy(*FILES, publish=True)
        yield found


def test_a_hundred_thousand_turns(engine):
    view = engine.start("spin", {"n": 0, "turns": TURNS})
    assert (view.waiting_at, view.variables["n"], view.waits[0]["kind"]) == (["fill"], TURNS, "task")
    rows = drive(engine.storage.history(int(view.id), 0, 1000))
    visits = [sum(isinstance(event, TokenAdvanced) for event in decode_events(row.events)) for row in rows]
    assert max(visits) <= BOUND
    assert sum(visits) == 3 * TURNS + 1
    assert len(rows) == sum(visits) // BOUND + 1
    assert {row.command for row in rows[1:]} == {"continue"}
    assert engine.counts()["token"] == 1
    evidence.check_state(engine, int(view.id))
    (task,) = engine.tasks().items
    assert engine.complete_task(task.id).state == "FINISHED"
    evidence.check_nothing_left(engine)


def test_others_get_their_turn_in_between(engine):
    long = engine.submit(engine.ask_start("spin", {"n": 0, "turns": TURNS}))
    short = engine.submit(engine.ask_start("task"))
    engine.wait(short)
    assert not long.done
    for _ in range(3):
        assert engine.start("task").waiting_at == ["fill"]
    assert not long.done
    (spin,) = evidence.rows(engine, definition="spin")
    view = engine.instance(spin.id)
    assert 0 < view.variables["n"] < TURNS, "everybody sees how far it is"
    assert view.waits == [{"kind": "engine", "id": None, "token": None, "node": None}]
    assert engine.stuck() == []
    engine.wait(long)
    assert engine.instance(spin.id).waiting_at == ["fill"]


def test_others_get_their_turn_in_between_from_other_threads(engine):
    answered = []

    def others() -> None:
        while not long.done:
            answered.append(engine.start("task").id)

    long = engine.submit(engine.ask_start("spin", {"n": 0, "turns": TURNS}))
    thread = threading.Thread(target=others)
    thread.start()
    engine.wait(long)
    thread.join(30)
    assert len(answered) > 3


def test_an_endless_loop_becomes_an_exception_that_names_it(engine):
    view = engine.start("endless", {"stop": False})
    assert view.state == "STARTED"
    (exception,) = view.exceptions
    assert exception.type == "EndlessLoop"
    assert "1,000,000 nodes" in exception.message
    cycle = exception.message.partition("in the cycle ")[2].partition(".")[0].split(" → ")
    assert sorted(cycle) == ["a", "b", "x", "y"]
    assert engine.start("task").waiting_at == ["fill"]
    assert engine.stuck() == []
    evidence.check_state(engine, int(view.id))
    again = engine.retry(view.id)
    assert len(again.exceptions) == 1, "nothing was repaired"
    engine.set_variables(view.id, {"stop": True})
    assert engine.retry(view.id).state == "FINISHED"
    evidence.check_state(engine, int(view.id))


def test_a_long_run_can_be_ended_and_held(engine):
    for steer, state in ((engine.terminate, "TERMINATED"), (engine.hold, "ON_HOLD")):
        long = engine.submit(engine.ask_start("endless", {"stop": False}))
        engine.wait(engine.submit(engine.ask_start("task")))
        row = next(iter(evidence.rows(engine, definition="endless")))
        assert steer(row.id).state == state
        engine.wait(long)
        assert engine.instance(row.id).exceptions == []
    engine.set_variables(row.id, {"stop": True})
    assert engine.unhold(row.id).state == "FINISHED"


def begin(engine: Engine, transactions: int) -> int:
    """Begin a long run and leave it after some of its transactions, as a process does that is killed."""
    engine.submit(engine.ask_start("spin", {"n": 0, "turns": TURNS}))
    for _ in range(transactions):
        drive(engine._intake.turn())
    (row,) = evidence.rows(engine, definition="spin")
    return row.id


def test_whoever_opens_the_store_goes_on_with_it(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    dead = Engine(url)
    dead.deploy(*FILES, publish=True)
    instance = begin(dead, 3)
    with Engine(url, clock=VirtualClock()) as engine:
        assert 0 < engine.instance(instance).variables["n"] < TURNS
        assert engine.run_due() > 0
        assert engine.instance(instance).waiting_at == ["fill"]
        evidence.check_state(engine, instance)
    with pytest.raises(CommandRejected):
        dead.retry(instance)
    dead.close()


def test_whoever_opens_the_store_goes_on_with_it_by_themselves(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    dead = Engine(url)
    dead.deploy(*FILES, publish=True)
    instance = begin(dead, 3)
    with Engine(url) as engine:
        until(lambda: engine.instance(instance).waiting_at == ["fill"])
    dead.close()


def test_close_leaves_a_long_run_to_whoever_opens_the_store(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    engine = Engine(url, clock=VirtualClock())
    engine.deploy(*FILES, publish=True)
    instance = begin(engine, 3)
    engine.close()
    with Engine(url, clock=VirtualClock()) as engine:
        assert 0 < engine.instance(instance).variables["n"] < TURNS
        engine.run_due()
        assert engine.instance(instance).variables["n"] == TURNS


# -- loops through other instances ---------------------------------------------------------------------------------------------


def commits(engine: Engine) -> list[int]:
    """How many instances each commit from now on writes."""
    sizes: list[int] = []
    commit = engine.storage.commit

    async def note(batch):
        sizes.append(len(batch.new) + len(batch.changed))
        await commit(batch)

    engine.storage.commit = note
    return sizes


def test_a_child_that_runs_long_goes_on_though_nobody_waits_for_it(engine):
    engine.deploy(("caller.bpmn", process("caller").start().call("call", "spin").end().build()), publish=True)
    view = engine.start("caller", {"n": 0, "turns": TURNS})
    assert view.waiting_at == ["call"]
    (child,) = view.sub_processes
    until(lambda: engine.instance(child).waiting_at == ["fill"])


def test_a_message_that_wakes_a_long_run(engine):
    waiter = process("waiter").start().catch_message("go", "go", '="k"').call("call", "spin").end()
    engine.deploy(("waiter.bpmn", waiter.build()), publish=True)
    view = engine.start("waiter", {"n": 0, "turns": TURNS})
    assert engine.publish_message("go", "k").instances == [view.id]
    until(lambda: engine.tasks(node="fill").items)


def test_a_loop_that_calls_another_process_every_time(engine):
    turns = 5_000
    one = process("one").start().script("add", "=n + 1", "n").end()
    loop = process("loop").start().exclusive("again").call("call", "one").exclusive("enough").when(f"=n >= {turns}")
    loop.end().back_to("enough").otherwise().to("again")
    engine.deploy(("one.bpmn", one.build()), ("loop.bpmn", loop.build()), publish=True)
    sizes = commits(engine)
    view = engine.start("loop", {"n": 0})
    until(lambda: engine.instance(view.id).state == "FINISHED")
    assert engine.instance(view.id).variables["n"] == turns
    assert len(sizes) > 3
    assert max(sizes) < 2_500
    evidence.check_nothing_left(engine)


def test_processes_that_call_each_other_without_an_end(engine):
    engine.deploy(("again.bpmn", process("again").start().call("call", "again").end().build()), publish=True)
    view = engine.start("again")
    until(lambda: engine.exceptions(open_only=True))
    (exception,) = engine.exceptions(open_only=True)
    assert "call each other 1,000 deep" in exception.message
    assert engine.start("task").waiting_at == ["fill"]
    assert engine.terminate(view.id).state == "TERMINATED"
    assert list(evidence.rows(engine, definition="again", statuses=evidence.LIVE)) == []


def ping_pong(turns: str):
    """Two instances that wake each other with messages."""
    ping = (
        process("ping").start().exclusive("a").script("add", "=n + 1", "n").exclusive("b").when(f"=n >= {turns}").end()
    )
    ping.back_to("b").otherwise().throw_message("t", "to_pong", "=k").catch_message("c", "to_ping", "=k").to("a")
    pong = process("pong").start().exclusive("a").catch_message("c", "to_pong", "=k")
    pong.throw_message("t", "to_ping", "=k", variables="={}").to("a")
    return [("ping.bpmn", ping.build()), ("pong.bpmn", pong.build())]


def test_instances_that_wake_each_other_many_times(engine):
    engine.deploy(*ping_pong("3000"), publish=True)
    engine.start("pong", {"k": "1"})
    sizes = commits(engine)
    ping = engine.start("ping", {"k": "1", "n": 0})
    until(lambda: engine.instance(ping.id).state == "FINISHED")
    assert engine.instance(ping.id).variables["n"] == 3_000
    assert len(sizes) > 3
    assert engine.counts()["message"] == 0


def test_instances_that_wake_each_other_for_ever_do_not_stop_the_others(engine):
    engine.deploy(*ping_pong("n + 1"), publish=True)
    pong = engine.start("pong", {"k": "1"})
    ping = engine.start("ping", {"k": "1", "n": 0})
    before = engine.instance(ping.id).variables["n"]
    until(lambda: engine.instance(ping.id).variables["n"] > before)
    for _ in range(5):
        assert engine.start("task").waiting_at == ["fill"]
    assert engine.terminate(ping.id).state == "TERMINATED"
    assert engine.terminate(pong.id).state == "TERMINATED"
    assert engine.stuck() == []


def test_a_message_that_starts_a_process_that_sends_it(engine):
    echo = process("echo").start(message="echo").throw_message("t", "echo").end()
    engine.deploy(("echo.bpmn", echo.build()), publish=True)
    engine.publish_message("echo", ttl=0)
    until(lambda: engine.counts()["instance"] > 5_000)
    engine.deprecate("echo")
    until(lambda: not list(evidence.rows(engine, statuses=evidence.LIVE)))
    assert engine.start("task").waiting_at == ["fill"]
