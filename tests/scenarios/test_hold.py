"""Hold: nothing goes on; what comes in the meantime is kept, or buffered, or fires when the instance is resumed."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.testing import process


def refused(call):
    with pytest.raises(CommandRejected) as caught:
        call()
    return caught.value.status


def test_people_cannot_work_on_it(scenario):
    story = scenario(process("p").start().user_task("fill").user_task("next").end()).start().hold("audit")
    assert (story.status, story.waiting_at) == ("ON_HOLD", ["fill"])
    assert refused(lambda: story.complete_task("fill")) == 409
    assert refused(lambda: story.claim("fill")) == 409
    assert refused(story.hold) == 409
    story.unhold()
    assert story.status == "STARTED"
    assert refused(story.unhold) == 409
    assert story.complete_task("fill").waiting_at == ["next"]


def test_no_job_is_handed_out(scenario):
    story = scenario(process("p").start().service_task("work").end()).start().hold()
    with pytest.raises(AssertionError, match="not handed out now"):
        story.take_job("work")
    story.unhold()
    assert story.complete_job("work").status == "FINISHED"


def test_a_completion_that_arrives_takes_effect_on_unhold(scenario):
    story = scenario(
        process("p").start().parallel("fork").service_task("a").end().back_to("fork").service_task("b").end()
    ).start()
    a, b = story.take_job("a"), story.take_job("b")
    story.hold()
    story.complete_job(b, {"order": "b", "price": 0.10}).complete_job(a, {"order": "a"})
    assert (story.status, story.waiting_at, story.variables) == ("ON_HOLD", ["a", "b"], {})
    assert story.engine.counts()["kept"] == 2
    story.unhold()
    assert story.status == "FINISHED"
    assert story.variables["order"] == "a" and str(story.variables["price"]) in ("0.1", "0.10")
    assert story.completed[2:] == ["b", "a", "end", "end_2"] or set(story.completed[2:]) == {"a", "b", "end", "end_2"}


def test_a_failure_and_an_error_are_kept_too(scenario):
    story = scenario(
        process("p")
        .start()
        .parallel("fork")
        .service_task("a", retries=1)
        .end()
        .back_to("fork")
        .service_task("b")
        .end()
        .boundary_error("b", "BAD")
        .user_task("repair")
        .end()
    ).start()
    a, b = story.take_job("a"), story.take_job("b")
    story.hold().fail_job(a, "broken").throw_error(b, "BAD")
    assert story.incidents == []
    story.unhold()
    assert [i.node for i in story.incidents] == ["a"]
    assert story.waiting_at == ["a", "repair"]


def test_a_kept_completion_of_what_was_given_up_has_no_effect(scenario):
    story = scenario(
        process("p").start().parallel("fork").service_task("a").end_terminate().back_to("fork").service_task("b").end()
    ).start()
    a, b = story.take_job("a"), story.take_job("b")
    story.hold().complete_job(a).complete_job(b, {"late": True}).unhold()
    assert story.status == "FINISHED"


def test_a_wrong_report_is_refused_even_then(scenario):
    story = scenario(process("p").start().service_task("a").end()).start()
    job = story.take_job("a")
    story.hold()
    assert refused(lambda: story.fail_job(job, retries=-1)) == 422
    story.unhold()
    assert story.complete_job(job).status == "FINISHED"


def test_timers_fire_on_unhold(scenario):
    story = scenario(process("p").start().catch_timer("nap", "PT1H").user_task("after").end()).start().hold()
    story.advance("PT2H")
    assert story.waiting_at == ["nap"]
    story.unhold()
    assert story.waiting_at == ["after"]


def test_messages_are_buffered_until_unhold(scenario):
    story = scenario(process("p").start().catch_message("wait", "m", "=id").user_task("after").end()).start({"id": 1})
    story.hold()
    answer = story.message("m", 1, {"x": 1})
    assert answer.instances == [] and answer.buffered
    story.unhold()
    assert (story.waiting_at, story.variables["x"]) == (["after"], 1)


def test_children_are_held_too(scenario):
    story = scenario(
        process("parent").start().call("call", "child").user_task("after").end(),
        process("child").start().user_task("work").end(),
    ).start()
    child = story.child()
    story.hold()
    assert child.status == "ON_HOLD"
    assert refused(lambda: child.complete_task("work")) == 409
    story.unhold()
    assert child.status == "STARTED"
    child.complete_task("work")
    assert story.waiting_at == ["after"]


def test_a_child_that_ends_while_its_parent_is_held_is_kept(scenario):
    story = scenario(
        process("parent").start().call("call", "child").user_task("after").end(),
        process("child").start().user_task("work").end(),
    ).start()
    child = story.child()
    story.hold()
    child.unhold()
    child.complete_task("work", {"x": 1})
    assert (story.status, story.variables) == ("ON_HOLD", {})
    story.unhold()
    assert (story.waiting_at, story.variables) == (["after"], {"x": 1})


def test_variables_can_be_repaired_on_hold(scenario):
    story = scenario(process("p").start().user_task("fill").end()).start({"a": 1}).hold()
    story.set_variables({"a": 2})
    assert story.variables == {"a": 2}
    assert refused(story.retry) == 409
    story.terminate()


def test_an_instance_on_hold_can_be_terminated(scenario):
    story = scenario(process("p").start().service_task("work").end()).start()
    job = story.take_job("work")
    story.hold().complete_job(job).terminate()
    assert story.status == "TERMINATED"
    assert story.engine.counts()["kept"] == 0


def test_expiry_waits_for_unhold(scenario):
    story = scenario(process("p").settings(expiry="P1D").start().user_task("fill").end()).start().hold()
    story.advance("P2D")
    assert story.status == "ON_HOLD"
    story.unhold()
    assert story.status == "EXPIRED"


def test_history_says_who_and_why(scenario):
    story = scenario(process("p").start().user_task("fill").end()).start()
    story.as_user("max", "operator").hold("audit")
    last = story.history[-1]
    assert (last.actor, last.command, last.reason) == ("max", "hold", "audit")
