"""What the calls of one server share: the engine, who may come in, the live channel, and the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from procession.api.identity import Identity
from procession.api.metrics import Metrics
from procession.api.partners import Partners
from procession.api.streams import Streams
from procession.runtime.exchange.exchange import Exchange
from procession.runtime.handout import Handout
from procession.runtime.live import Hub
from procession.runtime.node import Node

if TYPE_CHECKING:
    from procession.api.tracing import Tracing


@dataclass(slots=True)
class Limits:
    """What one client may ask of a server. Times in seconds."""

    body: float = 30.0  # for a body to arrive
    heartbeat: float = 15.0  # between two comments on a quiet live channel
    listeners: int = 20_000  # on the live channel at once
    longest_wait: float = 60.0  # of a long poll


@dataclass(slots=True)
class Edge:
    """One for each server."""

    node: Node
    identity: Identity
    hub: Hub
    handout: Handout
    streams: Streams
    metrics: Metrics
    limits: Limits = field(default_factory=Limits)
    origins: Sequence[str] = ()  # other sites whose pages may use the API with a session
    metrics_token: str | None = None
    tracing: Tracing | None = None
    exchange: Exchange | None = None
    partners: Partners | None = None
    closing: bool = False

    def wind_down(self) -> None:
        """End what waits: long polls and live streams. What was accepted goes on."""
        self.closing = True
        self.handout.close()
        self.streams.close()
        if self.partners is not None:
            self.partners.hurry()
