"""The real server, in a process of its own: it says when it is there, keeps its bounds, and ends without losing anything."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from procession import Client, Engine, ProcessionError, testing
from procession.testing import process
from tests.acceptance.waiting import until

WAITS = process("waits").start().user_task("look").end().build()
WORKS = process("works").start().service_task("pack").end().build()


@pytest.fixture
def server(tmp_path):
    """With the time of the machine."""
    files = ("waits.bpmn", WAITS), ("works.bpmn", WORKS)
    with testing.server(*files, folder=tmp_path, settings={"virtual_clock": "false"}) as running:
        yield running


def get(url: str, **headers: str):
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return answer.read(), answer.headers


@pytest.fixture
def connect():
    """Connections to a server, closed after the test."""
    with contextlib.ExitStack() as stack:

        def connect(server) -> socket.socket:
            address = urlsplit(server.url)
            made = socket.create_connection((address.hostname, address.port), timeout=20)
            return stack.enter_context(made)

        yield connect


def heard(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def login(server, user="admin") -> str:
    body = json.dumps({"username": user, "password": server.password(user)}).encode()
    with urlopen(Request(f"{server.url}/api/auth/login", body, {"content-type": "application/json"})) as answer:
        return json.load(answer)["access_token"]


def test_it_says_where_it_listens_and_is_ready_then(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert json.loads(get(f"{server.url}/health/live")[0]) == {"status": "up"}
    body, headers = get(f"{server.url}/health/ready")
    assert json.loads(body) == {
        "status": "ready",
        "checks": {"engine": "up", "store": "up", "instances": "up", "bus": "up"},
    }
    assert headers["server"] is None


def test_it_says_nothing_else_on_stdout_and_ends_with_0(server):
    os.kill(server.pid, signal.SIGTERM)
    assert server._process.stdout.read() == ""
    assert server.wait(10) == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["event"] for line in lines][-1] == "shut down"


def test_ctrl_c_ends_it_as_well(server):
    os.kill(server.pid, signal.SIGINT)
    assert server.wait(10) == 0


def test_a_stop_loses_no_request_that_was_answered(server):
    """Many start instances at once while it is stopped: each answer is true, and each start is there once."""
    token = login(server)
    answered: list[str] = []
    stopped = threading.Event()

    def start(number: int) -> None:
        count = 0
        while not stopped.is_set():
            count += 1
            key = f"{number}-{count}"
            with Client(server.url, token=token, timeout=5) as client:
                try:
                    answered.append(client.start("waits", {}, business_key=key, idempotency_key=key).id)
                except ProcessionError:
                    return

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) > 100)
    began = time.monotonic()
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(10) == 0
    assert time.monotonic() - began < 5
    stopped.set()
    for thread in threads:
        thread.join(20)
    with Engine(server.store) as engine:
        keys = []
        cursor = None
        while True:
            page = engine.instances(limit=1000, cursor=cursor)
            keys += [(item.id, item.business_key) for item in page.items]
            if (cursor := page.next) is None:
                break
        assert set(answered) <= {id for id, _ in keys}
        assert len({key for _, key in keys}) == len(keys)


def test_a_stop_ends_what_waits_and_finishes_what_was_begun(server, connect):
    """A long poll and a live stream end at once; a request whose body is on its way is answered."""
    token = login(server)
    bearer = f"Authorization: Bearer {token}\r\n"
    poll, stream, late = connect(server), connect(server), connect(server)
    body = json.dumps({"type": "pack", "waitMs": 60_000})
    poll.sendall(
        f"POST /api/jobs/activate HTTP/1.1\r\nHost: x\r\n{bearer}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    stream.sendall(f"GET /api/events HTTP/1.1\r\nHost: x\r\n{bearer}\r\n".encode())
    assert stream.recv(65536).startswith(b"HTTP/1.1 200")
    late.sendall(
        f"POST /api/process/waits/start HTTP/1.1\r\nHost: x\r\n{bearer}Content-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{".encode()
    )
    time.sleep(0.5)
    began = time.monotonic()
    os.kill(server.pid, signal.SIGTERM)
    assert json.loads(heard(poll).partition(b"\r\n\r\n")[2])["items"] == []
    assert heard(stream).endswith(b"0\r\n\r\n")
    with pytest.raises(OSError, match="refused"):
        connect(server)
    late.sendall(b"}")
    assert heard(late).startswith(b"HTTP/1.1 201")
    assert server.wait(10) == 0
    assert time.monotonic() - began < 5


def test_a_second_signal_does_not_wait_for_requests(server, connect):
    token = login(server)
    late = connect(server)
    late.sendall(
        f"POST /api/process/waits/start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{".encode()
    )
    time.sleep(0.3)
    os.kill(server.pid, signal.SIGTERM)
    time.sleep(0.5)
    assert server.alive, "the request is still on its way"
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(5) == 0


def test_after_a_crash_what_was_answered_is_there_and_it_is_ready_soon(server):
    client = server.client()
    started = client.start("waits", {"a": 1})
    server.kill()
    server.start()
    assert json.loads(get(f"{server.url}/health/ready")[0])["status"] == "ready"
    assert server.client().instance(started.id).waiting_at == ["look"]


def test_a_flood_of_headers_is_refused(server, connect):
    flood = connect(server)
    flood.sendall(
        b"GET /health/live HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n"
    )
    assert heard(flood).startswith(b"HTTP/1.1 431")
    endless = connect(server)
    endless.sendall(b"GET /health/live HTTP/1.1\r\nX: ")
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        endless.sendall(b"x" * 100_000_000)
    assert json.loads(get(f"{server.url}/health/live")[0]) == {"status": "up"}


def test_headers_that_do_not_arrive_end_the_connection(server, connect):
    silent, half = connect(server), connect(server)
    began = time.monotonic()
    half.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
    assert heard(silent) == heard(half) == b""
    assert 8 < time.monotonic() - began < 13


def serve(*arguments: str, cwd, **variables: str):
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PROCESSION_")}
    return subprocess.run(
        [sys.executable, "-m", "procession.cli", "serve", *arguments],
        cwd=cwd,
        env={**usual, **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )


GOOD = {"PROCESSION_SECRET": "qZ4vN8sK2wL6xB1mT7cR5pY3hJ9dF0gU"}


def test_a_port_that_is_taken_is_said_so(server, tmp_path):
    done = serve("--port", server.url.rpartition(":")[2], cwd=tmp_path, **GOOD)
    assert done.returncode == 1
    assert "Cannot listen on 127.0.0.1:" in done.stderr
    assert "--port 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_cannot_be_opened_is_said_so(tmp_path):
    (tmp_path / "procession.db").write_text("not a database, but long enough to be looked at " * 50)
    done = serve("--port", "0", cwd=tmp_path, **GOOD)
    assert done.returncode == 1
    assert "is not a SQLite database" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_it_does_not_start_without_a_secret(tmp_path):
    done = serve("--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "PROCESSION_SECRET" in done.stderr
    assert "secrets.token_urlsafe(48)" in done.stderr


def test_the_metrics_are_for_operators_and_for_whoever_has_the_token(tmp_path, connect):
    users = {"olga": ["operator"], "carl": ["clerk"]}
    settings = {"metrics_token": "m" * 20}
    with testing.server(("waits.bpmn", WAITS), users=users, folder=tmp_path, settings=settings) as running:
        running.client().start("waits", {})
        for token, status in (
            (login(running, "olga"), 200),
            (login(running, "carl"), 403),
            ("m" * 20, 200),
            ("m" * 19, 401),
            ("", 401),
        ):
            line = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
            connection = connect(running)
            connection.sendall(line.encode())
            answer = heard(connection)
            assert answer.startswith(b"HTTP/1.1 %d " % status), token
            if status == 200:
                assert b'procession_instances{status="STARTED"} 1.0' in answer
                assert b"procession_tasks_open 1.0" in answer


def test_the_access_log_has_a_line_for_each_request_and_no_secret(tmp_path):
    with testing.server(folder=tmp_path, settings={"access_log": "true", "log_level": "debug"}) as running:
        token = login(running)
        get(f"{running.url}/api/tasks?limit=7", Authorization=f"Bearer {token}")
    text = running.log.read_text()
    assert token not in text
    assert running.password("admin") not in text
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [line for line in lines if line.get("path") == "/api/tasks"]
    assert (line["method"], line["status"], line["client"], line["level"]) == ("GET", 200, "127.0.0.1", "info")
    assert line["request"]
    assert line["time"].endswith("Z")
    assert "limit" not in text


def socket_of(server, token: str):
    address = server.url.replace("http:", "ws:") + "/api/ws"
    return websockets.sync.client.connect(address, additional_headers={"Authorization": f"Bearer {token}"})


def test_a_message_on_a_socket_has_a_bound(server):
    with socket_of(server, login(server)) as talking:
        talking.send('{"subscribe": {"definition": "waits"}}')
        assert json.loads(talking.recv(5))["event"] == "subscribed"
        talking.send("x" * 70_000)
        with pytest.raises(ConnectionClosed) as closed:
            talking.recv(5)
        assert closed.value.rcvd.code == 1009


def test_a_stop_says_good_bye_on_sockets(server):
    with socket_of(server, login(server)) as talking:
        talking.send('{"subscribe": {"definition": "waits"}}')
        assert json.loads(talking.recv(5))["event"] == "subscribed"
        began = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            talking.recv(5)
        assert closed.value.rcvd.code in (1001, 1012)
    assert server.wait(10) == 0
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("trusted", "client", "secure"), [("", "127.0.0.1", False), ("127.0.0.1", "203.0.113.7", True)]
)
def test_only_a_proxy_that_is_known_says_whom_it_forwards(tmp_path, trusted, client, secure):
    settings = {"access_log": "true", "forwarded_allow_ips": trusted}
    with testing.server(folder=tmp_path, settings=settings) as running:
        body = json.dumps({"username": "admin", "password": running.password("admin"), "session": True}).encode()
        forged = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
        headers = {"content-type": "application/json", **forged}
        with urlopen(Request(f"{running.url}/api/auth/login", body, headers)) as answer:
            assert ("Secure" in answer.headers["set-cookie"]) is secure
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert {line["client"] for line in lines if line.get("path") == "/api/auth/login"} == {client}


def test_a_body_that_does_not_fit_is_refused_before_it_has_come(server, connect):
    token = login(server)
    big = connect(server)
    big.sendall(
        f"POST /api/process/waits/start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2000000000\r\n\r\n{".encode()
    )
    assert big.recv(65536).startswith(b"HTTP/1.1 413")
