"""The bus of one node: what reads, what publishes, what offers jobs, and what tries letters again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from procession.bus import Bus, TopicSpec
from procession.bus.topics import JOB, KINDS, Naming
from procession.bus.urls import kind_of, shown
from procession.runtime.exchange.inflow import Inflow
from procession.runtime.exchange.offers import Offers
from procession.runtime.exchange.orders import Identify, Orders
from procession.runtime.exchange.outflow import Outflow
from procession.runtime.exchange.rates import Rates
from procession.runtime.exchange.watch import Sight, Watch
from procession.runtime.machine import Machine


class Errors(NamedTuple):
    """Why something cannot be done now; "": it can."""

    reading: str
    publishing: str
    offering: str


class Exchange:
    """A machine on a bus, from `start` to `close`, which closes the bus, too."""

    def __init__(
        self,
        machine: Machine,
        bus: Bus,
        *,
        url: str = "memory:",
        naming: Naming | None = None,
        identify: Identify | None = None,
        jobs: Sequence[str] = (),
        partitions: int = 3,
        replication: int = -1,
        create: bool = True,
    ) -> None:
        self.machine, self.bus, self.jobs = machine, bus, tuple(jobs)
        self.kind, self.url = kind_of(url), shown(url)
        self.naming = machine.naming = naming or Naming()
        self.specs = topic_specs(self.naming, self.jobs, partitions, replication)
        self.orders = Orders(group_of(self.naming), self.naming, identify)
        self.rates = Rates()
        self.watch = Watch(bus, self.orders.group, machine.clock.now)
        holder = secrets.token_hex(8)
        self._inflow = Inflow(machine, bus, self.orders, self.rates, self.specs if create else ())
        self._outflow = Outflow(machine, bus, self.naming, holder, self.rates)
        self._offers = Offers(machine, bus, self.naming, self.jobs, self.rates) if jobs else None

    def start(self) -> Exchange:
        """Begin to read and to publish."""
        self._inflow.start()
        self._outflow.start()
        if self._offers is not None:
            self._offers.start()
        return self

    def close(self) -> None:
        """Take nothing in any more, and publish nothing; before the machine is closed."""
        self._inflow.stop()
        if self._offers is not None:
            self._offers.stop()
        self._outflow.stop()
        self.bus.close()

    @property
    def errors(self) -> Errors:
        """What goes wrong now."""
        return Errors(self._inflow.error, self._outflow.error, "" if self._offers is None else self._offers.error)

    def sight(self) -> Sight:
        """How it looks from here: what the bus said of itself last, and what goes through this node."""
        seen, rates = self.watch.seen, self.rates
        # whoever reads is not told that nobody is there: it is as if nothing came
        parts = {"looking": seen.error, **self.errors._asdict()}
        errors = {part: error for part, error in parts.items() if error}
        return Sight(self.kind, self.url, self.orders.group, errors, seen, rates.of("in"), rates.of("out"))


def group_of(naming: Naming) -> str:
    """The group by which the engine reads."""
    return f"{naming.package}{naming.environment}engine"


def topic_specs(
    naming: Naming, jobs: Sequence[str] = (), partitions: int = 3, replication: int = -1
) -> list[TopicSpec]:
    """The topics that the engine needs; those of integrations are theirs to make."""
    kinds = [kind for kind in KINDS if not kind.name.endswith(".")]
    names = {kind.name: kind.retention for kind in kinds}
    offered = next(kind for kind in KINDS if kind.name == JOB)
    names |= {JOB + type: offered.retention for type in jobs}
    return [TopicSpec(naming.full(name), partitions, replication, retention) for name, retention in names.items()]
