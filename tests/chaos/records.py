"""A siege of the bus: nodes on one PostgreSQL and one Kafka, while brokers and nodes fail; then all records are counted.

    python -m tests.chaos.records --records 50000 --seed 2026 --record docs/chaos-records.md

Each record starts an order. The order asks a partner by a record, waits for the answer, and says twice on a topic how far it is.
The partner answers many requests twice, some before the order waits. At the end there is one order for each record, everything
was asked and said once and in order, and what history says was sent is what is on the topics.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from procession import Engine
from procession.bus import Bus, BusError, Publisher, Received, Record, Subscription, TopicSpec
from procession.bus.kafka import KafkaBus
from procession.bus.topics import Naming
from procession.engine import events as e
from procession.engine.codec import decode, encode
from procession.runtime.drive import drive
from procession.runtime.exchange.exchange import topic_specs
from procession.testing import process
from tests.chaos.evidence import history, rows
from tests.chaos.nodes import Node
from tests.services.apache_kafka import Kafka
from tests.services.postgresql import Missing, PostgreSQL

NAMING = Naming()
START, CONFIRM = NAMING.full("core.trigger.start.process"), NAMING.full("core.confirm.start.process")
ASKED, SAID, ANSWERS = "chaos.asked", "chaos.said", NAMING.full("engine.receive.chaos")

ORDER = (
    process("order")
    .start()
    .send("say_one", topic=SAID, body='{"n": 1}')
    .send("question", topic=ASKED, body='{"id": "${id}"}')
    .receive("answer", streams={"engine.receive.chaos": "answer"})
    .send("say_two", topic=SAID, body='{"n": 2, "answer": ${answer.id}}')
    .end()
    .build()
)

BATCH = 500
FAULTS = ("node killed", "node killed", "node frozen", "broker stopped", "broker killed", "node added")
UNDER_FIRE = 0.9
"""The part of the orders that is at its end when the last fault comes."""

RATE = 1_000
"""Records a second that are sent, so that there are always some on their way."""

FROZEN = 4.0
"""Seconds for which a node is stopped: twice as long as its role is its own, so that it comes back as a zombie."""


@dataclass
class Plan:
    """What a siege is like."""

    records: int
    seed: int
    nodes: int = 3
    brokers: int = 3
    pause: float = 4.0  # seconds between two faults, about
    patience: float = 900.0  # seconds in which all has to be done once the faults are over


@dataclass
class Report:
    """How it went."""

    plan: Plan
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)


class Siege:
    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.chance = random.Random(plan.seed)
        self.report = Report(plan)
        self._sent = threading.Event()
        self._over = threading.Event()
        self._failures: list[BaseException] = []

    def run(self) -> Report:
        """Go through with it, and count."""
        began = time.monotonic()
        with PostgreSQL(durable=True) as postgresql, Kafka(brokers=self.plan.brokers) as kafka:
            self.kafka, self.store = kafka, postgresql.url()
            self._prepare()
            self.nodes = [
                Node(f"node-{n}", self._serving(n), self.folder / f"node-{n}.log") for n in range(self.plan.nodes)
            ]
            threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._send, self._answer)]
            faults = self._faults()
            try:
                for each in (*self.nodes, *threads):
                    each.start()
                for node in self.nodes:
                    assert node.ready.wait(90) and node.served, f"{node.name} does not start; see {node.log}"
                with Engine(self.store) as engine:
                    while not self._failures and self._done(engine) < self.plan.records * UNDER_FIRE:
                        time.sleep(self.chance.uniform(0.5, 1.5) * self.plan.pause)
                        self._fault(next(faults))
                    self._await(engine)
            finally:
                self._over.set()
                for thread in threads:
                    thread.join(60)
                for node in self.nodes:
                    node.end()
            if self._failures:
                raise self._failures[0]
            deaths = [death for node in self.nodes for death in node.deaths]
            assert not deaths, deaths
            self.report.seconds = time.monotonic() - began
            self._count()
        return self.report

    # -- the town ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        with Engine(self.store) as engine:
            engine.deploy(("order.bpmn", ORDER), publish=True)
        bus = self._bus()
        bus.ensure([*topic_specs(NAMING), *(TopicSpec(name) for name in (ASKED, SAID, ANSWERS))])
        bus.close()

    def _bus(self) -> Bus:
        return KafkaBus(self.kafka.url())

    def _serving(self, number: int) -> Callable[[int], list[str]]:
        arguments = ["serve", "--store", self.store, "--bus", self.kafka.url(), "--port", "0", "--no-ui"]
        return lambda life: [*arguments, "--log-level", "warning"]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  raised by whoever waits for the end
            self._failures.append(error)
            self._sent.set()

    # -- who sends and who answers ---------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Every record is sent until it is there: perhaps more than once, always with the same id."""
        bus, number = self._bus(), 0
        publisher = bus.publisher("chaos-sender")
        while number < self.plan.records and not self._over.is_set():
            some = range(number, min(number + BATCH, self.plan.records))
            try:
                publisher.publish([self._start(each) for each in some])
            except BusError:
                self.report.counted["batches sent again"] += 1
                time.sleep(0.5)
                publisher.close()
                publisher = self._again(bus)
                continue
            number = some.stop
            time.sleep(BATCH / RATE)
        publisher.close()
        bus.close()
        self._sent.set()

    def _again(self, bus: Bus) -> Publisher:
        while True:
            try:
                return bus.publisher("chaos-sender")
            except BusError:
                time.sleep(0.5)

    def _start(self, number: int) -> Record:
        id = f"k{number}"
        request = {"processDefinitionName": "order", "businessKey": id, "data": {"id": id}}
        headers = (("ce_id", id.encode()), ("ce_source", b"/chaos"), ("requestID", id.encode()))
        return Record(START, id, encode(request), headers)

    def _answer(self) -> None:
        """A partner that answers at least once, and often twice."""
        bus = self._bus()
        while not self._over.is_set():
            publisher = subscription = None
            try:
                publisher, subscription = bus.publisher(), bus.subscribe("chaos-partner", [ASKED])
                while not self._over.is_set():
                    if asked := subscription.poll(BATCH, 0.2):
                        answers = [self._reply(each) for each in asked]
                        publisher.publish(answers + [each for each in answers if self.chance.random() < 0.5])
                        subscription.commit({(each.topic, each.partition): each.offset + 1 for each in asked})
            except BusError:
                time.sleep(0.5)
            finally:
                for each in (publisher, subscription):
                    if each is not None:
                        _close(each)
        bus.close()

    def _reply(self, asked: Received) -> Record:
        return Record(ANSWERS, asked.key, encode({"id": int(decode(asked.value)["id"][1:])}), asked.headers)

    # -- what is done to them --------------------------------------------------------------------------------------------

    def _faults(self) -> Iterator[str]:
        """Each kind in turn, in another order each time. A lone broker is not killed: it may lose what it has confirmed."""
        faults = [each for each in FAULTS if self.plan.brokers > 1 or each != "broker killed"]
        while True:
            yield from self.chance.sample(faults, len(faults))

    def _done(self, engine: Engine) -> int:
        return engine.counts()["instance"] - sum(drive(engine.storage.totals()).instances.values())

    def _fault(self, name: str) -> None:
        node = self.chance.choice(self.nodes)
        self.report.faults[name] += 1
        match name:
            case "node killed":
                node.kill()
                node.bury()
                node.start()
            case "node frozen":
                process = node.process
                if process is not None and node.alive:
                    process.send_signal(signal.SIGSTOP)
                    time.sleep(FROZEN)
                    process.send_signal(signal.SIGCONT)
            case "broker stopped" | "broker killed":
                number = self.chance.choice(list(self.kafka.brokers))
                (self.kafka.stop if name.endswith("stopped") else self.kafka.kill)(number)
                time.sleep(self.chance.uniform(0.5, 4.0))
                self.kafka.start(number)
            case "node added":
                other = Node("guest", self._serving(9), self.folder / "guest.log")
                other.start()
                other.ready.wait(60)
                time.sleep(self.chance.uniform(0.5, 3.0))
                other.end()

    def _await(self, engine: Engine) -> None:
        """All orders are at their end, and nothing is left to be published."""
        end = time.monotonic() + self.plan.patience
        while not self._failures:
            done, there = self._done(engine), engine.counts()
            if done >= self.plan.records and not there["outbox"]:
                return
            assert time.monotonic() < end, (
                f"{there['instance']} of {self.plan.records} orders are there, {done} are at their end, and "
                f"{there['outbox']} records wait; see {self.folder}"
            )
            time.sleep(0.5)

    # -- what came of it -------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        counted = self.report.counted
        with Engine(self.store) as engine:
            found = list(rows(engine))
            keys = Counter(row.business_key for row in found)
            wanted = {f"k{number}" for number in range(self.plan.records)}
            assert set(keys) == wanted, f"orders are missing or strange: {sorted(set(keys) ^ wanted, key=str)[:5]}"
            assert max(keys.values()) == 1, f"started twice: {[key for key, count in keys.items() if count > 1][:5]}"
            assert {row.status for row in found} == {"FINISHED"}
            sent: dict[str, list[str]] = defaultdict(list)  # by topic and instance, in the order of history
            for row in found:
                for event in history(engine, row.id):
                    if isinstance(event, e.RecordSent):
                        sent[f"{event.topic} {row.id}"].append(str(event.record))
            letters = drive(engine.storage.letters(limit=5))
            assert not letters, f"letters: {letters}"
            instances = {str(row.id): row.business_key for row in found}
        counted["orders"] = len(found)
        for topic in (ASKED, SAID):
            once = self._read(topic)
            counted[f"records of {topic}"] = len(once)
            came: dict[str, list[str]] = defaultdict(list)
            for id, record in once.items():
                came[f"{topic} {record.key}"].append(id)
            said = {name: ids for name, ids in sent.items() if name.startswith(f"{topic} ")}
            assert came == said, f"{topic}: history and topic differ at {_differ(came, said)}"
        confirmed = self._read(CONFIRM)
        told: dict[str, set[str]] = defaultdict(set)
        for record in confirmed.values():
            told[dict(record.headers)["requestID"].decode()].add(decode(record.value)["instance"]["id"])
        assert set(told) == wanted, f"not confirmed: {sorted(wanted - set(told))[:5]}"
        wrong = [key for key, ids in told.items() if {instances[id] for id in ids} != {key}]
        assert not wrong, f"confirmed as another order: {wrong[:5]}"
        counted["confirmations"] = len(confirmed)

    def _read(self, topic: str) -> dict[str, Received]:
        """All records of a topic by their ids, each where it came first."""
        bus = self._bus()
        ends = next(state.ends for state in bus.describe() if state.name == topic)
        subscription = bus.subscribe(f"counting-{topic}-{random.random()}", [topic])
        found: dict[str, Received] = {}
        left = {number for number, end in ends.items() if end}
        end, quiet = time.monotonic() + 300, 0
        while quiet < 6:
            assert time.monotonic() < end, f"{topic} is not read to its end"
            some = subscription.poll(5_000, 0.5)
            quiet = quiet + 1 if not some and subscription.assigned() else 0
            for record in some:
                id = dict(record.headers)["ce_id"].decode()
                if id in found:
                    self.report.counted[f"repeats on {topic}"] += 1
                    assert found[id].value == record.value, f"{topic}: {id} was published as two things"
                else:
                    found[id] = record
        assert left or not found
        subscription.close()
        bus.close()
        return found


