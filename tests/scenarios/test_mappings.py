"""Input and output mappings, and where results are written."""

from __future__ import annotations

from decimal import Decimal

from procession.testing import process


def work(inputs=None, outputs=None):
    return process("one").start().service_task("work", inputs=inputs, outputs=outputs).user_task("after").end()


def test_without_mappings_results_are_merged_into_the_root(scenario):
    story = scenario(work()).start({"client": {"name": "Pop", "age": 40}, "list": [1, 2]})
    story.complete_job("work", {"client": {"age": 41, "city": None}, "list": [3], "new": True})
    assert story.variables == {
        "client": {"name": "Pop", "age": 41, "city": None},
        "list": [3],
        "new": True,
    }


def test_inputs_are_local_and_each_sees_those_before_it(scenario):
    story = scenario(work(inputs={"a": "=x + 1", "b": "=a * 10", "deep.er": "=b"})).start({"x": 1})
    assert story.take_job("work").variables == {"x": 1, "a": 2, "b": 20, "deep": {"er": 20}}
    story.advance("PT1H").complete_job("work")
    assert story.variables == {"x": 1}


def test_outputs_choose_what_is_handed_on(scenario):
    story = scenario(work(outputs={"order.total": "=sum + 1", "order.ok": "=true"})).start({"order": {"id": 7}})
    story.complete_job("work", {"sum": 5, "noise": "x"})
    assert story.variables == {"order": {"id": 7, "total": 6, "ok": True}}


def test_a_result_with_the_name_of_an_input_stays_local(scenario):
    story = scenario(work(inputs={"a": "=x"})).start({"x": 1})
    story.complete_job("work", {"a": 100, "b": 2})
    assert story.variables == {"x": 1, "b": 2}


def test_what_is_missing_becomes_null(scenario):
    story = scenario(work(inputs={"a": "=nobody.knows"})).start()
    assert story.take_job("work").variables == {"a": None}


def test_numbers_keep_their_digits(scenario):
    story = scenario(work(inputs={"third": "=1 / 3"}, outputs={"sum": "=price + 0.2"})).start({"price": 0.1})
    assert str(story.take_job("work").variables["third"]).startswith("0.33333333333333333333333333333333")
    story.advance("PT1H").complete_job("work")
    assert story.variables["sum"] == Decimal("0.3")


def test_a_user_task_maps_too(scenario):
    story = scenario(
        process("form").start().user_task("fill", inputs={"shown": "=x"}, outputs={"y": "=shown + typed"}).end()
    ).start({"x": 1})
    story.complete_task("fill", {"typed": 2})
    assert story.variables == {"x": 1, "y": 3}


def test_an_interrupted_activity_leaves_no_locals(scenario):
    story = scenario(
        process("late")
        .start()
        .user_task("fill", inputs={"secret": "=1"})
        .end()
        .boundary_timer("fill", duration="PT1H")
        .script("look", "=secret", "seen")
        .end()
    ).start()
    story.advance("PT1H")
    assert story.variables == {"seen": None}
