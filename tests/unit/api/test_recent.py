"""What is asked for all the time is read once a second."""

from __future__ import annotations

import asyncio

import pytest

from procession.api.recent import FRESH, IDLE, Recent
from procession.errors import StorageError


class World:
    """Things that change, a clock that is moved by hand, and a look that takes as long as it is made to."""

    def __init__(self) -> None:
        self.time = 0.0
        self.things = {"a": 1, "b": 2}
        self.looks: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.recent: Recent[int] = Recent(self.read, lambda: self.time)

    async def read(self, keys):
        self.looks.append(list(keys))
        if "broken" in keys:
            raise StorageError("the disk is on fire")
        found = {key: self.things[key] for key in keys if key in self.things}
        await self.open.wait()
        return found


def story(tell):
    """Runs a test in an event loop."""

    def run():
        async def begin():
            await tell(World())

        asyncio.run(begin())

    run.__name__ = tell.__name__
    return run


@story
async def test_it_is_read_once_a_second(world):
    assert world.recent.get("a") is None
    assert await world.recent.find("a") == 1
    world.things["a"] = 5
    assert (world.recent.get("a"), await world.recent.find("a")) == (1, 1)
    world.time += FRESH
    assert world.recent.get("a") == 1
    world.time += 0.001
    assert world.recent.get("a") is None
    assert await world.recent.find("a") == 5
    assert world.looks == [["a"], ["a"]]


@story
async def test_those_who_ask_at_one_moment_share_a_look(world):
    assert await asyncio.gather(*(world.recent.find("a") for _ in range(100))) == [1] * 100
    assert world.looks == [["a"]]


@story
async def test_what_is_not_there_is_looked_for_each_time(world):
    assert await world.recent.find("x") is None
    world.things["x"] = 3
    assert await world.recent.find("x") == 3
    del world.things["x"]
    world.time += 2 * FRESH
    assert await world.recent.find("x") is None
    assert world.recent.last("x") is None


@story
async def test_what_was_forgotten_is_read_before_the_next_answer(world):
    await world.recent.find("a")
    world.things["a"] = 5
    world.recent.forget()
    assert world.recent.get("a") is None
    assert await world.recent.find("a") == 5


@story
async def test_a_look_under_way_when_it_changes_is_taken_again(world):
    world.open.clear()
    asking = asyncio.ensure_future(world.recent.find("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.looks == [["a"]]
    world.things["a"] = 5
    world.recent.forget()
    later = asyncio.ensure_future(world.recent.find("a"))
    await asyncio.sleep(0)
    world.open.set()
    assert (await asking, await later) == (5, 5)
    assert world.recent.get("a") == 5


@story
async def test_who_gives_up_does_not_take_the_others_along(world):
    world.open.clear()
    first, second = (asyncio.ensure_future(world.recent.find("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    world.open.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
    assert world.looks == [["a"]]


@story
async def test_an_error_reaches_all_who_asked_and_nobody_after(world):
    asked = await asyncio.gather(*(world.recent.find("broken") for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in asked] == [StorageError, StorageError]
    assert world.looks == [["broken"]]
    with pytest.raises(StorageError):
        await world.recent.find("broken")
    assert len(world.looks) == 2


@story
async def test_a_refresh_reads_all_that_was_asked_for(world):
    await world.recent.find("a")
    await world.recent.find("b")
    world.things = {"a": 7}
    world.recent.forget()
    await world.recent.refresh()
    assert sorted(world.looks[-1]) == ["a", "b"]
    assert (world.recent.last("a"), world.recent.last("b")) == (7, None)
    await world.recent.refresh()
    assert world.looks[-1] == ["a"]


@story
async def test_what_nobody_asks_for_is_dropped(world):
    await world.recent.find("a")
    await world.recent.find("b")
    for _ in range(10):
        world.time += IDLE / 4
        assert world.recent.last("a") == 1
        await world.recent.refresh()
    assert world.looks[-1] == ["a"]
    world.time += 2 * IDLE
    await world.recent.refresh()
    assert world.recent.last("a") is None


@story
async def test_names_that_come_and_go_do_not_pile_up(world):
    for number in range(5000):
        world.things = {str(number): number}
        world.time += 0.1
        assert await world.recent.find(str(number)) == number
    assert len(world.recent._seen) < 3 * IDLE * 10
