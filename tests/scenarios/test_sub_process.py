"""Embedded sub-processes: the token is held while a child runs inside, in a scope of its own."""

from __future__ import annotations

from procession.testing import process


def outer(inner, **options):
    return process("outer").start().sub_process("sub", inner, **options).user_task("after").end()


def test_the_token_is_held_until_what_is_inside_is_done(scenario):
    story = scenario(outer(process("inner").start().user_task("work").end())).start()
    parent, child = story.tokens
    assert (parent.state, parent.current_node_id, parent.sync_node_tokens_count) == ("ON_HOLD", "sub", 1)
    assert (child.parent_token_id, child.start_node_id, child.current_node_id) == ("1", "sub_start", "work")
    story.complete_task("work")
    assert story.waiting_at == ["after"]
    assert story.completed == ["start", "sub_start", "work", "sub_end", "sub"]


def test_it_is_done_when_its_last_token_is(scenario):
    inner = process("inner").start().parallel("fork").user_task("a").end().back_to("fork").user_task("b").end()
    story = scenario(outer(inner)).start()
    story.complete_task("a")
    assert story.waiting_at == ["b"]
    story.complete_task("b")
    assert story.waiting_at == ["after"]


def test_input_mappings_declare_variables_that_end_with_it(scenario):
    inner = (
        process("inner").start().script("calc", "=x * 2", "x").script("leak", "=x", "result").user_task("work").end()
    )
    story = scenario(outer(inner, inputs={"x": "=amount"})).start({"amount": 4})
    assert story.variables == {"amount": 4, "result": 8}
    story.complete_task("work", {"x": 100})
    assert story.variables == {"amount": 4, "result": 8}, "x was declared inside, and written there"


def test_output_mappings_choose_what_comes_out(scenario):
    inner = process("inner").start().user_task("work").end()
    story = scenario(outer(inner, inputs={"x": "=1", "y": "=null"}, outputs={"sum": "=x + y"})).start()
    story.complete_task("work", {"y": 2})
    assert story.variables == {"sum": 3}


def test_the_inner_scope_hides_the_outer_one(scenario):
    deep = process("deep").start().script("calc", "=x + y", "sum").user_task("far").end()
    inner = process("inner").start().sub_process("deep", deep, inputs={"x": "=x + 10"}).user_task("near").end()
    story = scenario(outer(inner, inputs={"x": "=x + 1", "sum": "=0"}, outputs={"total": "=sum"}))
    story.start({"x": 1, "y": 100})
    assert story.variables == {"x": 1, "y": 100}
    story.complete_task("far").complete_task("near")
    assert story.variables == {"x": 1, "y": 100, "total": 112}


def test_a_sub_process_in_a_loop_begins_anew_each_time(scenario):
    inner = process("inner").start().script("count", "=n + 1", "n").end()
    story = scenario(
        process("rounds")
        .start()
        .exclusive("again")
        .sub_process("sub", inner, inputs={"n": "=0"}, outputs={"turns": "=turns + n"})
        .exclusive("enough")
        .when("=turns < 5")
        .to("again")
        .back_to("enough")
        .otherwise()
        .end()
    ).start({"turns": 0})
    assert (story.status, story.variables) == ("FINISHED", {"turns": 5})


def test_scopes_that_follow_each_other_in_one_step_do_not_mix(scenario):
    """The same token owns one scope after the other: what the first declared must be gone from the second."""
    story = scenario(
        process("scopes")
        .start()
        .user_task("first", inputs={"a": "=1"}, outputs={"z": "=a"})
        .user_task("second", inputs={"b": "=2"}, outputs={"has_a": "=a"})
        .end()
    ).start()
    story.complete_task("first", {"q": 1}).complete_task("second")
    assert story.variables == {"z": 1, "has_a": None}


def test_sub_processes_side_by_side(scenario):
    def inner(name):
        return process("inner").start().user_task(name).end()

    story = scenario(
        process("both")
        .start()
        .parallel("fork")
        .sub_process("left", inner("l"), inputs={"side": '="left"'}, outputs={"l": "=side"})
        .parallel("join")
        .end()
        .back_to("fork")
        .sub_process("right", inner("r"), inputs={"side": '="right"'}, outputs={"r": "=side"})
        .to("join")
    ).start()
    story.complete_task("r").complete_task("l")
    assert (story.status, story.variables) == ("FINISHED", {"l": "left", "r": "right"})
