"""What can be subscribed to, and what is refused."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.engine import commands as c
from procession.engine.state import Call
from procession.runtime.live import KINDS, Filter, parse_filter
from procession.testing import process
from tests.unit.runtime.live.world import brief, data

FORM = process("form").start("begin").user_task("fill").end("end")
OTHER = process("other").start("begin").user_task("fill").end("end")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, Filter()),
        ({"instance": None, "definition": None, "tasks": None, "kinds": None}, Filter()),
        ({"instance": "7301"}, Filter(instance=7301)),
        ({"instance": 7301, "definition": "order"}, Filter(instance=7301, definition="order")),
        ({"tasks": "mine"}, Filter(mine=True, kinds=frozenset({"task"}))),
        ({"tasks": "mine", "kinds": ["task", "data"]}, Filter(mine=True, kinds=frozenset({"task"}))),
        ({"kinds": ["task", "data"]}, Filter(kinds=frozenset({"task", "data"}))),
        ({"kinds": "task, data"}, Filter(kinds=frozenset({"task", "data"}))),
        ({"kinds": list(KINDS)}, Filter()),
    ],
)
def test_what_a_client_sends(given, wanted):
    assert parse_filter(given) == wanted


@pytest.mark.parametrize(
    ("given", "pointer", "message"),
    [
        ({"instanc": "7"}, "/instanc", "'instanc' is no filter; there are instance, definition, tasks, kinds."),
        ({"instance": "seven"}, "/instance", "must be the id of a process instance, not 'seven'"),
        ({"instance": "-7"}, "/instance", "not '-7'"),
        ({"instance": "٣"}, "/instance", "must be the id of a process instance"),
        ({"instance": True}, "/instance", "not True"),
        ({"instance": 7.5}, "/instance", "not 7.5"),
        ({"instance": str(2**63)}, "/instance", "must be the id"),
        ({"instance": ["7"]}, "/instance", "must be the id"),
        ({"definition": 7}, "/definition", "definition must be a text, not a int."),
        ({"definition": "a\0b"}, "/definition", "must not contain the character NUL"),
        ({"tasks": "free"}, "/tasks", "tasks must be mine, not 'free'."),
        ({"tasks": ["mine"]}, "/tasks", "tasks must be mine"),
        ({"kinds": []}, "/kinds", "kinds must be a list of events: some of progress, status"),
        ({"kinds": ""}, "/kinds", "'' is no kind of event"),
        ({"kinds": {"task": 1}}, "/kinds", "kinds must be a list"),
        ({"kinds": ["tasks"]}, "/kinds", "'tasks' is no kind of event; there are progress, status, data, action, task"),
        ({"kinds": [["task"]]}, "/kinds", "is no kind of event"),
        ({"kinds": "resync"}, "/kinds", "'resync' is no kind of event"),
        ({"tasks": "mine", "kinds": ["data"]}, "/kinds", "tasks=mine gives messages of the kind task only"),
    ],
)
def test_what_is_refused(given, pointer, message):
    with pytest.raises(CommandRejected) as refused:
        parse_filter(given)
    assert refused.value.status == 422 and message in refused.value.detail
    assert refused.value.extra["errors"][0]["pointer"] == pointer


def test_one_instance_one_process_one_kind(run):
    async def story(world):
        first, second = await world.start("form"), await world.start("form")
        other = await world.start("other")
        of_first = await world.listen(instance=first)
        of_form = await world.listen(definition="form", kinds="status")
        both = await world.listen(instance=other, definition="form")
        statuses = await world.listen(kinds=["status", "exception"])
        for instance in (first, second, other):
            await world.do(c.EndInstance(instance, "TERMINATED"))
        assert {data(each)["instance"] for each in await world.told(of_first)} == {str(first)}
        assert [data(each)["instance"] for each in await world.told(of_form)] == [str(first), str(second)]
        assert await world.told(both) == [], "no instance is of both"
        assert brief(await world.told(statuses)) == [("status", "TERMINATED")] * 3

    run(story, FORM, OTHER)


def test_who_follows_the_root_is_enough_of_an_audience(run):
    parent = process("parent").start("begin").call("ask", "form").end("end")

    async def story(world):
        root = await world.start("parent")
        child = (await world.wait(root, Call)).id
        family = await world.listen(instance=root, kinds=["status"])
        await world.fill(child)
        assert [data(each)["instance"] for each in await world.told(family)] == [str(child), str(root)]

    run(story, parent, FORM, witnessed=False)


def test_who_wants_tasks_only_gets_no_other_messages_and_costs_no_other_rows(run):
    calm = process("calm").start("begin").script("step", "=1", "x").service_task("wait").end("end")

    async def story(world):
        inbox = await world.listen(tasks="mine")
        form, another, quiet = [await world.start(name) for name in ("form", "form", "calm")]
        await world.work(quiet)
        await world.fill(form)
        await world.do(c.SetVariables(another, {"x": 1}))
        await world.do(c.EndInstance(another, "TERMINATED"))
        assert brief(await world.told(inbox)) == [
            ("task", "created", "fill", None),
            ("task", "created", "fill", None),
            ("task", "completed", "fill", None),
            ("task", "cancelled", "fill", None),
        ]
        await world.start("calm")
        await world.told(inbox)
        assert not world.hub._reporter._states, "what has no tasks was not looked at"

    run(story, FORM, calm, witnessed=False)
