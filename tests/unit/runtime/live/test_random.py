"""Random processes, answered in random order: ids grow, and whoever reads again reads the same."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from procession import CommandRejected
from procession.engine import commands as c
from procession.engine.state import LIVE, Call, Incident, Job, Subscription, Timer, UserTaskItem
from procession.runtime.asks import Publish
from procession.runtime.live import Hub
from procession.testing import process
from tests.properties.drawing import Drawer, blocks
from tests.unit.runtime.live.world import World, data, marks, person, sent

seeds = st.integers(0, 1_000_000)


def drawn(block):
    builder = process("structured").start()
    Drawer().draw(builder, block)
    caller = process("caller").start().call("structured", "structured").end()
    return builder.end(), caller


async def answer(world, chance, instance):
    """Give something that waits what it waits for; False: it is over."""
    state = await world.state(instance)
    waits = sorted(state.waits.values(), key=lambda wait: wait.id)
    if state.status not in LIVE or not waits:
        return False
    wait, values = chance.choice(waits), {"x": chance.randrange(5), "y": {f"k{chance.randrange(3)}": 1.5}}
    disturb = chance.randrange(10)
    try:
        if disturb == 0:
            await world.do(c.HoldInstance(instance))
            await world.do(c.UnholdInstance(instance))
        elif disturb == 1:
            await world.do(c.SetVariables(instance, {"x": chance.randrange(5), "y": None}))
        await world.do(_command(instance, wait, values, disturb))
    except CommandRejected:
        return True  # two things that exclude each other
    return True


def _command(instance, wait, values, disturb):
    match wait:
        case Job():
            return c.FailJob(wait.id, "no", 0) if disturb == 2 else c.CompleteJob(wait.id, values)
        case UserTaskItem():
            return c.AssignTask(wait.id, "eva") if disturb == 3 else c.CompleteTask(wait.id, values)
        case Timer():
            return c.FireTimer(wait.id)
        case Subscription():
            return Publish(wait.name, wait.key, values)
        case Incident():
            return c.RetryToken(instance, wait.token)
        case Call():
            return c.SetVariables(instance, values)


@given(blocks(), seeds)
@settings(max_examples=60)
def test_whoever_reads_again_reads_the_same(block, seed):
    asyncio.run(_story(block, seed))


async def _story(block, seed):
    chance = Random(seed)
    async with World("memory:", *drawn(block)) as world:
        forgetful = Hub(world.node, states=1)
        await forgetful.open()
        live, other = await world.listen(), await world.listen(person("eva"), hub=forgetful)
        told, told_too = [], []
        running = [await world.start(name, {"x": 1, "n": 1.10}) for name in ("structured", "caller", "structured")]
        for _ in range(25):
            instance = chance.choice(running)
            calls = [wait.id for wait in (await world.state(instance)).waits.values() if isinstance(wait, Call)]
            world.node.clock.advance("PT2H")
            await answer(world, chance, chance.choice([instance, *calls]))
            told += await world.told(live)
            told_too += await world.told(other)
        await world.do(c.EndInstance(running[0], "TERMINATED")) if (await world.state(running[0])).live else None
        told += await world.told(live)
        told_too += await world.told(other)
        assert marks(told) == sorted(set(marks(told))), "ids grow, and come once"
        assert sent(told_too) == sent(told)
        assert sent(await world.again()) == sent(told)
        place = chance.randrange(len(told))
        assert sent(await world.again(after=told[place].id)) == sent(told[place + 1 :])
        seen = {}
        for message in told:
            said = data(message)
            assert said["seq"] >= seen.get(said["instance"], 0), "positions grow in each instance"
            seen[said["instance"]] = said["seq"]
        await _agrees(world, told, running)
        await forgetful.close()


async def _agrees(world, told, running):
    """Who has put together what was told knows what is."""
    for instance in running:
        state = await world.state(instance)
        mine = [(message.event, data(message)) for message in told if data(message)["instance"] == str(instance)]
        tokens = {said["token"]: said for event, said in mine if event == "progress"}
        live = {number: said for number, said in tokens.items() if said["state"] in ("ACTIVE", "ON_HOLD")}
        assert {
            number: (said["node"], said["state"], said["statusCurrentNode"], said["parentToken"])
            for number, said in live.items()
        } == {
            str(token.id): (
                token.node,
                token.state,
                token.status,
                None if token.parent is None else str(token.parent),
            )
            for token in state.tokens.values()
        }
        assert [said["status"] for event, said in mine if event == "status"][-1] == state.status
        values = {said["key"]: said["value"] for event, said in mine if event == "data"}
        assert {key: value for key, value in values.items() if value is not None} == {
            key: value for key, value in state.variables.items() if value is not None
        }
        for kind, event, name, over in (
            (UserTaskItem, "task", "task", ("completed", "cancelled")),
            (Incident, "exception", "exception", ("resolved",)),
        ):
            last = {said[name]: said["change"] for what, said in mine if what == event}
            still = {number for number, change in last.items() if change not in over}
            assert still == {str(wait.id) for wait in state.waits.values() if isinstance(wait, kind)}
