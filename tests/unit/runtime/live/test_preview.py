"""A preview changes nothing, and what it says is what then happens: the live channel is the witness."""

from __future__ import annotations

import asyncio
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from procession import CommandRejected, Engine, VirtualClock
from procession.engine import commands as c
from procession.engine.access import SYSTEM
from procession.engine.codec import decode, encode
from procession.engine.decide import STEPS_PER_TRANSACTION
from procession.engine.state import Call, Incident, Job, UserTaskItem
from procession.runtime.live.messages import Message
from procession.runtime.preview import MOST, operation, preview
from procession.runtime.views import PreviewView, to_dict
from procession.storage import InstanceFilter
from procession.storage.rows import restore
from procession.testing import process
from procession.testing.guardian import differences
from tests.properties.drawing import blocks
from tests.unit.runtime.live.test_random import answer, drawn, seeds
from tests.unit.runtime.live.world import World, person

PARENT = process("parent").start("begin").call("ask", "child", name="Ask somebody").user_task("after").end("end")
CHILD = (
    process("child").start("born").parallel("fork").user_task("answer", name="Answer", groups="clerk").parallel("join").end()
    .back_to("fork").service_task("print", job="print").to("join")
    .back_to("fork").catch_message("reply", "reply", "=key").to("join")
    .back_to("fork").catch_timer("pause", duration="PT1H").to("join")
)  # fmt: skip
WORK = process("work").start("begin").service_task("pack", job="pack").user_task("check").end("end")
CHOICE = process("choice").start("begin").exclusive("which").when("=amount > 5").user_task("look").end("end")
MODEL = '{"properties": {"pin": {"sensitive": true}, "amount": {}}}'
SECRET = (
    process("secret").start("begin").user_task("fill").end("end").data_model(MODEL)
    .lane("Front", "begin", "fill", "end", view="clerk", execute="clerk", hold="boss")
)  # fmt: skip


async def everything(world: World) -> Any:
    """All that a preview must leave as it is."""
    storage, processor = world.node.storage, world.node.intake.processor
    heads = await world.node.read(storage.instances(InstanceFilter(), 1000))
    rows = [await world.node.read(storage.instance(head.id)) for head in heads]
    counts = dict(await world.node.read(storage.counts()))
    history = await world.node.read(storage.history_after(0, 10_000))
    inside = dict(processor.unfinished), dict(processor.unmatched), processor.alarmed
    return rows, counts, history, inside


async def previewed(world: World, command: c.Command, who: Any = SYSTEM) -> PreviewView:
    return await world.node.alone(preview(world.node.intake.processor, command, who))


def nameless(told: Any) -> Any:
    """With what was made in it called by its place: the ids of a preview are given to nothing."""
    names: dict[str, str] = {}
    text = encode(told).decode()
    return decode(re.sub(r'(?<=")\d{15,19}(?=")', lambda found: names.setdefault(found[0], f"#{len(names)}"), text))


def as_told(messages: list[Message]) -> list[Any]:
    return [{"event": each.event, "data": decode(each.data)} for each in messages if each.event != "access"]


def without_seq(view: Any) -> Any:
    found = to_dict(view)
    for part in (found, *found["exceptions"]):
        part.pop("seq")
    return found


async def agree(world: World, instance: int, command: c.Command, who: Any = SYSTEM) -> PreviewView:
    """Preview, see that nothing has changed; do it, and see that it was as previewed."""
    written: list[Any] = []
    before, position = await everything(world), (await world.state(instance)).position
    world.node.committed.append(written.append)
    said = await previewed(world, command, who)
    assert not written
    world.node.committed.remove(written.append)
    assert await everything(world) == before
    cache = world.node.intake.processor.cache
    for rows in before[0]:
        if cache.get(rows.instance.id) >= 0:
            assert not differences(cache.peek(rows.instance.id), restore(rows))
    assert said.instance.seq == position
    listener = await world.listen(who, kinds=["status", "progress", "data", "task", "exception"])
    await world.do(command, who)
    done = await world.node.read(world.node.queries(SYSTEM).instance(instance))
    told = as_told(await world.told(listener))
    assert nameless([to_dict(each) for each in said.events]) == nameless(told)
    if who is SYSTEM:
        assert nameless(without_seq(said.instance)) == nameless(without_seq(done))
    return said


def ends(said: PreviewView) -> list[tuple[str, str]]:
    return sorted((each.kind, each.node) for each in said.ended)


