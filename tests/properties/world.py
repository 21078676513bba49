"""One instance and the world around it, without a runtime: `decide` alone, its rows, and what waits for an answer.

After every command the rules of `procession.testing.guardian` are checked, the events are written and read as history, and
the rows are read back. With `reload` every command is decided on what was read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from procession.definition import ProcessDefinition
from procession.engine import commands as c
from procession.engine.access import SYSTEM
from procession.engine.apply import fold
from procession.engine.codec import decode_events, encode
from procession.engine.decide import decide
from procession.engine.events import Event
from procession.engine.state import Call, Incident, Job, ProcessInstance, Subscription, Timer, UserTaskItem, Wait
from procession.engine.triggers.stream import TOPIC
from procession.storage import Batch, InstanceRows
from procession.storage.rows import project, restore
from procession.testing.guardian import broken_rules, differences, folded

KEYS = {
    "tokens": 2,
    "variables": 3,
    "loops": 2,
    "outputs": 3,
    "kept": 2,
    "jobs": 1,
    "tasks": 1,
    "timers": 1,
    "subscriptions": 1,
    "calls": 1,
    "incidents": 1,
}
"""The tables of an instance, and how many columns of each are its key."""


class Tables:
    """The rows of one instance, changed by batches as a store does it."""

    def __init__(self) -> None:
        self.instance: Any = None
        self.rows: dict[str, dict[tuple[Any, ...], Any]] = {name: {} for name in KEYS}

    def commit(self, batch: Batch) -> None:
        rows = self.rows
        for name in ("tokens", "jobs", "tasks", "timers", "subscriptions", "calls", "variables"):
            for key in getattr(batch, f"{name}_gone"):
                rows[name].pop(tuple(key), None)
        for _, scope in batch.scopes_gone:
            rows["variables"] = {k: v for k, v in rows["variables"].items() if k[1] != scope}
        for _, token in batch.loops_gone:
            rows["loops"] = {k: v for k, v in rows["loops"].items() if k[1] != token}
            rows["outputs"] = {k: v for k, v in rows["outputs"].items() if k[1] != token}
        if batch.kept_gone:
            rows["kept"].clear()
        for name, width in KEYS.items():
            for row in getattr(batch, name):
                rows[name][tuple(row[:width])] = row
        for _, incident in batch.incidents_resolved:
            rows["incidents"].pop((incident,), None)
        for row in batch.incidents:
            if row.resolved is not None:
                rows["incidents"].pop((row.id,), None)
        self.instance = [*batch.new, *(row for row, _ in batch.changed)][-1]

    def read(self) -> InstanceRows:
        return InstanceRows(self.instance, **{name: list(table.values()) for name, table in self.rows.items()})

    def live(self) -> dict[str, list[Any]]:
        """Live rows that are there: nothing may be left of an instance that ended, but its root variables."""
        found = {name: list(table.values()) for name, table in self.rows.items() if table}
        root = [row for row in found.pop("variables", []) if row.scope != 0]
        return {**found, **({"variables": root} if root else {})}


class World:
    """Sends commands to one instance and checks everything after each of them."""

    def __init__(
        self, definition: ProcessDefinition, *, reload: bool = False, steps: int = 10_000, endless: int = 1_000_000
    ) -> None:
        self.definition, self.reload, self.steps, self.endless = definition, reload, steps, endless
        self.state = ProcessInstance(1)
        self.replayed = ProcessInstance(1)  # folded from what history says, row by row
        self.tables = Tables()
        self.history: list[tuple[int, list[Event]]] = []
        self.events: list[Event] = []
        self.now = 1_000_000
        self.ids: Iterator[int] = count(1000)
        self.commands = 0

    def start(self, variables: Mapping[str, Any] | None = None, **options: Any) -> World:
        self.send(c.StartInstance(1, self.definition.name, 1, dict(variables or {}), **options))
        return self

    def send(self, command: c.Command) -> list[Event]:
        """Decide, write, check; a bounded run goes on until it is through."""
        made = self._one(command)
        while self.state.steps and self.state.status == "STARTED":
            made += self._one(c.Continue(1))
        return made

    def _one(self, command: c.Command) -> list[Event]:
        state = self.state
        self.commands += 1
        before = (state.position if self.history else -1, state.next_token, len(state.kept))
        self.now += 1
        events = decide(
            self.definition,
            state,
            command,
            at=self.now,
            new_id=lambda: next(self.ids),
            principal=SYSTEM,
            steps=self.steps,
            endless=self.endless,
        )
        if not events:
            return []
        state.position += 1
        batch = Batch()
        project(batch, state, events, position=before[0], first_token=before[1] if self.history else 1, kept=before[2])
        self.tables.commit(batch)
        self.history.append((self.now, decode_events(encode(events))))
        self.events += events
        self.check()
        return events

    def check(self) -> None:
        """All the rules; a message says which one is broken, and by what."""
        stored = restore(self.tables.read())
        at, events = self.history[-1]
        fold(self.replayed, events, at)
        for what, other in (("replay", self.replayed), ("reload", stored)):
            found = differences(self.state, other)
            assert not found, f"{what} differs from live:\n" + "\n".join(found)
        found = broken_rules(self.state)
        assert not found, "\n".join(found)
        if not self.state.live:
            assert not self.tables.live(), f"rows are left: {self.tables.live()}"
        if self.reload:
            self.state = stored

    # -- what waits -----------------------------------------------------------------------------------------------------

    @property
    def waits(self) -> list[Wait]:
        return sorted(self.state.waits.values(), key=lambda wait: wait.id)

    def answer(self, wait: Wait, variables: Mapping[str, Any] | None = None) -> list[Event]:
        """Give a wait what it waits for."""
        return self.send(self.answer_to(wait, dict(variables or {})))

    def answer_to(self, wait: Wait, variables: dict[str, Any]) -> c.Command:
        if isinstance(wait, Job):
            return c.CompleteJob(wait.id, variables)
        if isinstance(wait, UserTaskItem):
            return c.CompleteTask(wait.id, variables)
        if isinstance(wait, Timer):
            self.now = max(self.now, wait.due)
            return c.FireTimer(wait.id)
        if isinstance(wait, Subscription):
            answer = (variables.get("x"), "t/0/0") if wait.name.startswith(TOPIC) else (None, None)
            return c.DeliverMessage(wait.id, next(self.ids), variables, *answer)
        if isinstance(wait, Call):
            return c.FinishCall(wait.id, "FINISHED", variables)
        assert isinstance(wait, Incident)
        return c.RetryToken(1, wait.token)

    def end(self) -> None:
        """Terminate what is still live; the rules say that nothing is left."""
        if self.state.live:
            self.send(c.EndInstance(1, "TERMINATED"))
        found = differences(self.state, folded(1, self.history))
        assert not found, "the whole history gives something else:\n" + "\n".join(found)

    def find(self, node: str) -> Wait:
        """What waits on a node."""
        return next(wait for wait in self.waits if wait.node == node)

    @property
    def waiting_at(self) -> list[str]:
        return sorted(token.node for token in self.state.tokens.values() if not token.children)
