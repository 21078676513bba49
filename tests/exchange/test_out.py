"""What goes out: records of processes and what history says, in order, each with an id that stays."""

from __future__ import annotations

from procession import Engine
from procession.engine.codec import decode
from procession.runtime.drive import drive
from procession.testing import process
from tests.exchange.conftest import Partner, eventually, headers

ASK = (
    process("ask")
    .start()
    .send("ask_crm", topic="crm.search", body='{"pn": "${pn}"}', headers='{"callbacksForAction": "save"}')
    .user_task("look")
    .end()
    .build()
)


def test_a_record_of_a_process_is_a_cloud_event_with_the_headers_of_its_instance(engine, partner):
    engine.deploy(("ask.bpmn", ASK), publish=True)
    partner.listen("crm.search")
    order = engine.start("ask", {"pn": "1850101"})
    [record] = partner.get("crm.search")
    assert decode(record.value) == {"pn": "1850101"}
    assert record.key == order.id
    found = headers(record)
    assert (found["processInstanceId"], found["callbacksForAction"]) == (order.id, "save")
    assert (found["ce_specversion"], found["ce_type"]) == ("1.0", "procession.crm.search")
    assert (found["ce_subject"], found["ce_source"]) == (order.id, "/procession.dev")
    assert found["content-type"] == "application/json"
    eventually(lambda: not drive(engine.storage.outbox()), "an empty outbox")


def test_what_nobody_reads_yet_is_kept(engine):
    engine.deploy(("ask.bpmn", ASK), publish=True)
    engine.start("ask", {"pn": "1"})
    partner = Partner(engine)
    partner.listen("other.topic")
    engine.start("ask", {"pn": "2"})
    partner.none("other.topic")
    assert len(drive(engine.storage.outbox())) == 2
    partner.listen("crm.search")
    assert sorted(decode(each.value)["pn"] for each in partner.get("crm.search", 2)) == ["1", "2"]


def test_records_of_an_instance_come_in_the_order_of_its_history(engine, partner):
    loop = (
        process("many")
        .start()
        .exclusive("again")
        .script("count", "n + 1", result="n")
        .send("tell", topic="told", body='{"n": ${n}}')
        .exclusive("done")
        .when("= n >= 20")
        .end()
        .back_to("done")
        .otherwise()
        .to("again")
        .build()
    )
    engine.deploy(("many.bpmn", loop), publish=True)
    partner.listen("told")
    ids = [engine.start("many", {"n": 0}).id for _ in range(20)]
    records = partner.get("told", 400)
    for id in ids:
        assert [decode(each.value)["n"] for each in records if each.key == id] == list(range(1, 21))
    assert len({headers(each)["ce_id"] for each in records}) == 400


def test_what_is_not_done_with_is_published_again_after_a_restart_with_the_same_id(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    with Engine(url) as engine:
        engine.deploy(("ask.bpmn", ASK), publish=True)
        partner = Partner(engine)
        subscription = engine.exchange.bus.subscribe("crm", ["crm.search"])
        engine.start("ask", {"pn": "1"})
        [first] = eventually(lambda: subscription.poll(10, 0.2))  # read, and never committed
        assert len(drive(engine.storage.outbox())) == 1
    with Engine(url) as engine:
        partner = Partner(engine)
        partner.listen("crm.search")
        [again] = partner.get("crm.search")
        assert headers(again)["ce_id"] == headers(first)["ce_id"]
        assert again.offset > first.offset
        eventually(lambda: not drive(engine.storage.outbox()), "an empty outbox")


def test_a_record_that_the_bus_never_takes_is_a_letter_and_those_behind_it_go_on(engine, partner):
    big = process("big").start().send("say", topic="told", body='{"text": "${text}"}').end().build()
    engine.deploy(("big.bpmn", big), publish=True)
    partner.listen("told")
    large = engine.start("big", {"text": "x" * 999_980})
    small = engine.start("big", {"text": "x"})
    assert [each.key for each in partner.get("told")] == [small.id]
    [letter] = eventually(lambda: drive(engine.storage.letters()), "the letter")
    assert (letter.title, letter.topic, letter.state) == ("Too large.", "told", "dead")
    assert (letter.instance, letter.partition) == (int(large.id), -1)
    eventually(lambda: not drive(engine.storage.outbox()), "an empty outbox")


# -- what history says -------------------------------------------------------------------------------------------------


def test_what_happens_is_told_on_the_topic_of_its_kind(engine, partner):
    engine.deploy(("ask.bpmn", ASK), publish=True)
    names = ("process", "token", "task", "exception")
    partner.listen(*(f"core.notify.{name}" for name in names), "core.save.audit", "ui.notify")
    eventually(lambda: drive(engine.storage.positions("procession.notices")), "the beginning")
    order = engine.start("ask", {"pn": "secret"}, business_key="B-1")
    [task] = engine.tasks().items
    engine.claim(task.id)
    engine.complete_task(task.id, {"seen": True})
    told = [decode(each.value) for each in partner.get("core.notify.process", 2)]
    assert [(each["kind"], each["seq"]) for each in told] == [("instance-started", 1), ("instance-ended", 3)]
    assert told[0]["businessKey"] == "B-1"
    assert told[1]["details"]["status"] == "FINISHED"
    tasks = [decode(each.value) for each in partner.get("core.notify.task", 3)]
    assert [each["kind"] for each in tasks] == ["task-created", "task-assigned", "task-completed"]
    assert {each["task"] for each in tasks} == {task.id}
    audit = [decode(each.value) for each in partner.get("core.save.audit", 3)]
    assert [each["command"] for each in audit] == ["start", "claim-task", "complete-task"]
    screens = [decode(each.value) for each in partner.get("ui.notify", 3)]
    assert [each["seq"] for each in screens] == [1, 2, 3]
    records = partner.get("core.notify.token", 3)
    assert all(b"secret" not in each.value for each in records)
    assert len({headers(each)["ce_id"] for each in records}) == len(records)
    assert {each.key for each in records} == {order.id}


def test_what_happened_before_there_was_a_bus_is_not_told(engine):
    engine.deploy(("ask.bpmn", ASK), publish=True)
    engine.start("ask", {"pn": "1"})
    partner = Partner(engine)
    partner.listen("core.notify.process")
    eventually(lambda: drive(engine.storage.positions("procession.notices")), "the beginning")
    late = engine.start("ask", {"pn": "2"})
    assert partner.value("core.notify.process")["instance"] == late.id


def test_what_can_be_searched_for_is_told_where_the_process_asks_for_it(engine, partner):
    found = (
        process("found")
        .start()
        .user_task("look")
        .end()
        .settings(index="client.name iban amount")
        .data_model('{"properties": {"iban": {"sensitive": true}}}')
        .build()
    )
    engine.deploy(("found.bpmn", found), ("ask.bpmn", ASK), publish=True)
    partner.listen("core.index.process")
    eventually(lambda: drive(engine.storage.positions("procession.notices")), "the beginning")
    engine.start("ask", {"pn": "1"})
    order = engine.start("found", {"client": {"name": "Ana"}, "iban": "RO12"}, business_key="B-7")
    first = partner.value("core.index.process")
    assert (first["id"], first["state"], first["seq"], first["businessKey"]) == (order.id, "STARTED", 1, "B-7")
    assert first["keys"] == {"client.name": "Ana", "amount": None}
    engine.complete_task(engine.tasks(instance=order.id).items[0].id, {"amount": 5})
    last = partner.value("core.index.process")
    assert (last["state"], last["seq"], last["keys"]["amount"]) == ("FINISHED", 2, 5)
