"""What people see of records: those that could not be handled, and those of an instance."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from procession import CommandRejected, Engine
from procession.engine.access import Principal
from procession.runtime.drive import drive
from procession.runtime.queries import records as module
from procession.testing import process
from tests.exchange.conftest import Partner, eventually

MODEL = '{"properties": {"pn": {"sensitive": true}}}'
CRM = "engine.receive.crm"


def ask(model: str | None = None) -> bytes:
    made = (
        process("ask")
        .start()
        .send("ask_crm", topic="crm.search", body='{"pn": "${pn}"}', headers='{"callbacksForAction": "save"}')
        .receive("answer")
        .data_stream(CRM, "crm")
        .end()
    )
    return (made if model is None else made.data_model(model)).build()


def letters(engine: Engine, *states: str) -> list[Any]:
    return engine.letters(states).items


@pytest.fixture
def letter(engine, partner):
    """An answer that says of nobody whom it is for."""
    partner.send(CRM, {"status": "ok", "amount": Decimal("1.10")}, key="k", jwt="a.b.c", destinationId="ask_crm")
    [found] = eventually(lambda: letters(engine))
    return found


# -- letters ------------------------------------------------------------------------------------------------------------


def test_a_letter_can_be_read(engine, letter):
    assert engine.letter(letter.id) == letter
    assert (letter.topic, letter.name) == (f"procession.dev.{CRM}.v1", CRM)
    assert (letter.state, letter.attempts, letter.due, letter.instance) == ("dead", 1, None, None)
    assert (letter.partition in (0, 1, 2), letter.offset is None, letter.key) == (True, False, "k")
    assert letter.title == "No instance." and "processInstanceId" in letter.detail
    assert letter.value["status"] == "ok" and str(letter.value["amount"]) == "1.10"
    assert {each.name: each.value for each in letter.headers} == {"jwt": "***", "destinationId": "ask_crm"}
    assert letter.allowed == {"replay": True, "dismiss": True}


def test_what_is_no_json_is_shown_as_a_text(engine, partner):
    partner.send(CRM, b"\xff<answer/>")
    [letter] = eventually(lambda: letters(engine))
    assert letter.value == "�<answer/>"


def test_a_letter_is_replayed_after_the_repair(engine, partner):
    engine.deploy(("ask.bpmn", ask()), publish=True)
    order = engine.start("ask", {"pn": "1"})
    partner.send(CRM, b"{no json", processInstanceId=order.id)
    [letter] = eventually(lambda: letters(engine))
    assert letter.instance == order.id
    replayed = engine.replay_letter(letter.id)
    assert (replayed.state, replayed.closed_by) == ("replayed", "system")
    assert replayed.closed is not None
    assert replayed.allowed == dict.fromkeys(("replay", "dismiss"), "it was replayed already")
    again = eventually(lambda: letters(engine, "dead"))[0]
    assert (again.value, again.instance) == (letter.value, order.id), "nobody has repaired it"
    dismissed = engine.dismiss_letter(again.id)
    assert dismissed.state == "dismissed"
    assert [each.id for each in letters(engine)] == [again.id, letter.id]
    assert [(each.event, each.subject_identifier) for each in engine.audit().items if each.subject == "Letter"] == [
        ("Dismissed", again.id),
        ("Replayed", letter.id),
    ]
    with pytest.raises(CommandRejected) as refused:
        engine.replay_letter(again.id)
    assert (refused.value.status, refused.value.title) == (409, "Letter is settled.")


def test_letters_come_in_parts_and_by_state(engine, partner):
    for number in range(5):
        partner.send(CRM, {"n": number}, key="k")
    eventually(lambda: len(letters(engine)) == 5)
    engine.dismiss_letter(letters(engine)[2].id)
    found, cursor = [], None
    while True:
        page = engine.letters(limit=2, cursor=cursor)
        found += [each.value["n"] for each in page.items]
        if (cursor := page.next) is None:
            break
    assert found == [4, 3, 2, 1, 0]
    assert [each.value["n"] for each in letters(engine, "dismissed")] == [2]
    assert len(letters(engine, "dead", "dismissed")) == 5
    with pytest.raises(CommandRejected, match="'lost' is no state of a letter"):
        engine.letters(["lost"])


def test_letters_are_for_operators(engine, letter):
    for role in ("clerk", "editor", "worker"):
        somebody = engine.as_user("ana", [role])
        with pytest.raises(CommandRejected) as refused:
            somebody.letters()
        assert refused.value.status == 403
        for call in (somebody.letter, somebody.replay_letter, somebody.dismiss_letter):
            with pytest.raises(CommandRejected) as refused:
                call(letter.id)
            assert refused.value.status == 403
    operator = engine.as_principal(Principal("bo", frozenset({"operator"})))
    assert operator.letter(letter.id).allowed == {"replay": True, "dismiss": True}
    assert operator.dismiss_letter(letter.id).closed_by == "bo"
    for call in (operator.letter, operator.replay_letter, operator.dismiss_letter):
        with pytest.raises(CommandRejected) as refused:
            call(int(letter.id) + 4096)
        assert (refused.value.status, refused.value.title) == (404, "Letter not found.")


# -- the records of an instance -----------------------------------------------------------------------------------------


def test_the_journey_of_an_instance_is_told_from_its_request_to_its_answer(engine, partner):
    engine.deploy(("ask.bpmn", ask()), publish=True)
    order = engine.start("ask", {"pn": "1850101"})
    [sent] = engine.records(order.id).items
    assert (sent.state, sent.node, sent.topic, sent.name) == ("waiting", "ask_crm", "crm.search", "crm.search")
    assert (sent.seq, sent.key, sent.value) == (1, order.id, {"pn": "1850101"})
    assert {each.name: each.value for each in sent.headers} == {
        "processInstanceId": order.id,
        "callbacksForAction": "save",
    }
    partner.listen("crm.search")
    [request] = partner.get("crm.search")
    assert sent.record.encode() in [value for name, value in request.headers if name == "ce_id"]
    eventually(lambda: engine.records(order.id).items[0].state == "published")
    partner.send(CRM, b"{no json", processInstanceId=order.id)
    eventually(lambda: letters(engine))
    partner.answer(request, CRM, {"score": 7})
    eventually(lambda: engine.instance(order.id).completed)
    first, missed, answer = engine.records(order.id).items
    assert first.state == "published"
    assert (missed.state, missed.title, missed.letter_state) == ("letter", "Not JSON.", "dead")
    assert (missed.letter, missed.value, missed.headers, missed.key) == (letters(engine)[0].id, None, None, None)
    assert (answer.state, answer.node, answer.seq) == ("received", "answer", 2)
    assert (answer.topic, answer.name) == (f"procession.dev.{CRM}.v1", CRM)
    assert answer.partition is not None and answer.offset is not None


def test_what_is_sensitive_is_masked_as_in_history(engine):
    engine.deploy(("ask.bpmn", ask(MODEL)), publish=True)
    order = engine.start("ask", {"pn": "1850101"})
    assert engine.records(order.id).items[0].value == {"pn": "1850101"}
    [seen] = engine.as_user("ana", ["admin"]).records(order.id).items
    assert (seen.value, seen.key) == ("***", "***")
    assert {each.name: each.value for each in seen.headers} == {"processInstanceId": "***", "callbacksForAction": "***"}


def test_who_may_not_see_an_instance_does_not_see_its_records(engine):
    guarded = process("own").start("s").send("tell", topic="told", body="{}").end("e")
    engine.deploy(("own.bpmn", guarded.lane("Front", "s", "tell", "e", view="clerk").build()), publish=True)
    order = engine.start("own")
    assert len(engine.as_user("ana", ["clerk"]).records(order.id).items) == 1
    with pytest.raises(CommandRejected) as refused:
        engine.as_user("bo", ["worker"]).records(order.id)
    assert refused.value.status == 404


def pages(engine: Engine, instance: str, limit: int) -> list[Any]:
    found, cursor = [], None
    while True:
        page = engine.records(instance, limit, cursor)
        assert len(page.items) <= limit
        found += page.items
        if (cursor := page.next) is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_they_come_in_parts_each_once(engine, partner, monkeypatch, limit):
    """Several in one transaction, several transactions, and letters between them; few rows at a time."""
    monkeypatch.setattr(module, "ROWS", 2)
    two = process("two").start().send("a", topic="told", body='{"n": 1}').send("b", topic="told", body='{"n": 2}')
    files = two.user_task("look").send("c", topic="told", body='{"n": 3}').end().build()
    engine.deploy(("two.bpmn", files), publish=True)
    order = engine.start("two")
    for value in (b"1st", b"2nd"):
        partner.send(CRM, value, processInstanceId=order.id)
        eventually(lambda value=value: [each for each in letters(engine) if each.value == value.decode()])
    for _ in range(3):
        engine.hold(order.id)
        engine.unhold(order.id)
    [task] = engine.tasks(instance=order.id).items
    engine.complete_task(task.id)
    whole = engine.records(order.id).items
    assert [each.node or each.state for each in whole] == ["a", "b", "letter", "letter", "c"]
    assert pages(engine, order.id, limit) == whole


def test_a_page_ends_early_where_much_of_history_has_no_records(engine, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 2)
    monkeypatch.setattr(module, "READS", 2)
    late = process("late").start().user_task("look").send("tell", topic="told", body="{}").end().build()
    engine.deploy(("late.bpmn", late), publish=True)
    order = engine.start("late")
    for _ in range(10):
        engine.hold(order.id)
        engine.unhold(order.id)
    engine.complete_task(engine.tasks(instance=order.id).items[0].id)
    first = engine.records(order.id)
    assert (first.items, first.next is None) == ([], False)
    assert [each.node for each in pages(engine, order.id, 10)] == ["tell"]


@pytest.mark.parametrize("cursor", ["", "x", "1.2", "1.2.x", "1.2.3.4", "-1.0.0"])
def test_what_is_no_cursor_is_refused(engine, cursor):
    engine.deploy(("ask.bpmn", ask()), publish=True)
    with pytest.raises(CommandRejected, match="is no cursor"):
        engine.records(engine.start("ask", {"pn": "1"}).id, 10, cursor)


# -- the store ----------------------------------------------------------------------------------------------------------


def test_what_waits_of_each_topic_is_counted(engine, partner: Partner):
    engine.deploy(("ask.bpmn", ask()), publish=True)
    orders = [engine.start("ask", {"pn": str(number)}) for number in range(3)]
    for number in range(2):
        partner.send(CRM, {"n": number})
    eventually(lambda: len(letters(engine)) == 2)
    engine.dismiss_letter(letters(engine)[0].id)
    found = {row.topic: row for row in drive(engine.storage.topic_backlog())}
    assert (found["crm.search"].records, found["crm.search"].letters) == (3, 0)
    assert found["crm.search"].since == min(row.created for _, row in drive(engine.storage.outbox()))
    assert (found[f"procession.dev.{CRM}.v1"].records, found[f"procession.dev.{CRM}.v1"].letters) == (0, 1)
    ids = [int(engine.records(order.id).items[0].record) for order in orders]
    assert drive(engine.storage.unpublished([*ids, 1])) == set(ids)
    assert drive(engine.storage.unpublished([])) == set()
