"""Boundary events: what can happen while an activity runs, and whether that ends it."""

from __future__ import annotations

import pytest

from procession.testing import process


def guarded(*, interrupting, **timer):
    return (
        process("guarded")
        .start()
        .user_task("fill")
        .end("done")
        .boundary_timer("fill", "late", interrupting=interrupting, **timer)
        .user_task("remind")
        .end("reminded")
    )


# -- timers -------------------------------------------------------------------------------------------------------------


def test_an_interrupting_timer_ends_the_activity_and_takes_its_token(scenario):
    story = scenario(guarded(interrupting=True, duration="PT1H")).start()
    identity = story.task("fill").id
    story.advance("PT1H")
    assert story.waiting_at == ["remind"]
    assert [token.id for token in story.tokens] == ["1"]
    assert identity not in [task.id for task in story.engine.tasks().items]
    story.complete_task("remind")
    assert story.completed == ["start", "late", "remind", "reminded"], "fill was not completed"


def test_done_in_time(scenario):
    story = scenario(guarded(interrupting=True, duration="PT1H")).start()
    story.complete_task("fill")
    assert (story.status, story.completed) == ("FINISHED", ["start", "fill", "done"])
    story.advance("PT2H")
    assert story.engine.counts()["timer"] == 0


def test_a_non_interrupting_timer_makes_a_second_root_beside_the_first(scenario):
    story = scenario(guarded(interrupting=False, duration="PT1H")).start().advance("PT1H")
    assert story.waiting_at == ["fill", "remind"]
    assert [(token.id, token.parent_token_id) for token in story.tokens] == [("1", None), ("2", None)]
    story.complete_task("fill")
    assert story.status == "STARTED"
    assert story.complete_task("remind").status == "FINISHED"


def test_a_non_interrupting_event_adds_to_the_parent_of_a_branch(scenario):
    story = scenario(
        process("branch")
        .start()
        .parallel("fork")
        .user_task("a")
        .parallel("join")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b")
        .to("join")
        .boundary_timer("a", duration="PT1H", interrupting=False)
        .user_task("remind")
        .end()
    ).start()
    assert story.tokens[0].sync_node_tokens_count == 2
    story.advance("PT1H")
    assert story.tokens[0].sync_node_tokens_count == 3
    assert story.waiting_at == ["a", "b", "remind"]
    story.complete_task("a").complete_task("remind").complete_task("b")
    assert story.waiting_at == ["after"]
    assert [token.id for token in story.tokens] == ["1"], "merged: the sibling had ended before"
    story.complete_task("after")


def test_the_sibling_may_outlive_the_join(scenario):
    story = scenario(
        process("branch")
        .start()
        .parallel("fork")
        .user_task("a")
        .parallel("join")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b")
        .to("join")
        .boundary_timer("a", duration="PT1H", interrupting=False)
        .user_task("remind")
        .end()
    ).start()
    story.advance("PT1H").complete_task("a").complete_task("b")
    assert story.waiting_at == ["after", "remind"]
    story.complete_task("remind")
    assert story.status == "STARTED"
    assert story.complete_task("after").status == "FINISHED"


@pytest.mark.parametrize(("cycle", "times"), [("R3/PT1H", 3), ("R/PT1H", 6)])
def test_a_cycle_fires_again_and_again_while_the_activity_runs(scenario, cycle, times):
    story = scenario(guarded(interrupting=False, cycle=cycle)).start()
    for _ in range(6):
        story.advance("PT1H")
    assert story.waiting_at == ["fill"] + ["remind"] * times
    for _ in range(times):
        story.complete_task("remind")
    assert story.complete_task("fill").status == "FINISHED"


def test_a_timer_reads_the_variables(scenario):
    story = scenario(guarded(interrupting=True, duration="=patience")).start({"patience": "PT5M"})
    assert story.advance("PT5M").waiting_at == ["remind"]


def test_a_timer_that_is_none_stops_before_the_activity(scenario):
    story = scenario(guarded(interrupting=True, duration="=patience")).start({"patience": "long"})
    assert [i.node for i in story.incidents] == ["fill"]
    assert [wait["kind"] for wait in story.waits] == ["exception"]
    story.set_variables({"patience": "PT1M"}).retry()
    assert story.waiting_at == ["fill"]
    assert story.advance("PT1M").waiting_at == ["remind"]


# -- messages -----------------------------------------------------------------------------------------------------------


def cancellable(*, interrupting):
    return (
        process("cancellable")
        .start()
        .service_task("ship")
        .end()
        .boundary_message("ship", "cancel", "=id", interrupting=interrupting, outputs={"why": "=reason"})
        .user_task("note")
        .end()
    )


def test_an_interrupting_message(scenario):
    story = scenario(cancellable(interrupting=True)).start({"id": 1})
    story.message("cancel", 1, {"reason": "late", "noise": 1})
    assert story.waiting_at == ["note"]
    assert story.variables == {"id": 1, "why": "late"}
    assert story.engine.counts()["job"] == 0
    assert story.message("cancel", 1).instances == []


