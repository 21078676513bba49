"""The open sockets of a client, so that a thread that waits in one can be woken by another."""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

OPENED = ("connect_tcp.complete", "start_tls.complete")


class Sockets:
    """Told of connections by the `trace` extension of the HTTP library; they are forgotten by themselves."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._how: int | None = None  # what is opened from now on ends at once

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """A connection was opened (or something else happened)."""
        if name.endswith(OPENED):
            stream = info["return_value"]
            with self._lock:
                self._streams.add(stream)
                how = self._how
            if how is not None:
                _shut(stream, how)

    def hang_up(self) -> None:
        """Say that nothing more comes from here: the server ends what waits. An answer that is on its way still arrives."""
        self._shut(socket.SHUT_WR)

    def cut(self) -> None:
        """End every connection; whoever waits in one is woken with an error."""
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with self._lock:
            self._how = how
            streams = list(self._streams)
        for stream in streams:
            _shut(stream, how)


def _shut(stream: Any, how: int) -> None:
    with suppress(OSError):  # it is closed already
        # past what ssl does there: its state belongs to the thread that reads
        socket.socket.shutdown(stream.get_extra_info("socket"), how)
