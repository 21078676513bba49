"""One batch being decided: the instances it touches, what they cause in each other, and the rows that come of it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from procession.definition import ProcessDefinition, StartEvent
from procession.definition.schedule import Occurrence
from procession.engine import commands as c
from procession.engine import events as e
from procession.engine.access import Principal, knows, permission, refuse, require_role
from procession.engine.codec import decode, encode
from procession.engine.decide import STEPS_PER_TRANSACTION, decide
from procession.engine.handlers.start import choose_start
from procession.engine.state import ABORTED, FINISHED, ON_HOLD, Call, ProcessInstance, Subscription, Timer, merge
from procession.engine.triggers.timer import schedule
from procession.errors import CommandRejected
from procession.runtime.asks import (
    TRACEPARENT,
    Ask,
    Inherit,
    Lost,
    Match,
    Operate,
    Park,
    Publish,
    Published,
    Settle,
    Start,
)
from procession.runtime.correlation import Correlation
from procession.runtime.exchange.taken import Taken
from procession.runtime.inheritance import inherited, laid_open
from procession.storage import Batch, Found, InboxRow, Need, OutboxRow, StartTimerRow
from procession.storage.rows import catch_up, history_row, project, restore

if TYPE_CHECKING:
    from procession.runtime.processor import Cache, Processor

EFFECTS_PER_TRANSACTION = 2_000
"""Consequences in other instances; then calls begin and messages are delivered in a transaction that follows."""

DEEPEST_CALL = 1_000
"""Processes that call each other without an end stop here, with an exception."""

COMMAND_NAMES: dict[type, str] = {
    **{kind: str(kind.__struct_config__.tag) for kind in get_args(c.Command)},
    Start: "start",
    StartTimerRow: "start-by-timer",
    Publish: "publish",
    Match: "match",
    Operate: "operate",
    Park: "park",
    Published: "published",
    Lost: "lost",
    Settle: "settle",
}

TARGETED = c.Continue | c.HoldInstance | c.UnholdInstance | c.EndInstance | c.SetVariables | c.RetryToken
"""Commands that name their instance."""


class Unit:
    """An instance within a batch: its state, and what the store has of it."""

    __slots__ = ("definition", "events", "first_token", "kept", "position", "state")

    def __init__(self, state: ProcessInstance, definition: ProcessDefinition, position: int) -> None:
        self.state, self.definition, self.position = state, definition, position
        self.first_token = state.next_token
        self.kept = len(state.kept)
        self.events: list[e.Event] = []


class Work:
    """Decides a batch. Nothing outside is changed before its commit, except that states leave the cache."""

    def __init__(self, processor: Processor, cache: Cache) -> None:
        self.processor, self.cache = processor, cache
        self.at = processor.now()
        self.batch = Batch()
        self.units: dict[int, Unit] = {}
        self.asked: dict[int, Unit] = {}  # id of an ask → the instance that answers it
        self.keys: dict[str, bytes] = {}
        self.found = Found()
        self.checked: set[int] = set()  # instances whose known position was compared with the store's
        self.behind: set[int] = set()  # instances that others have changed since they were known here
        self.effects: deque[tuple[Unit, e.Event, Principal]] = deque()
        self.left = 0  # effects until the transaction is full
        self.unmatched: dict[tuple[str, str | None], None] = {}  # messages that the next transaction looks after
        self.correlation = Correlation()
        self.taken = Taken()
        self.trace = ""  # of the command that is being decided
        self.traced: dict[int, str] = {}  # id of a record → the trace that it came of

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        batch = self.batch
        return bool(
            batch.new
            or batch.changed
            or batch.messages
            or batch.messages_gone
            or batch.failed_starts
            or batch.start_timers
            or batch.start_timers_gone
            or batch.inbox
            or batch.audit
            or batch.outbox
            or batch.outbox_gone
            or batch.positions
            or batch.letters
            or batch.letters_gone
        )

    async def run(self, asks: Sequence[Ask]) -> None:
        """Decide every ask and everything that follows, and make the rows."""
        await self.processor.definitions.refresh()
        await self._load(asks)
        self.left = EFFECTS_PER_TRANSACTION + 20 * len(asks)
        for ask in asks:
            ask.error = None
            if ask.source is not None and not self.taken.take(self, ask.source):
                continue
            self.trace = "" if ask.context is None else ask.context.get(TRACEPARENT, "")
            try:
                await self._decide_ask(ask)
            except CommandRejected as error:
                ask.error = error
                if isinstance(ask.command, Start) and error.status != 401:
                    self._failed_start(ask, error)
            while self.effects:
                try:
                    await self._effect(*self.effects.popleft())
                except CommandRejected as error:  # too late: what caused it is decided already
                    raise RuntimeError(f"what follows from a command was refused: {error}") from error
            if ask.source is not None:
                self.taken.answer(self, ask)
        self.taken.note(self)
        for unit in self.units.values():
            if unit.events:
                project(
                    self.batch,
                    unit.state,
                    unit.events,
                    position=unit.position,
                    first_token=unit.first_token,
                    kept=unit.kept,
                )
        if self.traced:
            self.batch.outbox[:] = map(self._with_trace, self.batch.outbox)

    def send(self, topic: str, key: str, headers: bytes, value: bytes, instance: int = 0) -> None:
        """Put a record that no process sent into the outbox; `headers` as an `OutboxRow` has them."""
        self.batch.outbox.append(OutboxRow(self.processor.new_id(), instance, topic, key, headers, value, self.at))

    def render(self, ask: Ask, unit: Unit) -> None:
        """What the caller gets, read while nobody changes it."""
        if ask.render is not None and ask.error is None:
            ask.result = ask.render(unit.state, unit.definition)

    def instance_of(self, ask: Ask) -> int | None:
        """The id of the instance that a command is about, as far as that is known."""
        unit, command, found = self.asked.get(id(ask)), ask.command, self.found
        if unit is not None:
            return unit.state.id
        if isinstance(command, c.CompleteJob | c.FailJob | c.ThrowJobError):
            return found.jobs[command.job][0] if command.job in found.jobs else None
        if isinstance(command, c.ClaimTask | c.ReleaseTask | c.AssignTask | c.CompleteTask):
            return found.tasks.get(command.task)
        if isinstance(command, c.FireTimer):
            return found.timers.get(command.timer)
        instance: int | None = getattr(command, "instance", None)
        return instance

    def _with_trace(self, record: OutboxRow) -> OutboxRow:
        """A record with the trace that it came of, unless the process says another one."""
        trace = self.traced.get(record.id)
        if trace is None:
            return record
        return record._replace(headers=encode({"traceparent": trace, **decode(record.headers)}))

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _load(self, asks: Iterable[Ask]) -> None:
        instances: dict[int, int] = {}
        jobs: list[int] = []
        tasks: list[int] = []
        timers: list[int] = []
        keys: list[str] = []
        cache = self.cache
        for ask in asks:
            if ask.key is not None:
                keys.append(ask.key)
            for command in ask.command.commands if isinstance(ask.command, Operate) else (ask.command,):
                if isinstance(command, Start):
                    if command.inherit is not None:
                        instances[command.inherit.instance] = cache.get(command.inherit.instance)
                elif isinstance(command, c.CompleteJob | c.FailJob | c.ThrowJobError):
                    jobs.append(command.job)
                elif isinstance(command, c.ClaimTask | c.ReleaseTask | c.AssignTask | c.CompleteTask):
                    tasks.append(command.task)
                elif isinstance(command, c.FireTimer):
                    timers.append(command.timer)
                elif isinstance(command, StartTimerRow):
                    keys.append(_occurrence(command))
                elif isinstance(command, Publish):
                    if command.message_id is not None:
                        keys.append(command.inbox_key)
                elif isinstance(command, Lost):
                    keys.append(command.inbox_key)
                elif isinstance(command, TARGETED):
                    instances[command.instance] = cache.get(command.instance)
        positions, letters = self.taken.needs(asks)
        if instances or jobs or tasks or timers or keys or positions or letters:
            need = Need(instances, jobs, tasks, timers, keys, known=cache, positions=positions, letters=letters)
            self.found = await self.processor.storage.load(need)
            self.keys.update(self.found.inbox)
            self.checked.update(instances, self.found.tasks.values(), self.found.timers.values())
            self.checked.update(instance for instance, _ in self.found.jobs.values())

    async def unit(self, instance: int) -> Unit | None:
        """An instance by its id, as this batch has left it."""
        unit = self.units.get(instance)
        if unit is not None:
            return unit
        cache = self.cache
        if instance not in self.checked:
            self.checked.add(instance)
            more = await self.processor.storage.load(Need({instance: cache.get(instance)}, known=cache))
            self.found.instances.update(more.instances)
            self.found.missed.update(more.missed)
        rows = self.found.instances.get(instance)
        if rows is not None:
            state = restore(rows)
        elif instance in self.found.instances:
            return None
        else:
            state = cache.take(instance)
            if (missed := self.found.missed.pop(instance, None)) is not None:
                self.behind.add(instance)
                catch_up(state, missed)
        definition = await self.processor.definitions.compiled(state.definition)
        unit = self.units[instance] = Unit(state, definition, state.position)
        return unit

    async def _owner(self, instance: int | None, what: str, number: int) -> Unit:
        unit = await self.unit(instance) if instance is not None else None
        if unit is None:
            raise _not_found(what, number)
        return unit

    # -- deciding -----------------------------------------------------------------------------------------------------

    async def _decide_ask(self, ask: Ask) -> None:
        command = ask.command
        digest = b""
        if isinstance(command, Publish):
            require_role(ask.principal, "publish messages", "worker", "operator")
        if ask.key is not None:
            digest = _digest(command)
            if ask.key in self.keys:
                await self._repeated(ask, self.keys[ask.key], digest)
                return
        if isinstance(command, Start):
            unit = await self._start(ask, command)
        elif isinstance(command, Publish):
            ask.result = await self.correlation.publish(self, command)
            self._remember(ask, ask.result, digest)
            return
        elif isinstance(command, Match):
            ask.result = await self.correlation.match(self, command)
            return
        elif isinstance(command, StartTimerRow):
            await self._start_by_timer(command)
            return
        elif isinstance(command, Operate):
            ask.result = [await self._operation(ask, each) for each in command.commands]
            return
        elif isinstance(command, Park):
            self.taken.park(self, ask, command)
            return
        elif isinstance(command, Lost):
            self.taken.lose(self, command)
            return
        elif isinstance(command, Settle):
            ask.result = self.taken.settle(self, ask, command)
            return
        elif isinstance(command, Published):
            self.batch.outbox_gone += [(number,) for number in command.numbers]
            self.batch.positions += command.positions
            self.batch.letters += command.letters
            return
        else:
            unit = await self._target(ask, command)
            self.decide(unit, command, ask.principal)
        self.asked[id(ask)] = unit
        ask.result = unit.state.id
        self._remember(ask, unit.state.id, digest)

    async def _operation(self, ask: Ask, command: c.Command | CommandRejected) -> CommandRejected | None:
        """One of several commands: why it was refused, or None."""
        if isinstance(command, CommandRejected):
            return command
        try:
            self.decide(await self._target(ask, command), command, ask.principal)
        except CommandRejected as refused:
            return refused
        return None

    def _remember(self, ask: Ask, answer: Any, digest: bytes) -> None:
        """A key that was used is known from now on, with what was asked for and answered."""
        if ask.key is not None:
            self.keys[ask.key] = encode([answer, digest.decode()])
            self.batch.inbox.append(InboxRow(ask.key, self.at, self.keys[ask.key]))

    async def _repeated(self, ask: Ask, known: bytes, digest: bytes) -> None:
        answer, first = decode(known)
        if first != digest.decode():
            raise CommandRejected(
                422,
                "Idempotency key was used for another request.",
                "Send a new key, or the same request again.",
                key="error.idempotency",
            )
        if isinstance(ask.command, Publish):
            ask.result = {**answer, "duplicate": True}
            return
        unit = await self.unit(answer)
        if unit is None:
            raise CommandRejected(404, "Process instance not found.", f"Instance {answer} is not kept any more.")
        self.asked[id(ask)] = unit
        ask.result = answer

    async def _target(self, ask: Ask, command: c.Command) -> Unit:
        if isinstance(command, c.CompleteJob | c.FailJob | c.ThrowJobError):
            instance, lease = self.found.jobs.get(command.job, (None, None))
            if lease is not None and ask.fence is not None and lease.fence != ask.fence:
                raise CommandRejected(
                    409,
                    "Lease is lost.",
                    f"Job {command.job} was handed out again since; this result is not taken.",
                    key="error.state.lease_lost",
                )
            if lease is not None and ask.fence is not None:
                self.batch.fences.append((command.job, lease.fence))
            if isinstance(command, c.CompleteJob) and lease is not None:
                command.worker = lease.worker
            return await self._owner(instance, "Job", command.job)
        if isinstance(command, c.ClaimTask | c.ReleaseTask | c.AssignTask | c.CompleteTask):
            owner = await self._owner(self.found.tasks.get(command.task), "Task", command.task)
            task = owner.state.waits.get(command.task)
            if _knows(ask.principal, owner) or getattr(task, "assignee", None) == ask.principal.name:
                return owner
            raise _not_found("Task", command.task)
        if isinstance(command, c.FireTimer):
            owner = await self._owner(self.found.timers.get(command.timer), "Timer", command.timer)
            timer = owner.state.waits.get(command.timer)
            if isinstance(timer, Timer) and timer.due > self.at:
                raise CommandRejected(409, "Timer is not due.", "It has fired already, and is set to its next date.")
            return owner
        assert isinstance(command, TARGETED)
        unit = await self.unit(command.instance)
        if unit is None or not _knows(ask.principal, unit):
            raise CommandRejected(404, "Process instance not found.", f"There is no instance {command.instance}.")
        return unit

    async def _start(self, ask: Ask, command: Start) -> Unit:
        deployed = await self.processor.definitions.published(command.name)
        if deployed is None:
            raise CommandRejected(
                404,
                "Process definition not found.",
                f"No version of {command.name[:100]!r} is published.",
                key="error.validation.process_instance.process_def_missing",
            )
        data = command.data
        if command.inherit is not None:
            source = await self._source(command.inherit, ask.principal)
            values = inherited(source.state, command.inherit)
            if not ask.principal.system:
                refuse(ask.principal, laid_open(values, source.definition, deployed.process))
            data = merge(values, data)
        request = c.StartInstance(
            deployed.id,
            deployed.name,
            deployed.version,
            data,
            command.start_condition,
            business_key=command.business_key,
            inherited_from=command.inherit.instance if command.inherit is not None else None,
        )
        return self.start(self.processor.new_id(), deployed.process, request, ask.principal)

    async def _source(self, inherit: Inherit, principal: Principal) -> Unit:
        source = await self.unit(inherit.instance)
        if source is not None:
            reason = permission(principal, source.definition, "view", owner=source.state.started_by)
            if reason is None:
                return source
        raise CommandRejected(404, "Process instance not found.", f"There is no instance {inherit.instance}.")

    def start(
        self,
        instance: int,
        definition: ProcessDefinition,
        command: c.StartInstance,
        principal: Principal,
        steps: int = STEPS_PER_TRANSACTION,
    ) -> Unit:
        """Make a new instance; a refusal leaves nothing of it."""
        unit = Unit(ProcessInstance(instance), definition, -1)
        self.decide(unit, command, principal, steps)
        self.units[instance] = unit
        return unit

    def decide(self, unit: Unit, command: c.Command, principal: Principal, steps: int = STEPS_PER_TRANSACTION) -> None:
        """Let one instance decide one command; its events become history, its effects wait for their turn."""
        state = unit.state
        outward: list[e.Event] = []
        events = decide(
            unit.definition,
            state,
            command,
            at=self.at,
            new_id=self.processor.new_id,
            principal=principal,
            steps=steps,
            outward=outward,
        )
        if not events:
            return
        if self.trace:
            self.traced.update((event.record, self.trace) for event in events if event.__class__ is e.RecordSent)
        state.position += 1
        if unit.events:
            unit.events.extend(events)
        else:
            unit.events = events
        reason = getattr(command, "reason", "")
        self.batch.history.append(history_row(state, principal.name, COMMAND_NAMES[command.__class__], reason, events))
        for event in outward:
            if event.__class__ is not e.InstanceEnded or state.parent is not None:  # most ends concern nobody else
                self.effects.append((unit, event, principal))

    async def decide_follow_up(self, instance: int, command: c.Command, principal: Principal) -> bool:
        """A command that another instance caused; False if that instance cannot take it (it is over)."""
        unit = await self.unit(instance)
        if unit is None:
            return False
        try:
            self.decide(unit, command, principal)
        except CommandRejected:
            return False
        return True

    # -- what one instance causes in others ----------------------------------------------------------------------------

    async def _effect(self, unit: Unit, event: e.Event, principal: Principal) -> None:
        state = unit.state
        self.left -= 1
        if isinstance(event, e.CallStarted):
            await self._call(unit, event, principal)
        elif isinstance(event, e.InstanceEnded):
            assert state.parent is not None
            await self.decide_follow_up(
                state.parent,
                c.FinishCall(state.id, event.status, state.variables, event.error, event.message),
                principal,
            )
        elif isinstance(event, e.WaitCancelled):
            if event.kind == "call":
                status = state.status if not state.live and state.status != FINISHED else ABORTED
                await self.decide_follow_up(event.wait, c.EndInstance(event.wait, status), SYSTEM_FOR[principal.name])
        elif isinstance(event, e.InstanceHeld):
            await self._tell_children(unit, c.HoldInstance)
        elif isinstance(event, e.InstanceResumed):
            await self._tell_children(unit, c.UnholdInstance)
            for wait in list(state.waits.values()):
                if isinstance(wait, Subscription):
                    await self.correlation.opened(self, unit, wait.id)
        elif isinstance(event, e.MessagePublished):
            await self.correlation.thrown(self, event)
        elif isinstance(event, e.SubscriptionOpened):
            await self.correlation.opened(self, unit, event.subscription)

    async def _tell_children(self, unit: Unit, kind: type[c.HoldInstance | c.UnholdInstance]) -> None:
        for wait in list(unit.state.waits.values()):
            if isinstance(wait, Call):
                await self.decide_follow_up(wait.id, kind(wait.id, "with its parent"), SYSTEM_FOR["system"])

    async def _call(self, unit: Unit, event: e.CallStarted, principal: Principal) -> None:
        """Start a child instance, or tell the caller why that cannot be."""
        deployed = await self.processor.definitions.published(event.process)
        try:
            if deployed is None:
                raise CommandRejected(
                    404, "Process definition not found.", f"No version of {event.process!r} is published."
                )
            condition = event.variables.get("startCondition")
            node = choose_start(deployed.process, condition if isinstance(condition, str) else None)
        except CommandRejected as refused:
            command = c.FailCall(
                event.child, f"{refused.title} {refused.detail} Publish '{event.process}', then retry."
            )
            await self.decide_follow_up(unit.state.id, command, principal)
            return
        full = self.left <= 0
        if full and await self._nested(unit, DEEPEST_CALL):
            endless = f"Processes call each other {DEEPEST_CALL:,} deep. Correct the data or the process, then retry."
            await self.decide_follow_up(unit.state.id, c.FailCall(event.child, endless), principal)
            return
        request = c.StartInstance(
            deployed.id,
            deployed.name,
            deployed.version,
            event.variables,
            node=node.id,
            parent=unit.state.id,
            parent_token=event.token,
            root=unit.state.root,
        )
        steps = 1 if full else STEPS_PER_TRANSACTION  # it goes on in the next transaction
        child = self.start(event.child, deployed.process, request, principal, steps)
        if unit.state.status == ON_HOLD:
            self.decide(child, c.HoldInstance(child.state.id, "with its parent"), SYSTEM_FOR["system"])

    async def _nested(self, unit: Unit, depth: int) -> bool:
        """Whether an instance has so many others above it."""
        above: Unit | None = unit
        for _ in range(depth):
            if above is None or above.state.parent is None:
                return False
            above = await self.unit(above.state.parent)
        return True

    async def _start_by_timer(self, timer: StartTimerRow) -> None:
        """A timer start event came due: a new instance, and the next date."""
        key = _occurrence(timer)
        if key in self.keys:
            raise CommandRejected(409, "Timer is not due.", "It has fired already.")
        row = await self.processor.definitions.row(timer.definition)
        deployed = await self.processor.definitions.published(row.name)
        if deployed is None or deployed.id != timer.definition:  # not published any more since it was found to be due
            self.batch.start_timers_gone.append((timer.id,))
            return
        definition = deployed.process
        following = schedule(timer.kind, timer.rule, timer.zone).next(
            Occurrence(timer.due, timer.number, timer.anchor), self.at
        )
        if following is None:
            self.batch.start_timers_gone.append((timer.id,))
        else:
            self.batch.start_timers.append(
                timer._replace(due=following.due, number=following.number, anchor=following.anchor)
            )
        node = definition.nodes[timer.node]
        assert isinstance(node, StartEvent)
        self.keys[key] = b"[]"
        self.batch.inbox.append(InboxRow(key, self.at, b"[]"))
        request = c.StartInstance(timer.definition, row.name, row.version, {}, node=node.id)
        self.start(self.processor.new_id(), definition, request, SYSTEM_FOR["system"])

    def _failed_start(self, ask: Ask, error: CommandRejected) -> None:
        self.batch.failed_starts.append(self.processor.failed_start(ask, error, self.at))


class _System(dict[str, Principal]):
    """The engine acting because of somebody: it may do everything, and history still says who."""

    def __missing__(self, name: str) -> Principal:
        principal = self[name] = Principal(name, frozenset({"admin"}), system=True)
        return principal


SYSTEM_FOR = _System()


def _knows(principal: Principal, unit: Unit) -> bool:
    return knows(principal, unit.definition, owner=unit.state.started_by)


def _not_found(what: str, number: int) -> CommandRejected:
    return CommandRejected(404, f"{what} not found.", f"There is no open {what.lower()} {number}.")


def _occurrence(timer: StartTimerRow) -> str:
    """By which it is known that a start timer has fired."""
    return f"start-timer:{timer.id}:{timer.due}"


def _digest(command: Any) -> bytes:
    """What a request asked for, to tell a repetition from a mistake."""
    if isinstance(command, Start):
        content: list[Any] = [command.name, command.data, command.start_condition, command.business_key]
        if (inherit := command.inherit) is not None:
            content += [inherit.instance, inherit.copy, inherit.without]
    elif isinstance(command, Publish):
        content = [command.name, command.key, command.variables, command.message_id, command.ttl]
        if command.record is not None:
            content += [command.node, command.value, command.record.place]
    else:
        content = [command]
    return hashlib.sha256(encode(content)).hexdigest().encode()
