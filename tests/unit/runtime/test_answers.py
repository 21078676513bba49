"""Answers for data streams: they find their token in one batch with others, where a message of the same name does not."""

from __future__ import annotations

import pytest

from procession import Engine, VirtualClock
from procession.bus import Received
from procession.engine import commands as c
from procession.engine.triggers.stream import TOPIC
from procession.runtime.asks import Ask, Publish
from procession.runtime.drive import drive
from procession.runtime.exchange.letters import kept_answer
from procession.storage import Batch, MessageRow
from procession.testing import process

CRM = "engine.receive.crm"
NAME = TOPIC + CRM

TWICE = (
    process("twice").start().user_task("u").receive("a", streams={CRM: "one"}).receive("b", streams={CRM: "two"}).end()
)
BEGIN = process("begin").start(message=NAME).user_task("fill").end()


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(*((f"{each.name}.bpmn", each.build()) for each in (TWICE, BEGIN)), publish=True)
        yield found


def record(offset: int) -> Received:
    return Received(CRM, 0, offset, None, b"", (), 0)


def answer(instance: str, value: object, *, node: str | None = None, message_id: str | None = None) -> Ask:
    return Ask(Publish(NAME, instance, {}, message_id, node=node, value=value, record=record(1)))


def done(engine: Engine, instance: str) -> Ask:
    (task,) = engine.tasks(instance=instance).items
    return Ask(c.CompleteTask(int(task.id), {}))


def together(engine: Engine, *asks: Ask) -> list[object]:
    """In one batch, as far as that is possible."""
    for ask in asks:
        engine.submit(ask)
    return [engine.wait(ask) for ask in asks]


def test_early_ones_and_others_in_one_batch(engine):
    order = engine.start("twice").id
    together(engine, answer(order, 2, node="b"), done(engine, order), answer(order, {"n": 1}))
    view = engine.instance(order)
    assert (view.state, view.variables) == ("FINISHED", {"one": {"n": 1}, "two": 2})
    assert engine.counts()["message"] == 0


def test_a_repetition_in_one_batch(engine):
    order = engine.start("twice").id
    together(engine, done(engine, order))
    first, again = together(engine, answer(order, 1, message_id="a"), answer(order, 1, message_id="a"))
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert engine.instance(order).waiting_at == ["b"]


def test_an_answer_starts_nothing(engine):
    (found,) = together(engine, answer("1", {"a": 1}))
    assert (found["instances"], found["buffered"]) == ([], True)
    assert len(engine.publish_message(NAME, "1").instances) == 1, "a message does"


def test_one_that_another_node_kept_is_handed_over_with_the_chores(engine):
    order = engine.start("twice").id
    together(engine, done(engine, order))
    now, number = engine.clock.now(), engine._machine.new_id()
    row = MessageRow(number, NAME, order, b'{"n":1}', None, now, now + 10**9, b"[]", "a", kept_answer(record(7)))
    drive(engine.storage.commit(Batch(messages=[row])))
    engine.run_due()
    assert engine.instance(order).variables == {"one": {"n": 1}}
    events = [event for entry in engine.history(order) for event in entry.events]
    assert [event[-1] for event in events if event[0] == "message-received"] == [f"{CRM}/0/7"]
