"""The story of a process, told against a real engine with a clock that the test moves.

    order = Scenario(ORDER).start({"amount": 500})
    order.complete_job("pack")
    assert order.waiting_at == ["bill"]

After every command the rules of `guardian` are checked for every instance that changed; a broken one is an `AssertionError`
that says which. With `reload=True` the engine forgets what it has in memory before every command, so that the whole story
also passes a save and a load between any two commands.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from procession.app import Engine
from procession.bus import Received
from procession.engine.codec import decode_events, encode
from procession.engine.events import Event
from procession.engine.state import Call, ProcessInstance
from procession.engine.triggers.stream import TOPIC
from procession.errors import CommandRejected
from procession.runtime import checks
from procession.runtime.asks import Ask, Publish
from procession.runtime.clock import VirtualClock
from procession.runtime.drive import drive
from procession.runtime.replay import Replay, replay
from procession.runtime.views import ExceptionView, HistoryView, InstanceView, JobView, MessageView, TaskView, TokenView
from procession.storage.rows import restore
from procession.testing.builder import ProcessBuilder
from procession.testing.guardian import broken_rules, differences, folded

Process = bytes | str | Path | ProcessBuilder | tuple[str, bytes]
"""A built process, a builder, or a BPMN file with the forms beside it; a file of any kind by its name, such as a form."""

LIVE_TABLES = frozenset({"token", "loop", "output", "kept", "job", "task", "draft", "timer", "subscription", "call"})
"""Tables that are empty when no instance is live."""


class Scenario:
    """One instance and what happens to it; the first process is the one that `start` starts."""

    def __init__(
        self,
        *processes: Process,
        store: str = "memory:",
        reload: bool = False,
        clock: VirtualClock | None = None,
        publish: bool = True,
    ) -> None:
        self.clock = clock if clock is not None else VirtualClock()
        self.engine = Engine(store, clock=self.clock, node=1)
        self.reload = reload
        self.id = ""
        self._system = self.engine
        self._seen: dict[int, int] = {}
        self._offsets = count()
        self.process = ""
        if processes:
            self.process = self.deploy(*processes, publish=publish)

    def deploy(self, *processes: Process, publish: bool = True) -> str:
        """Add processes; the name of the first one."""
        files: list[Path | tuple[str, bytes]] = []
        for number, given in enumerate(processes, 1):
            if isinstance(given, tuple):
                files.append(given)
            elif isinstance(given, ProcessBuilder):
                files.append((f"{given.name}.bpmn", given.build()))
            else:
                files.append((f"process_{number}.bpmn", given) if isinstance(given, bytes) else Path(given))
        return self._system.deploy(*files, publish=publish)[0].name

    def close(self) -> None:
        """Release the store."""
        self._system.close()

    def __enter__(self) -> Scenario:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- who, and which instance ------------------------------------------------------------------------------------------

    def as_user(self, name: str, *roles: str) -> Scenario:
        """The same story, told by somebody with these roles."""
        other = copy.copy(self)
        other.engine = self._system.as_user(name, roles)
        return other

    def of(self, instance: str) -> Scenario:
        """The story of another instance of the same engine."""
        other = copy.copy(self)
        other.id = instance
        return other

    def child(self, node: str | None = None, number: int = 0) -> Scenario:
        """The story of a live child instance: of the call activity `node`, and which one where there are several."""
        calls = [w for w in self.waits if w["kind"] == "child" and node in (None, w["node"])]
        if number >= len(calls):
            raise AssertionError(f"no child {number} of {node or 'any call activity'}; there are {calls}")
        return self.of(str(calls[number]["id"]))

    # -- commands -----------------------------------------------------------------------------------------------------------

    def start(
        self, variables: Mapping[str, Any] | None = None, *, process: str | None = None, **options: Any
    ) -> Scenario:
        """Start an instance; `options` are those of `Engine.start`: `start_condition`, `business_key`, …"""
        self._before()
        try:
            self.id = self.engine.start(process or self.process, variables, **options).id
        finally:
            self._after()
        return self

    def take_job(self, job: str, number: int = 0, *, worker: str = "worker", lock: float = 300.0) -> JobView:
        """Take a job of this instance as a worker does, by its node or its type."""
        found = [w for w in self.waits if w["kind"] == "job" and job in (w["node"], w["type"])]
        if number >= len(found):
            raise AssertionError(f"no job {job!r} to take; the instance waits for {self._described()}")
        wanted = found[number]
        leased = self._system.activate_jobs(wanted["type"], worker=worker, max_jobs=1000, lock=lock)
        mine = None
        for view in leased:
            if view.id == wanted["id"]:
                mine = view
            else:
                self._system.release_job(view.id, view.token)
        if mine is None:
            raise AssertionError(f"job {job!r} is not handed out now: {wanted}")
        return mine

    def complete_job(
        self, job: str | JobView, variables: Mapping[str, Any] | None = None, *, number: int = 0
    ) -> Scenario:
        """Do a job, given by its node or its type, or as it was taken."""
        self._before()
        taken = job if isinstance(job, JobView) else self.take_job(job, number)
        return self._do(lambda: self.engine.complete_job(taken.id, taken.token, variables))

    def fail_job(
        self,
        job: str | JobView,
        message: str = "it did not work",
        *,
        retries: int | None = None,
        backoff: float = 0.0,
        number: int = 0,
    ) -> Scenario:
        """A worker could not do the job."""
        self._before()
        taken = job if isinstance(job, JobView) else self.take_job(job, number)
        return self._do(lambda: self.engine.fail_job(taken.id, taken.token, message, retries=retries, backoff=backoff))

    def throw_error(
        self,
        job: str | JobView,
        code: str,
        message: str = "",
        variables: Mapping[str, Any] | None = None,
        *,
        number: int = 0,
    ) -> Scenario:
        """A worker ends the job with a BPMN error."""
        self._before()
        taken = job if isinstance(job, JobView) else self.take_job(job, number)
        return self._do(lambda: self.engine.throw_error(taken.id, taken.token, code, message, variables))

    def task(self, node: str, number: int = 0) -> TaskView:
        """An open user task by its node."""
        return self.engine.task(self._task(node, number))

    def _task(self, node: str, number: int = 0) -> str:
        found = [w for w in self.waits if w["kind"] == "task" and w["node"] == node]
        if number >= len(found):
            raise AssertionError(f"no open task {node!r}; the instance waits for {self._described()}")
        return str(found[number]["id"])

    def complete_task(self, node: str, variables: Mapping[str, Any] | None = None, *, number: int = 0) -> Scenario:
        """A person finishes a user task."""
        self._before()
        identity = self._task(node, number)
        return self._do(lambda: self.engine.complete_task(identity, variables))

    def claim(self, node: str) -> Scenario:
        """Take a user task."""
        self._before()
        identity = self._task(node)
        return self._do(lambda: self.engine.claim(identity))

    def release(self, node: str) -> Scenario:
        """Give a user task back."""
        self._before()
        identity = self._task(node)
        return self._do(lambda: self.engine.release(identity))

    def assign(self, node: str, user: str | None) -> Scenario:
        """Give a user task to somebody."""
        self._before()
        identity = self._task(node)
        return self._do(lambda: self.engine.assign(identity, user))

    def message(
        self,
        name: str,
        key: str | int | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        message_id: str | None = None,
        ttl: float = 3600.0,
    ) -> MessageView:
        """Publish a message; the answer says which instances received it."""
        self._before()
        try:
            return self.engine.publish_message(name, key, variables, message_id=message_id, ttl=ttl)
        finally:
            self._after()

    def answer(
        self,
        topic: str,
        value: Any = None,
        destination: str | None = None,
        *,
        message_id: str | None = None,
        ttl: float = 3600.0,
    ) -> MessageView:
        """An integration answers this instance on a topic, for a data stream; `destination` is the node that it is for."""
        given = checks.document({"value": value})["value"]
        offset, now = next(self._offsets), self.clock.now()
        record = Received(topic, 0, offset, self.id, encode(given), (("processInstanceId", self.id.encode()),), now)
        answer = Publish(
            TOPIC + topic,
            self.id,
            {},
            message_id,
            checks.span(ttl, "ttl"),
            node=destination,
            value=given,
            record=record,
        )
        self._before()
        try:
            return MessageView(**self._system._run(Ask(answer)))
        finally:
            self._after()

    def advance(self, by: str | float | timedelta) -> Scenario:
        """Let time pass, and everything happen that comes due: `advance("PT1H")`."""
        self._before()
        self.clock.advance(by)
        return self._do(self._system.run_due)

    def hold(self, reason: str = "") -> Scenario:
        """Put the instance on hold."""
        return self._steer(lambda: self.engine.hold(self.id, reason))

    def unhold(self, reason: str = "") -> Scenario:
        """Let it go on, and whatever came due in the meantime with it."""
        self._steer(lambda: self.engine.unhold(self.id, reason))
        return self._do(self._system.run_due)

    def terminate(self, reason: str = "") -> Scenario:
        """End the instance and its children."""
        return self._steer(lambda: self.engine.terminate(self.id, reason))

    def dismiss(self, reason: str = "") -> Scenario:
        """Give a child instance up."""
        return self._steer(lambda: self.engine.dismiss(self.id, reason))

    def set_variables(self, patch: Mapping[str, Any], reason: str = "") -> Scenario:
        """Change the root variables by a JSON merge patch."""
        return self._steer(lambda: self.engine.set_variables(self.id, patch, reason))

    def retry(self, node: str | None = None, *, retries: int = 1, reason: str = "") -> Scenario:
        """Let the token with an exception on `node` (or every token with one) go on after the repair."""
        token = None
        if node is not None:
            token = next((i.token_id for i in self.incidents if i.node == node), None)
            if token is None:
                raise AssertionError(f"no exception on {node!r}; there are {[i.node for i in self.incidents]}")
        return self._steer(lambda: self.engine.retry(self.id, token, retries=retries, reason=reason))

    # -- what can be seen -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> InstanceView:
        """Everything about the instance."""
        return self._system.instance(self.id)

    @property
    def status(self) -> str:
        """STARTED, FINISHED, ON_HOLD and so on."""
        return self.view.status

    @property
    def waiting_at(self) -> list[str]:
        """The nodes on which tokens wait, sorted; a node appears once for each token."""
        return self.view.waiting_at

    @property
    def variables(self) -> dict[str, Any]:
        """The root variables."""
        return self.view.variables

    @property
    def tokens(self) -> list[TokenView]:
        """The live tokens."""
        return self.view.tokens

    @property
    def all_tokens(self) -> list[TokenView]:
        """The live tokens and those that ended."""
        return self._system.tokens(self.id)

    @property
    def incidents(self) -> list[ExceptionView]:
        """The open exceptions."""
        return self.view.exceptions

    @property
    def waits(self) -> list[dict[str, Any]]:
        """What the instance waits for."""
        return self.view.waits

    @property
    def completed(self) -> list[str]:
        """The nodes in the order in which tokens left them; what was interrupted is not among them."""
        return self._replay().left

    @property
    def history(self) -> list[HistoryView]:
        """The event log."""
        return self._system.history(self.id)

    @property
    def records(self) -> list[Event]:
        """What was written to the event log, event by event."""
        return [event for _, events in self._history(int(self.id)) for event in events]

    def at(self, position: int) -> InstanceView:
        """The instance as it was at a position of its history."""
        return self._system.state_at(self.id, position)

    def instances(self, process: str | None = None) -> list[str]:
        """The ids of all instances (of a process), oldest first."""
        return [item.id for item in reversed(self._system.instances(definition=process, limit=1000).items)]

    def _replay(self) -> Replay:
        found = drive(replay(self._system.storage, int(self.id)))
        assert found is not None, f"instance {self.id} has no history"
        return found

    def _described(self) -> str:
        return ", ".join(f"{wait['kind']} on {wait['node']}" for wait in self.waits) or "nothing"

    # -- around every command -------------------------------------------------------------------------------------------

    def _steer(self, command: Any) -> Scenario:
        self._before()
        return self._do(command)

    def _do(self, command: Any) -> Scenario:
        try:
            command()
        finally:
            self._after()
        return self

    def _before(self) -> None:
        if self.reload:
            self._system._intake.processor.cache.clear()

    def _after(self) -> None:
        """Check the rules for every instance that changed, and for the engine as a whole."""
        summaries = self._system.instances(limit=1000).items
        for summary in summaries:
            number = int(summary.id)
            if self._seen.get(number) != summary.seq:
                self._check(number)
                self._seen[number] = summary.seq
        if all(summary.date_ended is not None for summary in summaries):
            counts = self._system.counts()
            left = {name: count for name, count in counts.items() if name in LIVE_TABLES and count}
            assert not left, f"no instance is live, but rows are left: {left}"

    def _check(self, number: int) -> None:
        rows = drive(self._system.storage.instance(number))
        assert rows is not None, f"instance {number} is not in the store"
        stored = restore(rows)
        versions = {"replayed from history": folded(number, self._history(number))}
        cached = self._system._intake.processor.cache._states.get(number)
        if cached is not None:
            versions["in memory"] = cached
        for what, other in versions.items():
            found = differences(stored, other)
            assert not found, f"instance {number} as stored differs from {what}:\n" + "\n".join(found)
        found = broken_rules(stored) + self._family(stored)
        assert not found, f"instance {number} breaks the rules:\n" + "\n".join(found)

    def _family(self, state: ProcessInstance) -> list[str]:
        """A call waits for a child that is live and knows its parent."""
        found = []
        for wait in state.waits.values():
            if not isinstance(wait, Call):
                continue
            try:
                child = self._system.instance(wait.id)
            except CommandRejected:
                found.append(f"token {wait.token} waits for instance {wait.id}, which is not there")
                continue
            over = child.date_ended is not None and not state.kept  # on hold, its end is kept for later
            if over or child.parent != str(state.id):
                found.append(f"token {wait.token} waits for instance {wait.id}, which is {child.status}")
        if state.live and state.parent is not None:
            rows = drive(self._system.storage.instance(state.parent))
            if rows is None or not any(call.id == state.id for call in rows.calls):
                found.append(f"its parent {state.parent} does not wait for it")
        return found

    def _history(self, number: int) -> Iterable[tuple[int, list[Event]]]:
        after = 0
        while rows := drive(self._system.storage.history(number, after, 1000)):
            for row in rows:
                yield row.at, decode_events(row.events)
            after = rows[-1].position
