"""What has to be done without anybody asking, and the thread that does it."""

from __future__ import annotations

import threading
import time

import pytest

from procession import Engine, StorageBusy, VirtualClock
from procession.runtime import chores
from procession.runtime.chores import Reconciler, Remembered, run_due
from procession.runtime.drive import drive
from procession.storage import Batch, MessageRow
from procession.testing import process

NAP = process("nap").start().catch_timer("rest", "PT1M").user_task("fill").end().build()
CHAIN = (
    process("chain").start().catch_timer("a", "PT0S").catch_timer("b", "PT0S").catch_timer("c", "PT0S").end().build()
)
NEVER = process("never").start().exclusive("x").catch_timer("again", "PT0S").to("x").build()
EVERY = process("every").start(cycle="R/PT1M").end().build()
FILES = [(f"{number}.bpmn", data) for number, data in enumerate([NAP, CHAIN, NEVER])]


@pytest.fixture
def engine():
    with Engine(clock=VirtualClock()) as found:
        found.deploy(*FILES, publish=True)
        yield found


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_it_counts_what_it_did(engine):
    for _ in range(3):
        engine.start("nap")
    assert engine.run_due() == 0
    engine.clock.advance("PT1M")
    assert engine.run_due() == 3
    assert engine.run_due() == 0


def test_what_comes_due_at_once_is_done_in_one_go(engine):
    order = engine.start("chain")
    assert engine.run_due() == 3
    assert engine.instance(order.id).state == "FINISHED"


def test_timers_that_are_due_at_once_for_ever_come_to_an_end_of_their_turn(engine, monkeypatch):
    monkeypatch.setattr("procession.runtime.chores.PASSES", 7)
    engine.start("never")
    assert engine.run_due() == 7


def test_more_than_fits_into_one_read(engine, monkeypatch):
    monkeypatch.setattr("procession.runtime.chores.DUE_AT_ONCE", 4)
    for _ in range(10):
        engine.start("nap")
    engine.clock.advance("PT1M")
    assert engine.run_due() == 10


def test_a_start_timer_that_is_late_starts_once_and_keeps_its_rhythm(engine):
    engine.deploy(("every.bpmn", EVERY), publish=True)
    engine.clock.advance("PT5M30S")
    assert engine.run_due() == 1
    engine.clock.advance("PT29S")
    assert engine.run_due() == 0
    engine.clock.advance("PT1S")
    assert engine.run_due() == 1


def test_the_thread_does_it(engine):
    keeper = Reconciler(engine._intake, engine.clock.now, every=0.01)
    order = engine.start("nap")
    engine.clock.advance("PT1M")
    keeper.start()
    until(lambda: engine.instance(order.id).waiting_at == ["fill"])
    keeper.stop()


def test_it_looks_again_when_it_is_woken(engine):
    keeper = Reconciler(engine._intake, engine.clock.now, every=3600)
    keeper.start()
    order = engine.start("nap")
    engine.clock.advance("PT1M")
    keeper.wake()
    until(lambda: engine.instance(order.id).waiting_at == ["fill"])
    keeper.stop()


def test_it_starts_once_and_stops_for_good(engine):
    keeper = Reconciler(engine._intake, engine.clock.now, every=3600)
    before = threading.active_count()
    for _ in range(3):
        keeper.start()
    assert threading.active_count() == before + 1
    keeper.stop()
    keeper.stop()
    assert threading.active_count() == before
    keeper.start()
    assert threading.active_count() == before, "whoever is late does not start it again"


def test_it_survives_whatever_goes_wrong(engine, caplog):
    keeper = Reconciler(engine._intake, engine.clock.now, every=0.01)
    due = engine.storage.due
    errors = [StorageBusy("Another process holds the lock."), RuntimeError("a defect of ours"), KeyError("x")]

    async def failing(now, limit, until):
        if errors:
            raise errors.pop(0)
        return await due(now, limit, until)

    engine.storage.due = failing
    order = engine.start("nap")
    engine.clock.advance("PT1M")
    keeper.start()
    until(lambda: engine.instance(order.id).waiting_at == ["fill"])
    keeper.stop()
    assert "chores are put off: Another process holds the lock." in caplog.text
    assert "a defect of ours" in caplog.text


def test_a_store_that_is_busy_is_told(engine):
    async def busy(now, limit, until):
        raise StorageBusy("Another process holds the lock.")

    engine.storage.due = busy
    with pytest.raises(StorageBusy):
        run_due(engine._intake)


def test_messages_that_were_missed_are_gone_through_page_by_page(engine, monkeypatch):
    """And those that were there before are not looked at again each time."""
    monkeypatch.setattr(chores, "DUE_AT_ONCE", 2)
    wait = process("wait").start().catch_message("paid", "paid", "=id").end().build()
    engine.deploy(("wait.bpmn", wait), publish=True)
    waiting = [engine.start("wait", {"id": f"k{number}"}).id for number in range(5)]
    missed = [
        MessageRow(engine._machine.new_id(), "paid", f"k{number}", b"{}", None, 0, 2**62, b"[]") for number in range(5)
    ]
    drive(
        engine.storage.commit(Batch(messages=missed))
    )  # as another process would, at the moment when they began to wait
    remembered = Remembered()
    counts = []
    for _ in range(3):
        run_due(engine._intake, remembered)
        counts.append(sum(engine.instance(instance).state == "FINISHED" for instance in waiting))
    assert counts == [2, 4, 5]
    assert 0 < remembered.looked < missed[0].id, "those of the last minute are looked at again"
    engine.clock.advance("PT2M")
    run_due(engine._intake, remembered)
    assert remembered.looked > missed[-1].id
