"""Records that cannot be handled: tried again, then kept as letters, and in nobody's way."""

from __future__ import annotations

import logging

import pytest

from procession import CommandRejected, Engine
from procession.engine.access import Principal
from procession.errors import StorageFull
from procession.runtime.asks import Ask, Settle
from procession.runtime.correlation import Correlation
from procession.runtime.drive import drive
from procession.runtime.exchange import taken
from procession.testing import process
from tests.exchange.conftest import Partner, eventually

PAID = process("paid").start().catch_message("wait", "paid", "=id").end().build()


@pytest.fixture
def poisoned(monkeypatch):
    """Messages of some names make the engine stumble; how often they were tried."""
    tried: list[str] = []
    publish = Correlation.publish

    async def stumble(self, work, message):
        if message.name.startswith("poison"):
            tried.append(message.name)
            if message.name == "poison-twice" and len(tried) > 2:
                message.name = "paid"
            else:
                raise ZeroDivisionError("this message is poison")
        return await publish(self, work, message)

    monkeypatch.setattr(Correlation, "publish", stumble)
    monkeypatch.setattr(taken, "BACKOFF", (1_000, 2_000))
    logging.getLogger("procession").setLevel(logging.CRITICAL)
    yield tried
    logging.getLogger("procession").setLevel(logging.NOTSET)


def letters(engine: Engine, *states: str):
    return drive(engine.storage.letters(states))


def test_a_record_that_fails_for_a_reason_of_ours_holds_nobody_up(engine, partner, poisoned):
    engine.deploy(("paid.bpmn", PAID), publish=True)
    order = engine.start("paid", {"id": "A"})
    partner.listen("dead-letter")
    topic = "core.message.event.process"
    for name in ("poison", "paid"):
        partner.send(topic, {"name": name, "correlationKey": "A"}, key="A")  # of one key: on one partition
    eventually(lambda: engine.instance(order.id).state == "FINISHED")
    letter = partner.value("dead-letter")
    assert (letter["title"], letter["attempts"]) == ("Internal error.", 3)
    assert "ZeroDivisionError: this message is poison" in letter["detail"]
    assert [each.state for each in letters(engine)] == ["dead"]


def test_a_record_that_can_be_handled_later_is(engine, partner, poisoned):
    engine.deploy(("paid.bpmn", PAID), publish=True)
    order = engine.start("paid", {"id": "A"})
    partner.send("core.message.event.process", {"name": "poison-twice", "correlationKey": "A"})
    eventually(lambda: engine.instance(order.id).state == "FINISHED")
    eventually(lambda: not letters(engine), "an empty box of letters")


def test_a_record_that_could_not_be_set_aside_is_read_again(engine, partner, poisoned, monkeypatch):
    commit, refused = engine.storage.commit, []

    async def stumble(batch):
        if batch.letters and len(refused) < 2:
            refused.append(len(batch.letters))
            raise StorageFull("the disk is full")
        await commit(batch)

    monkeypatch.setattr(engine.storage, "commit", stumble)
    partner.listen("dead-letter")
    partner.send("core.message.event.process", {"name": "poison", "correlationKey": "A"}, key="A")
    assert partner.value("dead-letter")["title"] == "Internal error."
    assert len(refused) == 2


OPERATOR = Principal("olga", frozenset({"operator"}))


def settle(engine: Engine, letter: int, *, replay: bool, principal: Principal = OPERATOR):
    return engine.wait(engine.submit(Ask(Settle(letter, replay=replay), principal)))


def dead(engine: Engine, partner: Partner) -> int:
    partner.send("core.trigger.operations.process", {"operationType": "HOLD", "processInstanceUuid": "1"})
    [letter] = eventually(lambda: letters(engine, "dead"), "the letter")
    return letter.id


def test_a_letter_is_replayed_by_an_operator(engine, partner):
    id = dead(engine, partner)
    assert settle(engine, id, replay=True).state == "replayed"
    [again] = eventually(lambda: letters(engine, "dead"), "the letter of the second try")
    assert again.id != id
    assert again.value == b'{"operationType":"HOLD","processInstanceUuid":"1"}'
    [done] = letters(engine, "replayed")
    assert (done.id, done.closed_by) == (id, "olga")
    entry = engine.audit().items[0]
    assert (entry.user, entry.subject, entry.event) == ("olga", "Letter", "Replayed")


def test_a_letter_is_settled_once(engine, partner):
    id = dead(engine, partner)
    assert settle(engine, id, replay=False).state == "dismissed"
    with pytest.raises(CommandRejected, match="dismissed by olga"):
        settle(engine, id, replay=True)
    with pytest.raises(CommandRejected, match="no letter 5"):
        settle(engine, 5, replay=True)


def test_who_is_no_operator_settles_nothing(engine, partner):
    id = dead(engine, partner)
    with pytest.raises(CommandRejected) as refused:
        settle(engine, id, replay=True, principal=Principal("carl", frozenset({"clerk"})))
    assert refused.value.status == 403


def test_credentials_are_not_kept_and_a_letter_that_had_some_does_not_go_on_without(engine, partner):
    partner.send("core.message.event.process", {"name": "paid"}, jwt="ey.secret.token")
    [letter] = eventually(lambda: letters(engine, "dead"), "the letter")
    assert "Unauthorized" in letter.title
    assert b"ey.secret" not in letter.headers
    settle(engine, letter.id, replay=True)
    [again] = eventually(lambda: letters(engine, "dead"), "the letter of the second try")
    assert "Unauthorized" in again.title