def test_holding_and_resuming_with_children(run):
    async def story(world):
        parent = await world.start("parent", {"key": "k"})
        said = await agree(world, parent, c.HoldInstance(parent))
        assert [(each.event, each.data["status"]) for each in said.events] == [("status", "ON_HOLD")] * 2
        assert (said.instance.state, said.instance.allowed["unhold"], ends(said)) == ("ON_HOLD", True, [])
        child = (await world.wait(parent, Call)).id
        await world.work(child)
        said = await agree(world, parent, c.UnholdInstance(parent))
        assert ("job", "print") in ends(said), "what came meanwhile takes effect with it"

    run(story, PARENT, CHILD)


def test_terminating_with_children_and_everything_that_they_wait_for(run):
    async def story(world):
        parent = await world.start("parent", {"key": "k"})
        said = await agree(world, parent, c.EndInstance(parent, "TERMINATED"))
        assert said.instance.state == "TERMINATED"
        assert [each.data["status"] for each in said.events if each.event == "status"] == ["TERMINATED", "TERMINATED"]
        assert ends(said) == [
            ("child", "ask"), ("job", "print"), ("message", "reply"), ("task", "answer"), ("timer", "pause"),
        ]  # fmt: skip
        names = {each.node: each.name for each in said.ended}
        assert (names["ask"], names["answer"], names["print"]) == ("Ask somebody", "Answer", "print")

    run(story, PARENT, CHILD)


def test_a_child_that_is_dismissed_lets_its_parent_go_on(run):
    async def story(world):
        parent = await world.start("parent", {"key": "k"})
        child = (await world.wait(parent, Call)).id
        said = await agree(world, child, c.EndInstance(child, "DISMISSED"))
        assert said.instance.state == "DISMISSED"
        assert any(each.event == "task" and each.data["node"] == "after" for each in said.events)
        assert ("child", "ask") in ends(said)

    run(story, PARENT, CHILD)


def test_retrying_a_job_and_retrying_what_fails_again(run):
    async def story(world):
        work = await world.start("work")
        job = await world.wait(work, Job)
        await world.do(c.FailJob(job.id, "no paper", 0))
        said = await agree(world, work, c.RetryToken(work, 1, 3))
        assert [each.event for each in said.events if each.event == "exception"] == ["exception"]
        assert said.instance.waits[0]["retries"] == 3
        assert ends(said) == []
        choice = await world.start("choice", {"amount": 1})
        said = await agree(world, choice, c.RetryToken(choice, 1))
        assert [each.data["change"] for each in said.events if each.event == "exception"] == ["resolved", "raised"]
        assert len(said.instance.exceptions) == 1
        await world.do(c.SetVariables(choice, {"amount": 6}))
        said = await agree(world, choice, c.RetryToken(choice, 1))
        assert said.instance.waiting_at == ["look"]

    run(story, WORK, CHOICE)


def test_a_change_of_data_that_changes_nothing_and_one_that_does(run):
    async def story(world):
        work = await world.start("work", {"n": 1})
        for value in (1, 2, None):
            said = await agree(world, work, c.SetVariables(work, {"n": value}))
            assert [(each.event, each.data["value"]) for each in said.events] == [("data", value)]

    run(story, WORK)


def test_a_retry_that_calls_another_process_shows_what_begins_there(run):
    async def story(world):
        parent = await world.start("parent", {"key": "k"})
        assert (await world.wait(parent, Incident)).type == "Definition"
        await world.deploy(CHILD)
        said = await agree(world, parent, c.RetryToken(parent, 1))
        assert {each.data["processDefinitionName"] for each in said.events} == {"parent", "child"}

    run(story, PARENT)


def test_of_an_endless_loop_it_is_the_first_transaction(tmp_path):
    loop = (
        process("loop").start("begin").exclusive("which").when("=go = null").end("out").back_to("which").when("=go = 1")
    )
    loop = loop.script("turn", "=1", "turned").to("which")
    for url in ("memory:", f"sqlite:///{tmp_path}/loop.db"):
        with Engine(url, clock=VirtualClock()) as engine:
            engine.deploy(("loop.bpmn", loop.build()), publish=True)
            stuck = engine.start("loop", {"go": 2})
            engine.set_variables(stuck.id, {"go": 1})
            said = engine.preview(stuck.id, "RETRY", token="1")
            assert said.instance.state == "STARTED"
            assert {"kind": "engine", "id": None, "token": None, "node": None} in said.instance.waits
            assert len(said.events) < STEPS_PER_TRANSACTION
            assert engine.instance(stuck.id).exceptions, "it stands where it stood"


