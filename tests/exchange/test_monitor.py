"""The bus as operators see it: what goes over it, what waits, what cannot be done, and who takes part."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from procession import Client, CommandRejected
from procession.api.bus_figures import MOST_TOPICS, OTHERS, bounded
from procession.bus import BusError, Record
from procession.bus.memory import MemoryBus
from procession.bus.topics import Naming
from procession.runtime.exchange import watch as module
from procession.runtime.exchange.exchange import Exchange
from procession.runtime.exchange.watch import Watch
from procession.testing import process
from tests.acceptance.running import METRICS_TOKEN, PASSWORD, Running, running
from tests.exchange.conftest import eventually

CRM, FULL = "engine.receive.crm", "procession.dev.engine.receive.crm.v1"
NAMING = Naming()
ASK = (
    process("ask")
    .start()
    .send("ask_crm", topic="crm.search", body="{}")
    .send("ask_region", topic="region.${region}", body="{}")
    .receive("answer", streams={CRM: "crm"})
    .end()
    .build()
)


class Moody(MemoryBus):
    """A bus that can be away, and slow to say so."""

    def __init__(self) -> None:
        super().__init__()
        self.away = ""
        self.slow = threading.Event()
        self.slow.set()
        self.asked = 0

    def describe(self):
        self.asked += 1
        self.slow.wait(20)
        if self.away:
            raise BusError(self.away)
        return super().describe()


class Watched:
    """A server on a bus, and what operators and Prometheus are told of it."""

    def __init__(self, server: Running, bus: Moody) -> None:
        self.server, self.bus = server, bus
        self.publisher = bus.publisher()

    def seen(self) -> dict[str, Any]:
        answer = self.server.client("operator").get("/api/bus")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def topic(self, name: str) -> dict[str, Any]:
        (found,) = (each for each in self.seen()["topics"] if each["name"] == name)
        return found  # type: ignore[no-any-return]

    def figures(self) -> str:
        return httpx2.get(f"{self.server.url}/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"}).text


@pytest.fixture
def watched(tmp_path, monkeypatch) -> Iterator[Watched]:
    monkeypatch.setattr(module, "FRESH", 0.0)
    monkeypatch.setattr("procession.api.metrics.FRESH", 0.0)
    monkeypatch.setattr("procession.api.bus.PATIENCE", 0.3)
    bus = Moody()
    url = "kafkas://ana:hush@kafka:9093?ssl.key.password=hush"

    def exchange(machine, identify):
        return Exchange(machine, bus, url=url, identify=identify, jobs=["pack"])

    with running(tmp_path, exchange=exchange) as server:
        server.deploy(ASK)
        yield Watched(server, bus)
        bus.slow.set()


def send(watched: Watched, topic: str, value: bytes, **headers: str) -> None:
    given = tuple((name, text.encode()) for name, text in headers.items())
    watched.publisher.publish([Record(NAMING.full(topic), "k", value, given)])


def test_what_goes_over_the_bus(watched):
    order = watched.server.start("ask", {"region": "north"})
    send(watched, CRM, b"{no json")
    eventually(lambda: watched.topic(CRM)["deadLetters"] == 1)
    found = watched.seen()
    assert (found["kind"], found["url"], found["group"]) == ("kafka", "kafkas://kafka:9093", "procession.dev.engine")
    assert (found["errors"], found["waiting"], found["deadLetters"]) == ({}, 3, 1)
    assert found["looked"] and found["waitingSince"] >= order["dateStarted"]
    crm = watched.topic(CRM)
    assert (crm["topic"], crm["direction"], crm["partitions"], crm["lag"]) == (FULL, "in", 3, 0)
    assert (crm["received"]["count"], crm["sent"]["count"]) == (1, 0)
    asked = watched.topic("crm.search")
    assert (asked["direction"], asked["lag"], asked["waiting"], asked["title"]) == (
        "out",
        None,
        1,
        "Records of processes",
    )
    assert asked["waitingSince"] >= order["dateStarted"]
    names = [each["name"] for each in found["topics"]]
    assert {"core.trigger.start.process", "core.notify.task", "dead-letter", "job.pack", "region.north"} <= set(names)
    assert names == sorted(names)
    watched.bus.subscribe("reader", ["crm.search"])
    eventually(lambda: watched.topic("crm.search")["sent"]["count"] == 1)


def test_who_takes_part(watched):
    watched.server.deploy(process("alone").start().end().build())
    found, *others = watched.seen()["integrations"]
    assert [each["processDefinitionName"] for each in others] == ["credit_card"]
    assert (found["processDefinitionName"], found["version"]) == ("ask", 1)
    assert [(each["node"], each["topic"]) for each in found["sends"]] == [
        ("ask_crm", "crm.search"),
        ("ask_region", "region.${region}"),
    ]
    (answer,) = found["receives"]
    assert (answer["node"], answer["topic"], answer["name"]) == ("answer", FULL, CRM)


def test_a_bus_that_is_away_is_told_and_the_rest_with_it(watched):
    watched.server.start("ask", {"region": "north"})
    before = watched.seen()
    watched.bus.away = "Nobody answers at kafka:9093."
    found = watched.seen()
    assert found["errors"] == {"looking": "Nobody answers at kafka:9093."}
    assert (found["waiting"], found["looked"]) == (2, before["looked"])
    assert [each["name"] for each in found["topics"]] == [each["name"] for each in before["topics"]]
    assert "procession_bus_lag{" not in watched.figures()
    assert 'procession_bus_up{part="looking"} 0.0' in watched.figures()
    ready = watched.server.client(None).get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["bus"]) == (200, "down")
    watched.bus.away = ""
    eventually(lambda: watched.seen()["errors"] == {})


def test_a_bus_that_does_not_answer_holds_nobody_up(watched):
    watched.seen()
    watched.bus.slow.clear()
    asked, began = watched.bus.asked, time.monotonic()
    for _ in range(3):
        assert watched.seen()["errors"] == {"looking": "no answer in 0.3 s"}
        assert "procession_bus_up" in watched.figures()
    assert time.monotonic() - began < 5
    assert watched.bus.asked == asked + 1, "it is asked once, by however many"
    assert watched.server.client(None).get("/health/ready").json()["status"] == "ready"
    watched.bus.slow.set()
    eventually(lambda: watched.seen()["errors"] == {})


def test_a_server_whose_bus_cannot_be_read_is_ready_all_the_same(watched):
    ready = watched.server.client(None).get("/health/ready")
    assert ready.json()["checks"]["bus"] == "up"
    exchange = watched.server.app.state.edge.exchange
    exchange._outflow.error = "Nobody answers at kafka:9093."
    exchange._inflow.stop()  # so that nothing puts it right
    exchange._inflow.error = "Nobody answers at kafka:9093."
    answer = watched.server.client(None).get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["checks"]["bus"].startswith("reading")
    assert "kafka" not in answer.text, "it may name machines"
    assert watched.seen()["errors"]["reading"] == "Nobody answers at kafka:9093."
    assert 'procession_bus_up{part="reading"} 0.0' in watched.figures()


def test_figures(watched):
    send(watched, "core.message.event.process", b'{"name": "x"}')
    send(watched, CRM, b"{no json")
    eventually(lambda: "procession_dead_letters 1.0" in watched.figures())
    said = watched.figures()
    for line in (
        'procession_bus_records_total{direction="in",topic="core.message.event.process"} 1.0',
        'procession_bus_records_total{direction="in",topic="core.trigger.start.process"} 0.0',
        f'procession_bus_records_total{{direction="in",topic="{CRM}"}} 1.0',
        f'procession_bus_lag{{topic="{CRM}"}} 0.0',
        'procession_bus_up{part="looking"} 1.0',
        'procession_bus_up{part="reading"} 1.0',
        'procession_bus_up{part="publishing"} 1.0',
        'procession_bus_up{part="offering"} 1.0',
    ):
        assert line in said, line


def test_a_client_has_it_all(watched):
    order = watched.server.start("ask", {"region": "north"})
    send(watched, CRM, b"{no json", processInstanceId=order["id"])
    with Client(watched.server.url, user="operator", password=PASSWORD) as client:
        [letter] = eventually(lambda: client.letters(["dead"]).items)
        assert client.letter(letter.id) == letter
        assert [each.state for each in client.records(order["id"]).items] == ["waiting", "waiting", "letter"]
        assert client.records(order["id"], limit=1).next
        assert client.replay_letter(letter.id).state == "replayed"
        [again] = eventually(lambda: client.letters(["dead"]).items)
        assert client.dismiss_letter(again.id).closed_by == "operator"
        assert client.bus().group == "procession.dev.engine"
        with pytest.raises(CommandRejected, match="It was dismissed by operator already"):
            client.replay_letter(again.id)


def test_only_who_is_logged_in_learns_where_the_bus_is(watched):
    told = {name: watched.server.client(name).get("/api/asyncapi.json") for name in (None, "clerk")}
    assert all(answer.status_code == 200 for answer in told.values())
    assert "servers" not in told[None].json()
    assert told["clerk"].json()["servers"]["broker-1"]["host"] == "kafka:9093"
    assert told["clerk"].json()["channels"] == told[None].json()["channels"]
    assert "hush" not in told["clerk"].text


def test_without_a_bus_there_is_still_what_the_store_knows(tmp_path):
    with running(tmp_path) as server:
        server.deploy(ASK)
        server.start("ask", {"region": "north"})
        found = server.client("operator").get("/api/bus").json()
        assert (found["kind"], found["url"], found["looked"], found["waiting"]) == ("none", "", None, 2)
        assert "bus" not in server.client(None).get("/health/ready").json()["checks"]


def test_a_watch_asks_once_for_all_and_remembers(monkeypatch):
    monkeypatch.setattr(module, "FRESH", 60.0)
    bus = Moody()
    watch = Watch(bus, "group", lambda: 7)
    bus.slow.clear()
    waiting = [watch.look() for _ in range(5)]
    assert not any(each.done() for each in waiting) and not any(each.cancel() for each in waiting)
    bus.slow.set()
    assert {each.result(5).at for each in waiting} == {7}
    assert watch.look().result(0).at == 7
    assert bus.asked == 1


def test_many_topics_are_a_bounded_number_of_curves():
    found = bounded({str(number): 2 for number in range(MOST_TOPICS + 50)})
    assert len(found) == MOST_TOPICS + 1
    assert found[OTHERS] == 100
    assert bounded({"a": 1}) == {"a": 1}
