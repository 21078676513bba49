"""From a row of history to its news: the events are applied one by one, and what is seen to change is told.

A transaction may be thousands of steps. Told are the nodes that each token came by, with its last state on each, and the last
value of each variable; of a very long run only where each token is at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from procession.definition import ProcessDefinition
from procession.engine import events as e
from procession.engine.apply import APPLIERS
from procession.engine.codec import decode_events
from procession.engine.state import Incident, ProcessInstance, Token, UserTaskItem
from procession.runtime.live.news import AccessNews, DataNews, ExceptionNews, News, Report, StatusNews, TaskNews, Visit
from procession.storage import HistoryRow, InstanceRow
from procession.storage.rows import settle

LONG_RUN = 300
"""Visits of nodes in one transaction, of which only the last of each token is told when there are more."""


def unfold(
    number: int, row: HistoryRow, head: InstanceRow, definition: ProcessDefinition, state: ProcessInstance
) -> Report:
    """Apply a row to the state before it, and tell what changed."""
    state.at = row.at
    unfolding = Unfolding(definition, state)
    for event in decode_events(row.events):
        UNFOLDERS[event.__class__](unfolding, event)
    state.position = row.position
    settle(state)
    return Report(number, row, head, definition, unfolding.news())


class Unfolding:
    """One row on its way: each method applies an event and finds the news in it."""

    def __init__(self, definition: ProcessDefinition, state: ProcessInstance) -> None:
        self._definition, self._state = definition, state
        self._found: list[News] = []
        self._visits: dict[int, Visit] = {}  # the latest of each token
        self._data: dict[str, DataNews] = {}
        self._origins: dict[int, str] = {}  # where each token came from that was seen: its node before the row

    def news(self) -> list[News]:
        """Everything that was found, as it is at the end of the row."""
        for key, each in self._data.items():
            each.value = self._state.variables.get(key)
        found, visits = self._found, self._visits
        if len(found) > LONG_RUN and sum(isinstance(each, Visit) for each in found) > LONG_RUN:
            found = [each for each in found if not isinstance(each, Visit) or visits[each.token] is each]
        return found + self._access() if self._definition.guarded else found  # without rules all lanes are alike

    # -- tokens ---------------------------------------------------------------------------------------------------------

    def nothing(self, event: e.Event) -> None:
        APPLIERS[event.__class__](self._state, event)

    def touched(self, event: Any) -> None:
        """The event may change the token that it names."""
        token = self._state.tokens.get(event.token)
        if token is None:
            APPLIERS[event.__class__](self._state, event)
            return
        node, state, status = token.node, token.state, token.status
        self._origins.setdefault(token.id, node)
        APPLIERS[event.__class__](self._state, event)
        if token.status != status or token.state != state or token.node != node:
            self._see(token, arrived=token.node != node)

    def created(self, event: e.TokenCreated) -> None:
        APPLIERS[e.TokenCreated](self._state, event)
        self._origins[event.token] = self._origin(event)
        self._see(self._state.tokens[event.token], arrived=True)

    def advanced(self, event: e.TokenAdvanced) -> None:
        """Without a flow and on the same node its work begins again: that is no new visit."""
        token = self._state.tokens[event.token]
        node = token.node
        self._origins.setdefault(token.id, node)
        APPLIERS[e.TokenAdvanced](self._state, event)
        self._see(token, arrived=event.flow is not None or token.node != node)

    def joined(self, event: e.JoinFired) -> None:
        tokens = [self._state.tokens[number] for number in dict.fromkeys((*event.consumed, event.survivor))]
        for token in tokens:
            self._origins.setdefault(token.id, token.node)
        at = tokens[-1].node if event.survivor not in event.consumed else event.node
        APPLIERS[e.JoinFired](self._state, event)
        for token in tokens:
            self._see(token, arrived=token.id == event.survivor and at != event.node)

    def _see(self, token: Token, *, arrived: bool) -> None:
        visit = None if arrived else self._visits.get(token.id)
        if visit is None:
            visit = self._visits[token.id] = Visit(token)
            self._found.append(visit)
        else:
            visit.see(token)

    def _origin(self, event: e.TokenCreated) -> str:
        """A child comes from where its parent was."""
        if event.parent is None:
            return event.node
        parent = self._state.tokens.get(event.parent)
        return self._origins.get(event.parent) or (parent.node if parent is not None else event.node)

    def _access(self) -> list[News]:
        """Tokens that are in another swimlane than before the row."""
        found: list[News] = []
        for number, visit in self._visits.items():
            before, after = self._lane(self._origins.get(number, visit.node)), self._lane(visit.node)
            if before != after and number in self._state.tokens:
                found.append(AccessNews(number, visit.node, before, after))
        return found

    def _lane(self, node: str) -> str | None:
        found = self._definition.nodes.get(node)
        return found.lane if found is not None else None

    # -- the instance and its data --------------------------------------------------------------------------------------

    def status(self, event: e.Event) -> None:
        APPLIERS[event.__class__](self._state, event)
        self._found.append(StatusNews(self._state.status))

    def started(self, event: e.InstanceStarted) -> None:
        self.status(event)
        self._change(event.variables)

    def variables(self, event: e.VariablesSet | e.VariablesReplaced) -> None:
        APPLIERS[event.__class__](self._state, event)
        if not event.scope:
            self._change(event.values)

    def patched(self, event: e.VariablesPatched) -> None:
        APPLIERS[e.VariablesPatched](self._state, event)
        self._change(event.patch)

    def _change(self, values: dict[str, Any]) -> None:
        for key in values:
            if key not in self._data:
                self._data[key] = news = DataNews(key)
                self._found.append(news)

    # -- what is waited for ---------------------------------------------------------------------------------------------

    def task_created(self, event: e.TaskCreated) -> None:
        self.touched(event)
        self._task("created", event.task)

    def task_assigned(self, event: e.TaskAssigned) -> None:
        before = replace(self._item(event.task))
        APPLIERS[e.TaskAssigned](self._state, event)
        self._task("assigned", event.task, before)

    def task_completed(self, event: e.TaskCompleted) -> None:
        item = self._item(event.task)
        self.touched(event)
        self._found.append(TaskNews("completed", item))

    def _item(self, number: int) -> UserTaskItem:
        item = self._state.waits[number]
        assert isinstance(item, UserTaskItem)
        return item

    def _task(self, change: str, number: int, before: UserTaskItem | None = None) -> None:
        item = replace(self._item(number))  # as it is now: it may be assigned to somebody else before this is told
        self._found.append(TaskNews(change, item, before))

    def raised(self, event: e.IncidentRaised) -> None:
        self.touched(event)
        incident = self._state.waits[event.incident]
        assert isinstance(incident, Incident)
        self._found.append(ExceptionNews("raised", incident))

    def resolved(self, event: e.IncidentResolved) -> None:
        incident = self._state.waits[event.incident]
        assert isinstance(incident, Incident)
        self.touched(event)
        self._found.append(ExceptionNews("resolved", incident))

    def cancelled(self, event: e.WaitCancelled) -> None:
        wait = self._state.waits.get(event.wait)
        self.touched(event)
        if isinstance(wait, UserTaskItem):
            self._found.append(TaskNews("cancelled", wait))
        elif isinstance(wait, Incident):
            self._found.append(ExceptionNews("resolved", wait))


Unfolder = Callable[[Unfolding, Any], None]

UNFOLDERS: dict[type, Unfolder] = {
    kind: Unfolding.touched if "token" in kind.__struct_fields__ else Unfolding.nothing  # type: ignore[attr-defined]
    for kind in APPLIERS
}
UNFOLDERS |= {
    e.TokenCreated: Unfolding.created,
    e.TokenAdvanced: Unfolding.advanced,
    e.JoinFired: Unfolding.joined,
    e.InstanceStarted: Unfolding.started,
    e.InstanceEnded: Unfolding.status,
    e.InstanceHeld: Unfolding.status,
    e.InstanceResumed: Unfolding.status,
    e.VariablesSet: Unfolding.variables,
    e.VariablesReplaced: Unfolding.variables,
    e.VariablesPatched: Unfolding.patched,
    e.TaskCreated: Unfolding.task_created,
    e.TaskAssigned: Unfolding.task_assigned,
    e.TaskCompleted: Unfolding.task_completed,
    e.IncidentRaised: Unfolding.raised,
    e.IncidentResolved: Unfolding.resolved,
    e.WaitCancelled: Unfolding.cancelled,
}
