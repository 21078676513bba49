"""Figures for Prometheus: what was asked and what came of it, what was committed, and how much there is to do.

What happens is counted as it happens, in a microsecond or two. How much there is, is asked of the store when somebody scrapes,
and remembered long enough that scraping takes a small share of one reader at most.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from procession.api.bus_figures import BusFigures
from procession.api.operations import Operation
from procession.engine.state import LIVE
from procession.errors import StorageError
from procession.runtime.exchange.exchange import Exchange
from procession.runtime.live import RESYNC, Message
from procession.runtime.node import Node
from procession.runtime.processor import Turn
from procession.runtime.work import COMMAND_NAMES
from procession.storage import Backlog, Batch, Totals

TEXT = "text/plain; version=0.0.4; charset=utf-8"

FRESH = 1.0
"""Seconds for which a text is answered again."""

SHARE = 20
"""The store is asked again after so many times as long as it took, and after `FRESH_TOTALS` seconds at the earliest."""

FRESH_TOTALS = 5.0
MOST_STUCK = 100

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COMMIT_LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Metrics:
    """The figures of one server, in a registry of their own."""

    def __init__(self, node: Node) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "procession_http_requests", "Requests that were answered.", ["operation", "status"], registry=registry
        )
        self._seconds = Histogram(
            "procession_http_request_seconds",
            "From a request's headers to its answer.",
            ["operation"],
            buckets=LATENCIES,
            registry=registry,
        )
        self._bound: dict[tuple[str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._logins_refused = Counter("procession_logins_refused", "Log-ins that were refused.", registry=registry)
        self._jobs = Counter("procession_jobs_handed_out", "Jobs that workers were given.", registry=registry)
        self._commit_seconds = Histogram(
            "procession_commit_seconds", "Of one commit.", buckets=COMMIT_LATENCIES, registry=registry
        )
        self._commit_size = Histogram(
            "procession_commit_steps", "Steps of instances in one commit.", buckets=SIZES, registry=registry
        )
        self._decide_seconds = Histogram(
            "procession_decide_seconds",
            "Of reading and deciding one batch.",
            buckets=COMMIT_LATENCIES,
            registry=registry,
        )
        self._batch_size = Histogram(
            "procession_batch_commands", "Commands that were decided together.", buckets=SIZES, registry=registry
        )
        self._conflicts = Counter(
            "procession_conflicts",
            "Batches that were decided again because somebody else was faster.",
            registry=registry,
        )
        self._commands = Counter(
            "procession_commands", "Commands that were decided.", ["command", "outcome"], registry=registry
        )
        self._outcomes: dict[tuple[type, str], Callable[[], None]] = {}
        self._started = Counter("procession_instances_started", "Instances that were started.", registry=registry)
        self._ended = Counter("procession_instances_ended", "Instances that ended.", ["status"], registry=registry)
        self._messages = Counter(
            "procession_live_messages", "Messages that listeners of the live channel were sent.", registry=registry
        )
        self._resyncs = Counter(
            "procession_live_resyncs", "Listeners that were told to read everything again.", registry=registry
        )
        self._incidents = Counter("procession_exceptions_raised", "Exceptions that were raised.", registry=registry)
        self._stored = _Stored(node)
        registry.register(self._stored)
        self._bus: BusFigures | None = None
        ProcessCollector(registry=registry)
        self._text = b""
        self._made = -FRESH
        self._making = asyncio.Lock()
        node.committed.append(self._committed)
        node.intake.processor.turned.append(self._turned)
        self.watch("procession_commands_waiting", "Commands that wait for the next batch.", lambda: node.intake.queued)

    # -- what happens --------------------------------------------------------------------------------------------------

    def request(self, operation: Operation | None, status: int, seconds: float) -> None:
        """A request was answered; None: there was no such operation."""
        key = (operation.name if operation is not None else "none", status // 100)
        bound = self._bound.get(key)
        if bound is None:
            name, hundreds = key
            count = self._requests.labels(name, f"{hundreds}xx").inc
            bound = self._bound[key] = (count, self._seconds.labels(name).observe)
        bound[0]()
        bound[1](seconds)
        if status in (401, 429) and key[0] == "log_in":
            self._logins_refused.inc()

    def jobs_handed_out(self, count: int) -> None:
        """A worker was given jobs."""
        self._jobs.inc(count)

    def told(self, messages: Sequence[Message]) -> None:
        """A listener of the live channel was sent messages."""
        self._messages.inc(len(messages))
        for message in messages:
            if message.event == RESYNC:
                self._resyncs.inc()

    def _turned(self, turn: Turn) -> None:
        if turn.error is None:
            self._decide_seconds.observe(turn.decided)
            self._batch_size.observe(len(turn.asks))
        if turn.committed:
            self._commit_seconds.observe(turn.committed)
        if turn.conflicts:
            self._conflicts.inc(turn.conflicts)
        for ask in turn.asks:
            outcome = "failed" if turn.error is not None else "refused" if ask.error is not None else "done"
            key = (ask.command.__class__, outcome)
            count = self._outcomes.get(key)
            if count is None:
                count = self._outcomes[key] = self._commands.labels(COMMAND_NAMES[key[0]], outcome).inc
            count()

    def _committed(self, batch: Batch) -> None:
        self._commit_size.observe(len(batch.history))
        if batch.new:
            self._started.inc(len(batch.new))
        for row in batch.new:
            if row.status not in LIVE:
                self._ended.labels(row.status).inc()
        for row, _ in batch.changed:
            if row.ended is not None and row.status not in LIVE:
                self._ended.labels(row.status).inc()
        if batch.incidents:
            self._incidents.inc(len(batch.incidents))

    # -- what there is -------------------------------------------------------------------------------------------------

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Ask for a figure whenever somebody scrapes, in another thread."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def follow(self, exchange: Exchange) -> None:
        """Say how the bus is, too."""
        self._bus = BusFigures(exchange)
        self.registry.register(self._bus)

    async def stuck(self, patience: float) -> int | None:
        """How many live instances wait for nothing, up to `MOST_STUCK`, as the store said last; None: it has not said it.

        The store is asked again if that is due, and waited for `patience` seconds.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._stored.look()
        return self._stored.stuck

    async def text(self) -> bytes:
        """Everything, in Prometheus' text format. Many who ask at once get the same."""
        async with self._making:
            if time.monotonic() - self._made >= FRESH:
                await self._stored.look()
                if self._bus is not None:
                    await self._bus.look()
                self._text = await asyncio.to_thread(generate_latest, self.registry)
                self._made = time.monotonic()
            return self._text


