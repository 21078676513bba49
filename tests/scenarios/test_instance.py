"""An instance as a whole: how it ends, how its data is changed, what it is called, and what it was like before."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.testing import process

FORM = process("form").start().user_task("fill").user_task("check").end()


def refused(call):
    with pytest.raises(CommandRejected) as caught:
        call()
    return caught.value


# -- terminate and expiry -----------------------------------------------------------------------------------------------


def test_terminate_ends_every_token_and_everything_that_is_waited_for(scenario):
    inner = process("inner").start().user_task("deep").end()
    story = scenario(
        process("wide")
        .start()
        .parallel("fork")
        .sub_process("sub", inner)
        .boundary_timer("sub", duration="P1D")
        .end()
        .back_to("sub")
        .end()
        .back_to("fork")
        .service_task("each")
        .multi_instance("=[1, 2]")
        .end()
        .back_to("fork")
        .catch_message("ear", "m", '="k"')
        .parallel("join")
        .end()
        .back_to("fork")
        .to("join")
    ).start()
    story.terminate("enough")
    assert story.status == "TERMINATED"
    assert {token.state for token in story.all_tokens} == {"TERMINATED"}
    assert (story.tokens, story.waits) == ([], [])


def test_what_is_over_cannot_be_changed(scenario):
    story = scenario(FORM).start().terminate()
    for command in (story.terminate, story.hold, story.unhold, lambda: story.set_variables({"a": 1})):
        error = refused(command)
        assert (error.status, error.extra["state"]) == (409, "TERMINATED")


def test_who_started_it_may_give_it_up(scenario):
    guarded = process("guarded").start().user_task("fill").end().lane("Front", "start", "fill", execute="clerk")
    story = scenario(guarded).as_user("ana", "clerk").start()
    assert refused(lambda: story.as_user("bob", "clerk").terminate()).status == 403
    assert story.as_user("ana", "clerk").terminate().status == "TERMINATED"


def test_an_instance_expires(scenario):
    story = scenario(process("short").settings(expiry="PT2H").start().user_task("fill").end()).start()
    assert story.advance("PT1H").status == "STARTED"
    assert story.advance("PT1H").status == "EXPIRED"
    assert {token.state for token in story.all_tokens} == {"EXPIRED"}


def test_an_instance_that_ends_in_time_does_not_expire(scenario):
    story = scenario(process("short").settings(expiry="PT2H").start().user_task("fill").end()).start()
    story.complete_task("fill")
    assert story.status == "FINISHED"
    assert story.engine.counts()["timer"] == 0
    assert story.advance("P1D").status == "FINISHED"


def test_expiry_by_cron(scenario):
    story = scenario(process("daily").settings(expiry="0 0 3 * * *").start().user_task("fill").end()).start()
    assert story.advance("PT2H59M").status == "STARTED"
    assert story.advance("PT1M").status == "EXPIRED"


# -- data ---------------------------------------------------------------------------------------------------------------


def test_variables_are_changed_by_a_merge_patch(scenario):
    story = scenario(FORM).start({"a": {"x": 1, "y": 2}, "b": 1, "list": [1, {"z": 1}]})
    story.set_variables({"a": {"x": None, "z": 3}, "b": None, "list": [2], "new": {"n": None, "m": 1}}, "typo")
    assert story.variables == {"a": {"y": 2, "z": 3}, "list": [2], "new": {"m": 1}}
    assert story.history[-1].reason == "typo"


def test_only_those_who_repair_may_change_variables(scenario):
    guarded = process("guarded").start().user_task("fill").end().lane("Front", "start", "fill", execute="clerk")
    story = scenario(guarded).start()
    assert refused(lambda: story.as_user("ana", "clerk").set_variables({"a": 1})).status == 403
    assert story.as_user("max", "operator").set_variables({"a": 1}).variables == {"a": 1}


# -- inheritance --------------------------------------------------------------------------------------------------------

SOURCE = {"client": {"id": 7, "name": "Pop"}, "secret": "x", "list": [1]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, SOURCE),
        ({"params_to_copy": ["client"]}, {"client": {"id": 7, "name": "Pop"}}),
        ({"params_to_copy": ["client.id", "missing"]}, {"client": {"id": 7}}),
        ({"without_params": ["secret", "client.name"]}, {"client": {"id": 7}, "list": [1]}),
        ({"params_to_copy": ["client", "secret"], "without_params": ["secret"]}, {"client": {"id": 7, "name": "Pop"}}),
    ],
)
def test_an_instance_inherits_from_another_one(scenario, options, expected):
    story = scenario(FORM)
    source = story.start(SOURCE).id
    story.start({}, inherit_from=source, **options)
    assert story.variables == expected
    assert story.of(source).variables == SOURCE


def test_values_that_are_sent_win_over_inherited_ones(scenario):
    story = scenario(FORM)
    source = story.start(SOURCE).id
    story.start({"client": {"name": "Ion"}, "list": [2]}, inherit_from=source)
    assert story.variables == {"client": {"id": 7, "name": "Ion"}, "secret": "x", "list": [2]}


def test_inheriting_from_an_instance_that_is_over(scenario):
    story = scenario(FORM).start(SOURCE).terminate()
    assert story.start(inherit_from=story.id).variables == SOURCE


def test_inheriting_from_nobody(scenario):
    assert refused(lambda: scenario(FORM).start(inherit_from="12345")).status == 404


def test_inheriting_needs_the_right_to_see_the_source(scenario):
    guarded = process("guarded").start().user_task("fill").end().lane("Front", "start", "fill", execute="clerk")
    story = scenario(FORM, guarded)
    source = story.start(SOURCE, process="guarded").id
    eve = story.as_user("eve", "visitor")
    assert refused(lambda: eve.start(inherit_from=source)).status == 404, "as one that nobody has"
    assert story.as_user("ana", "clerk").start(inherit_from=source).variables == SOURCE


# -- names and repetitions ----------------------------------------------------------------------------------------------


def test_instances_are_found_by_their_business_key(scenario):
    story = scenario(FORM)
    one = story.start(business_key="o-1").id
    story.start(business_key="o-2")
    assert [item.id for item in story.engine.instances(business_key="o-1").items] == [one]
    assert story.of(one).view.business_key == "o-1"


def test_the_same_idempotency_key_starts_once(scenario):
    story = scenario(FORM)
    first = story.start({"a": 1}, idempotency_key="k").id
    story.complete_task("fill")
    again = story.start({"a": 1}, idempotency_key="k")
    assert again.id == first
    assert again.waiting_at == ["check"]
    assert len(story.instances()) == 1
    assert story.start({"a": 1}, idempotency_key="other").id != first


def test_the_same_key_for_another_request_is_refused(scenario):
    story = scenario(FORM).start({"a": 1}, idempotency_key="k")
    assert refused(lambda: story.start({"a": 2}, idempotency_key="k")).status == 422
    assert len(story.instances()) == 1


def test_a_key_belongs_to_who_sent_it(scenario):
    story = scenario(FORM)
    first = story.as_user("ana").start(idempotency_key="k").id
    assert story.as_user("bob").start(idempotency_key="k").id != first


def test_a_running_instance_keeps_its_version(scenario):
    story = scenario(FORM).start()
    story.deploy(process("form").start().user_task("other").end())
    assert story.complete_task("fill").waiting_at == ["check"]
    old = story.id
    assert story.start().waiting_at == ["other"]
    assert (story.of(old).view.version, story.view.version) == (1, 2)


def test_the_same_file_keeps_its_version(scenario):
    story = scenario(FORM)
    story.deploy(FORM)
    assert [d.version for d in story.engine.definitions("form")] == [1]


# -- the time machine ---------------------------------------------------------------------------------------------------


def test_the_state_at_any_position(scenario):
    story = scenario(FORM).start({"n": 0})
    story.complete_task("fill", {"n": 1}).hold().unhold().complete_task("check", {"n": 2})
    seen = [(story.at(p).status, story.at(p).waiting_at, story.at(p).variables["n"]) for p in range(1, 6)]
    assert seen == [
        ("STARTED", ["fill"], 0),
        ("STARTED", ["check"], 1),
        ("ON_HOLD", ["check"], 1),
        ("STARTED", ["check"], 1),
        ("FINISHED", [], 2),
    ]
    assert story.at(5).seq == story.view.seq == 5


def test_history_has_one_row_for_each_command(scenario):
    story = scenario(FORM).as_user("ana").start()
    story.as_user("bob").complete_task("fill")
    assert [(row.position, row.actor, row.command) for row in story.history] == [
        (1, "ana", "start"),
        (2, "bob", "complete-task"),
    ]


def test_a_token_knows_where_it_was(scenario):
    story = scenario(FORM).start().complete_task("fill")
    [token] = story.all_tokens
    assert [visit["nodeId"] for visit in token.nodes_action_states] == ["start", "fill", "check"]
    assert token.back_seq == {"nodes": ["start", "fill", "check"]}
