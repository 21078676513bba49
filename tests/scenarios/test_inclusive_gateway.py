"""Inclusive gateways: every flow that is true, and a join that waits for whatever can still come."""

from __future__ import annotations

import pytest

from procession.testing import process


def section():
    return (
        process("section")
        .start()
        .inclusive("split")
        .when("=a")
        .user_task("do_a")
        .inclusive("join")
        .user_task("after")
        .end()
        .back_to("split")
        .when("=b")
        .user_task("do_b")
        .to("join")
        .back_to("split")
        .otherwise()
        .user_task("do_other")
        .to("join")
    )


@pytest.mark.parametrize(
    ("a", "b", "ways"),
    [
        (True, False, ["do_a"]),
        (False, True, ["do_b"]),
        (True, True, ["do_a", "do_b"]),
        (False, False, ["do_other"]),
    ],
)
def test_the_join_waits_for_exactly_the_flows_that_were_taken(scenario, a, b, ways):
    story = scenario(section()).start({"a": a, "b": b})
    assert story.waiting_at == ways
    for way in ways:
        assert "after" not in story.waiting_at
        story.complete_task(way)
    assert story.waiting_at == ["after"]
    assert story.tokens[0].id == "1", "one flow: the token goes on; several: the parent does"
    assert story.complete_task("after").status == "FINISHED"


def test_a_branch_that_ends_elsewhere_opens_the_join(scenario):
    story = scenario(
        process("leaves")
        .start()
        .inclusive("split")
        .when("=true")
        .user_task("a")
        .inclusive("join")
        .user_task("after")
        .end()
        .back_to("split")
        .when("=true")
        .user_task("b")
        .exclusive("stay")
        .when("=stay")
        .to("join")
        .back_to("stay")
        .otherwise()
        .end()
    ).start({"stay": False})
    story.complete_task("a")
    assert story.waiting_at == ["b", "join"]
    story.complete_task("b")
    assert story.waiting_at == ["after"]
    assert story.complete_task("after").status == "FINISHED"


def test_a_token_far_away_that_can_still_come_is_waited_for(scenario):
    story = scenario(
        process("far")
        .start()
        .parallel("fork")
        .user_task("a")
        .inclusive("join")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b1")
        .user_task("b2")
        .exclusive("x")
        .when("=true")
        .to("join")
        .back_to("x")
        .otherwise()
        .end()
        .back_to("fork")
        .user_task("elsewhere")
        .end()
    ).start()
    story.complete_task("a")
    assert story.waiting_at == ["b1", "elsewhere", "join"]
    story.complete_task("b1")
    assert story.waiting_at == ["b2", "elsewhere", "join"]
    story.complete_task("b2")
    assert story.waiting_at == ["after", "elsewhere"]
    story.complete_task("elsewhere").complete_task("after")
    assert story.status == "FINISHED"


def test_a_loop_back_into_the_section_does_not_block_the_join(scenario):
    """A token behind the join could come round to it again only through the join itself."""
    story = scenario(
        process("round")
        .start()
        .exclusive("merge")
        .inclusive("split")
        .when("=true")
        .user_task("a")
        .inclusive("join")
        .user_task("check")
        .exclusive("again")
        .when("=again")
        .to("merge")
        .back_to("again")
        .otherwise()
        .end()
        .back_to("split")
        .when("=wide")
        .user_task("b")
        .to("join")
    ).start({"wide": True, "again": True})
    story.complete_task("a").complete_task("b").complete_task("check", {"wide": False})
    assert story.waiting_at == ["a"]
    story.complete_task("a")
    assert story.waiting_at == ["check"]
    assert story.complete_task("check", {"again": False}).status == "FINISHED"


def test_a_boundary_event_may_still_lead_to_the_join(scenario):
    story = scenario(
        process("late")
        .start()
        .parallel("fork")
        .user_task("a")
        .inclusive("join")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b")
        .end()
        .boundary_timer("b", "too_late", duration="PT1H")
        .to("join")
    ).start()
    story.complete_task("a")
    assert story.waiting_at == ["b", "join"]
    story.advance("PT1H")
    assert story.waiting_at == ["after"]
    story.complete_task("after")
    assert story.status == "FINISHED"


def test_the_host_of_that_boundary_event_being_done_opens_the_join(scenario):
    story = scenario(
        process("late")
        .start()
        .parallel("fork")
        .user_task("a")
        .inclusive("join")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b")
        .user_task("b2")
        .end()
        .boundary_timer("b", "too_late", duration="PT1H")
        .to("join")
    ).start()
    story.complete_task("a")
    story.complete_task("b")
    assert story.waiting_at == ["after", "b2"]


def test_a_join_of_sub_process_instances_does_not_mix_scopes(scenario):
    inner = (
        process("inner")
        .start()
        .inclusive("split")
        .when("=true")
        .user_task("a")
        .inclusive("join")
        .user_task("after")
        .end()
        .back_to("split")
        .when("=true")
        .user_task("b")
        .to("join")
    )
    story = scenario(process("outer").start().sub_process("sub", inner).multi_instance("=[1, 2]").end()).start()
    story.complete_task("a", number=0).complete_task("b", number=0)
    assert story.waiting_at == ["a", "after", "b"]
    story.complete_task("a").complete_task("b").complete_task("after").complete_task("after")
    assert story.status == "FINISHED"


def test_no_way_out(scenario):
    story = scenario(
        process("none")
        .start()
        .inclusive("split")
        .when("=a")
        .user_task("x")
        .end()
        .back_to("split")
        .when("=b")
        .user_task("y")
        .end()
    ).start({"a": False, "b": False})
    [incident] = story.incidents
    assert incident.type == "GatewayEvaluation"
    assert "a = false, b = false" in incident.message
    story.set_variables({"b": True}).retry()
    assert story.waiting_at == ["y"]


def test_a_condition_that_is_no_truth_value_takes_no_flow_at_all(scenario):
    story = scenario(section()).start({"a": True, "b": "yes"})
    assert [incident.node for incident in story.incidents] == ["split"]
    assert story.waiting_at == ["split"]
