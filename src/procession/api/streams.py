"""The open live streams of a server: whose they are, and that they end in time."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import TYPE_CHECKING

from procession.api.problems import refusal
from procession.errors import StorageError
from procession.runtime.live import Filter, Hub, Listener

if TYPE_CHECKING:
    from procession.api.edge import Limits
    from procession.api.identity import Identity, Who

log = logging.getLogger("procession.api")

LOOK = 1.0
"""Seconds after which a changed role, a removed user or an ended session is noticed."""


class Streams:
    """Listeners with who listens. Rights follow the people: a changed role counts from the next message on."""

    def __init__(self, hub: Hub, identity: Identity, limits: Limits) -> None:
        self._hub, self._identity, self._limits = hub, identity, limits
        self._open: dict[Listener, Who] = {}
        self._caring: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    async def listen(self, who: Who, wanted: Filter, after: str | None) -> Listener:
        """A listener of this user, to be closed with `leave`. They may have lost rights since they came."""
        if self._closed:
            raise refusal(503, "Service unavailable.", "The server is shutting down.", "error.shutdown", retryAfter=1)
        if len(self._open) >= self._limits.listeners:
            raise refusal(503, "Service unavailable.", "Too many listen already.", "error.listeners", retryAfter=10)
        who = await self._identity.still(who)
        listener = await self._hub.listen(wanted, who.principal, after=after)
        self._open[listener] = who
        if self._caring is None:
            self._caring = asyncio.create_task(self._care(), context=Context())  # it outlasts this request
        return listener

    def leave(self, listener: Listener) -> None:
        """It is not listened to any more."""
        self._open.pop(listener, None)
        listener.close()

    def close(self) -> None:
        """End all of them, and take no more."""
        self._closed = True
        for listener in list(self._open):
            self.leave(listener)
        if self._caring is not None:
            self._caring.cancel()

    async def _care(self) -> None:
        while self._open:
            await asyncio.sleep(LOOK)
            try:
                await self._identity.refresh()
            except StorageError:
                continue  # nobody's rights can be looked up now, and nothing can change them
            except Exception:
                log.exception("the rights of those who listen could not be looked up; tried again in %g s", LOOK)
                continue
            for listener, who in list(self._open.items()):
                now = self._identity.current(who)
                if now is None:
                    self.leave(listener)
                elif now is not who:
                    self._open[listener] = now
                    listener.principal = now.principal
        self._caring = None
