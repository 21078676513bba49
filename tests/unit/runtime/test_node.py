"""The engine in an event loop."""

from __future__ import annotations

import asyncio
import threading

import apsw
import pytest

from procession.engine import commands as c
from procession.engine.access import SYSTEM
from procession.errors import CommandRejected, StorageError
from procession.runtime.asks import Ask, Start
from procession.runtime.clock import SystemClock
from procession.runtime.drive import drive
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.storage.memory import MemoryStorage
from procession.storage.sqlite import SqliteStorage
from procession.testing import process

WORK = process("work").start().service_task("pack").end().build()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    return MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "node.db")


def node_of(storage) -> Node:
    machine = Machine(storage, SystemClock())
    machine.alone(machine.definitions.deploy([("work.bpmn", WORK)], SYSTEM, publish=True))
    return Node(machine)


def start() -> Ask:
    return Ask(Start("work", {}), SYSTEM)


def test_commands_of_one_moment_share_commits(storage):
    async def story():
        node = node_of(storage)
        await node.open()
        batches = []
        node.committed.append(lambda batch: batches.append(len(batch.new)))
        ids = await asyncio.gather(*(node.ask(start()) for _ in range(200)))
        assert len(set(ids)) == 200
        assert sum(batches) == 200
        assert len(batches) <= 3
        view = await node.read(node.queries(SYSTEM).instance(ids[0]))
        assert view.waiting_at == ["pack"]
        await node.close()

    asyncio.run(story())


def test_a_refusal_concerns_only_its_own_command(storage):
    async def story():
        node = node_of(storage)
        await node.open()
        good, bad = await asyncio.gather(
            node.ask(start()), node.ask(Ask(c.HoldInstance(12345), SYSTEM)), return_exceptions=True
        )
        assert isinstance(good, int)
        assert isinstance(bad, CommandRejected)
        assert bad.status == 404
        await node.close()

    asyncio.run(story())


def test_closing_finishes_what_was_accepted_and_takes_nothing_more(storage):
    async def story():
        node = node_of(storage)
        await node.open()
        asked = [asyncio.ensure_future(node.ask(start())) for _ in range(50)]
        await asyncio.sleep(0)
        await node.close()
        assert len({await each for each in asked}) == 50
        with pytest.raises(StorageError, match="shutting down"):
            await node.ask(start())

    asyncio.run(story())


def test_a_client_that_goes_away_takes_nothing_back(storage):
    async def story():
        node = node_of(storage)
        await node.open()
        asked = asyncio.ensure_future(node.ask(start()))
        await asyncio.sleep(0)
        asked.cancel()
        await node.ask(start())
        counts = await node.read(node.storage.counts())
        assert counts["instance"] == 2
        await node.close()

    asyncio.run(story())


def test_the_loop_goes_on_while_another_process_holds_the_write_lock(tmp_path):
    async def story():
        node = node_of(SqliteStorage(tmp_path / "node.db"))
        await node.open()
        other = apsw.Connection(str(tmp_path / "node.db"))
        other.execute("BEGIN IMMEDIATE")
        asked = asyncio.ensure_future(node.ask(start()))
        for _ in range(20):  # the loop turns, and reading is possible
            await asyncio.sleep(0.01)
            await node.read(node.storage.counts())
        assert not asked.done()
        other.execute("ROLLBACK")
        other.close()
        assert isinstance(await asked, int)
        await node.close()

    asyncio.run(story())


def test_threads_and_the_loop_take_turns(tmp_path):
    """The chores run in a thread of their own, beside a loop that never rests."""

    async def story():
        node = node_of(SqliteStorage(tmp_path / "node.db"))
        await node.open()
        stop, done = threading.Event(), 0

        def chores():
            nonlocal done
            while not stop.is_set():
                node.machine.alone(node.storage.expire_messages(node.clock.now()))
                node.intake.run(start())
                done += 1

        thread = threading.Thread(target=chores)
        thread.start()
        for _ in range(40):
            await asyncio.gather(*(node.ask(start()) for _ in range(10)))
        stop.set()
        await asyncio.to_thread(thread.join)
        assert done > 0
        counts = await node.read(node.storage.counts())
        assert counts["instance"] == 400 + done
        await node.close()

    asyncio.run(story())


SPIN = (
    process("spin")
    .start()
    .exclusive("again")
    .script("count", "=n + 1", "n")
    .exclusive("enough")
    .when("=n < 0")
    .end()
    .back_to("enough")
    .otherwise()
    .to("again")
    .build()
)


def test_closing_does_not_wait_for_a_long_run_which_goes_on_later(tmp_path):
    async def story():
        node = node_of(SqliteStorage(tmp_path / "node.db"))
        node.machine.alone(node.definitions.deploy([("spin.bpmn", SPIN)], SYSTEM, publish=True))
        await node.open()
        asked = asyncio.ensure_future(node.ask(Ask(Start("spin", {"n": 0}), SYSTEM)))
        while not await node.read(node.storage.ready(1)):
            await asyncio.sleep(0.01)
        await node.close()
        with pytest.raises(StorageError, match="goes on when it is opened again"):
            await asked

    asyncio.run(story())
    store = SqliteStorage(tmp_path / "node.db")
    drive(store.open())
    assert len(drive(store.ready(2))) == 1
    drive(store.close())