class _Stored(Collector):
    """What the store says, from time to time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._totals: Totals | None = None
        self._backlog = Backlog(0, None, 0, 0, None, 0)
        self._late = (0.0, 0.0, 0.0)  # seconds: the first job, timer and record
        self._again = 0.0
        self._asking: asyncio.Task[None] | None = None
        self.stuck: int | None = None  # None: the store has not said it yet, or not at its last chance

    async def look(self) -> None:
        """Ask the store, unless what it said is still good. Whoever gives up waiting leaves the question to the others."""
        if self._asking is None:
            if time.monotonic() < self._again:
                return
            self._asking = asyncio.create_task(self._ask())
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        began = time.monotonic()
        try:
            await self._node.read(self._read())
        except StorageError:
            self._totals = self.stuck = None
        finally:
            ended = time.monotonic()
            self._again = ended + max(FRESH_TOTALS, SHARE * (ended - began))
            self._asking = None

    async def _read(self) -> None:
        storage, now = self._node.storage, self._node.clock.now()
        self._backlog = backlog = await storage.backlog(now)
        since = (backlog.jobs_since, await storage.next_due(), backlog.records_since)
        job, timer, record = (0.0 if moment is None else max(0.0, (now - moment) / 1_000_000) for moment in since)
        self._late = (job, timer, record)
        self.stuck = len(await storage.stuck(MOST_STUCK))
        self._totals = await storage.totals()

    def collect(self) -> Iterator[Metric]:
        totals, backlog = self._totals, self._backlog
        job, timer, record = self._late
        up = GaugeMetricFamily("procession_store_up", "Whether the store answered.", value=int(totals is not None))
        yield up
        if totals is None:
            return
        instances = GaugeMetricFamily("procession_instances", "Live instances.", labels=["status"])
        for status in sorted(LIVE):
            instances.add_metric([status], totals.instances.get(status, 0))
        yield instances
        for name, what, value in (
            ("procession_tasks_open", "Tasks that wait for people.", totals.tasks),
            ("procession_jobs_open", "Jobs that wait for workers, or are with them.", totals.jobs),
            ("procession_timers", "Timers that wait.", totals.timers),
            ("procession_exceptions_open", "Exceptions that wait for a repair.", totals.incidents),
            ("procession_jobs_due", "Jobs that a worker would be given.", backlog.jobs),
            ("procession_timers_due", "Timers that are due.", backlog.timers),
            ("procession_outbox_records", "Records that are not published.", backlog.records),
            (
                "procession_dead_letters",
                "Records that could not be handled, and that nobody has settled.",
                backlog.letters,
            ),
            ("procession_job_lag_seconds", "Since when a job could be had.", job),
            ("procession_timer_lag_seconds", "By how much the oldest due timer is late.", timer),
            ("procession_outbox_lag_seconds", "Since when a record waits.", record),
            ("procession_stuck", f"Live instances that wait for nothing (up to {MOST_STUCK}): none.", self.stuck or 0),
        ):
            yield GaugeMetricFamily(name, what, value=value)
