"""Decides commands in batches: one load, one pass in memory, one transaction, then the answers.

While a batch commits the next one fills; a lone command is a batch of one. What a command causes in other instances
(messages, called processes, children that are held) is decided in the same transaction. When the store says that somebody
was faster, the batch is loaded and decided again. When a command fails for a reason of ours, nothing of it is written: the
batch is decided again one command at a time, so that only the faulty one fails.
"""

from __future__ import annotations

import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from time import perf_counter
from typing import NamedTuple

from procession.engine.codec import copy, encode
from procession.engine.commands import Continue
from procession.engine.state import ProcessInstance, visible
from procession.errors import CommandRejected, StorageError, VersionConflict
from procession.runtime.asks import Ask, Match, Park, Start
from procession.runtime.definitions import Definitions
from procession.runtime.drive import pause
from procession.runtime.exchange.taken import set_aside
from procession.runtime.views import JobView, job_view
from procession.runtime.work import Unit, Work
from procession.storage import AuditRow, Batch, FailedStartRow, Need, Storage
from procession.storage.rows import catch_up, restore

log = logging.getLogger("procession")

CONFLICTS = 20
"""How often a batch is decided again because somebody else was faster, before the callers are told."""

HOT = 0.5
"""Seconds for which an instance is held before it is decided, after others have changed it."""

HALVE = 4
"""After so many times a batch is halved: those whose instances nobody else wants do not wait for those whose are."""

SHORTEST, LONGEST = 0.0005, 0.1
"""Seconds that are waited at most before that: more each time, and by chance."""


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

    def peek(self, instance: int) -> ProcessInstance:
        """A state to read from, before anybody changes it."""
        return self._states[instance]

    def drop(self, instance: int) -> None:
        """Forget a state, if it is there."""
        self._states.pop(instance, None)

    def put(self, state: ProcessInstance) -> None:
        self._states[state.id] = state
        if len(self._states) > self._limit:
            self._states.popitem(last=False)

    def clear(self) -> None:
        self._states.clear()


