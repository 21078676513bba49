"""Lets the runner of the public BPMN cases drive a real engine whose clock it moves.

bpmn_cases.py --repos FOLDER --adapter tests.conformance.bpmn_adapter:Adapter
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from procession import Engine
from procession.engine import events as e
from procession.engine.codec import decode_events
from procession.engine.events import Event
from procession.engine.state import INACTIVE, Incident, Job, ProcessInstance, UserTaskItem, visible
from procession.runtime.clock import VirtualClock
from procession.runtime.drive import drive
from procession.storage.rows import restore

STATES = {"CREATED": "active", "STARTED": "active", "ON_HOLD": "active", "FINISHED": "completed", "FAILED": "failed"}
"""The runner's names of our statuses; all others are `terminated`."""


class NotYet(Exception):
    """The engine has no such command yet."""


class Adapter:
    """One engine in memory; deploys publish, because the runner starts what it deployed."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.engine = Engine("memory:", clock=self.clock, node=1)

    def close(self) -> None:
        self.engine.close()

    # -- commands -----------------------------------------------------------------------------------------------------

    def deploy(self, files: list[tuple[str, bytes]]) -> None:
        self.engine.deploy(*files, publish=True)
        self.engine.run_due()

    def start(self, process: str, variables: dict[str, Any]) -> str:
        instance = self.engine.start(process, variables).id
        self.engine.run_due()
        return instance

    def complete(self, key: str, variables: dict[str, Any]) -> None:
        kind, _, number = key.partition(":")
        if kind == "task":
            self.engine.complete_task(number, variables)
        else:
            self.engine.complete_job(number, self._lease(number), variables)
        self.engine.run_due()

    def error(self, key: str, code: str, variables: dict[str, Any]) -> None:
        number = _job(key, "end with an error")
        self.engine.throw_error(number, self._lease(number), code, variables=variables)
        self.engine.run_due()

    def fail(self, key: str, retries: int) -> None:
        number = _job(key, "fail")
        self.engine.fail_job(number, self._lease(number), "the case says so", retries=retries)

    def message(self, name: str, key: str | None, variables: dict[str, Any]) -> None:
        self.engine.publish_message(name, key, variables)
        self.engine.run_due()

    def signal(self, name: str, variables: dict[str, Any]) -> None:
        raise NotYet("signals")

    def advance(self, seconds: float) -> None:
        """Time passes from one due date to the next, so that each timer fires at its own time."""
        end = self.clock.now() + round(seconds * 1_000_000)
        while (due := drive(self.engine.storage.next_due())) is not None and due <= end:
            self.clock.set(max(due, self.clock.now()))
            if not self.engine.run_due():
                break
        self.clock.set(end)
        self.engine.run_due()

    def set_variables(self, instance: str, variables: dict[str, Any]) -> None:
        self.engine.set_variables(instance, variables)
        self.engine.run_due()

    def activate(self, instance: str, container: str, elements: list[str]) -> None:
        raise NotYet("ad-hoc sub-processes")

    def complete_adhoc(self, instance: str, container: str) -> None:
        raise NotYet("ad-hoc sub-processes")

    def resolve(self, key: str, retries: int) -> None:
        instance, _, token = key.partition(":")
        self.engine.retry(instance, token, retries=retries)
        self.engine.run_due()

    # -- what can be seen ---------------------------------------------------------------------------------------------

    def work(self) -> list[dict[str, Any]]:
        return [
            {
                "key": f"{kind}:{wait.id}",
                "kind": kind,
                "element": wait.node,
                "type": wait.type if isinstance(wait, Job) else None,
                "process": state.name,
                "instance": str(state.id),
                "variables": visible(state, wait.token),
                "properties": {} if isinstance(wait, Job) else _properties(wait),
            }
            for state in self._states(live=True)
            for wait in state.waits.values()
            if (kind := self._kind(wait)) is not None
        ]

    def incidents(self) -> list[dict[str, Any]]:
        return [
            {"key": f"{state.id}:{wait.token}", "element": wait.node, "message": wait.message}
            for state in self._states(live=True)
            for wait in state.waits.values()
            if isinstance(wait, Incident)
        ]

    def instances(self) -> list[dict[str, Any]]:
        return [
            {
                "key": str(state.id),
                "process": state.name,
                "state": STATES.get(state.status, "terminated"),
                "variables": state.variables,
            }
            for state in self._states()
        ]

    def history(self) -> list[dict[str, Any]]:
        return [
            {"element": element, "process": state.name, "event": event}
            for state in self._states()
            for element, event in visits(self._events(state.id))
        ]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _states(self, live: bool = False) -> Iterator[ProcessInstance]:
        """Every instance, oldest first."""
        for item in reversed(self.engine.instances(limit=1000).items):
            if not live or item.date_ended is None:
                rows = drive(self.engine.storage.instance(int(item.id)))
                assert rows is not None
                yield restore(rows)

    def _events(self, instance: int) -> Iterator[Event]:
        after = 0
        while rows := drive(self.engine.storage.history(instance, after, 1000)):
            for row in rows:
                yield from decode_events(row.events)
            after = rows[-1].position

    def _kind(self, wait: object) -> str | None:
        """What the wait is to the runner, if it is open work: a job without retries is not handed out."""
        if isinstance(wait, Job):
            return "job" if wait.retries > 0 and wait.due <= self.clock.now() else None
        return "task" if isinstance(wait, UserTaskItem) else None

    def _lease(self, number: str) -> int:
        """Take a job as a worker does; its fencing number."""
        kind = next(
            wait.type
            for state in self._states(live=True)
            for wait in state.waits.values()
            if isinstance(wait, Job) and wait.id == int(number)
        )
        found = None
        for view in self.engine.activate_jobs(kind, max_jobs=1000):
            if view.id == number:
                found = view.token
            else:
                self.engine.release_job(view.id, view.token)
        assert found is not None, f"job {number} is not handed out"
        return found


def visits(events: Iterable[Event]) -> list[tuple[str, str]]:
    """(element, activated | completed | terminated), from the event log of one instance.

    A join counts once for each time that it fires, a multi-instance activity once for each of its instances.
    """
    found: list[tuple[str, str]] = []
    at: dict[int, str] = {}
    split: set[int] = set()  # parents of a split: they left their node when they were held
    bodies: set[int] = set()  # of multi-instance loops
    again: set[int] = set()  # perhaps sent back to before the work of their node
    for event in events:
        match event:
            case e.TokenCreated():
                at[event.token] = event.node
                found.append((event.node, "activated"))
            case e.TokenAdvanced():
                here = at[event.token]
                if here != event.node or event.token not in again:
                    if event.token not in bodies:
                        found.append((here, "terminated" if event.flow is None else "completed"))
                    found.append((event.node, "activated"))
                bodies.discard(event.token)
                again.discard(event.token)
                at[event.token] = event.node
            case e.JobErrorThrown() | e.WaitCancelled(kind="call"):
                again.add(event.token)  # where it is, unless something catches it
            case e.TokenHeld(holding="split"):
                split.add(event.token)
                if event.token not in bodies:
                    found.append((at[event.token], "completed"))
                bodies.discard(event.token)
            case e.LoopStarted():
                bodies.add(event.token)
                found.remove((at[event.token], "activated"))
            case e.JoinReached():
                found.remove((at[event.token], "activated"))
            case e.JoinFired():
                found.append((event.node, "activated"))
                split.discard(event.survivor)
                at[event.survivor] = event.node
            case e.TokenEnded():
                if event.token not in split and event.token not in bodies:
                    found.append((at[event.token], "completed" if event.state == INACTIVE else "terminated"))
    return found


def _properties(task: UserTaskItem) -> dict[str, Any]:
    return {
        "assignee": task.assignee,
        "candidateGroups": list(task.groups),
        "candidateUsers": list(task.users),
        "priority": task.priority,
        "formKey": task.form,
    }


def _job(key: str, what: str) -> str:
    kind, _, number = key.partition(":")
    if kind != "job":
        raise NotYet(f"a user task cannot {what}")
    return number
