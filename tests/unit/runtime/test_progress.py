"""How far an instance is, in the words of the person who started it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.bpmn import read_bpmn
from procession.runtime.stages import nodes_in_order, stage_of_each, stages
from procession.runtime.views import ProgressView
from procession.testing import process
from tests.unit.runtime.test_lists import STAGED, staged

CARD = Path(__file__, "../../../../examples/credit_card/credit_card.bpmn").resolve()
ANA = {"client": {"name": "Ana", "income": 2400}}


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(CARD, publish=True)
        yield found


def brief(far: ProgressView) -> list[tuple[Any, ...]]:
    return [(stage.name, stage.state, *[(step.name, step.state) for step in stage.steps]) for stage in far.stages]


def done(engine: Engine, instance: str, node: str, **variables: Any) -> None:
    (task,) = engine.tasks(instance=instance, node=node).items
    engine.complete_task(task.id, variables)


def test_a_card_from_its_application_to_its_delivery(engine):
    ana = engine.as_user("ana", ["clerk"])
    card = ana.start("credit_card", ANA, start_condition="PF", business_key="ana")
    owner = engine.as_user("ana")
    far = owner.progress(card.id)
    assert far.process_definition_name == "credit_card"
    assert (far.process_title, far.business_key, far.state, far.seq) == ("New credit card", "ana", "STARTED", 1)
    assert far.allowed == {"terminate": True}
    assert brief(far) == [
        ("Application", "current", ("Fill in application", "current")),
        ("Review", "next"), ("Contract", "next"), ("Delivery", "next"),
    ]  # fmt: skip
    assert (far.stages[0].since, far.stages[0].until) == (far.date_started, None)
    assert (far.stages[0].steps[0].lane, far.stages[0].steps[0].assignee) == ("Front office", None)
    engine.clock.advance("PT1H")
    done(engine, card.id, "fill_in", client={"iban": "DE02120300000000202051"}, amount=9000)
    far = owner.progress(card.id)
    assert brief(far) == [
        ("Application", "done", ("Fill in application", "done"), ("Score", "done")),
        ("Review", "current", ("Ask the credit bureau", "done"), ("Answer of the bureau", "current")),
        ("Contract", "next"), ("Delivery", "next"),
    ]  # fmt: skip
    assert far.stages[0].until == far.stages[1].since > far.stages[0].since
    engine.clock.advance("PT10S")  # there is no answer
    engine.run_due()
    assert brief(owner.progress(card.id))[1][-1] == ("Review", "current")
    done(engine, card.id, "review", approved=True)
    (job,) = engine.activate_jobs("produce-card")
    engine.fail_job(job.id, job.token, "no plastic", retries=0)
    far = owner.progress(card.id)
    assert brief(far)[2] == ("Contract", "failed", ("Sign contract", "current"), ("Produce card", "failed"))
    engine.retry(card.id)
    (job,) = engine.activate_jobs("produce-card")
    engine.complete_job(job.id, job.token, {"cardNumber": "7"})
    far = owner.progress(card.id)
    assert brief(far)[2] == ("Contract", "current", ("Sign contract", "current"), ("Produce card", "done"))
    done(engine, card.id, "sign_contract", signed=True)
    assert brief(owner.progress(card.id))[2:] == [
        ("Contract", "done", ("Sign contract", "done"), ("Produce card", "done")),
        ("Delivery", "current", ("Card delivered", "current")),
    ]
    engine.publish_message("card-delivered", "7")
    far = owner.progress(card.id)
    assert (far.state, [stage.state for stage in far.stages]) == ("FINISHED", ["done"] * 4)
    assert far.date_ended is not None and far.stages[3].until == far.date_ended
    assert "terminate" in far.allowed and far.allowed["terminate"] is not True


def test_what_was_never_come_to_is_skipped_once_it_is_over(engine):
    card = engine.start("credit_card", {"client": {"name": "Bo", "income": 100}}, start_condition="PF")
    done(engine, card.id, "fill_in", client={"iban": "DE02120300000000202051"}, amount=1)
    far = engine.progress(card.id)
    assert (far.state, [stage.state for stage in far.stages]) == ("FINISHED", ["done", "skipped", "skipped", "skipped"])
    quick = engine.start("credit_card", ANA, start_condition="PF")
    done(engine, quick.id, "fill_in", client={"iban": "DE02120300000000202051"}, amount=10)
    assert [stage.state for stage in engine.progress(quick.id).stages] == ["done", "next", "current", "next"]
    engine.terminate(quick.id)
    assert [stage.state for stage in engine.progress(quick.id).stages] == ["done", "skipped", "skipped", "skipped"]
    assert [(step.name, step.state) for step in engine.progress(quick.id).stages[2].steps] == [
        ("Sign contract", "skipped"), ("Produce card", "skipped"),
    ]  # fmt: skip


def test_a_process_without_stages_has_one_without_a_name(engine):
    plain = (
        process("plain").start().user_task("one").exclusive("x").user_task("two").multi_instance(cardinality="2").end()
    )
    engine.deploy(("plain.bpmn", plain.build()), publish=True)
    started = engine.start("plain")
    assert brief(engine.progress(started.id)) == [("", "current", ("one", "current"))]
    done(engine, started.id, "one")
    assert brief(engine.progress(started.id)) == [("", "current", ("one", "done"), ("two", "current"))]


def test_steps_inside_of_a_subprocess_are_steps_of_its_stage(engine):
    data = staged(STAGED, fill="Application", look="Review", sign="Contract")
    engine.deploy(("staged.bpmn", data), publish=True)
    started = engine.start("staged")
    done(engine, started.id, "fill")
    assert brief(engine.progress(started.id)) == [
        ("Application", "done", ("Fill in", "done")), ("Review", "current", ("deep", "current")), ("Contract", "next"),
    ]  # fmt: skip


def test_a_token_that_stands_on_a_gateway_is_in_the_stage_that_led_to_it(engine):
    split = process("split").start().parallel("fork").user_task("a").parallel("join").exclusive("which").when("=n > 0")
    split = split.user_task("last").end("out").back_to("fork").user_task("b").to("join")
    engine.deploy(("split.bpmn", staged(split, a="Work", last="Last")), publish=True)
    started = engine.start("split", {"n": 0})
    for node in "ab":
        done(engine, started.id, node)
    assert brief(engine.progress(started.id)) == [("Work", "failed", ("a", "done"), ("b", "done")), ("Last", "next")]


def test_who_may_not_see_it_is_told_nothing(engine):
    card = engine.start("credit_card", ANA, start_condition="PF")
    for who in (engine.as_user("eve"), engine):
        with pytest.raises(CommandRejected) as refused:
            who.progress(card.id if who is not engine else "17")
        assert (refused.value.status, refused.value.title) == (404, "Process instance not found.")
    assert engine.as_user("carl", ["clerk"]).progress(card.id).business_key is None


def test_the_stages_of_the_example_and_of_drawings_that_go_back():
    (definition,) = read_bpmn(CARD.read_bytes(), "credit_card.bpmn").processes
    assert stages(definition) == ["Application", "Review", "Contract", "Delivery"]
    assert {node.id for node in nodes_in_order(definition)} == set(definition.nodes)
    assert stage_of_each(definition)["ready"] == "Contract"
    again = (
        process("again")
        .start()
        .user_task("draft")
        .user_task("check")
        .exclusive("fine")
        .when("=ok")
        .user_task("send")
        .end()
    )
    again = again.back_to("fine").otherwise().to("draft")
    (definition,) = read_bpmn(staged(again, send="C", check="B", draft="A"), "again.bpmn").processes
    assert stages(definition) == ["A", "B", "C"]
    long = process("long").start()
    for number in range(3000):
        long = long.manual_task(f"n{number}")
    assert len(nodes_in_order(long.end().definition())) == 3002
