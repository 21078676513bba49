"""Multi-instance: one child for each item, all at once or one after the other; results keep the order of the input."""

from __future__ import annotations

import pytest

from procession.testing import process


def pack(*, task="service_task", mappings=None, **loop):
    loop.setdefault("element", "item")
    builder = process("packing").start()
    return getattr(builder, task)("pack", **(mappings or {})).multi_instance(**loop).user_task("after").end()


COLLECTING = {"output_collection": "packed", "output_element": "=box"}


def test_parallel_children_run_all_at_once(scenario):
    story = scenario(pack(collection="=items")).start({"items": ["a", "b", "c"]})
    assert story.waiting_at == ["pack"] * 3
    body = story.tokens[0]
    assert (body.state, body.sync_node_tokens_count, body.sync_node_tokens_finished) == ("ON_HOLD", 3, 0)
    assert {token.parent_token_id for token in story.tokens[1:]} == {"1"}
    variables = [story.take_job("pack", number).variables for number in range(3)]
    assert [(v["item"], v["loopCounter"]) for v in variables] == [("a", 1), ("b", 2), ("c", 3)]


@pytest.mark.parametrize("order", [[0, 0, 0], [2, 1, 0], [1, 0, 0]])
def test_results_keep_the_order_of_the_input(scenario, order):
    story = scenario(pack(collection="=items", **COLLECTING)).start({"items": ["a", "b", "c"]})
    for number in order:
        job = story.take_job("pack", number)
        story.complete_job(job, {"box": f"box of {job.variables['item']}"})
    assert story.waiting_at == ["after"]
    assert story.variables["packed"] == ["box of a", "box of b", "box of c"]
    assert "box" not in story.variables and "item" not in story.variables


def test_sequential_children_run_one_after_the_other(scenario):
    story = scenario(pack(collection="=items", sequential=True, **COLLECTING)).start({"items": ["a", "b", "c"]})
    for number, item in enumerate("abc", 1):
        assert story.waiting_at == ["pack"]
        assert (story.tokens[0].sync_node_tokens_count, story.tokens[0].sync_node_tokens_finished) == (3, number - 1)
        job = story.take_job("pack")
        assert (job.variables["item"], job.variables["loopCounter"]) == (item, number)
        story.complete_job(job, {"box": item * 2})
    assert story.variables["packed"] == ["aa", "bb", "cc"]


@pytest.mark.parametrize("sequential", [False, True])
def test_an_empty_collection_is_done_at_once(scenario, sequential):
    story = scenario(pack(collection="=items", sequential=sequential, **COLLECTING)).start({"items": []})
    assert story.waiting_at == ["after"]
    assert story.variables == {"items": [], "packed": []}


@pytest.mark.parametrize("sequential", [False, True])
def test_a_number_instead_of_a_collection(scenario, sequential):
    story = scenario(pack(cardinality="=n", element=None, sequential=sequential)).start({"n": 2})
    story.complete_job("pack").complete_job("pack")
    assert story.waiting_at == ["after"]


@pytest.mark.parametrize("value", [None, "abc", {"a": 1}])
def test_a_collection_that_is_no_list_is_an_exception(scenario, value):
    story = scenario(pack(collection="=items")).start({"items": value})
    assert [i.type for i in story.incidents] == ["ExpressionEvaluation"]
    story.set_variables({"items": [1]}).retry()
    assert story.complete_job("pack").waiting_at == ["after"]


@pytest.mark.parametrize("value", [None, -1, 1.5, "2", True])
def test_a_number_that_is_none_is_an_exception(scenario, value):
    story = scenario(pack(cardinality="=n", element=None)).start({"n": value})
    assert len(story.incidents) == 1
    story.set_variables({"n": 0}).retry()
    assert story.waiting_at == ["after"]


