"""Messages: correlated by name and key, kept for a time where nobody waits, delivered once."""

from __future__ import annotations

import pytest

from procession.testing import process

PAYMENT = process("payment").start().catch_message("wait", "paid", "=order", outputs={"sum": "=amount"}).end()


def test_a_message_finds_the_instance_with_its_key(scenario):
    story = scenario(PAYMENT)
    one, two = story.start({"order": "a"}).id, story.start({"order": "b"}).id
    assert story.of(one).tokens[0].status_current_node == "WAITING_MESSAGE_EVENT"
    answer = story.message("paid", "b", {"amount": 5})
    assert (answer.instances, answer.buffered, answer.duplicate) == ([two], False, False)
    assert story.of(one).status == "STARTED"
    assert story.of(two).variables == {"order": "b", "sum": 5}


@pytest.mark.parametrize("key", [7, "7"])
def test_numbers_and_texts_are_the_same_key(scenario, key):
    story = scenario(PAYMENT).start({"order": 7.0})
    assert story.message("paid", key).instances == [story.id]


def test_a_name_or_key_that_nobody_waits_for(scenario):
    story = scenario(PAYMENT).start({"order": "a"})
    assert story.message("paid", "b").instances == []
    assert story.message("refunded", "a").instances == []
    assert story.status == "STARTED"


def test_a_message_that_came_too_early_is_kept(scenario):
    story = scenario(PAYMENT)
    assert story.message("paid", "a", {"amount": 3}).buffered
    assert story.start({"order": "a"}).variables["sum"] == 3
    assert story.start({"order": "a"}).status == "STARTED", "it was for the first one"


def test_only_for_its_time_to_live(scenario):
    story = scenario(PAYMENT)
    story.message("paid", "a", ttl=60)
    story.advance(61)
    assert story.start({"order": "a"}).status == "STARTED"
    assert story.engine.counts()["message"] == 0


def test_a_message_without_time_to_live_is_not_kept(scenario):
    story = scenario(PAYMENT)
    assert not story.message("paid", "a", ttl=0).buffered
    assert story.start({"order": "a"}).status == "STARTED"


def test_kept_messages_are_delivered_in_the_order_of_their_acceptance(scenario):
    story = scenario(
        process("two")
        .start()
        .catch_message("a", "m", "=k", outputs={"a": "=n"})
        .catch_message("b", "m", "=k", outputs={"b": "=n"})
        .end()
    )
    story.message("m", "k", {"n": 1})
    story.message("m", "k", {"n": 2})
    assert story.start({"k": "k"}).variables == {"k": "k", "a": 1, "b": 2}


def test_a_message_id_takes_effect_once(scenario):
    story = scenario(PAYMENT)
    story.start({"order": "a"})
    first = story.message("paid", "a", message_id="m-1")
    assert first.instances == [story.id]
    story.start({"order": "a"})
    again = story.message("paid", "a", message_id="m-1")
    assert again.duplicate and again.instances == []
    assert story.status == "STARTED"


def test_a_message_goes_to_the_instance_that_has_waited_longest(scenario):
    story = scenario(PAYMENT)
    one, two = story.start({"order": "a"}).id, story.start({"order": "a"}).id
    assert story.message("paid", "a").instances == [one]
    assert story.message("paid", "a").instances == [two]


def test_a_message_goes_to_one_instance_of_each_process(scenario):
    other = process("log").start().catch_message("note", "paid", "=order").end()
    story = scenario(PAYMENT, other)
    one = story.start({"order": "a"}).id
    two = story.start({"order": "a"}, process="log").id
    assert sorted(story.message("paid", "a").instances) == sorted([one, two])


def test_a_throw_event_publishes_what_it_sees(scenario):
    sender = process("sender").start().throw_message("tell", "paid", "=order").user_task("after").end()
    story = scenario(PAYMENT, sender)
    receiver = story.start({"order": "a"}).id
    story.start({"order": "a", "amount": 9}, process="sender")
    assert story.waiting_at == ["after"]
    assert story.of(receiver).variables["sum"] == 9


def test_a_throw_event_publishes_what_it_says(scenario):
    sender = (
        process("sender")
        .start()
        .throw_message(
            "tell",
            "paid",
            "=order",
            inputs={"double": "=amount * 2"},
            variables="={amount: double}",
            ttl="PT10S",
            message_id='="pay-" + order',
        )
        .end()
    )
    story = scenario(PAYMENT, sender)
    assert story.start({"order": "a", "amount": 2}, process="sender").status == "FINISHED"
    assert story.variables == {"order": "a", "amount": 2}, "inputs are local"
    story.start({"order": "a"}, process="payment")
    assert story.variables == {"order": "a", "sum": 4}
    story.start({"order": "a", "amount": 3}, process="sender")
    assert story.start({"order": "a"}, process="payment").status == "STARTED", "the id was used before"


def test_an_instance_may_send_to_itself(scenario):
    story = scenario(
        process("self")
        .start()
        .parallel("fork")
        .catch_message("ear", "note", "=id")
        .end()
        .back_to("fork")
        .throw_message("mouth", "note", "=id")
        .end()
    )
    assert story.start({"id": 1}).status == "FINISHED"


def test_two_instances_talk_back_and_forth(scenario):
    ping = (
        process("ping")
        .start()
        .exclusive("again")
        .throw_message("serve", "ball", '="pong"', variables="={n: n + 1}")
        .catch_message("return", "ball", '="ping"')
        .exclusive("enough")
        .when("=n < 10")
        .to("again")
        .back_to("enough")
        .otherwise()
        .end()
    )
    pong = (
        process("pong")
        .start()
        .exclusive("again")
        .catch_message("catch", "ball", '="pong"')
        .throw_message("hit", "ball", '="ping"', variables="={n: n + 1}")
        .to("again")
    )
    story = scenario(ping, pong)
    other = story.start(process="pong").id
    story.start({"n": 0}, process="ping")
    assert (story.status, story.variables["n"]) == ("FINISHED", 10)
    story.of(other).terminate()


def test_a_milestone_only_marks_that_the_token_came_by(scenario):
    story = scenario(process("mark").start().throw("half_way", outputs={"seen": "=true"}).user_task("u").end()).start()
    assert story.completed == ["start", "half_way"]
    assert story.variables == {"seen": True}


def test_a_throw_event_may_be_a_job(scenario):
    story = scenario(
        process("mail").start().throw_message("tell", "note", job="send-mail").user_task("u").end()
    ).start()
    story.complete_job("send-mail")
    assert story.waiting_at == ["u"]


@pytest.mark.parametrize("key", [None, True, {"a": 1}])
def test_a_key_that_is_none_is_an_exception(scenario, key):
    story = scenario(PAYMENT).start({"order": key})
    [incident] = story.incidents
    assert (incident.node, incident.type) == ("wait", "ExpressionEvaluation")
    story.set_variables({"order": "a"}).retry()
    assert story.message("paid", "a").instances == [story.id]
