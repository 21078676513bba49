"""Decides commands in batches: one load, one pass in memory, one transaction, then the answers.

While a batch commits the next one fills; a lone command is a batch of one. What a command causes in other instances
(messages, called processes, children that are held) is decided in the same transaction. When the store says that somebody
was faster, the batch is loaded and decided again. When a command fails for a reason of ours, nothing of it is written: the
batch is decided again one command at a time, so that only the faulty one fails.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from procession.engine.codec import encode
from procession.engine.commands import Continue
from procession.engine.state import ProcessInstance
from procession.errors import CommandRejected, ProcessionError, StorageError, VersionConflict
from procession.runtime.asks import Ask, Start
from procession.runtime.definitions import Definitions
from procession.runtime.work import Work
from procession.storage import AuditRow, Batch, FailedStartRow, Storage

log = logging.getLogger("procession")

CONFLICTS = 20
"""How often a batch is decided again because somebody else was faster, before the callers are told."""


class Cache:
    """States of instances that were used recently, with the position that they are at. The store checks positions."""

    def __init__(self, limit: int = 10_000) -> None:
        self._states: OrderedDict[int, ProcessInstance] = OrderedDict()
        self._limit = limit

    def get(self, instance: int, default: int = -1) -> int:
        """The position that is known (-1: none); what `Need.known` asks for."""
        state = self._states.get(instance)
        return default if state is None else state.position

    def take(self, instance: int) -> ProcessInstance:
        """Hand a state over to a batch; it comes back with `put` after the commit, or not at all."""
        return self._states.pop(instance)

    def put(self, state: ProcessInstance) -> None:
        self._states[state.id] = state
        if len(self._states) > self._limit:
            self._states.popitem(last=False)

    def clear(self) -> None:
        self._states.clear()


class Processor:
    """One per node. Not thread-safe: whoever drives it holds its lock."""

    def __init__(
        self,
        storage: Storage,
        definitions: Definitions,
        now: Callable[[], int],
        new_id: Callable[[], int],
    ) -> None:
        self.storage, self.definitions, self.now, self.new_id = storage, definitions, now, new_id
        self.cache = Cache()
        self.alarmed = False  # a timer or a message that expires was written since somebody looked
        self.unfinished: dict[int, list[Ask]] = {}  # instance → asks whose run goes on in a follow-up transaction

    async def turn(self, asks: Sequence[Ask]) -> None:
        """Decide and commit; then every ask is done, or continues with `pending`."""
        for _ in range(CONFLICTS):
            work = Work(self)
            try:
                await work.run(asks)
                if work.changed:
                    await self.storage.commit(work.batch)
            except VersionConflict as error:
                conflict = error
                continue
            except StorageError as error:
                self._fail(asks, error)
                return
            except ProcessionError:
                raise
            except Exception as error:  # noqa: BLE001  a defect of ours: set aside, logged, told to the caller
                await self._poisoned(asks, error)
                return
            self.alarmed = self.alarmed or bool(work.batch.timers or work.batch.start_timers or work.batch.messages)
            self._answer(work, asks)
            return
        self._fail(asks, conflict)

    @property
    def pending(self) -> list[Ask]:
        """Commands that go on with runs that reached the bound of one transaction."""
        return [Ask(Continue(instance)) for instance in self.unfinished]

    def _answer(self, work: Work, asks: Iterable[Ask]) -> None:
        for unit in work.units.values():
            state = unit.state
            if state.live:
                self.cache.put(state)
            if state.steps and state.status == "STARTED":
                self.unfinished.setdefault(state.id, [])
            else:
                for ask in self.unfinished.pop(state.id, ()):
                    work.render(ask, unit)
                    ask.done = True
        for ask in asks:
            unit_of = work.asked.get(id(ask))
            if unit_of is not None and unit_of.state.id in self.unfinished:
                self.unfinished[unit_of.state.id].append(ask)
            else:
                if unit_of is not None:
                    work.render(ask, unit_of)
                ask.done = True

    def _fail(self, asks: Iterable[Ask], error: BaseException) -> None:
        self.cache.clear()
        for ask in asks:
            ask.error, ask.done = error, True
            if isinstance(ask.command, Continue):
                for waiting in self.unfinished.pop(ask.command.instance, ()):
                    waiting.error, waiting.done = error, True

    async def _poisoned(self, asks: Sequence[Ask], error: Exception) -> None:
        """Find the command that fails, alone; the others take effect."""
        self.cache.clear()
        if len(asks) > 1:
            for ask in asks:
                ask.error = None
                await self.turn([ask])
            return
        ask = asks[0]
        name = ask.command.__class__.__name__
        log.error("%s failed and is set aside: %r", name, ask.command, exc_info=error)
        self._fail(asks, error)
        at, batch = self.now(), Batch()
        detail = f"{name}: {type(error).__name__}: {error}"[:2000]
        batch.audit.append(AuditRow(self.new_id(), at, ask.principal.name, "Engine", "Error", name, "failure", detail))
        if isinstance(ask.command, Start):
            batch.failed_starts.append(
                self.failed_start(ask, CommandRejected(500, "Internal error.", "The start failed; see the log."), at)
            )
        await self.storage.commit(batch)

    def failed_start(self, ask: Ask, error: CommandRejected, at: int) -> FailedStartRow:
        """What is listed under "Failed starts"."""
        start = ask.command
        assert isinstance(start, Start)
        return FailedStartRow(
            self.new_id(),
            start.name,
            at,
            ask.principal.name,
            error.status,
            error.title,
            error.detail,
            encode(start.data),
        )
