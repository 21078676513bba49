"""Records that come in: each takes effect once, and whoever sent it hears what came of it."""

from __future__ import annotations

import pytest

from procession import Engine
from procession.engine.codec import decode
from procession.runtime.drive import drive
from procession.testing import process
from tests.exchange.conftest import Partner, eventually, headers

ORDER = process("order").start().user_task("check").end().build()


@pytest.fixture
def orders(engine) -> Engine:
    engine.deploy(("order.bpmn", ORDER), publish=True)
    return engine


# -- start -------------------------------------------------------------------------------------------------------------


def test_a_record_starts_a_process_and_is_told_of_the_instance(orders, partner):
    partner.listen("core.confirm.start.process")
    request = {"processDefinitionName": "order", "businessKey": "A-1", "data": {"amount": 5}}
    partner.send("core.trigger.start.process", request, key="mine", requestID="r-7", ce_id="x", jwt_not="1")
    [confirmed] = partner.get("core.confirm.start.process")
    told = decode(confirmed.value)
    assert told["processDefinitionName"] == "order"
    assert told["instance"]["businessKey"] == "A-1"
    assert told["instance"]["state"] == "STARTED"
    assert orders.instance(told["instance"]["id"]).variables == {"amount": 5}
    assert confirmed.key == "mine"
    assert headers(confirmed)["requestID"] == "r-7"
    assert headers(confirmed)["ce_id"] != "x"
    assert headers(confirmed)["ce_type"] == "procession.core.confirm.start.process"
    assert headers(confirmed)["ce_subject"] == told["instance"]["id"]


def test_a_start_that_is_sent_again_is_the_same_start(orders, partner):
    partner.listen("core.confirm.start.process")
    request = {"processDefinitionName": "order", "data": {"amount": 5}}
    for _ in range(2):
        partner.send("core.trigger.start.process", request, key="k", ce_id="e-1", ce_source="/shop")
    partner.send("core.trigger.start.process", {**request, "data": {"amount": 6}}, key="k", ce_id="e-1")
    told = [decode(each.value)["instance"]["id"] for each in partner.get("core.confirm.start.process", 3)]
    assert told[0] == told[1]
    assert {each.id for each in orders.instances().items} == set(told)
    assert len(set(told)) == 2


def test_the_error_is_exactly_that_of_the_contract(orders, partner):
    partner.listen("core.confirm.start.process")
    partner.send("core.trigger.start.process", {"processDefinitionName": "unknown"}, requestID="r-8")
    [confirmed] = partner.get("core.confirm.start.process")
    problem = decode(confirmed.value)["problem"]
    assert (problem["status"], problem["title"]) == (404, "Process definition not found.")
    assert problem["errorKey"] == "error.validation.process_instance.process_def_missing"
    assert headers(confirmed)["requestID"] == "r-8"
    assert [each.title for each in orders.failed_starts().items] == ["Process definition not found."]


def test_data_that_no_store_keeps_are_refused_and_told(orders, partner):
    partner.listen("core.confirm.start.process")
    partner.send("core.trigger.start.process", {"processDefinitionName": "order", "businessKey": "a\0b"})
    problem = partner.value("core.confirm.start.process")["problem"]
    assert problem["status"] == 422
    assert "NUL" in problem["detail"]


def test_a_token_that_nobody_can_check_is_refused(orders, partner):
    partner.listen("core.confirm.start.process")
    partner.send("core.trigger.start.process", {"processDefinitionName": "order"}, jwt="abc")
    [confirmed] = partner.get("core.confirm.start.process")
    assert decode(confirmed.value)["problem"]["status"] == 401
    assert "jwt" not in headers(confirmed)


# -- operations --------------------------------------------------------------------------------------------------------


def test_an_operation_is_answered_where_it_says(orders, partner):
    order = orders.start("order")
    partner.listen("desk.answers")
    partner.send(
        "core.trigger.operations.process",
        {"operationType": "HOLD", "processInstanceUuid": order.id, "author": "boss@x.io"},
        callbackTopic="desk.answers",
        requestID="7",
    )
    [answer] = partner.get("desk.answers")
    assert decode(answer.value) == {"operationType": "HOLD", "done": True, "processInstanceId": order.id}
    assert headers(answer)["requestID"] == "7"
    assert orders.instance(order.id).state == "ON_HOLD"
    assert "boss@x.io" in orders.audit(order.id).items[0].detail


