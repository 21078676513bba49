"""A bad network: a TCP proxy of our own before a port of the loopback, with faults that are switched on and off.

    with Proxy(server.port) as proxy:
        store = server.url(port=proxy.port)
        proxy.cut()                 # every connection ends
        proxy.delay = 0.02          # from now on each chunk is late
        proxy.lose_answer()         # the next answer is not passed on, and its connection is cut

It runs in a thread of its own; faults may be switched from any thread.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType

CHUNK = 65_536


class Pair:
    """A connection of a client, and the one that was made for it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = client, server
        self.swallowed = False  # bytes are missing: it can never be whole again

    def cut(self) -> None:
        for end in self.ends:
            end.transport.abort()


class Proxy:
    """Passes on what comes to `port`, as long as nothing else is said.

    `delay`: seconds that each chunk is late. `refuse`: new connections are closed at once. `swallow`: a half-open network, in
    which bytes vanish and nothing is closed; a connection that has lost some stays so until it is cut.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = 0.0
        self.refuse = self.swallow = False
        self.accepted = self.lost = 0  # connections that were made; those that were cut by a limit
        self._limit: int | None = None  # bytes of answers until a connection is cut
        self._pairs: set[Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK), self._loop
        ).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connections(self) -> int:
        return len(self._pairs)

    def cut(self) -> int:
        """End every connection; how many there were."""
        return self._do(self._cut)

    def lose_answer(self, after: int = 0) -> None:
        """Pass on so many bytes of what the server says; the connection that brings the next ones is cut without them."""
        self._limit = after

    def heal(self) -> None:
        """No fault from now on. Connections that have lost bytes are cut."""
        self.delay, self.refuse, self.swallow, self._limit = 0.0, False, False, None
        self._do(lambda: [pair.cut() for pair in self._pairs if pair.swallowed])

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            self._cut()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for each in others:
                each.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Callable[[], object]) -> int:
        async def inside() -> int:
            count = len(self._pairs)
            work()
            return count

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10)

    def _cut(self) -> None:
        for pair in self._pairs:
            pair.cut()

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuse:
            client.transport.abort()
            return
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self.target, limit=CHUNK)
        except OSError:  # nobody is there, which is what the client shall see
            client.transport.abort()
            return
        for end in (client, server):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = Pair(client, server)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pass(reader, server, pair, False), self._pass(answers, client, pair, True))
        except OSError:
            pass  # one of them has gone: the other one is told
        finally:
            pair.cut()
            self._pairs.discard(pair)

    async def _pass(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, pair: Pair, answer: bool) -> None:
        while chunk := await reader.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.swallow or pair.swallowed:
                pair.swallowed = True
                continue
            if answer and self._limit is not None:
                self._limit -= len(chunk)
                if self._limit < 0:
                    self._limit = None
                    self.lost += 1
                    break
            to.write(chunk)
            await to.drain()
        if not pair.swallowed:
            pair.cut()  # databases and web servers close both directions at once
