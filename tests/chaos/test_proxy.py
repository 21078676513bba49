"""The bad network of the tests: each fault is what it says, and an engine goes on after each."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from procession import Engine, StorageError
from procession.storage import postgres_link
from procession.testing import process
from tests.chaos import evidence
from tests.services.proxy import Proxy

TASK = process("task").start().user_task("fill").end().build()


@pytest.fixture
def echo():
    """The port of a server that says everything again."""
    server = socket.create_server(("127.0.0.1", 0))
    ends = [server]

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            ends.append(client)
            threading.Thread(target=say_again, args=(client,), daemon=True).start()

    def say_again(client):
        try:
            while data := client.recv(65_536):
                client.sendall(data)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    for end in ends:
        end.close()
    thread.join(10)


@pytest.fixture
def proxy(echo):
    with Proxy(echo) as found:
        yield found


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0)


def said(client: socket.socket, data: bytes) -> bytes:
    """What comes back; nothing: the connection was cut."""
    heard = b""
    try:
        client.sendall(data)
        while len(heard) < len(data) and (more := client.recv(65_536)):
            heard += more
    except ConnectionError:
        return b""
    return heard


def test_without_a_fault_everything_arrives(proxy):
    data = bytes(range(256)) * 4_000
    with connect(proxy) as one, connect(proxy) as two:
        assert said(one, data) == data
        assert said(two, b"two") == b"two"
        assert proxy.connections == 2
    end = time.monotonic() + 5
    while proxy.connections:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_all_connections_are_cut_and_new_ones_go_on(proxy):
    with connect(proxy) as one, connect(proxy) as two:
        assert said(one, b"1") + said(two, b"2") == b"12"
        assert proxy.cut() == 2
        assert said(one, b"1") + said(two, b"2") == b""
    with connect(proxy) as three:
        assert said(three, b"3") == b"3"


def test_new_connections_are_refused_and_the_others_go_on(proxy):
    with connect(proxy) as one:
        assert said(one, b"1") == b"1"
        proxy.refuse = True
        with connect(proxy) as two:
            assert said(two, b"2") == b""
        assert said(one, b"1") == b"1"
        proxy.heal()
        with connect(proxy) as three:
            assert said(three, b"3") == b"3"


def test_a_slow_network_is_late(proxy):
    with connect(proxy) as one:
        proxy.delay = 0.1
        began = time.monotonic()
        assert said(one, b"1") == b"1"
        assert time.monotonic() - began > 0.19


def test_a_half_open_network_says_nothing_and_closes_nothing(proxy):
    with connect(proxy) as one:
        one.settimeout(0.3)
        proxy.swallow = True
        with pytest.raises(TimeoutError):
            said(one, b"1")
        assert proxy.connections == 1
        proxy.swallow = False
        with pytest.raises(TimeoutError):  # it has lost bytes: it stays so
            said(one, b"1")
        proxy.heal()
        assert said(one, b"1") == b""


def test_an_answer_is_lost_after_so_many_bytes(proxy):
    with connect(proxy) as one, connect(proxy) as two:
        proxy.lose_answer(after=3)
        assert said(one, b"123") == b"123"
        assert said(two, b"4") == b""
        assert said(one, b"5") == b"5"
        assert proxy.lost == 1


def test_nobody_behind_it_is_a_closed_connection():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with Proxy(probe.getsockname()[1]) as proxy, connect(proxy) as one:
            assert said(one, b"1") == b""


# -- an engine behind it ------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(postgresql):
    """An engine behind a proxy, and one beside it on the same database."""
    url = postgresql.url()
    with Proxy(postgresql.port) as proxy:
        through = postgresql.url(url.rpartition("/")[2], port=proxy.port)
        with Engine(url) as beside, Engine(through) as engine:
            engine.deploy(("task.bpmn", TASK), publish=True)
            yield engine, beside, proxy
            proxy.heal()


def until(engine: Engine, failures: list[str] | None = None, **start: str) -> str:
    """The id of an instance, started again and again until the answer arrives."""
    end = time.monotonic() + 20
    while True:
        try:
            return engine.start("task", **start).id
        except StorageError as error:
            assert time.monotonic() < end
            if failures is not None:
                failures.append(str(error))
            time.sleep(0.05)


def test_starts_whose_answers_are_lost_are_there_once(behind):
    engine, beside, proxy = behind
    failures: list[str] = []
    started = set()
    for number in range(60):
        lost = proxy.lost
        proxy.lose_answer(after=number * 3)
        for turn in range(20):
            started.add(until(engine, failures, idempotency_key=f"{number}-{turn}"))
            if proxy.lost > lost:
                break
    assert any("during a commit" in failure for failure in failures), failures
    assert {str(row.id) for row in evidence.rows(beside)} == started
    evidence.check_live(beside)


def test_after_each_fault_it_goes_on(behind):
    engine, beside, proxy = behind
    for number, fault in enumerate(("cut", "refuse", "delay")):
        if fault == "cut":
            proxy.cut()
        elif fault == "delay":
            proxy.delay = 0.02
        else:
            proxy.refuse = True
            proxy.cut()
            with pytest.raises(StorageError):
                engine.start("task")
            proxy.heal()
        assert beside.instance(until(engine, idempotency_key=f"k{number}")).state == "STARTED"


def test_connections_that_the_server_ends_are_errors_of_the_store_and_of_nobody_else(behind, postgresql):
    engine, beside, _ = behind
    database = engine.url.rpartition("/")[2]
    end = time.monotonic() + 3
    wrong: list[Exception] = []

    def work():
        while time.monotonic() < end and not wrong:
            try:
                engine.start("task")
                engine.tasks(limit=5)
            except StorageError:
                continue
            except Exception as error:  # noqa: BLE001
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        postgresql.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    for thread in threads:
        thread.join()
    assert wrong == []
    assert beside.instance(until(engine)).state == "STARTED"


def test_a_server_that_does_not_answer_is_given_up(postgresql, monkeypatch):
    monkeypatch.setattr(postgres_link, "COMMAND_TIMEOUT", 0.5)
    monkeypatch.setattr(postgres_link, "CONNECT_TIMEOUT", 0.5)
    url = postgresql.url()
    with Proxy(postgresql.port) as proxy, Engine(postgresql.url(url.rpartition("/")[2], port=proxy.port)) as engine:
        engine.deploy(("task.bpmn", TASK), publish=True)
        before = engine.start("task").id
        proxy.swallow = True
        began = time.monotonic()
        with pytest.raises(StorageError):
            engine.start("task", idempotency_key="k")
        assert time.monotonic() - began < 5.0
        proxy.swallow = False  # what was lost stays lost; nobody tells either end
        again = until(engine, idempotency_key="k")
        assert {str(row.id) for row in evidence.rows(engine)} == {before, again}
