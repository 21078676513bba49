"""Call activities: a child instance of another process, and how the two share their fate."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.testing import process

CHILD = process("child").start().user_task("work").end()


def parent(**options):
    return process("parent").start().call("call", "child", **options).user_task("after").end()


def test_the_token_is_held_until_the_child_is_done(scenario):
    story = scenario(parent(), CHILD).start({"a": 1})
    token = story.tokens[0]
    assert (token.state, token.current_node_id, token.sync_node_tokens_count) == ("ON_HOLD", "call", 1)
    child = story.child("call")
    assert (child.view.parent, child.view.root, child.view.process_definition_name) == (story.id, story.id, "child")
    assert story.view.sub_processes == [child.id]
    assert child.variables == {"a": 1}
    child.complete_task("work", {"b": 2})
    assert child.status == "FINISHED"
    assert story.waiting_at == ["after"]
    assert story.variables == {"a": 1, "b": 2}


def test_a_child_that_never_waits_is_done_in_the_same_step(scenario):
    quick = process("child").start().script("calc", "=a + 1", "b").end()
    story = scenario(parent(), quick).start({"a": 1})
    assert story.waiting_at == ["after"]
    assert story.variables == {"a": 1, "b": 2}


def test_mappings_choose_what_goes_in_and_out(scenario):
    story = scenario(parent(all_in=False, inputs={"x": "=a + 1"}, outputs={"y": "=b"}), CHILD).start({"a": 1})
    child = story.child()
    assert child.variables == {"x": 2}
    child.complete_task("work", {"b": 5, "noise": 1})
    assert story.variables == {"a": 1, "y": 5}


def test_nothing_comes_out_where_nothing_is_mapped(scenario):
    story = scenario(parent(all_out=False), CHILD).start({"a": 1})
    story.child().complete_task("work", {"b": 5})
    assert story.variables == {"a": 1}


def test_the_child_starts_at_the_condition_that_is_sent(scenario):
    child = (
        process("child")
        .start("one", condition="A")
        .user_task("a")
        .end()
        .start("two", condition="B")
        .user_task("b")
        .end()
    )
    story = scenario(parent(inputs={"startCondition": '="B"'}), child).start()
    assert story.child().waiting_at == ["b"]


def test_a_process_that_is_not_there_is_an_exception(scenario):
    story = scenario(parent()).start()
    [incident] = story.incidents
    assert (incident.node, story.waiting_at) == ("call", ["call"])
    assert "'child'" in incident.message
    story.deploy(CHILD)
    story.retry("call")
    story.child().complete_task("work")
    assert story.waiting_at == ["after"]


def test_grandchildren(scenario):
    middle = process("child").start().call("deeper", "grandchild").end()
    bottom = process("grandchild").start().user_task("work").end()
    story = scenario(parent(), middle, bottom).start()
    grandchild = story.child().child()
    assert (grandchild.view.root, grandchild.view.parent) == (story.id, story.child().id)
    grandchild.complete_task("work", {"x": 1})
    assert (story.waiting_at, story.variables) == (["after"], {"x": 1})


def test_a_process_may_call_itself(scenario):
    recursive = (
        process("down")
        .start()
        .exclusive("enough")
        .when("=n > 0")
        .call("again", "down", inputs={"n": "=n - 1"}, outputs={"sum": "=sum + 1"})
        .end()
        .back_to("enough")
        .otherwise()
        .script("bottom", "=0", "sum")
        .end()
    )
    story = scenario(recursive).start({"n": 5})
    assert (story.status, story.variables["sum"]) == ("FINISHED", 5)


# -- errors -------------------------------------------------------------------------------------------------------------

FAILING = (
    process("child")
    .start()
    .user_task("work")
    .exclusive("ok")
    .when("=ok")
    .end()
    .back_to("ok")
    .otherwise()
    .end_error("BAD")
)


def catching():
    return (
        process("parent")
        .start()
        .call("call", "child")
        .end("good")
        .boundary_error("call", "BAD", variable="problem")
        .user_task("repair")
        .end()
    )


def test_an_error_of_the_child_is_caught_by_its_parent(scenario):
    story = scenario(catching(), FAILING).start({"ok": False})
    child = story.child()
    child.complete_task("work")
    assert child.view.date_ended is not None
    assert story.waiting_at == ["repair"]
    assert story.variables["problem"]["code"] == "BAD"


def test_an_error_of_the_child_that_nobody_catches_is_an_exception_of_the_parent(scenario):
    story = scenario(parent(), FAILING).start({"ok": False})
    story.child().complete_task("work")
    [incident] = story.incidents
    assert (incident.node, incident.type) == ("call", "UncaughtError")
    story.set_variables({"ok": True}).retry()
    story.child().complete_task("work")
    assert story.waiting_at == ["after"]


def test_an_error_goes_up_until_somebody_catches_it(scenario):
    middle = process("middle").start().call("inner_call", "child").end()
    top = (
        process("top")
        .start()
        .call("outer_call", "middle")
        .end()
        .boundary_error("outer_call", "BAD")
        .user_task("repair")
        .end()
    )
    story = scenario(top, middle, FAILING).start({"ok": False})
    story.child().child().complete_task("work")
    assert story.waiting_at == ["repair"]


def test_an_error_of_a_job_in_the_child(scenario):
    child = process("child").start().service_task("work").end()
    story = scenario(catching(), child).start()
    story.child().throw_error("work", "BAD", "no")
    assert story.waiting_at == ["repair"]
    assert story.variables["problem"] == {"code": "BAD", "message": "no"}


# -- a shared fate ------------------------------------------------------------------------------------------------------


def test_a_dismissed_child_lets_its_parent_go_on_without_its_result(scenario):
    story = scenario(parent(), CHILD).start({"a": 1})
    child = story.child()
    child.set_variables({"b": 2}).dismiss("not needed")
    assert child.status == "DISMISSED"
    assert {token.state for token in child.all_tokens} == {"DISMISSED"}
    assert (story.waiting_at, story.variables) == (["after"], {"a": 1})


def test_only_a_child_can_be_dismissed(scenario):
    story = scenario(parent(), CHILD).start()
    with pytest.raises(CommandRejected) as refused:
        story.dismiss()
    assert refused.value.status == 409


def test_a_terminated_child_leaves_an_exception_on_its_parent(scenario):
    story = scenario(parent(), CHILD).start()
    story.child().terminate()
    assert [i.node for i in story.incidents] == ["call"]
    assert "TERMINATED" in story.incidents[0].message
    story.retry()
    story.child().complete_task("work")
    assert story.waiting_at == ["after"]


def test_a_terminated_parent_ends_its_children(scenario):
    middle = process("child").start().call("deeper", "grandchild").end()
    bottom = process("grandchild").start().user_task("work").end()
    story = scenario(parent(), middle, bottom).start()
    child = story.child()
    grandchild = child.child()
    story.terminate()
    assert [s.status for s in (story, child, grandchild)] == ["TERMINATED"] * 3


def test_an_interrupted_call_ends_the_child(scenario):
    story = scenario(
        process("parent")
        .start()
        .call("call", "child")
        .end()
        .boundary_timer("call", duration="PT1H")
        .user_task("after")
        .end(),
        CHILD,
    ).start()
    child = story.child()
    story.advance("PT1H")
    assert (child.status, story.waiting_at) == ("ABORTED", ["after"])


def test_a_parent_that_expires_takes_its_children_along(scenario):
    story = scenario(parent().settings(expiry="P1D"), CHILD).start()
    child = story.child()
    story.advance("P1D")
    assert (story.status, child.status) == ("EXPIRED", "EXPIRED")


def test_a_terminate_end_event_of_the_child_finishes_only_the_child(scenario):
    child = (
        process("child").start().parallel("fork").user_task("a").end_terminate().back_to("fork").user_task("b").end()
    )
    story = scenario(parent(), child).start()
    story.child().complete_task("a")
    assert story.waiting_at == ["after"]


# -- for each item ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequential", [False, True])
def test_a_child_for_each_item(scenario, sequential):
    story = scenario(
        process("parent")
        .start()
        .call("call", "child")
        .multi_instance(
            '=["a", "b"]',
            element="item",
            output_collection="out",
            output_element="=result",
            sequential=sequential,
        )
        .user_task("after")
        .end(),
        CHILD,
    ).start()
    for turn in range(2):
        child = story.child("call", 0 if sequential else 1 - turn)
        child.complete_task("work", {"result": "r" + child.variables["item"]})
    assert story.waiting_at == ["after"]
    assert story.variables["out"] == ["ra", "rb"]


def test_a_child_for_an_item_that_could_not_start_is_retried_with_its_item(scenario):
    story = scenario(
        process("parent")
        .start()
        .call("call", "child", inputs={"what": "=item"}, all_in=False)
        .multi_instance('=["a", "b"]', element="item", output_collection="out", output_element="=what")
        .user_task("after")
        .end()
    ).start()
    assert len(story.incidents) == 2
    story.deploy(process("child").start().end())
    story.retry()
    assert story.variables["out"] == ["a", "b"]


def test_a_dismissed_child_of_a_loop_gives_null(scenario):
    story = scenario(
        process("parent")
        .start()
        .call("call", "child")
        .multi_instance('=["a", "b"]', element="item", output_collection="out", output_element="=result")
        .user_task("after")
        .end(),
        CHILD,
    ).start()
    one, two = story.child("call", 0), story.child("call", 1)
    one.dismiss()
    two.complete_task("work", {"result": 7})
    assert story.variables["out"] == [None, 7]
