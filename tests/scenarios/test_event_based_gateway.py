"""Event-based gateways: the event that happens first takes the token."""

from __future__ import annotations

from procession.testing import process

ANSWER = (
    process("answer")
    .start()
    .event_based("first")
    .catch_message("yes", "accepted", "=id", outputs={"price": "=offer"})
    .user_task("deliver")
    .end()
    .back_to("first")
    .catch_message("no", "refused", "=id")
    .user_task("regret")
    .end()
    .back_to("first")
    .catch_timer("late", "P1D")
    .user_task("remind")
    .end()
)


def test_it_waits_for_all_of_its_events(scenario):
    story = scenario(ANSWER).start({"id": 1})
    assert story.waiting_at == ["first"]
    assert sorted(wait["node"] for wait in story.waits) == ["late", "no", "yes"]


def test_a_message_that_comes_first(scenario):
    story = scenario(ANSWER).start({"id": 1})
    story.message("accepted", 1, {"offer": 5})
    assert story.waiting_at == ["deliver"]
    assert story.variables == {"id": 1, "price": 5}
    assert story.completed == ["start", "first", "yes"]
    assert story.message("refused", 1).instances == [], "the others are given up"
    story.advance("P2D")
    assert story.waiting_at == ["deliver"]


def test_a_timer_that_comes_first(scenario):
    story = scenario(ANSWER).start({"id": 1}).advance("P1D")
    assert story.waiting_at == ["remind"]
    assert story.message("accepted", 1).instances == []


def test_a_message_that_was_there_before(scenario):
    story = scenario(ANSWER)
    story.message("refused", 1)
    assert story.start({"id": 1}).waiting_at == ["regret"]


def test_receive_tasks_may_stand_behind_it(scenario):
    story = scenario(
        process("tasks")
        .start()
        .event_based("first")
        .receive("a", "to_a", "=id", outputs={"got": "=x"})
        .end()
        .back_to("first")
        .receive("b", "to_b", "=id")
        .end()
    ).start({"id": 1})
    story.message("to_a", 1, {"x": 3})
    assert (story.status, story.variables["got"]) == ("FINISHED", 3)


def test_a_key_that_is_missing_is_an_exception_before_anything_is_waited_for(scenario):
    story = scenario(ANSWER).start()
    assert [incident.node for incident in story.incidents] == ["first"]
    assert [wait["kind"] for wait in story.waits] == ["exception"]
    story.set_variables({"id": 2}).retry()
    story.message("accepted", 2)
    assert story.waiting_at == ["deliver"]
