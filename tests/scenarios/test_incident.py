"""Incidents: a token that cannot go on says why, and goes on after the repair."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.testing import process


def refused(call):
    with pytest.raises(CommandRejected) as caught:
        call()
    return caught.value.status


def kinds():
    """For each kind of incident: a process that gets stuck, where, and the patch that mends it."""

    def start():
        return process("stuck").start()

    return {
        "no way out": (start().exclusive("x").when("=a").user_task("after").end().back_to("x").when("=b").end(), "x"),
        "condition": (
            start().exclusive("x").when("=a > 1").user_task("after").end().back_to("x").otherwise().end(),
            "x",
        ),
        "job type": (start().service_task("x", job="=a").user_task("after").end(), "x"),
        "job retries": (start().service_task("x", job="j", retries="=a").user_task("after").end(), "x"),
        "candidates": (start().user_task("x", groups="=a").user_task("after").end(), "x"),
        "due date": (start().user_task("x", due="=a").user_task("after").end(), "x"),
        "priority": (start().user_task("x", priority="=a").user_task("after").end(), "x"),
        "timer": (start().catch_timer("x", "=a").user_task("after").end(), "x"),
        "key": (start().catch_message("x", "m", "=a").user_task("after").end(), "x"),
        "message variables": (start().throw_message("x", "m", variables="=a").user_task("after").end(), "x"),
        "message ttl": (start().throw_message("x", "m", ttl="=a").user_task("after").end(), "x"),
        "collection": (start().task("x").multi_instance("=a").user_task("after").end(), "x"),
        "script": (start().script("x", "=a").user_task("after").end(), "x"),
        "called process": (start().call("x", "=a").user_task("after").end(), "x"),
    }


MENDED = {
    "no way out": ({"a": False, "b": False}, {"a": True}),
    "condition": ({"a": "x"}, {"a": 2}),
    "job type": ({"a": 5}, {"a": "j"}),
    "job retries": ({"a": 0}, {"a": 2}),
    "candidates": ({"a": 5}, {"a": "clerk"}),
    "due date": ({"a": "soon"}, {"a": "2030-01-02T00:00:00Z"}),
    "priority": ({"a": 101}, {"a": 50}),
    "timer": ({"a": "soon"}, {"a": "PT1S"}),
    "key": ({"a": None}, {"a": "k"}),
    "message variables": ({"a": 5}, {"a": {"b": 1}}),
    "message ttl": ({"a": "soon"}, {"a": "PT1S"}),
    "collection": ({"a": 5}, {"a": [1, 2]}),
    "script": ({"a": 5}, {"a": {"b": 1}}),
    "called process": ({"a": None}, {"a": "child"}),
}


@pytest.mark.parametrize("kind", sorted(MENDED))
def test_each_kind_is_retried_after_the_repair(scenario, kind):
    built, node = kinds()[kind]
    wrong, right = MENDED[kind]
    story = scenario(built, process("child").start().end()).start(wrong)
    [incident] = story.incidents
    assert (incident.node, incident.instance, incident.token_id) == (node, story.id, "1")
    assert incident.message and incident.type and incident.source
    assert story.status == "STARTED" and story.waiting_at == [node]

    story.retry()
    assert len(story.incidents) == 1, "not mended yet"
    story.set_variables(right).retry(node)
    assert story.incidents == []
    for wait in story.waits:
        if wait["node"] != node:
            continue
        {
            "job": lambda: story.complete_job(node),
            "task": lambda: story.complete_task(node),
            "timer": lambda: story.advance("PT1S"),
            "message": lambda: story.message("m", "k"),
        }[wait["kind"]]()
    assert story.waiting_at == ["after"]
    resolved = story.engine.exceptions(story.id)
    assert len(resolved) == 2 and all(exception.resolved for exception in resolved)


def test_the_other_branches_go_on(scenario):
    story = scenario(
        process("two")
        .start()
        .parallel("fork")
        .service_task("bad", job="=missing")
        .parallel("join")
        .end()
        .back_to("fork")
        .user_task("good")
        .to("join")
    ).start()
    story.complete_task("good")
    assert story.waiting_at == ["bad", "join"]
    story.set_variables({"missing": "j"}).retry().complete_job("j")
    assert story.status == "FINISHED"


def test_an_output_mapping_is_evaluated_again(scenario):
    """The work is not done twice: only what failed after it is tried again."""
    story = scenario(
        process("late")
        .start()
        .service_task("work", outputs={"y": "=x"})
        .when("=y > 5")
        .end("big")
        .back_to("work")
        .when("=y <= 5")
        .end("small")
    ).start()
    story.complete_job("work", {"x": "text"})
    [incident] = story.incidents
    assert incident.node == "work"
    assert [wait["kind"] for wait in story.waits] == ["exception"]
    assert refused(lambda: story.engine.retry(story.id, 99)) == 404


def test_retry_where_nothing_is_stuck(scenario):
    story = scenario(process("fine").start().user_task("fill").end()).start()
    assert refused(story.retry) == 409
    assert refused(lambda: story.engine.retry(story.id, 1)) == 409


def test_retry_needs_at_least_one_try(scenario):
    story = scenario(process("p").start().service_task("work", retries=1).end()).start().fail_job("work")
    assert refused(lambda: story.retry(retries=0)) == 422
    story.retry(retries=2).fail_job("work")
    assert story.incidents == []
    assert story.complete_job("work").status == "FINISHED"


def test_a_job_without_retries_may_still_be_completed(scenario):
    """The worker that reported the last failure was wrong: it had worked. Its lease is still its own."""
    story = scenario(process("p").start().service_task("work", retries=1).end()).start()
    job = story.take_job("work")
    story.fail_job(job, "timeout")
    assert len(story.incidents) == 1
    story.retry()
    assert story.complete_job("work").status == "FINISHED"
    assert all(exception.resolved for exception in story.engine.exceptions(story.id))


def test_several_at_once(scenario):
    story = scenario(process("p").start().service_task("work", job="=t").multi_instance("=[1, 2, 3]").end()).start()
    assert len(story.incidents) == 3
    story.set_variables({"t": "j"}).retry()
    assert story.incidents == []
    for _ in range(3):
        story.complete_job("j")
    assert story.status == "FINISHED"


def test_only_those_who_repair_may_retry(scenario):
    guarded = process("p").start().service_task("work", job="=t").end().lane("L", "start", "work", execute="clerk")
    story = scenario(guarded).start()
    assert refused(lambda: story.as_user("ana", "clerk").retry()) == 403
    story.set_variables({"t": "j"}).as_user("max", "operator").retry()
    assert story.incidents == []


def test_an_incident_ends_with_its_instance(scenario):
    story = scenario(process("p").start().service_task("work", job="=t").end()).start().terminate()
    assert story.engine.exceptions(open_only=True) == []