def test_of_many_operations_each_is_done_or_refused_for_itself(orders, partner):
    one, two = orders.start("order"), orders.start("order")
    [task] = orders.tasks(instance=two.id).items
    partner.listen("desk.answers")
    operations = [
        {"operationType": "TERMINATE", "processInstanceUuid": one.id, "requestID": "a"},
        {"operationType": "UNHOLD", "processInstanceUuid": one.id, "requestID": "b"},
        {"operationType": "ASSIGN", "taskId": task.id, "owner": {"username": "ana", "enabled": True}, "requestID": "c"},
        {"operationType": "FLY", "requestID": "d"},
    ]
    partner.send("core.trigger.operations.process", {"operations": operations}, callbackTopic="desk.answers")
    results = partner.value("desk.answers")["operations"]
    assert [(each["requestID"], each["done"]) for each in results] == [
        ("a", True),
        ("b", False),
        ("c", True),
        ("d", False),
    ]
    assert results[1]["problem"]["status"] == 409
    assert results[3]["problem"]["status"] == 422
    assert orders.instance(one.id).state == "TERMINATED"
    assert orders.task(task.id).assignee == "ana"


def test_what_is_refused_and_nobody_would_hear_of_is_a_letter(orders, partner):
    partner.listen("dead-letter")
    partner.send("core.trigger.operations.process", {"operationType": "HOLD", "processInstanceUuid": "1"})
    letter = partner.value("dead-letter")
    assert letter["topic"] == "procession.dev.core.trigger.operations.process.v1"
    assert "1 of 1 operations" in letter["title"]
    assert "Process instance not found." in letter["detail"]
    [row] = drive(orders.storage.letters())
    assert (row.state, str(row.id)) == ("dead", letter["id"])


# -- messages ----------------------------------------------------------------------------------------------------------

PAID = process("paid").start().catch_message("wait", "paid", "=id").end().build()


def test_a_message_event_reaches_who_waits_for_it_once(engine, partner):
    engine.deploy(("paid.bpmn", PAID), publish=True)
    order = engine.start("paid", {"id": "A-1"})
    event = {"name": "paid", "correlationKey": "A-1", "variables": {"amount": 7}, "messageId": "m-1"}
    partner.send("core.message.event.process", event)
    partner.send("core.message.event.process", event)
    eventually(lambda: engine.instance(order.id).state == "FINISHED")
    assert engine.instance(order.id).variables == {"id": "A-1", "amount": 7}
    again = engine.start("paid", {"id": "A-1"})
    partner.send("core.message.event.process", {**event, "messageId": "m-2", "ttl": "PT0S"})
    eventually(lambda: engine.instance(again.id).state == "FINISHED")
    assert engine.counts()["message"] == 0


# -- what cannot be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "value", "title"),
    [
        ("core.trigger.start.process", b"{", "Not JSON."),
        ("core.trigger.start.process", b'{"data": {}}', "Not valid."),
        ("core.trigger.operations.process", b"[]", "Not valid."),
        ("core.message.event.process", b'{"name": "paid", "ttl": "soon"}', "Not valid."),
        ("engine.receive.crm", b'{"a": 1}', "No instance."),
        ("engine.receive.job", b'{"id": "12", "token": 1}', "Job not found."),
        ("engine.receive.crm", b"\xff\xfe", "No instance."),
    ],
)
def test_a_record_that_says_nothing_is_a_letter_and_the_next_is_read(orders, partner: Partner, topic, value, title):
    partner.listen("dead-letter", "core.confirm.start.process")
    partner.send(topic, value, key="k", note="mine")
    letter = partner.value("dead-letter")
    assert letter["title"] == title
    assert ["note", "mine"] in letter["headers"]
    partner.send("core.trigger.start.process", {"processDefinitionName": "order"})
    assert partner.value("core.confirm.start.process")["instance"]["state"] == "STARTED"