def test_a_refusal_is_that_of_the_operation_and_leaves_nothing(run):
    async def story(world):
        parent = await world.start("parent", {"key": "k"})
        child = (await world.wait(parent, Call)).id
        task = await world.wait(child, UserTaskItem)
        for instance, command in (
            (parent, c.UnholdInstance(parent)),
            (parent, c.EndInstance(parent, "DISMISSED")),
            (parent, c.RetryToken(parent, 1)),
            (parent, c.RetryToken(parent, 99)),
            (parent, c.HoldInstance(17)),
        ):
            before = await everything(world)
            with pytest.raises(CommandRejected) as said:
                await previewed(world, command)
            assert await everything(world) == before
            with pytest.raises(CommandRejected) as done:
                await world.do(command)
            assert (said.value.status, said.value.title, said.value.detail, said.value.key) == (
                done.value.status, done.value.title, done.value.detail, done.value.key,
            ), f"{command} of {instance}"  # fmt: skip
        await world.do(c.CompleteTask(task.id, {}))  # and it goes on as ever

    run(story, PARENT, CHILD)


def test_everybody_sees_of_it_what_they_may_see(run):
    async def story(world):
        secret = await world.start("secret", {"pin": "1234", "amount": 1})
        said = await previewed(world, c.SetVariables(secret, {"pin": "9", "amount": 2}), person("olga", "operator"))
        assert said.instance.variables == {"pin": "***", "amount": 2}
        assert [each.data["value"] for each in said.events] == ["***", 2]
        boss = person("bob", "boss")
        said = await previewed(world, c.HoldInstance(secret), boss)
        assert (said.instance.state, said.instance.variables, said.events, said.ended) == ("ON_HOLD", {}, [], [])
        with pytest.raises(CommandRejected) as refused:
            await previewed(world, c.HoldInstance(secret), person("stranger"))
        assert refused.value.status == 404

    run(story, SECRET)


def test_a_state_that_somebody_else_changed_is_read_again_after_a_preview(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    with Engine(url, clock=VirtualClock()) as one, Engine(url, clock=VirtualClock()) as other:
        one.deploy(("work.bpmn", WORK.build()), publish=True)
        work = one.start("work", {"n": 1})
        other.set_variables(work.id, {"n": 2})
        assert one.preview(work.id, "HOLD").instance.variables == {"n": 2}
        (job,) = one.activate_jobs("pack")
        assert job.variables == {"n": 2}


def test_of_very_much_the_first_part_is_listed():
    many = process("many").start().user_task("fill").multi_instance("=items").end()
    with Engine(clock=VirtualClock()) as engine:
        engine.deploy(("many.bpmn", many.build()), publish=True)
        started = engine.start("many", {"items": list(range(MOST + 5))})
        said = engine.preview(started.id, "TERMINATE")
        assert (len(said.ended), said.ended_more) == (MOST, 5)
        assert len(said.events) == MOST
        assert said.events_more > 0


@pytest.mark.parametrize(
    ("name", "given", "pointer"),
    [
        ("MOVE", {}, "/operation"),
        ("HOLD", {"token": "1"}, "/token"),
        ("HOLD", {"variables": {}}, "/variables"),
        ("SET_VARIABLES", {"variables": {}, "retries": 1}, "/retries"),
        ("SET_VARIABLES", {}, "/variables"),
        ("RETRY", {}, "/token"),
    ],
)
def test_what_does_not_belong_to_an_operation_is_refused(name, given, pointer):
    with pytest.raises(CommandRejected) as refused:
        operation(1, name, **given)
    assert (refused.value.status, refused.value.extra["errors"][0]["pointer"]) == (422, pointer)


@given(blocks(), seeds)
@settings(max_examples=25, deadline=None)
def test_of_random_processes_it_says_what_then_happens(block, seed):
    async def story():
        chance = Random(seed)
        async with World("memory:", *drawn(block)) as world:
            instance = await world.start("structured", {"x": 1})
            for _ in range(chance.randrange(6)):
                if not await answer(world, chance, instance):
                    return
            state = await world.state(instance)
            if not state.live:
                return
            stuck = [wait.token for wait in state.waits.values() if isinstance(wait, Incident)]
            if stuck:
                await agree(world, instance, c.RetryToken(instance, stuck[0]))
            await agree(world, instance, c.SetVariables(instance, {"x": 3}))
            if (await world.state(instance)).live:
                await agree(world, instance, c.EndInstance(instance, "TERMINATED"))

    asyncio.run(story())