def test_a_non_interrupting_message_may_come_again(scenario):
    story = scenario(cancellable(interrupting=False)).start({"id": 1})
    story.message("cancel", 1, {"reason": "a"})
    story.message("cancel", 1, {"reason": "b"})
    assert story.waiting_at == ["note", "note", "ship"]
    assert story.variables["why"] == "b"
    story.complete_job("ship").complete_task("note").complete_task("note")
    assert story.status == "FINISHED"


def test_messages_that_came_before_are_handed_over(scenario):
    story = scenario(cancellable(interrupting=False))
    story.message("cancel", 1, {"reason": "a"})
    story.message("cancel", 1, {"reason": "b"})
    story.start({"id": 1})
    assert story.waiting_at == ["note", "note", "ship"]


# -- errors -------------------------------------------------------------------------------------------------------------


def charging():
    return (
        process("charging")
        .start()
        .service_task("charge")
        .end("paid")
        .boundary_error("charge", "DECLINED", "declined", variable="problem")
        .user_task("call_customer")
        .end()
        .boundary_error("charge", None, "any")
        .user_task("call_bank")
        .end()
    )


def test_an_error_is_caught_by_its_code(scenario):
    story = scenario(charging()).start()
    story.throw_error("charge", "DECLINED", "no cover", {"limit": 100})
    assert story.waiting_at == ["call_customer"]
    assert story.variables == {"limit": 100, "problem": {"code": "DECLINED", "message": "no cover"}}


def test_any_other_error_by_the_event_without_a_code(scenario):
    story = scenario(charging()).start()
    assert story.throw_error("charge", "FRAUD").waiting_at == ["call_bank"]


def test_the_nearest_scope_catches(scenario):
    inner = (
        process("inner")
        .start()
        .service_task("work")
        .end()
        .boundary_error("work", "A", "near")
        .user_task("near_task")
        .end()
    )
    outer = (
        process("outer")
        .start()
        .sub_process("sub", inner)
        .end()
        .boundary_error("sub", None, "far")
        .user_task("far_task")
        .end()
    )
    story = scenario(outer)
    assert story.start().throw_error("work", "A").waiting_at == ["near_task"]
    assert story.start().throw_error("work", "B").waiting_at == ["far_task"]


def test_output_mappings_of_an_error_event(scenario):
    story = scenario(
        process("mapped")
        .start()
        .service_task("work")
        .end()
        .boundary_error("work", "A", variable="e", outputs={"text": '=e.code + ": " + e.message'})
        .user_task("after")
        .end()
    ).start()
    story.throw_error("work", "A", "bad")
    assert story.variables == {"text": "A: bad"}


# -- around what runs inside --------------------------------------------------------------------------------------------


def test_interrupting_a_sub_process_ends_everything_in_it(scenario):
    inner = (
        process("inner")
        .start()
        .parallel("fork")
        .service_task("a")
        .end()
        .back_to("fork")
        .catch_timer("b", "P1D")
        .end()
        .back_to("fork")
        .parallel("c_fork")
        .user_task("c")
        .parallel("c_join")
        .end()
        .back_to("c_fork")
        .to("c_join")
    )
    story = scenario(
        process("outer")
        .start()
        .sub_process("sub", inner, inputs={"x": "=1"})
        .end()
        .boundary_timer("sub", "late", duration="PT1H")
        .user_task("after")
        .end()
    ).start()
    story.advance("PT1H")
    assert story.waiting_at == ["after"]
    assert len(story.tokens) == 1
    assert len(story.waits) == 1


def test_a_non_interrupting_event_of_a_sub_process_sees_its_variables_no_more(scenario):
    inner = process("inner").start().user_task("work").end()
    story = scenario(
        process("outer")
        .start()
        .sub_process("sub", inner, inputs={"x": "=1"})
        .end()
        .boundary_timer("sub", "tick", cycle="R2/PT1H", interrupting=False)
        .script("count", "=ticks + 1", "ticks")
        .end()
    ).start({"ticks": 0})
    story.advance("PT1H").advance("PT1H").advance("PT1H")
    assert story.variables == {"ticks": 2}
    assert story.complete_task("work").status == "FINISHED"


def test_an_event_may_come_while_the_activity_is_stuck(scenario):
    story = scenario(
        process("stuck")
        .start()
        .user_task("work", outputs={"x": "=1"})
        .when("=missing")
        .end()
        .back_to("work")
        .when("=false")
        .end()
        .boundary_timer("work", duration="PT1H")
        .user_task("after")
        .end()
    ).start()
    story.complete_task("work")
    assert len(story.incidents) == 1
    story.advance("PT1H")
    assert (story.incidents, story.waiting_at) == ([], ["after"])


def test_the_boundary_of_an_automatic_task_is_over_before_it_began(scenario):
    story = scenario(
        process("auto")
        .start()
        .script("calc", "=1", "x")
        .user_task("u")
        .end()
        .boundary_timer("calc", duration="=missing")
        .end()
    ).start()
    assert story.waiting_at == ["u"]