class Turn(NamedTuple):
    """How a batch went. Of one with an `error` nothing took effect; the seconds are those of the last try."""

    asks: Sequence[Ask]
    work: Work
    decided: float  # seconds of reading and deciding
    committed: float  # seconds of the commit; 0: there was nothing to write, or it failed
    conflicts: int  # how often it was decided again because somebody else was faster
    error: Exception | None = None


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
        self.alarmed = False  # since somebody looked, something was written that has to be looked after
        self.unfinished: dict[int, list[Ask]] = {}  # instance → asks whose run goes on in a follow-up transaction
        self.unmatched: dict[tuple[str, str | None], None] = {}  # messages that a full batch left to the next one
        self._hot: dict[int, float] = {}  # instances that other nodes change, too, and until when that is expected
        self.committed: list[Callable[[Batch], None]] = []  # told of each batch, in the thread that wrote it
        self.turned: list[Callable[[Turn], None]] = []  # told how each batch went, before its commands are answered

    async def turn(self, asks: Sequence[Ask]) -> None:
        """Decide and commit; then every ask is done, or goes on with `follow_ups`."""
        for conflicts in range(CONFLICTS):
            work = Work(self, self.cache)
            began = perf_counter()
            contested = self._contested(began) if self._hot else ()
            try:
                async with self.storage.exclusively(contested) if contested else nullcontext():
                    await work.run(asks)
                    decided = perf_counter()
                    if work.changed:
                        await self.storage.commit(work.batch)
                ended = perf_counter() if work.changed else decided
            except VersionConflict as error:
                conflict = error
                self._heat(error.instances, began)
                if conflicts >= HALVE and len(asks) > 1:
                    await self.turn(asks[: len(asks) // 2])
                    await self.turn(asks[len(asks) // 2 :])
                    return
                await pause(random.uniform(0.0, min(LONGEST, SHORTEST * 2**conflicts)))
                continue
            except StorageError as error:
                self._tell(Turn(asks, work, perf_counter() - began, 0.0, conflicts, error))
                self.fail(asks, error)
                return
            except Exception as error:  # noqa: BLE001  a defect of ours: set aside, logged, told to the caller
                await self._poisoned(asks, work, error)
                return
            self.alarmed = self.alarmed or bool(work.batch.timers or work.batch.start_timers or work.batch.messages)
            if work.changed:
                for tell in self.committed:
                    tell(work.batch)
            self._tell(Turn(asks, work, decided - began, ended - decided, conflicts))
            if contested:
                self._heat(work.behind, began)
            self._answer(work, asks)
            return
        self._tell(Turn(asks, work, perf_counter() - began, 0.0, CONFLICTS, conflict))
        self.fail(asks, conflict)

    def _contested(self, now: float) -> list[int]:
        """Instances that other nodes change at this time, too."""
        for instance in [instance for instance, until in self._hot.items() if until < now]:
            del self._hot[instance]
        return list(self._hot)

    def _heat(self, instances: Iterable[int], now: float) -> None:
        """Others were faster at these, or have changed them in between: hold them from the start for a while.

        Who always decides first and is told afterwards that it was too late gets no turn beside one who is quicker.
        """
        self._hot.update(dict.fromkeys(instances, now + HOT))

    def _tell(self, turn: Turn) -> None:
        for tell in self.turned:
            tell(turn)

    async def rehearse(self, ask: Ask) -> Work:
        """Decide a command as `turn` does, of what the store has, and leave it at that: nothing is written, nobody is told.

        A refusal is raised. What was read leaves the cache, since the store takes the position that was read last for the one
        that is known here.
        """
        work = Work(self, Cache())
        try:
            await work.run([ask])
        finally:
            for instance in work.found.instances:
                self.cache.drop(instance)
        if ask.error is not None:
            raise ask.error
        return work

    @property
    def busy(self) -> bool:
        """Whether something goes on by itself in the next transaction."""
        return bool(self.unfinished or self.unmatched)

    def follow_ups(self) -> list[Ask]:
        """Commands that go on with what reached the bound of one transaction."""
        if not (self.unfinished or self.unmatched):
            return []
        asks: list[Ask] = []
        for instance, waiting in self.unfinished.items():
            asks.append(Ask(Continue(instance)))
            asks[-1].context = waiting[0].context if waiting else None  # it still does what was asked for there
        asks += [Ask(Match(name, key)) for name, key in self.unmatched]
        self.unmatched.clear()
        return asks

    def _answer(self, work: Work, asks: Iterable[Ask]) -> None:
        unfinished = self.unfinished
        for unit in work.units.values():
            state = unit.state
            if state.live:
                self.cache.put(state)
            if state.steps and state.status == "STARTED":
                unfinished.setdefault(state.id, [])
            else:
                for ask in unfinished.pop(state.id, ()):
                    self._done(ask, work, unit)
        for ask in asks:
            unit_of = work.asked.get(id(ask))
            if unit_of is not None and unit_of.state.id in unfinished:
                unfinished[unit_of.state.id].append(ask)
            else:
                if unit_of is None and isinstance(ask.command, Continue):  # the instance is not there any more
                    for waiting in unfinished.pop(ask.command.instance, ()):
                        waiting.finish(ask.error)
                self._done(ask, work, unit_of)
        self.unmatched.update(work.unmatched)
        if self.unmatched or (unfinished and not all(unfinished.values())):
            self.alarmed = True  # it goes on though nobody waits for it

    def _done(self, ask: Ask, work: Work, unit: Unit | None) -> None:
        try:
            if unit is not None:
                work.render(ask, unit)
        except Exception as error:  # noqa: BLE001  a defect of ours: logged, told to the caller
            _say(ask, work, error, "%s took effect, but its answer could not be made", subject(ask))
            ask.error = error
        ask.finish()

    def fail(self, asks: Iterable[Ask], error: BaseException) -> None:
        """Tell the callers that it could not be done. Runs that were cut off are taken up again later."""
        self.cache.clear()
        for ask in asks:
            ask.finish(error)
            self.alarmed = self.alarmed or isinstance(ask.command, Continue | Match)
            if isinstance(ask.command, Continue):
                for waiting in self.unfinished.pop(ask.command.instance, ()):
                    waiting.finish(error)

    async def _poisoned(self, asks: Sequence[Ask], work: Work, error: Exception) -> None:
        """Find the command that fails, alone; the others take effect."""
        self.cache.clear()
        if len(asks) > 1:
            for ask in asks:
                ask.error = None
                await self.turn([ask])
            return
        ask = asks[0]
        what = subject(ask)
        _say(ask, work, error, "%s failed and is set aside", what)
        self._tell(Turn(asks, work, 0.0, 0.0, 0, error))
        if ask.source is not None and not isinstance(ask.command, Park):
            await self.turn([aside := set_aside(ask, error, self.now())])
            if aside.error is not None:  # it is nowhere yet: whoever read it has to hand it in once more
                self.fail(asks, StorageError(f"{what} failed, and its record could not be set aside: {aside.error}"))
                return
        self.fail(asks, error)
        at, batch = self.now(), Batch()
        detail = f"{what}: {type(error).__name__}: {error}"[:2000]
        batch.audit.append(AuditRow(self.new_id(), at, ask.principal.name, "Engine", "Error", what, "failure", detail))
        if isinstance(ask.command, Start):
            batch.failed_starts.append(
                self.failed_start(ask, CommandRejected(500, "Internal error.", "The start failed; see the log."), at)
            )
        try:
            await self.storage.commit(batch)
        except Exception as failure:  # noqa: BLE001  logged; the caller is told of the first one
            _say(ask, work, failure, "the failure of %s could not be noted: %s", what, failure)

    async def activate_jobs(
        self, type: str, worker: str, limit: int, lock: int, fetch: Sequence[str] | None
    ) -> list[JobView]:
        """Hand out jobs with the variables that their tokens see; `lock` in microseconds."""
        now = self.now()
        leased = await self.storage.lease_jobs(type, worker, limit, now, now + lock)
        states = await self._states({each.job.instance for each in leased})
        jobs: list[JobView] = []
        for job, lease in leased:
            if (state := states.get(job.instance)) is not None:
                seen = visible(state, job.token)
                wanted = seen if fetch is None else {name: seen[name] for name in fetch if name in seen}
                jobs.append(job_view(job, lease, copy(wanted)))
        return jobs

    async def _states(self, instances: set[int]) -> dict[int, ProcessInstance]:
        """States to read from: cached where the store says that they are still true."""
        if not instances:
            return {}
        found = await self.storage.load(Need({number: self.cache.get(number) for number in instances}))
        states: dict[int, ProcessInstance] = {}
        for number in instances:
            if number not in found.instances:
                states[number] = catch_up(self.cache.peek(number), found.missed.get(number, ()))
            elif (rows := found.instances[number]) is not None:
                states[number] = restore(rows)
                self.cache.put(states[number])
        return states

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
            start.start_condition,
            start.business_key,
        )


def subject(ask: Ask) -> str:
    """A command in a few words: what it is and what it is about, without its data."""
    command = ask.command
    for name in ("job", "task", "timer", "instance", "name", "id"):
        if (about := getattr(command, name, None)) is not None:
            return f"{command.__class__.__name__} {about}"
    return command.__class__.__name__


def _say(ask: Ask, work: Work, error: Exception, text: str, *given: object) -> None:
    """Log what went wrong with a command: with its instance, and where it was asked, so that the line is one of that request."""
    instance = work.instance_of(ask)
    extra = {} if instance is None else {"instance": str(instance)}
    say = partial(log.error, text, *given, exc_info=error, extra=extra)
    if ask.context is None:
        say()
    else:
        ask.context.run(say)
