"""Exclusive gateways and conditional flows out of activities: which way a token takes, and what it says when there is none."""

from __future__ import annotations

import pytest

from procession.testing import process


def gateway(default=True):
    builder = (
        process("age")
        .start()
        .exclusive("check", name="Old enough?")
        .when("=age >= 18")
        .user_task("adult")
        .end()
        .back_to("check")
        .when("=age >= 16")
        .user_task("youth")
        .end()
        .back_to("check")
    )
    builder = builder.otherwise() if default else builder.when("=age >= 12")
    return builder.user_task("child").end()


@pytest.mark.parametrize(("age", "way"), [(40, "adult"), (18, "adult"), (17, "youth"), (3, "child")])
def test_the_first_flow_that_is_true_else_the_default(scenario, age, way):
    assert scenario(gateway()).start({"age": age}).waiting_at == [way]


def test_no_way_out_is_an_exception_that_names_the_data(scenario):
    story = scenario(gateway(default=False)).start({"age": 3})
    [incident] = story.incidents
    assert (incident.type, incident.node, incident.source) == (
        "GatewayEvaluation",
        "check",
        "Gateway (Old enough?)",
    )
    assert "No condition of 'Old enough?' is true for age = 3" in incident.message
    assert story.waiting_at == ["check"]

    story.retry("check")
    assert len(story.incidents) == 1, "nothing was repaired"
    story.set_variables({"age": 20}).retry("check")
    assert (story.incidents, story.waiting_at) == ([], ["adult"])


@pytest.mark.parametrize("data", [{}, {"age": None}, {"age": "old"}])
def test_a_condition_that_is_neither_true_nor_false_is_an_exception(scenario, data):
    story = scenario(gateway()).start(data)
    [incident] = story.incidents
    assert incident.type == "GatewayEvaluation"
    assert "neither true nor false" in incident.message and "age" in incident.message
    story.set_variables({"age": 40}).retry()
    assert story.waiting_at == ["adult"]


def test_later_conditions_are_not_looked_at(scenario):
    story = scenario(
        process("lazy")
        .start()
        .exclusive("x")
        .when("=true")
        .user_task("a")
        .end()
        .back_to("x")
        .when("=missing > 1")
        .user_task("b")
        .end()
    ).start()
    assert story.waiting_at == ["a"]


def test_it_merges_without_waiting(scenario):
    story = scenario(
        process("merging")
        .start()
        .parallel("fork")
        .user_task("a")
        .exclusive("merge")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b")
        .to("merge")
    ).start()
    story.complete_task("a").complete_task("b")
    assert story.waiting_at == ["after", "after"]
    story.complete_task("after").complete_task("after")
    assert story.status == "FINISHED"


# -- conditions on flows out of activities -------------------------------------------------------------------------------


def choices():
    return (
        process("choices")
        .start()
        .user_task("choose")
        .when("=a")
        .user_task("to_a")
        .end()
        .back_to("choose")
        .when("=b")
        .user_task("to_b")
        .end()
        .back_to("choose")
        .otherwise()
        .user_task("to_none")
        .end()
    )


@pytest.mark.parametrize(
    ("a", "b", "ways"),
    [(True, False, ["to_a"]), (True, True, ["to_a", "to_b"]), (False, False, ["to_none"])],
)
def test_every_flow_of_an_activity_that_is_true_is_taken(scenario, a, b, ways):
    story = scenario(choices()).start({"a": a, "b": b})
    story.complete_task("choose")
    assert story.waiting_at == ways
    assert (story.tokens[0].state == "ON_HOLD") is (len(ways) > 1)


def test_several_flows_without_condition_split_the_token(scenario):
    story = scenario(
        process("implicit")
        .start()
        .user_task("both")
        .user_task("a")
        .parallel("join")
        .end()
        .back_to("both")
        .user_task("b")
        .to("join")
    ).start()
    story.complete_task("both")
    assert story.waiting_at == ["a", "b"]
    story.complete_task("b").complete_task("a")
    assert (story.status, len(story.all_tokens)) == ("FINISHED", 3)


def test_a_start_event_with_several_flows_splits_too(scenario):
    story = scenario(process("two").start().user_task("a").end().back_to("start").user_task("b").end()).start()
    assert story.waiting_at == ["a", "b"]


def test_a_condition_of_an_activity_that_cannot_be_decided_keeps_the_token_there(scenario):
    story = scenario(choices()).start({"b": False})
    story.complete_task("choose", {"result": 1})
    [incident] = story.incidents
    assert (incident.type, incident.node) == ("ConditionEvaluation", "choose")
    assert story.variables["result"] == 1, "the result of the task is not lost"
    story.set_variables({"a": True}).retry("choose")
    assert story.waiting_at == ["to_a"]


def test_conditions_see_what_the_output_mappings_make(scenario):
    story = scenario(
        process("mapped")
        .start()
        .user_task("choose", outputs={"good": "=score > 5"})
        .when("=good")
        .user_task("yes")
        .end()
        .back_to("choose")
        .otherwise()
        .user_task("no")
        .end()
    ).start()
    assert story.complete_task("choose", {"score": 7}).waiting_at == ["yes"]
    assert story.variables == {"good": True}