@pytest.mark.parametrize("sequential", [False, True])
def test_a_completion_condition_ends_the_rest(scenario, sequential):
    story = scenario(
        pack(
            collection="=[1, 2, 3, 4]",
            completion="=numberOfCompletedInstances >= 2",
            sequential=sequential,
            **COLLECTING,
        )
    ).start()
    story.complete_job("pack", {"box": "x"})
    assert "pack" in story.waiting_at
    story.complete_job("pack", {"box": "y"})
    assert story.waiting_at == ["after"]
    assert story.variables["packed"] == ["x", "y", None, None]
    aborted = [token for token in story.all_tokens if token.state == "ABORTED"]
    assert len(aborted) == (0 if sequential else 2)


def test_a_completion_condition_sees_the_result(scenario):
    story = scenario(pack(collection="=[1, 2]", completion="=found", mappings={"outputs": {"found": "=hit"}}))
    story.start({"found": False})
    story.complete_job("pack", {"hit": True})
    assert story.waiting_at == ["after"]


def test_a_completion_condition_that_cannot_be_decided(scenario):
    story = scenario(pack(collection="=[1, 2]", completion="=good")).start()
    story.complete_job("pack")
    assert [i.node for i in story.incidents] == ["pack"]
    story.set_variables({"good": False}).retry()
    story.complete_job("pack")
    assert story.waiting_at == ["after"]


def test_what_children_write_stays_their_own_where_the_output_element_reads_it(scenario):
    story = scenario(pack(collection="=[1, 2]", **COLLECTING)).start()
    one, two = story.take_job("pack", 0), story.take_job("pack", 1)
    story.complete_job(two, {"box": 2, "seen": True}).complete_job(one, {"box": 1})
    assert story.variables == {"packed": [1, 2], "seen": True}


def test_mappings_of_each_child(scenario):
    mappings = {"inputs": {"double": "=item * 2"}, "outputs": {"box": "=double + extra"}}
    story = scenario(pack(collection="=[1, 2]", mappings=mappings, **COLLECTING)).start()
    assert story.take_job("pack", 1).variables["double"] == 4
    story.advance("PT10M")
    story.complete_job("pack", {"extra": 100}).complete_job("pack", {"extra": 100})
    assert story.variables["packed"] == [102, 104]


def test_automatic_children_are_done_in_one_step(scenario):
    story = scenario(
        process("squares")
        .start()
        .script("square", "=n * n", "square_of_n")
        .multi_instance(
            "=[1, 2, 3]", element="n", output_collection="squares", output_element="=square_of_n", sequential=True
        )
        .script("cube", "=n * n * n", "c")
        .multi_instance("=[1, 2, 3]", element="n", output_collection="cubes", output_element="=c")
        .end()
    ).start()
    assert story.status == "FINISHED"
    assert story.variables == {"squares": [1, 4, 9], "cubes": [1, 8, 27]}


def test_many_items(scenario):
    story = scenario(
        process("many")
        .start()
        .script("square", "=n * n", "s")
        .multi_instance("=for i in 1..500 return i", element="n", output_collection="all", output_element="=s")
        .end()
    ).start()
    assert story.status == "FINISHED"
    assert story.variables["all"] == [n * n for n in range(1, 501)]


@pytest.mark.parametrize("sequential", [False, True])
def test_user_tasks(scenario, sequential):
    story = scenario(pack(task="user_task", collection='=["a", "b"]', sequential=sequential, **COLLECTING)).start()
    story.complete_task("pack", {"box": 1}).complete_task("pack", {"box": 2})
    assert story.variables["packed"] == [1, 2]


@pytest.mark.parametrize("sequential", [False, True])
def test_a_sub_process_for_each_item(scenario, sequential):
    inner = process("inner").start().script("name", '="box " + string(item)', "box").user_task("check").end()
    story = scenario(
        process("each")
        .start()
        .sub_process("sub", inner)
        .multi_instance(
            "=[1, 2, 3]",
            element="item",
            output_collection="boxes",
            output_element="=box",
            sequential=sequential,
        )
        .user_task("after")
        .end()
    ).start()
    for _ in range(3):
        story.complete_task("check")
    assert story.waiting_at == ["after"]
    assert story.variables["boxes"] == ["box 1", "box 2", "box 3"]


