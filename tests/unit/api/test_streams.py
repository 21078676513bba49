"""The open streams of a server: their rights are looked at again and again, whatever goes wrong with a look."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager

from procession.api import streams as streams_module
from procession.api.edge import Limits
from procession.api.identity import Identity
from procession.api.streams import Streams
from procession.engine.access import SYSTEM
from procession.runtime.clock import SystemClock
from procession.runtime.live import Hub, parse_filter
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.runtime.users import Users
from procession.storage.memory import MemoryStorage


@asynccontextmanager
async def _listening():
    """A server's streams, and the listener of ana, a clerk."""
    node = Node(Machine(MemoryStorage(), SystemClock()))
    await node.open()
    hub = Hub(node)
    await hub.open()
    identity = Identity(node, secret="s" * 40, token_lifetime=60, session_lifetime=60)
    users = Users(node.storage, node.new_id, node.clock.now)
    await node.alone(users.add("ana", "correct horse", ["clerk"], SYSTEM))
    token = (await identity.login("ana", "correct horse", "192.0.2.1", session=False)).access_token
    who = await identity.principal({"authorization": f"Bearer {token}"}, "GET")
    streams = Streams(hub, identity, Limits())
    yield node, users, identity, streams, await streams.listen(who, parse_filter({}), None)
    streams.close()
    await hub.close()
    await node.close()


def test_a_look_that_fails_is_not_the_last_one(monkeypatch, caplog):
    monkeypatch.setattr(streams_module, "LOOK", 0.01)

    async def story():
        async with _listening() as (node, users, identity, streams, listener):
            looks, look = 0, identity.refresh

            async def refresh():
                nonlocal looks
                looks += 1
                if looks == 1:
                    raise RuntimeError("a defect of ours")
                await look()

            monkeypatch.setattr(identity, "refresh", refresh)
            await node.alone(users.remove("ana", SYSTEM))
            async with asyncio.timeout(10):
                assert await listener.get() == []  # it has ended
            assert looks > 1
            assert len(streams) == 0

    with caplog.at_level(logging.ERROR, "procession.api"):
        asyncio.run(story())
    assert "a defect of ours" in caplog.text


def test_who_gets_other_roles_is_told_to_read_again(monkeypatch):
    monkeypatch.setattr(streams_module, "LOOK", 0.01)

    async def story():
        async with _listening() as (node, users, _, _, listener):
            await node.alone(users.set_roles("ana", ["clerk", "manager"], SYSTEM))
            async with asyncio.timeout(10):
                (message,) = await listener.get()
            assert message.event == "resync"

    asyncio.run(story())
