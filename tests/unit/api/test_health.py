"""Ready is who can do what is asked: the engine runs, and the store answers."""

from __future__ import annotations

import asyncio
import time

import pytest

from procession import SystemClock
from procession.api import health
from procession.api.application import Options, build
from procession.api.operations import Call
from procession.errors import StorageError
from procession.runtime.machine import Machine
from procession.storage.memory import MemoryStorage


class Moody(MemoryStorage):
    """A store that can be away, or asleep."""

    away = asleep = counts_slowly = False
    lost: tuple[int, ...] = ()

    async def ping(self):
        if self.away:
            raise StorageError("the disk is gone from /srv/secret-place")
        if self.asleep:
            time.sleep(0.5)  # in a reader's thread
        return await super().ping()

    async def stuck(self, limit: int = 50):
        if self.away:
            raise StorageError("the disk is gone from /srv/secret-place")
        if self.counts_slowly:
            time.sleep(0.5)
        return list(self.lost[:limit])


async def ready(edge) -> tuple[int, str, dict[str, str]]:
    answer = await health.get_ready(Call(edge, None, {}, None, None, {}, "", "", False))
    return answer.status, answer.content.status, answer.content.checks


@pytest.fixture
def story(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 0.2)

    def run(tell):
        async def whole():
            store = Moody()
            app = build(lambda: Machine(store, SystemClock()), Options(secret="0123456789abcdef" * 3))
            async with app.lifespan():
                await tell(app.state.edge, store)

        asyncio.run(whole())

    return run


def test_ready(story):
    async def tell(edge, store):
        assert await ready(edge) == (200, "ready", {"engine": "up", "store": "up", "instances": "up"})

    story(tell)


def test_a_store_that_is_away(story):
    async def tell(edge, store):
        store.away = True
        checks = {"engine": "up", "store": "down", "instances": "not counted"}
        assert await ready(edge) == (503, "not ready", checks)
        store.away = False
        assert (await ready(edge))[0] == 200

    story(tell)


def test_a_store_that_does_not_answer_in_time(story):
    async def tell(edge, store):
        store.asleep = True
        assert await ready(edge) == (
            503,
            "not ready",
            {"engine": "up", "store": "no answer in 0.2 s", "instances": "up"},
        )

    story(tell)


def test_an_engine_that_does_not_turn(story):
    async def tell(edge, store):
        crank = edge.node._crank
        crank.cancel()
        await asyncio.gather(crank, return_exceptions=True)
        assert await ready(edge) == (503, "not ready", {"engine": "down", "store": "up", "instances": "up"})
        edge.node._crank = asyncio.create_task(edge.node._turn())  # so that it can be closed

    story(tell)


def test_a_server_that_shuts_down(story):
    async def tell(edge, store):
        edge.wind_down()
        assert await ready(edge) == (503, "not ready", {"engine": "shutting down", "store": "up", "instances": "up"})

    story(tell)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (0, "up"),
        (1, "1 waits for nothing that it can name"),
        (3, "3 wait for nothing that they can name"),
        (200, "100 or more wait for nothing that they can name"),
    ],
)
def test_instances_that_wait_for_nothing_are_told_and_take_no_server_away(story, lost, said):
    async def tell(edge, store):
        store.lost = tuple(range(lost))
        assert await ready(edge) == (200, "ready", {"engine": "up", "store": "up", "instances": said})

    story(tell)


def test_a_count_that_takes_long_is_not_waited_for_and_not_asked_for_twice(story, monkeypatch):
    monkeypatch.setattr(health, "BRIEF", 0.05)

    async def tell(edge, store):
        store.counts_slowly, store.lost = True, (1, 2)
        began = time.monotonic()
        for _ in range(3):
            assert (await ready(edge))[2]["instances"] == "not counted"
        assert time.monotonic() - began < 0.4
        await asyncio.sleep(0.5)
        assert (await ready(edge))[2]["instances"] == "2 wait for nothing that they can name"

    story(tell)
