"""Every story is told on both stores, and told again: what is read from history is what was told live, to the byte."""

from __future__ import annotations

import asyncio

import pytest

from procession.runtime.live import Hub
from tests.unit.runtime.live.world import World, marks, sent


@pytest.fixture(params=["memory", "sqlite"])
def url(request, tmp_path):
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/live.db"


@pytest.fixture
def run(url):
    """Runs a story, an async function of a world with these processes; with a witness, who hears all of it."""

    def run(story, *processes, witnessed=True):
        tell = _told_twice if witnessed else _told_once
        asyncio.run(tell(World(url, *processes), story))

    return run


async def _told_once(world, story):
    async with world:
        await story(world)


async def _told_twice(world, story):
    async with world:
        forgetful = Hub(world.node, states=1)
        await forgetful.open()
        live, other = await world.listen(), await world.listen(hub=forgetful)
        await story(world)
        told = await world.told(live)
        assert marks(told) == sorted(set(marks(told))), "ids grow, and come once"
        assert sent(await world.told(other)) == sent(told), "another hub says something else"
        assert len(forgetful._reporter._states) <= 1
        assert sent(await world.again()) == sent(told), "history says something else"
        await forgetful.close()
