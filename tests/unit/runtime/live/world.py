"""A node with a hub, and what people, workers and listeners do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from procession.app import open_storage
from procession.engine import commands as c
from procession.engine.access import SYSTEM, Principal
from procession.engine.codec import decode
from procession.engine.state import Job, ProcessInstance, UserTaskItem, Wait
from procession.runtime.asks import Ask, Start
from procession.runtime.clock import VirtualClock
from procession.runtime.live import Hub, Listener, Message, parse_filter, socket_text, sse_bytes
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.storage.rows import restore
from procession.testing import ProcessBuilder

PATIENCE = 20.0


def person(name: str, *roles: str) -> Principal:
    return Principal(name, frozenset(roles))


class World:
    """Open it in an event loop."""

    def __init__(self, url: str, *processes: ProcessBuilder) -> None:
        self.processes = processes
        self.node = Node(Machine(open_storage(url), VirtualClock()))

    async def __aenter__(self) -> World:
        await self.node.open()
        if self.processes:
            await self.deploy(*self.processes)
        self.hub = Hub(self.node)
        await self.hub.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hub.close()
        await self.node.close()

    async def deploy(self, *processes: ProcessBuilder) -> None:
        files = [(f"{each.name}.bpmn", each.build()) for each in processes]
        await self.node.alone(self.node.definitions.deploy(files, SYSTEM, publish=True))

    # -- what happens ---------------------------------------------------------------------------------------------------

    async def start(self, name: str, data: dict[str, Any] | None = None, who: Principal = SYSTEM) -> int:
        started: int = await self.do(Start(name, data or {}), who)
        return started

    async def do(self, command: Any, who: Principal = SYSTEM) -> Any:
        return await self.node.ask(Ask(command, who))

    async def state(self, instance: int) -> ProcessInstance:
        rows = await self.node.read(self.node.storage.instance(instance))
        assert rows is not None
        return restore(rows)

    async def wait(self, instance: int, kind: type[Wait], node: str | None = None) -> Any:
        """What an instance waits for."""
        state = await self.state(instance)
        found = [each for each in state.waits.values() if isinstance(each, kind) and node in (None, each.node)]
        assert found, f"nothing of that kind is waited for at {node}: {state.waits}"
        return found[0]

    async def work(self, instance: int, node: str | None = None, variables: dict[str, Any] | None = None) -> None:
        """A worker does a job."""
        await self.do(c.CompleteJob((await self.wait(instance, Job, node)).id, variables or {}))

    async def fill(
        self, instance: int, node: str | None = None, variables: dict[str, Any] | None = None, who: Principal = SYSTEM
    ) -> None:
        """Somebody completes a task."""
        await self.do(c.CompleteTask((await self.wait(instance, UserTaskItem, node)).id, variables or {}), who)

    # -- what is told ---------------------------------------------------------------------------------------------------

    async def listen(
        self, who: Principal = SYSTEM, after: str | int | None = None, hub: Hub | None = None, **given: Any
    ) -> Listener:
        return await (hub or self.hub).listen(parse_filter(given), who, after)

    async def told(self, listener: Listener) -> list[Message]:
        """Everything that a listener gets of what has happened up to now."""
        hub = listener._hub
        last = await self.node.read(self.node.storage.last_history())
        found: list[Message] = []
        async with asyncio.timeout(PATIENCE):
            while hub.number < last:
                await asyncio.sleep(0.001)
            while listener._buffer or not listener._live:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        found += await listener.get()
        return found

    async def again(self, who: Principal = SYSTEM, after: str | int = "0.0", **given: Any) -> list[Message]:
        """What somebody gets who was away, and comes to a hub that knows nothing yet."""
        hub = Hub(self.node)
        await hub.open()
        try:
            return await self.told(await self.listen(who, after, hub, **given))
        finally:
            await hub.close()


def data(message: Message) -> Any:
    return decode(message.data)


def sent(messages: Iterable[Message]) -> list[bytes]:
    """The bytes as they go out, on both transports."""
    return [sse_bytes(each) + socket_text(each).encode() for each in messages]


def brief(messages: Iterable[Message]) -> list[tuple[Any, ...]]:
    """The story in a few words."""
    return [_brief(each.event, data(each)) for each in messages]


def _brief(event: str, told: Any) -> tuple[Any, ...]:
    match event:
        case "progress":
            return event, told["token"], told["node"], told["state"], told["statusCurrentNode"]
        case "status":
            return event, told["status"]
        case "data":
            return event, told["key"], told["value"]
        case "task":
            return event, told["change"], told["node"], told["assignee"]
        case "exception":
            return event, told["change"], told["node"], told["type"]
        case "access":
            return event, told["token"], told["lane"], told["execute"], told["view"]
        case _:
            return event, told


def marks(messages: Iterable[Message]) -> list[tuple[int, int]]:
    return [(int(number), int(index)) for number, _, index in (each.mark.partition(".") for each in messages)]
