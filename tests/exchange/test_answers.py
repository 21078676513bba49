"""A process asks a partner by a record, and goes on with the answer: early, late, twice, or never."""

from __future__ import annotations

import pytest

from procession import Engine, VirtualClock
from procession.bus import Received
from procession.bus.memory import MemoryBus
from procession.engine.codec import decode
from procession.engine.triggers.stream import TOPIC
from procession.runtime.asks import Ask, Lost, Publish
from procession.runtime.drive import drive
from procession.runtime.exchange.exchange import Exchange
from procession.testing import process
from tests.exchange.conftest import Partner, eventually

CRM = "engine.receive.crm"
ASK = (
    process("ask")
    .start()
    .send("question", topic="crm.search", body='{"pn": "${pn}"}', headers='{"destinationId": "wait"}')
    .receive("wait", streams={CRM: "client"})
    .user_task("look")
    .end()
    .build()
)
LATER = (
    process("later")
    .start()
    .send("question", topic="crm.search", body="{}")
    .user_task("first")
    .receive("wait", streams={CRM: "client"})
    .end()
    .build()
)


@pytest.fixture
def asks(engine) -> Engine:
    engine.deploy(("ask.bpmn", ASK), ("later.bpmn", LATER), publish=True)
    return engine


def test_the_answer_finds_who_asked(asks, partner):
    partner.listen("crm.search")
    one, two = asks.start("ask", {"pn": "1"}), asks.start("ask", {"pn": "2"})
    for request in partner.get("crm.search", 2):
        partner.answer(request, CRM, {"name": f"client {decode(request.value)['pn']}"})
    for order, number in ((one, 1), (two, 2)):
        eventually(lambda id=order.id: "client" in asks.instance(id).variables, "the answer")
        assert asks.instance(order.id).variables["client"] == {"name": f"client {number}"}
    events = [event for row in asks.history(one.id) for event in row.events]
    [event] = [event for event in events if event[0] == "message-received"]
    assert event[-1].startswith(f"procession.dev.{CRM}.v1/")


def test_an_answer_that_is_said_again_is_dropped(asks, partner):
    partner.listen("crm.search", "dead-letter")
    order = asks.start("ask", {"pn": "1"})
    [request] = partner.get("crm.search")
    for _ in range(3):
        partner.answer(request, CRM, {"name": "Ana"})
    eventually(lambda: "client" in asks.instance(order.id).variables, "the answer")
    partner.send("core.trigger.operations.process", {"operationType": "HOLD", "processInstanceUuid": order.id})
    eventually(lambda: asks.instance(order.id).state == "ON_HOLD")
    assert asks.counts()["message"] == 0
    partner.none("dead-letter")


def test_an_early_answer_waits_for_the_token(asks, partner):
    partner.listen("crm.search")
    order = asks.start("later")
    [request] = partner.get("crm.search")
    partner.answer(request, CRM, [1, 2])
    eventually(lambda: asks.counts()["message"] == 1, "the answer")
    [task] = asks.tasks().items
    done = asks.complete_task(task.id)
    assert (done.state, done.variables["client"]) == ("FINISHED", [1, 2])
    assert done.id == order.id


def test_an_answer_for_another_node_does_not_count(asks, partner):
    order = asks.start("ask", {"pn": "1"})
    partner.send(CRM, {"name": "Ana"}, processInstanceId=order.id, destinationId="elsewhere")
    eventually(lambda: asks.counts()["message"] == 1, "the answer")
    assert "client" not in asks.instance(order.id).variables
    partner.send(CRM, {"name": "Bogdan"}, processInstanceId=order.id)
    eventually(lambda: "client" in asks.instance(order.id).variables, "the answer")
    assert asks.instance(order.id).variables["client"] == {"name": "Bogdan"}


def test_a_topic_that_comes_to_be_later_is_read(asks, partner):
    partner.send("engine.receive.brand.new", {"x": 1}, processInstanceId="77")
    eventually(lambda: asks.counts()["message"] == 1, "the answer")


def test_an_answer_that_nobody_has_waited_for_in_an_hour_is_a_letter(tmp_path):
    clock = VirtualClock()
    with Engine(f"sqlite:///{tmp_path}/late.db", clock=clock) as engine:
        engine._wires._exchange = Exchange(engine._machine, MemoryBus()).start()
        partner = Partner(engine)
        partner.listen("dead-letter")
        partner.send(CRM, {"name": "Ana"}, key="k", processInstanceId="77", note="mine")
        eventually(lambda: engine.counts()["message"] == 1, "the answer")
        clock.advance("PT1H1S")
        letter = partner.value("dead-letter")
        assert letter["title"] == "Nobody has waited for it."
        assert (letter["topic"], letter["value"], letter["instance"]) == (
            f"procession.dev.{CRM}.v1",
            {"name": "Ana"},
            "77",
        )
        assert ["note", "mine"] in letter["headers"]
        assert engine.counts()["message"] == 0
        [row] = drive(engine.storage.letters())
        assert (row.key, row.value) == ("k", b'{"name":"Ana"}')


def test_an_answer_that_two_nodes_find_too_late_is_one_letter(tmp_path):
    url, clock = f"sqlite:///{tmp_path}/late.db", VirtualClock()
    with Engine(url, clock=clock) as one, Engine(url, clock=clock) as two:
        record = Received(CRM, 0, 7, None, b"1", (), clock.now())
        one.wait(one.submit(Ask(Publish(TOPIC + CRM, "77", {}, ttl=1, value=1, record=record))))
        clock.advance("PT1S")
        [row] = drive(one.storage.lost_answers(clock.now(), 10))
        for engine in (one, two, one):
            engine.wait(engine.submit(Ask(Lost(row))))
        assert [each.title for each in drive(two.storage.letters())] == ["Nobody has waited for it."]
        assert len(drive(two.storage.outbox())) == 1
