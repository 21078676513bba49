"""Response timeouts: a receive task does not wait for ever."""

from __future__ import annotations

import pytest

from procession.engine import events as e
from procession.testing import process

CRM = "engine.receive.crm"

WAIT = process("wait").start().receive("hear", streams={CRM: "crm"}, response_timeout="PT30S").user_task("use").end()
LATE = (
    process("late")
    .start()
    .receive("hear", streams={CRM: "crm"}, response_timeout="PT30S")
    .user_task("use")
    .end()
    .boundary_timer("hear", "nudge", duration="PT10S", interrupting=False)
    .end()
    .boundary_timer("hear", "over", duration="PT1H")
    .user_task("ask_again")
    .end()
)


def timed_out(story):
    return [event.node for event in story.records if isinstance(event, e.ResponseTimedOut)]


def test_without_a_timer_on_its_boundary_the_token_goes_on(scenario):
    story = scenario(WAIT).start()
    assert sorted(wait["kind"] for wait in story.waits) == ["message", "timer"]
    story.advance("PT29S")
    assert (story.waiting_at, story.tokens[0].status_current_node) == (["hear"], "WAITING_MESSAGE")
    story.advance("PT1S")
    assert (story.waiting_at, story.variables) == (["use"], {})
    assert timed_out(story) == ["hear"]
    assert story.completed == ["start", "hear"]
    assert story.answer(CRM, 1).buffered, "it is too late"


def test_the_token_has_the_status_by_which_it_is_known(scenario):
    """It is seen where the token cannot leave."""
    stuck = process("stuck").start().receive("hear", streams={CRM: "crm"}, response_timeout="PT30S").when("=go").end()
    story = scenario(stuck).start().advance("PT30S")
    assert story.tokens[0].status_current_node == "MESSAGE_RESPONSE_TIMED_OUT"
    assert [incident.node for incident in story.incidents] == ["hear"]
    assert [wait["kind"] for wait in story.waits] == ["exception"]
    story.set_variables({"go": True}).retry()
    assert story.status == "FINISHED"


def test_with_one_its_flow_is_taken(scenario):
    story = scenario(LATE).start().advance("PT30S")
    assert (story.waiting_at, timed_out(story)) == (["ask_again"], ["hear"])
    assert [wait["kind"] for wait in story.waits] == ["task"]


def test_an_answer_in_time_ends_it(scenario):
    story = scenario(WAIT).start()
    story.advance("PT29S")
    story.answer(CRM, {"a": 1})
    assert (story.waiting_at, [wait["kind"] for wait in story.waits]) == (["use"], ["task"])
    story.advance("PT1H")
    assert (story.waiting_at, timed_out(story)) == (["use"], [])


def test_a_message_in_time_ends_it_too(scenario):
    story = scenario(
        process("paid").start().receive("hear", "paid", "=order", response_timeout="PT30S").user_task("use").end()
    ).start({"order": 1})
    story.message("paid", 1)
    assert [wait["kind"] for wait in story.waits] == ["task"]
    assert story.start({"order": 2}).advance("PT30S").waiting_at == ["use"]
    assert timed_out(story) == ["hear"]


def test_it_may_be_computed(scenario):
    story = scenario(
        process("feel").start().receive("hear", streams={CRM: "crm"}, response_timeout="=patience").user_task("u").end()
    )
    assert story.start({"patience": "PT5S"}).advance("PT5S").waiting_at == ["u"]
    story.start({"patience": "soon"})
    assert [incident.type for incident in story.incidents] == ["TimerEvaluation"]
    story.set_variables({"patience": "PT5S"}).retry().advance("PT5S")
    assert story.waiting_at == ["u"]


def test_on_hold_it_waits_until_the_instance_goes_on(scenario):
    story = scenario(WAIT).start().hold()
    story.advance("PT1H")
    assert story.waiting_at == ["hear"]
    assert story.unhold().waiting_at == ["use"]
    assert timed_out(story) == ["hear"]


def test_an_answer_that_came_while_on_hold_is_in_time(scenario):
    story = scenario(WAIT).start().hold()
    story.answer(CRM, 1)
    story.advance("PT10M").unhold()
    assert (story.waiting_at, story.variables, timed_out(story)) == (["use"], {"crm": 1}, [])


@pytest.mark.parametrize("boundary", [False, True])
def test_in_a_loop(scenario, boundary):
    """Each item has its own time; a timer on the boundary belongs to the loop, and ends it."""
    drawn = process("each").start().receive("hear", streams={CRM: "crm"}, response_timeout="PT30S")
    drawn.multi_instance("=[1, 2]", output_collection="found", output_element="=crm").user_task("use").end()
    if boundary:
        drawn.boundary_timer("hear", "over", duration="PT1H").user_task("ask_again").end()
    story = scenario(drawn).start()
    story.answer(CRM, 7)
    story.advance("PT30S")
    assert timed_out(story) == ["hear"]
    assert story.waiting_at == (["ask_again"] if boundary else ["use"])
    assert story.variables == ({} if boundary else {"found": [7, None]})
