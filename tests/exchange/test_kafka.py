"""The engine on a real Apache Kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from procession import Engine
from procession.bus import BusError, Record, TopicSpec
from procession.bus.kafka import KafkaBus
from procession.bus.topics import Naming
from procession.engine.codec import decode, encode
from procession.runtime.drive import drive
from procession.runtime.exchange.exchange import Exchange, topic_specs
from procession.testing import process
from tests.conftest import start_kafka
from tests.exchange.conftest import eventually, headers

pytestmark = pytest.mark.timeout(300)

ASK = (
    process("ask")
    .start()
    .send("question", topic="TOPIC.search", body='{"pn": "${pn}"}')
    .receive("wait", streams={"engine.receive.crm": "client"})
    .end()
    .build()
)


@pytest.fixture
def naming() -> Naming:
    """One broker for all tests: each has topics of its own."""
    return Naming(environment=f"t{time.time_ns()}.")


@pytest.fixture
def bus(kafka) -> Iterator[KafkaBus]:
    bus = KafkaBus(kafka.url())
    yield bus
    bus.close()


def on(engine: Engine, kafka, naming: Naming) -> Exchange:
    engine._wires._exchange = exchange = Exchange(engine._machine, KafkaBus(kafka.url()), naming=naming).start()
    return exchange


def asking(naming: Naming) -> bytes:
    return ASK.replace(b"TOPIC", naming.environment.strip(".").encode())


def answering(bus: KafkaBus, naming: Naming, stop: threading.Event) -> threading.Thread:
    """A partner that answers what comes."""
    topic = f"{naming.environment.strip('.')}.search"
    bus.ensure([TopicSpec(topic), TopicSpec(naming.full("engine.receive.crm"))])

    def run() -> None:
        subscription, publisher = bus.subscribe(f"crm-{topic}", [topic]), bus.publisher()
        while not stop.is_set():
            try:
                if asked := subscription.poll(100, 0.2):
                    full = naming.full("engine.receive.crm")
                    publisher.publish([Record(full, each.key, each.value, each.headers) for each in asked])
                    subscription.commit({(each.topic, each.partition): each.offset + 1 for each in asked})
            except BusError:
                time.sleep(0.1)
        subscription.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_questions_and_answers_over_two_nodes_on_one_store(kafka, bus, naming, postgresql):
    url = postgresql.url()
    with Engine(url) as one, Engine(url) as two:
        one.deploy(("ask.bpmn", asking(naming)), publish=True)
        for engine in (one, two):
            on(engine, kafka, naming)
        stop = threading.Event()
        partner = answering(bus, naming, stop)
        start = naming.full("core.trigger.start.process")
        eventually(lambda: start in {each.name for each in bus.describe()}, "the topics")
        requests = [
            {"processDefinitionName": "ask", "businessKey": f"k{n}", "data": {"pn": str(n)}} for n in range(200)
        ]
        publisher = bus.publisher()
        publisher.publish([Record(start, each["businessKey"], encode(each)) for each in requests])
        eventually(lambda: one.counts()["instance"] == 200 and not drive(one.storage.totals()).instances, "the end")
        found = one.instances(limit=1000).items
        assert {each.business_key for each in found} == {f"k{n}" for n in range(200)}
        assert {each.state for each in found} == {"FINISHED"}
        stop.set()
        partner.join()
        told = bus.subscribe("counting", [naming.full("core.confirm.start.process")])
        confirmed = [record for _ in range(40) for record in told.poll(500, 0.25)]
        assert len({headers(each)["ce_id"] for each in confirmed}) == 200
        assert {decode(each.value)["instance"]["businessKey"] for each in confirmed} == {f"k{n}" for n in range(200)}
        assert drive(one.storage.letters()) == []


def test_the_other_node_publishes_when_one_is_gone(kafka, bus, naming, postgresql):
    url, topic = postgresql.url(), f"told-{naming.environment}x"
    tell = process("tell").start().send("say", topic=topic, body='{"n": ${n}}').end().build()
    bus.ensure([TopicSpec(topic)])
    told = bus.subscribe("counting", [topic])
    with Engine(url) as one, Engine(url) as two:
        one.deploy(("tell.bpmn", tell), publish=True)
        first = on(one, kafka, naming)
        on(two, kafka, naming)
        one.start("tell", {"n": 1})
        assert [decode(each.value)["n"] for each in eventually(lambda: told.poll(10, 0.5))] == [1]
        first.close()
        one._wires._exchange = None
        one.start("tell", {"n": 2})
        assert [decode(each.value)["n"] for each in eventually(lambda: told.poll(10, 0.5))] == [2]


def test_while_the_broker_is_away_the_engine_goes_on_and_nothing_is_lost(tmp_path):
    topic = "told.later"
    tell = process("tell").start().send("say", topic=topic, body='{"n": ${n}}').end().build()
    with start_kafka() as kafka, Engine(f"sqlite:///{tmp_path}/tell.db") as engine:
        engine.deploy(("tell.bpmn", tell), publish=True)
        bus = KafkaBus(kafka.url())
        bus.ensure([TopicSpec(topic)])
        exchange = on(engine, kafka, Naming())
        engine.start("tell", {"n": 0})
        eventually(lambda: not drive(engine.storage.outbox()), "the first record")
        kafka.stop()
        ids = [engine.start("tell", {"n": number}).id for number in range(1, 301)]
        assert {engine.instance(id).state for id in ids} == {"FINISHED"}
        eventually(lambda: exchange.errors.publishing, "the error")
        assert drive(engine.storage.backlog(engine.clock.now())).records == 300
        kafka.start()
        told = bus.subscribe("counting", [topic])
        found: dict[str, int] = {}
        end = time.monotonic() + 120
        while len(found) < 301 and time.monotonic() < end:
            found |= {headers(each)["ce_id"]: decode(each.value)["n"] for each in told.poll(500, 0.5)}
        assert sorted(found.values()) == list(range(301))
        eventually(lambda: not drive(engine.storage.outbox()), "an empty outbox")
        eventually(lambda: not exchange.errors.publishing, "the end of the error")
        bus.close()


def test_a_store_that_was_put_back_reads_again_what_came_since(kafka, bus, naming, tmp_path):
    """The offsets of the store count, whatever Kafka remembers of the group."""
    order = process("order").start().user_task("look").end().build()
    start, request = naming.full("core.trigger.start.process"), {"processDefinitionName": "order"}
    path, copy = tmp_path / "orders.db", tmp_path / "copy.db"
    with Engine(f"sqlite:///{path}") as engine:
        engine.deploy(("order.bpmn", order), publish=True)
    copy.write_bytes(path.read_bytes())
    bus.ensure(topic_specs(naming))
    bus.publisher().publish([Record(start, "k", encode(request))])
    group = f"procession.{naming.environment}engine"
    for _ in range(2):
        with Engine(f"sqlite:///{path}") as engine:
            on(engine, kafka, naming)
            eventually(lambda engine=engine: engine.counts()["instance"] == 1, "the order")
            eventually(lambda: not any(bus.lag(group).values()), "the commit")
        path.write_bytes(copy.read_bytes())


def test_a_topic_that_cannot_be_written_holds_up_no_other(start_kafka_without_making_topics, tmp_path):
    kafka = start_kafka_without_making_topics
    tell = (
        process("tell")
        .start()
        .send("nowhere", topic="there.is.none", body="{}")
        .send("somewhere", topic="there.is.one", body="{}")
        .end()
        .build()
    )
    bus = KafkaBus(kafka.url())
    bus.ensure([TopicSpec("there.is.one")])
    told = bus.subscribe("counting", ["there.is.one"])
    with Engine(f"sqlite:///{tmp_path}/tell.db") as engine:
        engine.deploy(("tell.bpmn", tell), publish=True)
        exchange = on(engine, kafka, Naming())
        engine.start("tell")
        assert len(eventually(lambda: told.poll(10, 0.5))) == 1
        eventually(lambda: [row.topic for _, row in drive(engine.storage.outbox())] == ["there.is.none"], "the rest")
        eventually(lambda: "there.is.none" in exchange.errors.publishing, "the error")
    bus.close()


@pytest.fixture
def start_kafka_without_making_topics():
    with start_kafka(settings={"auto.create.topics.enable": "false"}) as kafka:
        yield kafka