def test_a_loop_inside_a_loop(scenario):
    inner = (
        process("inner")
        .start()
        .script("cell", "=row * column", "value")
        .multi_instance("=[1, 2, 3]", element="column", output_collection="cells", output_element="=value")
        .end()
    )
    story = scenario(
        process("table")
        .start()
        .sub_process("rows", inner)
        .multi_instance("=[1, 2]", element="row", output_collection="table", output_element="=cells")
        .end()
    ).start()
    assert story.variables == {"table": [[1, 2, 3], [2, 4, 6]]}


def test_a_receive_task_for_each_item(scenario):
    story = scenario(
        process("answers")
        .start()
        .receive("answer", "reply", "=person")
        .multi_instance('=["ana", "bob"]', element="person", output_collection="all", output_element="=text")
        .end()
    ).start()
    story.message("reply", "bob", {"text": "B"})
    story.message("reply", "ana", {"text": "A"})
    assert (story.status, story.variables["all"]) == ("FINISHED", ["A", "B"])


def test_the_boundary_belongs_to_the_whole_activity(scenario):
    story = scenario(
        process("timed")
        .start()
        .service_task("pack")
        .multi_instance("=[1, 2, 3]")
        .end()
        .boundary_timer("pack", "late", duration="PT1H")
        .user_task("after")
        .end()
    ).start()
    assert [wait["kind"] for wait in story.waits].count("timer") == 1
    story.complete_job("pack").advance("PT1H")
    assert story.waiting_at == ["after"]
    assert story.engine.counts()["job"] == 0


def test_a_non_interrupting_boundary_beside_the_children(scenario):
    story = scenario(
        process("timed")
        .start()
        .service_task("pack")
        .multi_instance("=[1, 2]", sequential=True)
        .end()
        .boundary_timer("pack", "tick", duration="PT1H", interrupting=False)
        .user_task("hurry")
        .end()
    ).start()
    story.advance("PT1H")
    assert story.waiting_at == ["hurry", "pack"]
    story.complete_job("pack").complete_task("hurry").complete_job("pack")
    assert story.status == "FINISHED"


def test_an_error_in_one_child_ends_all(scenario):
    story = scenario(
        process("failing")
        .start()
        .service_task("pack")
        .multi_instance("=[1, 2, 3]", element="item", **COLLECTING)
        .end()
        .boundary_error("pack", "BROKEN")
        .user_task("after")
        .end()
    ).start()
    story.throw_error("pack", "BROKEN", number=1)
    assert story.waiting_at == ["after"]
    assert story.variables == {}


@pytest.mark.parametrize("sequential", [False, True])
def test_a_child_that_is_retried_after_an_error_has_its_item_again(scenario, sequential):
    story = scenario(
        pack(collection='=["a", "b"]', mappings={"inputs": {"label": "=item"}}, sequential=sequential, **COLLECTING)
    ).start()
    story.throw_error("pack", "UNKNOWN")
    [incident] = story.incidents
    story.retry("pack")
    job = story.take_job("pack", 0 if sequential else 1)
    assert (job.variables["item"], job.variables["label"], job.variables["loopCounter"]) == ("a", "a", 1)
    assert incident.type == "UncaughtError"
    story.complete_job(job, {"box": 1}).complete_job("pack", {"box": 2})
    assert story.variables["packed"] == [1, 2]


def test_a_loop_that_begins_again_starts_with_no_results(scenario):
    """The same token runs the activity twice, the second time in the very step in which the first one ended."""
    story = scenario(
        process("again")
        .start()
        .exclusive("merge")
        .service_task("pack")
        .multi_instance("=[1, 2]", **COLLECTING)
        .exclusive("enough")
        .when("=packed[1] != null")
        .to("merge")
        .back_to("enough")
        .otherwise()
        .end()
    ).start()
    story.complete_job("pack", {"box": "a"}).complete_job("pack", {"box": "b"})
    assert story.variables["packed"] == ["a", "b"]
    assert story.waiting_at == ["pack", "pack"]
    story.complete_job("pack").complete_job("pack", {"box": "d"})
    assert (story.status, story.variables["packed"]) == ("FINISHED", [None, "d"])
