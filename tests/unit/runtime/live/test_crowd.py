"""Those who listen to something else cost nothing: calls are counted, of one commit before few listeners and before many."""

from __future__ import annotations

import asyncio
import sys

import pytest

from procession.runtime.drive import drive
from procession.runtime.live import Listener, parse_filter
from procession.testing import process
from tests.unit.runtime.live.world import PATIENCE, World, brief, person

FORM = process("form").start("begin").user_task("fill").end("end").lane("Front", "begin", "fill", execute="clerk")
OTHER = process("other").start("begin").user_task("fill").end("end")
FEW, MANY = 10, 10_000


async def instances(world, number):
    others = [await world.start("other") for _ in range(10)]
    return [{"instance": others[each % 10]} for each in range(number)]


async def definitions(world, number):
    return [{"definition": "other" if each % 2 else f"process{each}"} for each in range(number)]


async def inboxes(world, number):
    return [{"tasks": "mine"} for _ in range(number)]


@pytest.mark.parametrize("others", [instances, definitions, inboxes])
def test_ten_thousand_others_cost_nothing(url, others, monkeypatch):
    heard = []
    hear = Listener.hear

    def counted(listener, *said):
        heard.append(listener)
        hear(listener, *said)

    async def calls(world, number):
        """How many functions are called to tell a commit, when so many listen to something else."""
        crowd = [
            await world.hub.listen(parse_filter(given), person(f"p{each}", "guest"))
            for each, given in enumerate(await others(world, number))
        ]
        mine = await world.listen(kinds=["task"], definition="form")
        form = await world.start("form")
        assert brief(await world.told(mine)) == [("task", "created", "fill", None)]
        before = world.hub.number
        await world.fill(form)
        assert brief(await world.told(mine)) == [("task", "completed", "fill", None)]
        assert set(heard) == {mine}, "nobody else is asked"
        count = _calls(world.hub, before)
        for each in (mine, *crowd):
            each.close()
        heard.clear()
        return count

    async def story():
        async with World(url, FORM, OTHER) as world:
            monkeypatch.setattr(Listener, "hear", counted)
            assert await calls(world, MANY) == await calls(world, FEW) > 100

    asyncio.run(story())


def _calls(hub, after):
    """Functions that are called to read, report and hand out the rows after a number."""
    count = 0

    def see(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    drive(hub._page(after))  # what is looked up once is known from now on
    sys.setprofile(see)
    try:
        for report in drive(hub._page(after))[0]:
            hub._tell(report)
    finally:
        sys.setprofile(None)
    return count


def test_while_nobody_listens_no_row_is_read(url, monkeypatch):
    async def story():
        async with World(url, FORM) as world:
            storage = world.node.storage
            monkeypatch.setattr(storage, "history_after", None)
            monkeypatch.setattr(storage, "instance_heads", None)
            for _ in range(3):
                await world.start("form")
            async with asyncio.timeout(PATIENCE):
                while world.hub.number < 3:
                    await asyncio.sleep(0.001)
            monkeypatch.undo()
            reader = await world.listen()
            await world.start("form")
            assert len(await world.told(reader)) == 4

    asyncio.run(story())


def test_many_who_follow_one_instance_share_what_is_told(url):
    async def story():
        async with World(url, OTHER) as world:
            other = await world.start("other")
            crowd = [await world.listen(person(f"p{each}"), instance=other) for each in range(100)]
            await world.fill(other)
            first, *rest = [await world.told(each) for each in crowd]
            assert len(first) == 4
            for told in rest:
                assert all(one is another for one, another in zip(first, told, strict=True)), "encoded once"

    asyncio.run(story())


def test_of_listeners_that_are_gone_nothing_is_left(url):
    async def story():
        async with World(url, OTHER) as world:
            other = await world.start("other")
            wanted = [
                {},
                {"instance": other},
                {"definition": "a"},
                {"tasks": "mine"},
                {"tasks": "mine", "definition": "b"},
            ]
            crowd = [await world.listen(person("eva"), **given) for given in wanted for _ in range(2)]
            for each in crowd:
                each.principal = person("ana", "clerk")
            assert len(world.hub.audience) == len(crowd) and all(vars(world.hub.audience).values())
            for each in crowd:
                each.close()
            assert not any(vars(world.hub.audience).values())

    asyncio.run(story())
