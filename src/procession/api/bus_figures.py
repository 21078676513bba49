"""Figures of the bus for Prometheus: what goes over it is counted as it goes; how far the engine is behind, the bus is asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from procession.bus.topics import MESSAGES, OPERATIONS, START
from procession.runtime.exchange.exchange import Exchange
from procession.runtime.exchange.rates import Rate

BRIEF = 0.2
"""Seconds for which the bus is waited for; its answer is then in the next text."""

MOST_TOPICS, OTHERS = 100, "(others)"
"""A process may choose topics by its data: so many curves there are, whatever it does."""


class BusFigures(Collector):
    """What one server says of the bus."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def look(self) -> None:
        """Ask the bus, if what it said is not good any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BRIEF):
                await asyncio.wrap_future(self._exchange.watch.look())

    def collect(self) -> Iterator[Metric]:
        exchange = self._exchange
        sight, naming = exchange.sight(), exchange.naming
        parts = ("looking", "reading", "publishing", *(("offering",) if exchange.jobs else ()))
        up = GaugeMetricFamily(
            "procession_bus_up", "Whether a part of the work with the bus can be done.", labels=["part"]
        )
        for part in parts:
            up.add_metric([part], int(part not in sight.errors))
        yield up
        records = CounterMetricFamily(
            "procession_bus_records", "Records that went through this server.", labels=["direction", "topic"]
        )
        read = {naming.full(name): Rate(0, 0.0) for name in (START, OPERATIONS, MESSAGES)}
        for direction, rates in (("in", {**read, **sight.received}), ("out", sight.sent)):
            counts = {naming.short(topic): rate.total for topic, rate in rates.items()}
            for topic, count in bounded(counts).items():
                records.add_metric([direction, topic], count)
        yield records
        if not sight.seen.error:
            lag = GaugeMetricFamily("procession_bus_lag", "Records that the engine has not taken in.", labels=["topic"])
            for topic, behind in bounded({naming.short(topic): n for topic, n in sight.seen.lag.items()}).items():
                lag.add_metric([topic], behind)
            yield lag


def bounded(figures: Mapping[str, int]) -> Mapping[str, int]:
    """By topic; beyond the first ones all others together."""
    if len(figures) <= MOST_TOPICS:
        return figures
    found: Counter[str] = Counter()
    for number, (topic, figure) in enumerate(figures.items()):
        found[topic if number < MOST_TOPICS else OTHERS] += figure
    return found
