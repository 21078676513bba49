"""Traces, as a collector gets them: request, command and commit belong together, and nothing is in them that people entered."""

from __future__ import annotations

import base64
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from websockets.sync.client import connect

from procession import Engine, testing
from procession.runtime.drive import drive
from procession.testing import process
from tests.acceptance.collector import collecting
from tests.acceptance.waiting import until

WAITS = process("waits").start().user_task("look").end().build()
SENDS = (
    process("sends")
    .start()
    .send("tell", topic="told", body='{"n": "${n}"}', headers='{"kind": "news"}')
    .send("own", topic="told", body="{}", headers='{"traceparent": "of the process"}')
    .user_task("look")
    .end()
    .build()
)
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PRIVATE = "a-secret-of-somebody"


@pytest.fixture
def collector(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with collecting() as found:
        yield found


@pytest.fixture
def server(collector, tmp_path):
    files = ("waits.bpmn", WAITS), ("sends.bpmn", SENDS)
    settings = {"otlp_endpoint": collector.url, "access_log": "true"}
    with testing.server(*files, folder=tmp_path, settings=settings) as found:
        yield found


@pytest.fixture
def api(server):
    with httpx2.Client(base_url=server.url, timeout=30.0) as client:
        answer = client.post("/api/auth/login", json={"username": "admin", "password": server.password("admin")})
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def lines(server):
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def test_a_request_its_command_and_the_commit(collector, server, api):
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "x-request-id": "from-a-test"}
    answer = api.post("/api/process/waits/start", json={"note": PRIVATE}, headers=headers)
    instance = answer.json()["id"]
    name = "POST /api/process/{name}/start"
    until(lambda: collector.named(name) and collector.named("commit") and collector.named("command start"))
    (request,) = collector.named(name)
    (command,) = collector.named("command start")
    (commit,) = (each for each in collector.named("commit") if each.trace == TRACE)
    assert (request.trace, request.parent) == (TRACE, CALLER)
    assert (command.trace, command.parent) == (TRACE, request.id)
    assert (commit.trace, commit.parent) == (TRACE, command.id)
    assert commit.links == [(TRACE, command.id)]
    assert command.links == [(TRACE, commit.id)]
    assert request.began <= command.began <= commit.began <= commit.ended <= command.ended <= request.ended
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/process/{name}/start",
        "http.response.status_code": 201,
        "procession.request": "from-a-test",
    }
    assert command.attributes == {
        "procession.command": "start",
        "procession.instance": instance,
        "procession.process": "waits",
        "procession.version": 1,
    }
    taken = commit.attributes.pop("procession.batch.decide_seconds")
    assert 0 < taken < 5
    assert commit.attributes == {
        "procession.batch.commands": 1,
        "procession.batch.instances": 1,
        "procession.batch.conflicts": 0,
    }
    assert request.resource["service.name"] == "procession"
    until(lambda: any(line.get("path", "").endswith("/start") for line in lines(server)))
    (line,) = (line for line in lines(server) if line.get("path", "").endswith("/start"))
    assert (line["request"], line["trace"]) == ("from-a-test", TRACE)


def test_one_commit_for_many_requests(collector, api):
    headers = {"content-type": "application/json", "authorization": api.headers["authorization"]}
    url = f"{api.base_url}/api/process/waits/start".replace("//api", "/api")

    def shared():
        return [each for each in collector.named("commit") if len(each.links) > 1]

    with ThreadPoolExecutor(16) as pool, httpx2.Client(timeout=30.0) as client:
        end = time.monotonic() + 30
        while not shared():
            assert time.monotonic() < end, "no two requests ever shared a commit"
            answers = list(pool.map(lambda _: client.post(url, json={}, headers=headers).status_code, range(64)))
            assert set(answers) == {201}
    commit = shared()[0]
    until(lambda: {id for _, id in commit.links} <= {each.id for each in collector.named("command start")})
    commands = [each for each in collector.named("command start") if (each.trace, each.id) in commit.links]
    assert len({each.trace for each in commands}) == len(commit.links) == len(commands)
    assert commit.parent == commands_of(commands, commit)[0].id
    assert all((commit.trace, commit.id) in each.links for each in commands)
    assert commit.attributes["procession.batch.commands"] == len(commands)
    assert commit.attributes["procession.batch.instances"] == len(commands)


def commands_of(commands, commit):
    """In the order of the commit's links."""
    return sorted(commands, key=lambda each: commit.links.index((each.trace, each.id)))