def _differ(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[object]:
    names = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
    return [(name, one.get(name), other.get(name)) for name in names[:3]]


def _close(each: Publisher | Subscription) -> None:
    try:
        each.close()
    except BusError:
        return  # the broker is away: there is nothing to give back


def record(report: Report) -> str:
    """What happened, as a table."""
    plan = report.plan
    command = f"make chaos-records RECORDS={plan.records} BROKERS={plan.brokers} SEED={plan.seed}"
    table = [
        ("command", f"`{command}`"),
        ("day, machine", f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {platform.python_version()}"),
        ("brokers, nodes", f"{plan.brokers} of Apache Kafka, {plan.nodes} on one PostgreSQL"),
        ("records in", f"{plan.records:,}"),
        ("until all were done", f"{report.seconds:,.0f} s"),
        ("faults", ", ".join(f"{name} {count}" for name, count in sorted(report.faults.items()))),
        ("counted", ", ".join(f"{name} {count:,}" for name, count in sorted(report.counted.items()))),
        ("verdict", "each record in took effect once; each out is there, in order; history and topics are equal"),
    ]
    return "\n".join(["### records", "", "| | |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in table)]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000, help="so many records in")
    parser.add_argument(
        "--brokers", type=int, default=3, help="one alone can lose what it has confirmed, when it is killed"
    )
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--record", type=Path, help="write the record to this file as well")
    asked = parser.parse_args()
    plan = Plan(asked.records, asked.seed, asked.nodes, asked.brokers)
    folder = Path(tempfile.mkdtemp(prefix="procession-records-"))
    print(f"seed {plan.seed}", flush=True)
    try:
        report = Siege(plan, folder).run()
    except Missing as missing:
        print(f"left out: {missing}", flush=True)
        return 1
    except AssertionError as wrong:
        print(f"WRONG: {wrong}\nSeed {plan.seed}; what was left is in {folder}", flush=True)
        return 1
    shutil.rmtree(folder)
    text = record(report)
    print(text, flush=True)
    if asked.record is not None:
        asked.record.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
