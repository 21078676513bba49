"""The time machine: what history says about an instance, folded from its first event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from procession.engine import events as e
from procession.engine.apply import APPLIERS
from procession.engine.codec import decode_events
from procession.engine.state import INACTIVE, ProcessInstance, Token
from procession.storage import HistoryRow, Storage

FINISHED_TOKENS = 1000
"""So many records of finished tokens are kept for a list."""


class Stay:
    """When a node was first come to, and last left (None: never); `cut`: before its work was done."""

    __slots__ = ("cut", "since", "until")

    def __init__(self, since: int) -> None:
        self.since = since
        self.until: int | None = None
        self.cut = False


class Replay:
    """An instance as of a position, with the records of tokens that ended and the nodes that each token visited."""

    def __init__(self, instance: int) -> None:
        self.state = ProcessInstance(instance)
        self.finished: dict[int, Token] = {}
        self.visits: dict[int, list[tuple[str, int]]] = {}  # token → (node, when it arrived)
        self.left: list[str] = []  # nodes in the order in which they were left
        self.stays: dict[str, Stay] = {}  # of every token on a node together

    def fold(self, rows: Sequence[HistoryRow]) -> None:
        """Apply rows of history, oldest first, without a gap."""
        for row in rows:
            self.state.at = row.at
            for event in decode_events(row.events):
                self._note(event, row.at)
                APPLIERS[event.__class__](self.state, event)
            self.state.position = row.position
            self.state.touched.clear()
            self.state.counted.clear()

    def _note(self, event: e.Event, at: int) -> None:
        tokens = self.state.tokens
        if isinstance(event, e.TokenCreated):
            self.visits[event.token] = [(event.node, at)]
            self._arrive(event.node, at)
        elif isinstance(event, e.TokenAdvanced):
            if event.flow is not None or tokens[event.token].node != event.node:
                if event.flow is not None:
                    self.left.append(tokens[event.token].node)
                self.visits[event.token].append((event.node, at))
                self._leave(tokens[event.token].node, at)
                self._arrive(event.node, at)
        elif isinstance(event, e.TokenHeld):
            if event.holding == "split":
                self.left.append(tokens[event.token].node)
        elif isinstance(event, e.TokenEnded):
            token = tokens[event.token]
            if event.state == INACTIVE and token.holding != "split" and token.item is None:
                self.left.append(token.node)
            self._leave(token.node, at, cut=event.state != INACTIVE)
            self._finish(token)
        elif isinstance(event, e.JoinFired):
            for number in event.consumed:
                self._leave(tokens[number].node, at)
                if number != event.survivor:
                    self._finish(tokens[number])
            visits = self.visits.setdefault(event.survivor, [])
            if not visits or visits[-1][0] != event.node:
                visits.append((event.node, at))
            self._arrive(event.node, at)

    def _arrive(self, node: str, at: int) -> None:
        if node not in self.stays:
            self.stays[node] = Stay(at)
        self.stays[node].cut = False

    def _leave(self, node: str, at: int, *, cut: bool = False) -> None:
        if node in self.stays:
            self.stays[node].until, self.stays[node].cut = at, cut

    def _finish(self, token: Token) -> None:
        self.finished[token.id] = token
        if len(self.finished) > FINISHED_TOKENS:
            oldest = next(iter(self.finished))
            del self.finished[oldest]
            self.visits.pop(oldest, None)


async def replay(storage: Storage, instance: int, position: int | None = None) -> Replay | None:
    """Fold the history of an instance up to a position (None: all of it); None if it has none."""
    result = Replay(instance)
    after, found = 0, False
    while True:
        rows: Any = await storage.history(instance, after, 1000)
        if position is not None:
            rows = [row for row in rows if row.position <= position]
        if not rows:
            return result if found else None
        found = True
        result.fold(rows)
        after = rows[-1].position
