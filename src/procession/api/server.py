"""Runs the application: listens, says so, and on a signal ends without losing what was accepted.

What happens at the end, in this order: nobody new comes in; long polls and live streams end; requests that were accepted are
answered, for `grace` seconds at most (a second signal does not wait); the engine commits what it has taken; the store is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from email.utils import formatdate
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from procession.api.edge import Edge
from procession.api.protocol import bounded
from procession.errors import ProcessionError

if sys.platform != "win32":
    import resource

    import uvloop

log = logging.getLogger("procession.server")

KEEP_ALIVE = 75
"""Seconds that a connection may be idle: more than the 60 s that proxies keep theirs, so that it is they who close."""

UNREACHABLE = 60_000
"""Milliseconds after which a client that takes nothing is gone."""

LARGEST_MESSAGE = 65_536
PING = 15.0
YOUNG = 50_000
"""Objects that are made before the youngest are looked through for garbage."""

FLUSH = 0.05
LAST_WORDS = 1.0
"""Seconds that requests have to end once they are cut off."""


class Server:
    """One address, or `sockets` that listen already. `run` until SIGTERM or SIGINT; `stop` does the same from any thread.

    `ready` is told the address once requests are answered. `wrap` puts something around the application, such as an access log;
    what is `beside` it runs as long as it serves.
    """

    def __init__(
        self,
        app: Litestar,
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        sockets: Sequence[socket.socket] = (),
        grace: float = 10.0,
        max_connections: int = 10_000,
        forwarded_allow_ips: Sequence[str] = (),
        ready: Callable[[str], None] | None = None,
        wrap: Callable[[ASGIApp], ASGIApp] | None = None,
        beside: Sequence[Callable[[Edge], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        self._app, self._host, self._port, self._grace = app, host, port, grace
        self._sockets = sockets
        self._ready, self._beside = ready, beside
        self._config = Config(
            app if wrap is None else wrap(app),
            http=bounded(max_connections),
            ws="websockets-sansio",
            ws_max_size=LARGEST_MESSAGE,
            ws_ping_interval=PING,
            ws_ping_timeout=PING,
            ws_per_message_deflate=False,  # what a client sends may unfold to a thousand times its size
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(forwarded_allow_ips),
            forwarded_allow_ips=list(forwarded_allow_ips),
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._max_connections = max_connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()

    def run(self) -> None:
        """Serve until somebody stops it. What keeps it from starting is raised."""
        _allow_files(self._max_connections)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            try:
                runner.run(self.serve())
            except BaseExceptionGroup as group:
                raise _only(group) from None

    def stop(self) -> None:
        """End gracefully; asked a second time, at once."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._stop)

    async def serve(self) -> None:
        """The same as `run`, in a loop that runs."""
        self._loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._signals())
            listening = self._sockets or listening_sockets(self._host, self._port)
            sockets = [stack.enter_context(each) for each in listening]
            async with self._app.lifespan():
                state = ServerState()
                self._config.load()
                edge: Edge = self._app.state.edge
                others = (_date(state), *(each(edge) for each in self._beside))
                running = [asyncio.create_task(_logged(each)) for each in others]
                servers = [await self._accept(each, state) for each in sockets]
                with _rare_garbage():
                    if self._ready is not None and not self._stopping.is_set():
                        self._ready(address_of(self._host, sockets[0]))
                    await self._stopping.wait()
                for server in servers:
                    server.close()
                await self._wind_down(state, edge)
                for each in running:
                    each.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        log.info("shut down")

    async def _accept(self, listening: socket.socket, state: ServerState) -> asyncio.Server:
        assert self._loop is not None

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = self._config.http_protocol_class(  # type: ignore[call-arg]
                config=self._config, server_state=state, app_state={}
            )
            return made

        return await self._loop.create_server(protocol, sock=listening, backlog=2048)

    async def _wind_down(self, state: ServerState, edge: Edge) -> None:
        log.info("shutting down; %d requests are being answered", len(state.tasks))
        edge.wind_down()
        await asyncio.sleep(FLUSH)  # live streams say good-bye
        for connection in list(state.connections):
            connection.shutdown()
        end = time.monotonic() + self._grace
        while (state.connections or state.tasks) and time.monotonic() < end and not self._hurrying.is_set():
            await asyncio.sleep(FLUSH / 2)
        if state.tasks:
            log.warning("%d requests are cut off; what they asked for may still take effect", len(state.tasks))
            for task in list(state.tasks):
                task.cancel()
            await asyncio.wait(list(state.tasks), timeout=LAST_WORDS)
        for connection in list(state.connections):
            connection.transport.abort()

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._hurrying.set()
        self._stopping.set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop it, where it runs in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """A bound socket for each address of the host, all with one port. Addresses that this machine lacks are left out."""
    sockets: list[socket.socket] = []
    lacking: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, number, _, address in dict.fromkeys(found):
            try:
                sockets.append(made := _bound(family, kind, number, (address[0], port, *address[2:])))
                port = made.getsockname()[1]
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                lacking = error
        if lacking is not None and not sockets:
            raise lacking
    except OSError as error:
        for each in sockets:
            each.close()
        raise ProcessionError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. "
            "Choose another with --host and --port (--port 0 finds a free one)."
        ) from None
    return sockets


def _bound(family: int, kind: int, number: int, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, kind, number)
    try:
        if sys.platform != "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREACHABLE)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made


def _only(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that the framework's task groups make of one error."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def address_of(host: str, listening: socket.socket) -> str:
    """As people type it."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


async def _logged(running: Coroutine[Any, Any, None]) -> None:
    """The server goes on without what breaks beside it."""
    try:
        await running
    except Exception:
        log.exception("something that runs beside the server broke")


async def _date(state: ServerState) -> None:
    """The `date` of answers."""
    while True:
        state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        await asyncio.sleep(1.0)


@contextlib.contextmanager
def _rare_garbage() -> Iterator[None]:
    """What is there by now stays, and what is made for a request is mostly gone with it: look more rarely."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _allow_files(connections: int) -> None:
    """Each connection is a file; the usual limit of 1,024 is meant for programs that are no server."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 500
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            log.warning("only %d files may be open: fewer connections than max_connections = %d", most, connections)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