def test_what_is_refused_and_what_is_asked(collector, api):
    instance = api.post("/api/process/waits/start", json={}).json()["id"]
    api.post(f"/api/instances/{instance}/operations", json={"operationType": "UNHOLD"})
    api.get(f"/api/instances/{instance}")
    api.get("/api/instances?var.note=" + PRIVATE)
    api.get("/health/ready")
    api.get("/metrics")
    api.get("/nothing/" + PRIVATE)
    api.get("/api/nothing/" + PRIVATE)
    (task,) = api.get("/api/tasks?scope=all").json()["items"]
    api.post(f"/api/tasks/{task['id']}/complete", json={"variables": {"note": PRIVATE}})
    until(lambda: collector.named("command complete-task") and collector.named("GET /api/tasks"))
    until(lambda: collector.named("POST /api/tasks/{task}/complete"))
    (refused,) = collector.named("command unhold")
    assert refused.attributes["procession.error"].startswith("error.")
    assert refused.attributes["procession.instance"] == instance
    assert not refused.failed, "it is the caller's problem"
    (request,) = collector.named("POST /api/instances/{instance}/operations")
    assert request.attributes["http.response.status_code"] == 409
    assert request.attributes["procession.error"] == refused.attributes["procession.error"]
    assert collector.named("GET /api/instances/{instance}", procession_instance=instance)
    (done,) = collector.named("command complete-task")
    assert done.attributes["procession.instance"] == instance
    assert not [each.name for each in collector.spans if "health" in each.name or "metrics" in each.name]
    for private in (PRIVATE, "admin", "authorization"):
        assert private.encode() not in collector.raw


def test_records_carry_the_trace_along(collector, server, api):
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    assert api.post("/api/process/sends/start", json={"n": 1}, headers=headers).status_code == 201
    until(lambda: collector.named("command start"))
    (command,) = collector.named("command start")
    server.stop()
    with Engine(server.store) as engine:
        found = [json.loads(row.headers) for _, row in drive(engine.storage.outbox())]
    assert found[0]["traceparent"] == f"00-{TRACE}-{command.id}-01"
    assert found[0]["kind"] == "news"
    assert found[1]["traceparent"] == "of the process"


def test_without_a_collector_logs_and_records_carry_the_callers_trace(tmp_path):
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
    with testing.server(("sends.bpmn", SENDS), folder=tmp_path, settings={"access_log": "true"}) as server:
        login = {"username": "admin", "password": server.password("admin")}
        token = httpx2.post(f"{server.url}/api/auth/login", json=login).json()["access_token"]
        headers["authorization"] = f"Bearer {token}"
        for parent in (headers["traceparent"], "nonsense", f"00-{'0' * 32}-{CALLER}-00"):
            httpx2.post(f"{server.url}/api/process/sends/start", json={}, headers={**headers, "traceparent": parent})
        server.stop()
        starts = [line for line in lines(server) if line.get("path", "").endswith("/start")]
        assert [line.get("trace") for line in starts] == [TRACE, None, None]
        with Engine(server.store) as engine:
            found = [json.loads(row.headers).get("traceparent") for _, row in drive(engine.storage.outbox())[::2]]
        assert found == [headers["traceparent"], None, None]


def test_a_client_that_goes_away_ends_its_span_and_a_socket_has_the_ids_of_its_request(collector, server, api):
    poll = {"type": "pack", "worker": "w", "maxJobs": 1, "lockMs": 1000, "waitMs": 20_000}
    with pytest.raises(httpx2.ReadTimeout):
        api.post("/api/jobs/activate", json=poll, timeout=0.5)
    until(lambda: collector.named("POST /api/jobs/activate"))
    (gone,) = collector.named("POST /api/jobs/activate")
    assert gone.attributes["error.type"] == "unanswered"
    assert not gone.failed
    headers = {"authorization": api.headers["authorization"], "traceparent": f"00-{TRACE}-{CALLER}-01"}
    with connect(server.url.replace("http", "ws") + "/api/ws", additional_headers=headers):
        pass
    until(lambda: any(line.get("path") == "/api/ws" for line in lines(server)))
    (line,) = (line for line in lines(server) if line.get("path") == "/api/ws")
    assert (line["status"], line["trace"]) == (101, TRACE)
    assert line["request"]


def test_a_collector_that_is_away_keeps_no_server_from_its_work_nor_from_ending(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = {"otlp_endpoint": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        with testing.server(("waits.bpmn", WAITS), folder=tmp_path, settings=settings) as server:
            assert server.client().start("waits").id
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 6
            assert any("the last traces are lost: 127.0.0.1" in line["event"] for line in lines(server))


def test_a_record_goes_on_with_its_trace_and_those_that_come_of_it(collector, server, api):
    def encoded(text):
        return base64.b64encode(text.encode()).decode()

    record = {
        "topic": "core.trigger.start.process",
        "key": "k",
        "value": encoded('{"processDefinitionName": "sends", "data": {"n": "1"}}'),
        "headers": [["traceparent", encoded(f"00-{TRACE}-{CALLER}-01")]],
    }
    assert api.post("/api/bus/publish", json={"records": [record]}).status_code == 200
    until(lambda: collector.named("process procession.dev.core.trigger.start.process.v1"))
    (span,) = collector.named("process procession.dev.core.trigger.start.process.v1")
    assert (span.trace, span.parent) == (TRACE, CALLER)
    assert span.attributes["procession.process"] == "sends"
    assert span.attributes["messaging.operation.type"] == "process"
    until(lambda: any(each.trace == TRACE for each in collector.named("commit")))
    with Engine(server.store) as engine:
        (told, _) = (json.loads(row.headers) for _, row in drive(engine.storage.outbox(topics=["told"])))
    assert told["traceparent"].split("-")[1] == TRACE
