"""Parallel gateways: a fork holds the arriving token and sends out children, a join takes one token from each flow."""

from __future__ import annotations

from procession.testing import process

ORDER = (
    process("order")
    .start()
    .parallel("fork")
    .service_task("pack")
    .parallel("join")
    .end()
    .back_to("fork")
    .service_task("bill")
    .to("join")
)


def token(story, number):
    return next(token for token in story.all_tokens if token.id == str(number))


def test_join_waits_for_the_last_branch(scenario):
    order = scenario(ORDER).start()
    order.complete_job("pack")
    assert order.waiting_at == ["bill", "join"]

    order.complete_job("bill")
    assert order.completed == ["start", "fork", "pack", "bill", "join", "end"]
    assert order.status == "FINISHED"


def test_the_token_is_held_while_its_children_run_and_goes_on_from_the_join(scenario):
    """The worked trace of a parallel section with two branches, one of them with a user task."""
    story = scenario(
        process("trace")
        .start("s")
        .parallel("split")
        .task("a1")
        .parallel("join")
        .user_task("after")
        .end("e")
        .back_to("split")
        .user_task("b1")
        .to("join")
    ).start()

    parent, a, b = token(story, 1), token(story, 2), token(story, 3)
    assert (parent.state, parent.sync_node_tokens_count, parent.sync_node_tokens_finished) == ("ON_HOLD", 2, 0)
    assert (a.current_node_id, a.state) == ("join", "ACTIVE")
    assert (b.current_node_id, b.state, b.status_current_node) == ("b1", "ACTIVE", "EXECUTED_PARTIAL")
    assert a.parent_token_id == b.parent_token_id == "1"
    assert (a.start_node_id, b.start_node_id) == ("a1", "b1")

    story.complete_task("b1")
    parent, a, b = token(story, 1), token(story, 2), token(story, 3)
    assert (parent.state, parent.current_node_id, parent.status_current_node) == ("ACTIVE", "after", "EXECUTED_PARTIAL")
    assert (parent.sync_node_tokens_count, parent.sync_node_tokens_finished) == (2, 2)
    assert (a.state, a.current_node_id) == ("INACTIVE", "join")
    assert (b.state, b.current_node_id) == ("INACTIVE", "join")
    assert len(story.all_tokens) == 3, "merged back into the parent: there is no third child"

    story.complete_task("after")
    assert (token(story, 1).state, token(story, 1).current_node_id) == ("INACTIVE", "e")
    assert story.status == "FINISHED"


def test_versions_of_a_token_only_grow(scenario):
    order = scenario(ORDER).start()
    before = {token.id: token.version for token in order.tokens}
    order.complete_job("pack")
    after = {token.id: token.version for token in order.tokens}
    assert all(after[number] >= version for number, version in before.items())
    assert after["2"] > before["2"]


def test_a_branch_that_ends_counts_in_its_parent(scenario):
    story = scenario(
        process("ends").start().parallel("fork").user_task("a").end().back_to("fork").user_task("b").end()
    ).start()
    story.complete_task("a")
    assert token(story, 1).sync_node_tokens_finished == 1
    assert story.status == "STARTED"

    story.complete_task("b")
    assert token(story, 1).state == "INACTIVE"
    assert story.status == "FINISHED"


def test_a_fork_within_a_fork_merges_level_by_level(scenario):
    story = scenario(
        process("nested")
        .start()
        .parallel("outer")
        .parallel("inner")
        .user_task("a")
        .parallel("inner_join")
        .parallel("outer_join")
        .end()
        .back_to("inner")
        .user_task("b")
        .to("inner_join")
        .back_to("outer")
        .user_task("c")
        .to("outer_join")
    ).start()
    assert story.waiting_at == ["a", "b", "c"]
    assert token(story, 2).state == "ON_HOLD" and token(story, 2).parent_token_id == "1"
    assert token(story, 4).parent_token_id == token(story, 5).parent_token_id == "2"

    story.complete_task("a").complete_task("b")
    assert token(story, 2).state == "ACTIVE" and token(story, 2).current_node_id == "outer_join"
    story.complete_task("c")
    assert story.completed[-2:] == ["outer_join", "end"]


def test_a_loop_through_a_split_and_a_join_is_right_because_tokens_are_counted(scenario):
    story = scenario(
        process("rounds")
        .start()
        .script("zero", "=0", "round")
        .exclusive("again")
        .parallel("fork")
        .user_task("a")
        .parallel("join")
        .script("count", "=round + 1", "round")
        .exclusive("enough")
        .when("=round < 3")
        .to("again")
        .back_to("enough")
        .otherwise()
        .end()
        .back_to("fork")
        .user_task("b")
        .to("join")
    ).start()
    for turn in range(3):
        assert story.variables["round"] == turn
        story.complete_task("b").complete_task("a")
    assert story.status == "FINISHED"
    assert story.completed.count("join") == 3
    assert len(story.all_tokens) == 1 + 2 * 3


UNSTRUCTURED = (
    process("unstructured")
    .start()
    .parallel("fork")
    .user_task("a")
    .parallel("ab")
    .user_task("after_ab")
    .end()
    .back_to("fork")
    .parallel("second")
    .user_task("b")
    .to("ab")
    .back_to("second")
    .user_task("c")
    .end()
)
"""`ab` joins a child of `fork` with a child of `second`: they have different parents."""


def test_an_unstructured_join_keeps_the_token_nearest_to_the_root(scenario):
    story = scenario(UNSTRUCTURED).start()
    assert story.waiting_at == ["a", "b", "c"]
    story.complete_task("b").complete_task("a")
    assert story.waiting_at == ["after_ab", "c"]
    assert token(story, 2).current_node_id == "after_ab", "the child of the root survives"
    assert token(story, 4).state == "INACTIVE", "the child of the inner split is consumed"
    assert token(story, 3).sync_node_tokens_finished == 1, "and counts in its own parent"

    story.complete_task("c")
    assert token(story, 3).state == "INACTIVE", "a parent whose children all ended ends too"
    assert token(story, 1).sync_node_tokens_finished == 1
    story.complete_task("after_ab")
    assert story.status == "FINISHED"


def test_a_join_consumes_one_token_per_flow_oldest_first(scenario):
    """Two tokens come by the same flow: the second waits for a second token of the other flow."""
    story = scenario(
        process("twice")
        .start()
        .parallel("fork")
        .user_task("a")
        .exclusive("merge")
        .task("left")
        .parallel("join")
        .user_task("after")
        .end()
        .back_to("fork")
        .user_task("b")
        .to("merge")
        .back_to("fork")
        .user_task("c")
        .to("join")
    ).start()
    story.complete_task("b").complete_task("a")
    assert story.waiting_at == ["c", "join", "join"]
    story.complete_task("c")
    assert story.waiting_at == ["after", "join"]
    assert token(story, 2).current_node_id == "join", "the later arrival waits on"
    story.complete_task("after")
    assert story.status == "STARTED"
    assert [wait["kind"] for wait in story.waits] == ["join"], "it says what it waits for"


def test_a_gateway_may_join_and_fork_at_once(scenario):
    story = scenario(
        process("mixed")
        .start()
        .parallel("fork")
        .user_task("a")
        .parallel("both")
        .user_task("c")
        .end()
        .back_to("fork")
        .user_task("b")
        .to("both")
        .back_to("both")
        .user_task("d")
        .end()
    ).start()
    story.complete_task("a").complete_task("b")
    assert story.waiting_at == ["c", "d"]
    assert token(story, 4).parent_token_id == "1"
    story.complete_task("c").complete_task("d")
    assert story.status == "FINISHED"
