"""Records in and out of the engine on Apache Kafka, beside what the client does on this machine, and how long a question takes.

python bus.py [STORE…]      stores: sqlite postgres
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workloads import POSTGRES, emit, missing, scratch

from procession import Engine
from procession.app import open_bus
from procession.bus import Record, TopicSpec
from procession.bus.topics import Naming
from procession.engine.codec import encode
from procession.runtime.drive import drive
from procession.runtime.exchange.exchange import Exchange, topic_specs
from procession.testing import process

sys.path.append(str(Path(__file__).parent.parent))

from tests.services.apache_kafka import Kafka
from tests.services.postgresql import Missing

COUNT, SIZE, BATCH = 30_000, 300, 1_000
QUESTIONS = 200
NAMING = Naming()
START, ANSWERS = NAMING.full("core.trigger.start.process"), NAMING.full("engine.receive.bench")
VALUE = encode({"processDefinitionName": "straight", "data": {"text": "x" * (SIZE - 70)}})

STRAIGHT = process("straight").start().end().build()
TELLS = process("tells").start().send("tell", topic="bench.told", body='{"text": "${text}"}').end().build()
ASKS = (
    process("asks")
    .start()
    .send("ask", topic="bench.asked", body='{"n": 1}')
    .receive("answer", streams={"engine.receive.bench": "answer"})
    .end()
    .build()
)


def main() -> None:
    """Each store in turn, on one broker."""
    try:
        kafka = Kafka()
    except Missing as why:
        missing("bus", str(why))
        return
    with kafka:
        bus = open_bus(kafka.url())
        bus.ensure(topic_specs(NAMING))
        bus.ensure([TopicSpec(name) for name in ("bench.limit", "bench.told", "bench.asked", "bench.hop", ANSWERS)])
        limits(kafka.url())
        for store in sys.argv[1:] or ["sqlite", "postgres"]:
            url = f"sqlite:///{scratch()}/bus.db" if store == "sqlite" else POSTGRES
            if url:
                measure(store, url, kafka.url())
            else:
                missing(f"bus.{store}", "there is no PostgreSQL")
        bus.close()


def limits(url: str) -> None:
    """The bare client: idempotent, acknowledged by the broker; read in batches; there and back by another thread."""
    from confluent_kafka import Consumer, Producer

    servers = {"bootstrap.servers": url.removeprefix("kafka://")}
    producer = Producer({**servers, "enable.idempotence": True, "linger.ms": 5})
    producer.produce("bench.limit", VALUE, "first")
    producer.flush()  # it knows the brokers now
    began = time.perf_counter()
    for number in range(COUNT):
        producer.produce("bench.limit", VALUE, str(number))
        if number % BATCH == 0:
            producer.poll(0)
    producer.flush()
    emit("limit.kafka.produce", COUNT / (time.perf_counter() - began), "records/s")
    consumer = Consumer({**servers, "group.id": "limit", "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe(["bench.limit"])
    first = consumer.consume(1, 30)
    began, read = time.perf_counter(), len(first)
    while read < COUNT:
        read += len(consumer.consume(min(BATCH, COUNT - read), 1))
    emit("limit.kafka.consume", COUNT / (time.perf_counter() - began), "records/s")
    consumer.close()
    hops(servers)


def hops(servers: dict[str, object]) -> None:
    """One record to another thread and one back, one at a time."""
    from confluent_kafka import Consumer, Producer

    def reading(topic: str) -> Consumer:
        consumer = Consumer(
            {**servers, "group.id": f"hop-{topic}", "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10}
        )
        consumer.subscribe([topic])
        return consumer

    producer, there, back = Producer({**servers, "linger.ms": 0}), reading("bench.hop"), reading("bench.limit-back")
    stop = threading.Event()

    def answer() -> None:
        own = Producer({**servers, "linger.ms": 0})
        while not stop.is_set():
            for message in there.consume(1, 0.2):
                own.produce("bench.limit-back", message.value())
                own.poll(0)
        own.flush()
        there.close()

    thread = threading.Thread(target=answer)
    thread.start()
    taken: list[float] = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        producer.produce("bench.hop", b"1")
        producer.poll(0)
        while not back.consume(1, 1):
            producer.poll(0)
        taken.append(time.perf_counter() - began)
    stop.set()
    thread.join()
    producer.flush()
    back.close()
    emit("limit.kafka.hops", statistics.median(taken[QUESTIONS // 4 :]) * 1000, "ms")


def measure(store: str, url: str, kafka: str) -> None:
    """In, out, and a question."""
    with Engine(url) as engine:
        engine.deploy(("straight.bpmn", STRAIGHT), ("tells.bpmn", TELLS), ("asks.bpmn", ASKS), publish=True)
        bus = open_bus(kafka)
        publisher = bus.publisher()
        for at in range(0, COUNT, BATCH):
            publisher.publish([Record(START, str(number), VALUE) for number in range(at, at + BATCH)])
        asks = [engine.submit(engine.ask_start("tells", {"text": "x" * (SIZE - 20)})) for _ in range(COUNT)]
        for ask in asks:
            engine.wait(ask)
        publisher.close()
        bus.close()
        cpu, began = time.process_time(), time.perf_counter()
        exchange = Exchange(engine._machine, open_bus(kafka), naming=NAMING).start()
        rate(store, "out", began, cpu, lambda: not drive(engine.storage.outbox(1, {"bench.told"})))
        rate(store, "in", began, cpu, lambda: engine.counts()["instance"] >= 2 * COUNT)
        wait(lambda: not drive(engine.storage.outbox(1)))
        question(store, engine, kafka)
        exchange.close()


def rate(store: str, name: str, began: float, cpu: float, done: Callable[[], bool]) -> None:
    """Both ways at once, so the slower one is measured beside the other."""
    wait(done)
    seconds = time.perf_counter() - began
    emit(
        f"ours.bus.{name}.{store}",
        COUNT / seconds,
        "records/s",
        cpu_us=round((time.process_time() - cpu) / COUNT * 1e6, 2),
    )


def wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def question(store: str, engine: Engine, kafka: str) -> None:
    """Send task, integration, receive task: from the start to the end of the instance, one at a time."""
    bus, stop = open_bus(kafka), threading.Event()
    subscription, publisher = bus.subscribe(f"bench-{os.getpid()}-{store}", ["bench.asked"]), bus.publisher()

    def answer() -> None:
        while not stop.is_set():
            if asked := subscription.poll(100, 0.2):
                publisher.publish([Record(ANSWERS, each.key, b'{"ok": true}', each.headers) for each in asked])

    thread = threading.Thread(target=answer)
    thread.start()
    taken: list[float] = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        id = engine.start("asks").id
        while engine.instance(id).state != "FINISHED":
            time.sleep(0.0005)
        taken.append(time.perf_counter() - began)
    stop.set()
    thread.join()
    subscription.close()
    publisher.close()
    bus.close()
    emit(f"ours.bus.question.{store}", statistics.median(taken[QUESTIONS // 4 :]) * 1000, "ms")


if __name__ == "__main__":
    main()
