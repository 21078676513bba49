"""History as people tell it: one line for each step, made from the events of an instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import convert, json

from procession.cli.waits import moment
from procession.definition import (
    Activity,
    BoundaryEvent,
    EndEvent,
    Gateway,
    ProcessDefinition,
    ReceiveTask,
    StartEvent,
)
from procession.definition.iso8601 import format_instant
from procession.engine import events as e
from procession.engine.codec import encode
from procession.engine.triggers.stream import TOPIC

if TYPE_CHECKING:
    from procession.runtime.views import HistoryView

LONGEST_VALUE = 60
RESULTS = frozenset({"✓", "✉", "◷", "↯"})
"""Signs after which values follow that came with them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step: when, a sign, what (a node's name or the instance), and more about it."""

    at: str
    sign: str
    what: str
    more: str = ""
    child: str | None = None  # an instance that was started here

    def __str__(self) -> str:
        return f"{self.at[11:19]}  {self.sign} {self.what}" + (f"  {self.more}" if self.more else "")


class Story:
    """Tells the history of one instance, in pieces as it grows."""

    def __init__(self, definition: ProcessDefinition) -> None:
        self._definition = definition
        self._at: dict[int, str] = {}  # token → node
        self._told: set[int] = set()  # tokens whose present node was told about already
        self._item: dict[int, int] = {}  # token → the item of a loop that it is for
        self._inside: set[int] = set()  # tokens that are held while something runs inside their activity
        self._fired: set[str] = set()  # events that came true and were told about; a token passes them next
        self.position = 0

    def tell(self, rows: Iterable[HistoryView]) -> Iterator[Line]:
        """The lines of further rows of history."""
        for row in rows:
            if row.position <= self.position:
                continue
            self.position = row.position
            events = convert(row.events, list[e.Event])
            fired = {token for event in events if isinstance(event, e.JoinFired) for token in event.consumed}
            lines: list[Line] = []
            for event in events:
                if isinstance(event, e.JoinReached) and event.token in fired:
                    continue  # it had not to wait
                lines += self._event(event, row)
            yield from _values_last(lines)

    def name(self, node: str) -> str:
        """What people call a node: its name on the diagram, else its kind and id."""
        found = self._definition.nodes.get(node)
        if found is None:
            return node
        if found.name:
            return " ".join(found.name.split())
        return f"{words(type(found).__name__)} {node}"

    def _event(self, event: e.Event, row: HistoryView) -> Iterator[Line]:
        at, tokens = row.at, self._at
        match event:
            case e.InstanceStarted():
                title = self._definition.title or event.name
                by = f"started by {event.started_by}"
                yield Line(at, "▶", title, f"version {event.version}, {by}{self._values(event.variables, ', with ')}")
            case e.TokenCreated():
                tokens[event.token] = event.node
                self._told.discard(event.token)
                if event.item is not None:
                    self._item[event.token] = event.item
            case e.TokenAdvanced():
                yield from self._passed(event, at)
                tokens[event.token] = event.node
                self._told.discard(event.token)
            case e.TokenHeld():
                yield from self._held(event, at)
            case e.LoopStarted():
                self._inside.add(event.token)
                count = len(event.items)
                yield self._line(
                    event.token, at, "↻", f"for each of {count} items" if count != 1 else "for the one item"
                )
            case e.TokenResumed():
                if event.token in self._inside:
                    self._told.discard(event.token)
            case e.LoopEnded():
                self._told.discard(event.token)
                self._inside.discard(event.token)
            case e.JoinReached():
                self._told.add(event.token)
                yield self._line(event.token, at, "…", "waits for the other branches")
            case e.JoinFired():
                for token in event.consumed:
                    tokens.pop(token, None)
                tokens[event.survivor] = event.node
                self._told.add(event.survivor)
                count = len(event.consumed)
                yield Line(at, "◆", self.name(event.node), f"{count} branches are one again" if count > 1 else "")
            case e.TokenEnded():
                yield from self._ended(event, at)
            case e.TaskCreated():
                who = event.assignee or ", ".join((*event.users, *event.groups)) or self._roles(event.lane)
                yield self._line(
                    event.token, at, "…", f"waits for a person{f' ({who})' if who else ''}: task {event.task}"
                )
            case e.TaskAssigned():
                yield self._line(event.token, at, "·", f"taken by {event.assignee}" if event.assignee else "given back")
            case e.TaskCompleted():
                yield self._done(event.token, at, f"done by {event.by}")
            case e.JobCreated():
                yield self._line(event.token, at, "…", f"waits for a worker: {event.type}")
            case e.JobCompleted():
                yield self._done(event.token, at, f"done by {event.worker}" if event.worker else "done by a worker")
            case e.JobFailed():
                left = (
                    f"{event.retries} {'try' if event.retries == 1 else 'tries'} left"
                    if event.retries
                    else "no tries left"
                )
                yield self._line(event.token, at, "!", f"the job failed, {left}: {event.message}")
            case e.JobErrorThrown():
                self._told.add(event.token)
                yield self._line(
                    event.token, at, "↯", f"BPMN error {event.code}{f': {event.message}' if event.message else ''}"
                )
            case e.TimerScheduled():
                if event.status is not None:
                    yield Line(at, "…", self.name(event.node), f"waits until {moment(format_instant(event.due))}")
            case e.TimerFired():
                if not isinstance(self._definition.nodes.get(event.node), ReceiveTask):  # else: no answer came in time
                    yield Line(at, "◷", self.name(event.node) if event.node else "The instance", "the time has come")
                self._mark(event.token, event.node)
            case e.SubscriptionOpened():
                if event.status is not None or tokens.get(event.token) == event.node:
                    yield Line(at, "…", self.name(event.node), f"waits for {_awaited(event)}")
            case e.MessageReceived():
                what = "message received" if event.record is None else f"answer received ({event.record})"
                yield Line(at, "✉", self.name(event.node), what)
                if event.closed or self._at.get(event.token) != event.node:  # else it is kept, and the step goes on
                    self._mark(event.token, event.node)
            case e.ResponseTimedOut():
                yield Line(at, "◷", self.name(event.node), "no answer came in time")
            case e.VariablesSet() | e.VariablesReplaced():
                if shown := self._values(event.values):
                    yield Line(at, "=", shown)
            case e.LocalsSet():
                own = {key: value for key, value in event.values.items() if value is not None and key != "loopCounter"}
                if shown := self._values(own):
                    yield Line(at, "=", shown)
            case e.VariablesPatched():
                yield Line(at, "=", self._values(event.patch), f"changed by {row.actor}{_because(row)}")
            case e.CallStarted():
                yield Line(
                    at, "▼", self.name(tokens.get(event.token, "")), f"calls {event.process}", child=str(event.child)
                )
            case e.CallEnded():
                yield self._done(event.token, at, f"the called process is {event.status}")
            case e.MessagePublished() | e.RecordSent():
                what = event.name if isinstance(event, e.MessagePublished) else event.topic
                yield self._line(event.token, at, "✉", f"sends {what}")
            case e.IncidentRaised():
                yield Line(at, "!", self.name(event.node), f"cannot go on: {event.message}")
            case e.IncidentResolved():
                yield self._line(event.token, at, "·", f"repaired by {row.actor}{_because(row)}")
            case e.InstanceHeld():
                yield Line(at, "‖", "On hold", f"by {row.actor}{_because(row)}")
            case e.InstanceResumed():
                yield Line(at, "▶", "Goes on", f"by {row.actor}{_because(row)}")
            case e.InstanceEnded():
                more = f"BPMN error {event.error}" if event.error else (event.message or "")
                yield Line(at, "■", event.status, f"{more}{_because(row)}".strip())
            case _:
                pass

    def _line(self, token: int, at: str, sign: str, more: str) -> Line:
        return Line(at, sign, self._where(token), more)

    def _where(self, token: int) -> str:
        """The name of the node that a token is on, with the number of the item that it is for."""
        node = self._at.get(token)
        if node is None:
            return "The instance"
        return f"{self.name(node)} [{self._item[token] + 1}]" if token in self._item else self.name(node)

    def _done(self, token: int, at: str, more: str) -> Line:
        self._told.add(token)
        return self._line(token, at, "✓", more)

    def _mark(self, token: int, node: str) -> None:
        if self._at.get(token) == node:
            self._told.add(token)
        else:
            self._fired.add(node)

    def _passed(self, event: e.TokenAdvanced, at: str) -> Iterator[Line]:
        node = self._definition.nodes.get(self._at.get(event.token, ""))
        if node is None or event.token in self._told:
            return
        if node.id in self._fired:
            self._fired.discard(node.id)
            return
        if event.flow is None:
            if isinstance(node, Activity):
                yield self._line(event.token, at, "✗", "interrupted")
            return
        flow = self._definition.flows.get(event.flow)
        if isinstance(node, Gateway):
            if len(node.outgoing) > 1:
                yield Line(at, "◆", self.name(node.id), f"→ {(flow and flow.name) or self.name(event.node)}")
        elif isinstance(node, StartEvent | BoundaryEvent):
            yield Line(at, "○", self.name(node.id))
        else:
            yield self._line(event.token, at, "✓", "")

    def _held(self, event: e.TokenHeld, at: str) -> Iterator[Line]:
        self._told.add(event.token)
        if event.holding == "split":
            yield self._line(event.token, at, "◆", f"splits into {event.count} branches")
        elif event.holding == "scope":
            self._inside.add(event.token)
            yield self._line(event.token, at, "▼", "")

    def _ended(self, event: e.TokenEnded, at: str) -> Iterator[Line]:
        node = self._definition.nodes.get(self._at.get(event.token, ""))
        where, told, inside = self._where(event.token), event.token in self._told, event.token in self._inside
        self._at.pop(event.token, None)
        self._item.pop(event.token, None)
        self._told.discard(event.token)
        self._inside.discard(event.token)
        if node is None:
            return
        if event.state != "INACTIVE":
            if not inside and not isinstance(node, Gateway):
                yield Line(at, "✗", where, event.state.lower())
        elif isinstance(node, EndEvent):
            if node.name or node.parent is None:
                yield Line(at, "●", self.name(node.id))
        elif not told:
            yield Line(at, "✓", where)

    def _roles(self, lane: str | None) -> str:
        found = self._definition.lanes.get(lane) if lane is not None else None
        return ", ".join(sorted(found.access.get("execute", ()))) if found is not None else ""

    def _values(self, values: dict[str, Any], before: str = "") -> str:
        shown = list(_flat(values, self._definition.sensitive))
        return before + ", ".join(shown) if shown else ""


def _values_last(lines: list[Line]) -> Iterator[Line]:
    """What was set is told after the step that set it, also where history has it before."""
    held: list[Line] = []
    before = ""
    for line in lines:
        if line.sign == "=" and before not in RESULTS:
            held.append(line)
            continue
        yield line
        yield from held
        held.clear()
        before = line.sign
    yield from held


def words(name: str) -> str:
    """ExclusiveGateway → exclusive gateway."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _awaited(event: e.SubscriptionOpened) -> str:
    if event.name.startswith(TOPIC):
        return f"an answer on {event.name.removeprefix(TOPIC)}"
    return f"the message {event.name}{f' ({event.key})' if event.key else ''}"


def _because(row: HistoryView) -> str:
    return f": {row.reason}" if row.reason else ""


def _flat(values: dict[str, Any], hidden: frozenset[str], path: Sequence[str] = ()) -> Iterator[str]:
    for name, value in values.items():
        here = (*path, name)
        dotted = ".".join(here)
        if dotted in hidden:
            yield f"{dotted} = ***"
        elif isinstance(value, dict) and value:
            yield from _flat(value, hidden, here)
        else:
            text = json.format(encode(value), indent=0).decode()
            yield f"{dotted} = {text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + '…'}"
