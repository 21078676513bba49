"""Jobs for workers that read them on the bus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from procession import Engine
from procession.bus.memory import MemoryBus
from procession.engine.codec import decode
from procession.runtime.drive import drive
from procession.runtime.exchange.exchange import Exchange
from procession.testing import process
from tests.exchange.conftest import Partner, eventually, headers

CHARGE = (
    process("charge")
    .start()
    .service_task("take", job="charge")
    .boundary_error("take", "NO_MONEY")
    .end("sorry")
    .back_to("take")
    .end("done")
    .build()
)


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path}/jobs.db") as engine:
        engine.deploy(("charge.bpmn", CHARGE), publish=True)
        exchange = Exchange(engine._machine, MemoryBus(), jobs=["charge"]).start()
        engine._wires._exchange = exchange
        yield engine


def test_a_job_is_offered_and_its_result_counts_once(engine):
    partner = Partner(engine)
    partner.listen("job.charge", "dead-letter")
    order = engine.start("charge", {"amount": 5})
    [record] = partner.get("job.charge")
    offer = decode(record.value)
    assert (offer["type"], offer["instance"], offer["variables"]) == ("charge", order.id, {"amount": 5})
    assert headers(record)["processInstanceId"] == order.id
    result = {"id": offer["id"], "token": offer["token"], "variables": {"paid": True}}
    partner.answer(record, "engine.receive.job", result)
    eventually(lambda: engine.instance(order.id).state == "FINISHED")
    assert engine.instance(order.id).variables == {"amount": 5, "paid": True}
    partner.answer(record, "engine.receive.job", result)
    assert partner.value("dead-letter")["title"] == "Job not found."


def test_a_job_that_fails_is_offered_again_and_an_old_result_does_not_count(engine):
    partner = Partner(engine)
    partner.listen("job.charge", "dead-letter")
    order = engine.start("charge", {"amount": 5})
    [first] = partner.get("job.charge")
    offer = decode(first.value)
    failed = {"id": offer["id"], "token": offer["token"], "failure": "no connection", "retries": 2}
    partner.answer(first, "engine.receive.job", failed)
    [second] = partner.get("job.charge")
    later = decode(second.value)
    assert (later["retries"], later["token"] > offer["token"]) == (2, True)
    partner.answer(first, "engine.receive.job", {"id": offer["id"], "token": offer["token"], "variables": {"paid": 1}})
    assert partner.value("dead-letter")["title"] == "Lease is lost."
    thrown = {"id": later["id"], "token": later["token"], "errorCode": "NO_MONEY", "message": "broke"}
    partner.answer(second, "engine.receive.job", thrown)
    eventually(lambda: engine.instance(order.id).state == "FINISHED")
    assert [each.current_node_id for each in engine.tokens(order.id)] == ["sorry"]


def test_nobody_who_reads_nobody_who_is_offered_one(engine):
    """Where nobody reads the topic of a bus in this program, the job is for whoever asks for it in another way."""
    engine.start("charge", {"amount": 5})
    [job] = engine.activate_jobs("charge")
    assert job.token == 1
    assert drive(engine.storage.letters()) == []
