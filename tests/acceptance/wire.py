"""A wire between a client and a server that can be cut at the worst moment: after a request took effect, before its answer."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Passes on whatever comes, but loses answers where it is told to. `url` is where clients connect.

    With a `context` they speak TLS to it.
    """

    def __init__(self, server: str, context: ssl.SSLContext | None = None) -> None:
        host, _, port = server.removeprefix("http://").partition(":")
        self._target = host, int(port)
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._lose: list[bytes] = []
        self.lost = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def lose_answer_to(self, path: str, times: int = 1) -> None:
        """The next requests with this in their first line are passed on; their answers are not."""
        self._lose += [path.encode()] * times

    def close(self) -> None:
        """Cut every connection, and take no more."""
        if self._listening.fileno() < 0:
            return
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._sockets:
            _cut(each)
        for thread in self._threads:
            thread.join(5)
        for each in self._sockets:
            each.close()

    def _start(self, run, *arguments) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self._context is not None:
                    try:
                        client = self._context.wrap_socket(client, server_side=True)
                    except OSError:  # it does not trust us
                        client.close()
                        continue
                self._sockets.append(client)
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    _cut(client)
                    continue
                self._sockets.append(server)
                losing = threading.Event()
                self._start(self._requests, client, server, losing)
                self._start(self._answers, server, client, losing)

    def _requests(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                for path in self._lose:
                    if path in data.partition(b"\r\n")[0]:
                        self._lose.remove(path)
                        losing.set()
                        break
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if losing.is_set():
                    self.lost += 1
                    break
                client.sendall(data)
        _cut(client)
        _cut(server)


def _cut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(server: str, context: ssl.SSLContext | None = None) -> Iterator[Wire]:
    made = Wire(server, context)
    try:
        yield made
    finally:
        made.close()
