"""Start events: which one a request starts at, what it must send, and the refusals in their order."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.testing import process

CARD = (
    process("card")
    .start("individual", condition="PF", mandatory=["client.id"], params={"client.id": "string"})
    .user_task("check")
    .end()
    .start("company", condition="PJ", mandatory=["company.vat", "company.name"])
    .to("check")
    .lane("Front office", "individual", "check", execute="clerk", view="auditor")
    .lane("Back office", "company", execute="manager")
)


def refusal(call):
    with pytest.raises(CommandRejected) as caught:
        call()
    return caught.value


def test_a_process_starts_at_its_one_start_event(scenario):
    story = scenario(process("one").start().user_task("fill").end()).start({"amount": 5})
    assert story.waiting_at == ["fill"]
    assert story.variables == {"amount": 5}
    assert story.view.started_by == "system"
    assert story.tokens[0].start_node_id == "start"


def test_a_start_condition_picks_one_of_several_start_events(scenario):
    story = scenario(CARD)
    story.start({"client": {"id": "7"}}, start_condition="PF")
    assert story.tokens[0].start_node_id == "individual"
    story.start({"company": {"vat": "RO1", "name": "x"}}, start_condition="PJ")
    assert story.tokens[0].start_node_id == "company"


def test_unknown_process(scenario):
    error = refusal(lambda: scenario(CARD).start(process="loan"))
    assert (error.status, error.title) == (404, "Process definition not found.")


def test_a_draft_is_not_started(scenario):
    error = refusal(lambda: scenario(CARD, publish=False).start(start_condition="PF"))
    assert (error.status, error.title) == (404, "Process definition not found.")


def test_a_deprecated_version_is_not_started(scenario):
    story = scenario(process("one").start().end())
    story.engine.deprecate("one", 1)
    error = refusal(story.start)
    assert (error.status, error.title) == (404, "Process definition not found.")


def test_several_start_events_and_no_condition(scenario):
    error = refusal(scenario(CARD).start)
    assert (error.status, error.title) == (
        400,
        "Multiple start nodes found, but start condition not specified.",
    )


def test_a_condition_that_no_start_event_has(scenario):
    error = refusal(lambda: scenario(CARD).start(start_condition="XX"))
    assert (error.status, error.title) == (400, "Start node for process definition not found.")
    assert error.key == "error.validation.process_instance.start_node_for_process_def_missing"


def test_no_start_event_for_requests(scenario):
    story = scenario(process("by_message").start("ordered", message="order placed").end())
    error = refusal(story.start)
    assert (error.status, error.title) == (400, "Start node for process definition not found.")


def test_mandatory_parameters_are_listed(scenario):
    story = scenario(CARD)
    error = refusal(lambda: story.start({"company": {"vat": None}}, start_condition="PJ"))
    assert (error.status, error.title) == (400, "Some mandatory params are missing.")
    assert error.extra["missing"] == ["company.vat", "company.name"]
    assert story.instances() == []


def test_a_parameter_of_the_wrong_type(scenario):
    error = refusal(lambda: scenario(CARD).start({"client": {"id": 7}}, start_condition="PF"))
    assert error.status == 422
    assert error.extra["errors"][0]["pointer"] == "/client/id"


@pytest.mark.parametrize(
    ("roles", "condition", "data", "status", "title"),
    [
        ([], None, {}, 403, "Forbidden"),  # may start nothing: before anything is said of start events
        (["auditor"], "XX", {}, 403, "Forbidden"),
        (["clerk"], None, {}, 400, "Multiple start nodes found, but start condition not specified."),
        (["clerk"], "XX", {}, 400, "Start node for process definition not found."),
        (["clerk"], "PJ", {}, 403, "Forbidden"),  # not at the chosen one: before its parameters
        (["manager"], "PJ", {}, 400, "Some mandatory params are missing."),
    ],
)
def test_the_order_of_the_refusals(scenario, roles, condition, data, status, title):
    ana = scenario(CARD).as_user("ana", *roles)
    error = refusal(lambda: ana.start(data, start_condition=condition))
    assert (error.status, error.title) == (status, title)


def test_whoever_may_execute_in_the_lane_starts(scenario):
    story = scenario(CARD).as_user("ana", "clerk").start({"client": {"id": "7"}}, start_condition="PF")
    assert story.view.started_by == "ana"


def test_a_failed_start_is_listed(scenario):
    story = scenario(CARD)
    refusal(lambda: story.as_user("ana", "manager").start({"a": 1}, start_condition="PJ"))
    failed = story.engine.failed_starts().items
    assert [(f.process_definition_name, f.actor, f.status) for f in failed] == [("card", "ana", 400)]
    assert failed[0].data == {"a": 1}


def test_output_mappings_of_a_start_event_choose_what_is_kept(scenario):
    story = scenario(process("kept").start(outputs={"order.id": "=id", "urgent": "=false"}).user_task("u").end())
    story.start({"id": 7, "noise": "x"})
    assert story.variables == {"order": {"id": 7}, "urgent": False}


def test_a_message_starts_an_instance(scenario):
    story = scenario(process("by_message").start("ordered", message="order placed").user_task("pack").end())
    answer = story.message("order placed", "o-1", {"item": "book"})
    assert len(answer.instances) == 1
    order = story.of(answer.instances[0])
    assert (order.waiting_at, order.variables, order.view.business_key) == (["pack"], {"item": "book"}, "o-1")


def test_a_message_starts_no_second_instance_with_the_same_key(scenario):
    story = scenario(process("by_message").start("ordered", message="order placed").user_task("pack").end())
    first = story.message("order placed", "o-1")
    story.message("order placed", "o-1")
    assert len(story.instances()) == 1
    story.of(first.instances[0]).complete_task("pack")


def test_a_timer_starts_instances_again_and_again(scenario):
    story = scenario(process("nightly").start("tick", cycle="R/PT1H").user_task("look").end())
    assert story.instances() == []
    story.advance("PT1H")
    story.advance("PT1H")
    assert len(story.instances()) == 2
    assert story.of(story.instances()[0]).waiting_at == ["look"]


def test_a_timer_starts_the_given_number_of_instances(scenario):
    story = scenario(process("thrice").start("tick", cycle="R3/PT1H").end())
    for _ in range(5):
        story.advance("PT1H")
    assert len(story.instances()) == 3


def test_data_is_kept_as_json(scenario):
    story = scenario(process("one").start().user_task("fill").end())
    story.start({"price": 0.1, "big": 12345678901234567890, "nothing": None, "deep": {"list": [1, "ä", True]}})
    story.complete_task("fill", {"sum": 0.30})
    assert str(story.variables["price"]) == "0.1"
    assert story.variables["big"] == 12345678901234567890
    assert story.variables["nothing"] is None
    assert story.variables["deep"] == {"list": [1, "ä", True]}


def test_data_that_is_too_large(scenario):
    error = refusal(lambda: scenario(process("one").start().end()).start({"text": "x" * 1_100_000}))
    assert error.status == 413


def test_data_that_is_no_json(scenario):
    error = refusal(lambda: scenario(process("one").start().end()).start({"when": {1, 2}, "what": object()}))
    assert error.status == 422
