"""Loops that the drawing makes: counted, long, and endless."""

from __future__ import annotations

from procession.engine.decide import decide
from procession.testing import process

COUNT = (
    process("count")
    .start()
    .script("zero", "=0", "n")
    .exclusive("again")
    .script("add", "=n + 1", "n")
    .exclusive("enough")
    .when("=n < limit")
    .to("again")
    .back_to("enough")
    .otherwise()
    .user_task("after")
    .end()
)


def test_a_tight_loop_runs_over_the_bound_of_one_transaction(scenario):
    story = scenario(COUNT).start({"limit": 5000})
    assert (story.waiting_at, story.variables["n"]) == (["after"], 5000)
    assert [row.command for row in story.history] == ["start", "continue"], "it was continued, and answered at the end"
    assert story.complete_task("after").status == "FINISHED"


def test_other_branches_are_not_lost_in_it(scenario):
    story = scenario(
        process("both")
        .start()
        .parallel("fork")
        .script("zero", "=0", "n")
        .exclusive("again")
        .script("add", "=n + 1", "n")
        .exclusive("enough")
        .when("=n < 6000")
        .to("again")
        .back_to("enough")
        .otherwise()
        .inclusive("join")
        .end()
        .back_to("fork")
        .task("quick")
        .to("join")
    ).start()
    assert story.status == "FINISHED"


def small_steps(monkeypatch, steps, endless):
    """Bounds that a test reaches soon."""

    def small(*args, **options):
        return decide(*args, **{**options, "steps": steps, "endless": endless})

    monkeypatch.setattr("procession.runtime.work.decide", small)


def test_an_endless_loop_becomes_an_incident_that_names_the_cycle(scenario, monkeypatch):
    small_steps(monkeypatch, 100, 1000)
    story = scenario(COUNT).start({"limit": 1_000_000})
    [incident] = story.incidents
    assert incident.type == "EndlessLoop"
    assert "1,000 nodes" in incident.message
    assert all(name in incident.message for name in ("again", "add", "enough"))
    assert "zero" not in incident.message
    story.set_variables({"limit": 0}).retry()
    assert story.waiting_at == ["after"]


def test_the_other_tokens_of_an_endless_loop_go_on(scenario, monkeypatch):
    small_steps(monkeypatch, 100, 300)
    story = scenario(
        process("both")
        .start()
        .parallel("fork")
        .exclusive("again")
        .task("turn")
        .to("again")
        .back_to("fork")
        .task("quick")
        .inclusive("join")
        .user_task("after")
        .end()
    ).start()
    assert [i.type for i in story.incidents] == ["EndlessLoop"]
    assert "after" in story.waiting_at
    story.terminate()


def test_a_join_that_opens_while_another_token_runs_over_the_bound(scenario, monkeypatch):
    """The inclusive join is asked again after the cut, although nothing moved in its sub-process since."""
    small_steps(monkeypatch, 50, 100_000)
    inner = (
        process("inner")
        .start()
        .inclusive("split")
        .when("=true")
        .task("a")
        .inclusive("join")
        .user_task("joined")
        .end()
        .back_to("split")
        .when("=true")
        .task("b")
        .to("join")
    )
    story = scenario(
        process("outer")
        .start()
        .parallel("fork")
        .sub_process("sub", inner)
        .end()
        .back_to("fork")
        .script("zero", "=0", "n")
        .exclusive("again")
        .script("add", "=n + 1", "n")
        .exclusive("enough")
        .when("=n < 200")
        .to("again")
        .back_to("enough")
        .otherwise()
        .user_task("counted")
        .end()
    ).start()
    assert story.waiting_at == ["counted", "joined"]


def test_a_loop_with_a_wait_in_it_is_never_endless(scenario, monkeypatch):
    small_steps(monkeypatch, 20, 100)
    story = scenario(
        process("patient")
        .start()
        .exclusive("again")
        .user_task("turn")
        .exclusive("enough")
        .when("=enough = true")
        .end()
        .back_to("enough")
        .otherwise()
        .to("again")
    ).start()
    for _ in range(60):
        story.complete_task("turn")
    assert story.complete_task("turn", {"enough": True}).status == "FINISHED"


def test_a_node_may_lead_to_itself(scenario):
    story = scenario(
        process("itself")
        .start()
        .script("add", "=if n = null then 1 else n + 1", "n")
        .when("=n < 3")
        .to("add")
        .back_to("add")
        .otherwise()
        .end()
    ).start()
    assert (story.status, story.variables["n"]) == ("FINISHED", 3)


def test_a_loop_that_makes_tokens_without_end_is_an_incident_too(scenario, monkeypatch):
    small_steps(monkeypatch, 200, 600)
    story = scenario(
        process("flood")
        .start()
        .exclusive("again")
        .parallel("fork")
        .task("a")
        .to("again")
        .back_to("fork")
        .task("b")
        .to("again")
    ).start()
    assert "EndlessLoop" in [i.type for i in story.incidents]
    story.terminate()


def test_a_loop_that_only_splits_is_stopped_by_the_number_of_its_tokens(monkeypatch, scenario):
    monkeypatch.setattr("procession.engine.decide.LIVE_TOKENS", 2_000)
    story = scenario(
        process("flood").start().exclusive("again").parallel("fork").task("a").to("again")
        .back_to("fork").task("b").to("again").build()
    ).start()  # fmt: skip
    assert story.status == "STARTED"
    assert {incident.type for incident in story.incidents} == {"EndlessLoop"}
    assert "without waiting for anything" in story.incidents[0].message
    story.terminate()
