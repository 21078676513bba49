"""End events: the plain one ends its token, terminate ends everything in its scope, error looks for somebody to catch it."""

from __future__ import annotations

from procession.testing import process


def states(story):
    return {token.id: token.state for token in story.all_tokens}


def test_an_instance_is_finished_when_its_last_token_is_gone(scenario):
    story = scenario(
        process("ends").start().parallel("fork").user_task("a").end("one").back_to("fork").user_task("b").end("two")
    ).start()
    story.complete_task("a")
    assert story.status == "STARTED"
    story.complete_task("b")
    assert (story.status, story.completed[-1]) == ("FINISHED", "two")
    assert set(states(story).values()) == {"INACTIVE"}
    assert story.view.date_ended is not None


def test_a_node_without_outgoing_flow_ends_the_token(scenario):
    story = scenario(process("open").start().user_task("last")).start()
    assert story.complete_task("last").status == "FINISHED"


def test_terminate_ends_all(scenario):
    story = scenario(
        process("stop")
        .start()
        .parallel("fork")
        .user_task("a")
        .end_terminate("stop_all")
        .back_to("fork")
        .user_task("b")
        .boundary_timer("b", duration="PT1H", interrupting=False)
        .end()
        .back_to("b")
        .end()
        .back_to("fork")
        .service_task("c")
        .end()
    ).start()
    story.complete_task("a")
    assert story.status == "FINISHED"
    assert story.waits == []
    assert states(story) == {"1": "INACTIVE", "2": "INACTIVE", "3": "TERMINATED", "4": "TERMINATED"}


def test_terminate_in_a_sub_process_ends_only_that(scenario):
    inner = (
        process("inner").start().parallel("fork").user_task("a").end_terminate().back_to("fork").user_task("b").end()
    )
    story = scenario(
        process("outer")
        .start()
        .parallel("split")
        .sub_process("sub", inner)
        .user_task("after")
        .end()
        .back_to("split")
        .user_task("beside")
        .end()
    ).start()
    story.complete_task("a")
    assert story.waiting_at == ["after", "beside"]


def test_terminate_reaches_what_is_nested(scenario):
    deep = process("deep").start().user_task("far").end()
    inner = process("inner").start().sub_process("deep", deep).end()
    story = scenario(
        process("outer")
        .start()
        .parallel("fork")
        .sub_process("sub", inner)
        .end()
        .back_to("fork")
        .service_task("each")
        .multi_instance("=[1, 2, 3]", element="n")
        .end()
        .back_to("fork")
        .user_task("stop")
        .end_terminate()
    ).start()
    assert story.waiting_at == ["each", "each", "each", "far", "stop"]
    assert story.complete_task("stop").status == "FINISHED"


def test_an_error_end_event_is_caught_around_its_sub_process(scenario):
    inner = (
        process("inner")
        .start()
        .parallel("fork")
        .user_task("check")
        .end_error("REFUSED", inputs={"reason": '="too old"'})
        .back_to("fork")
        .user_task("other")
        .end()
    )
    story = scenario(
        process("outer")
        .start()
        .sub_process("sub", inner)
        .end("good")
        .boundary_error("sub", "REFUSED", "refused")
        .user_task("explain")
        .end("bad")
    ).start()
    story.complete_task("check")
    assert story.waiting_at == ["explain"]
    assert story.variables == {"reason": "too old"}
    assert {"2", "3", "4"} <= {number for number, state in states(story).items() if state == "ABORTED"}
    story.complete_task("explain")
    assert story.completed[-2:] == ["explain", "bad"]


def test_an_error_that_nobody_catches_is_an_exception(scenario):
    story = scenario(process("outer").start().user_task("check").end_error("REFUSED", "refuse")).start()
    story.complete_task("check")
    [incident] = story.incidents
    assert (incident.type, incident.node) == ("UncaughtError", "refuse")
    assert "'REFUSED'" in incident.message
    assert story.status == "STARTED"
    story.terminate()


def test_a_message_end_event_publishes(scenario):
    story = scenario(
        process("sender").start().end_message("done", key="=id", variables="={answer: amount * 2}"),
        process("receiver").start().catch_message("wait", "done", "=id").end(),
    )
    receiver = story.start({"id": 1}, process="receiver").id
    story.start({"id": 1, "amount": 21})
    assert story.status == "FINISHED"
    assert story.of(receiver).variables["answer"] == 42


def test_a_message_end_event_may_be_a_job(scenario):
    story = scenario(process("sender").start().end_message("done", "tell", job="send-mail")).start()
    assert story.waiting_at == ["tell"]
    assert story.complete_job("send-mail").status == "FINISHED"
