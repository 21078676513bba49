"""Following what happens: everything once, in order, across lost connections, until it is closed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice

import pytest

from procession import Client, CommandRejected, ProcessionError, StorageError
from procession.client import Events, LiveEvent, events
from procession.testing import process
from procession.testing import server as running_server
from tests.unit.client.scripted import CUT, Answer, Scripted, problem, scripted

TASKS = process("tasks").start().user_task("first").user_task("second").end().build()


def take(count: int, source: Events) -> list[LiveEvent]:
    return list(islice(source, count))


# -- a real server ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tasks(server, client):
    server.deploy(("tasks.bpmn", TASKS))
    return client


def test_an_instance_is_followed_from_a_position_of_its_history(tasks):
    started = tasks.start("tasks", {"price": Decimal("1.10")})
    with tasks.events(instance=started.id, after=0) as happening:
        first = take(5, happening)
        assert [event.event for event in first] == ["status", "data", "progress", "progress", "task"]
        assert str(first[1].data["value"]) == "1.10"
        (task,) = tasks.tasks(instance=started.id).items
        done = tasks.complete_task(task.id)
        more = take(1, happening)
        assert more[0].data["seq"] == done.seq
    with tasks.events(instance=started.id, after=started.seq) as again:
        assert take(1, again) == more
    with tasks.events(instance=started.id, after=first[2].id) as again:
        assert take(3, again) == [*first[3:], *more]


def test_without_a_place_to_begin_nothing_is_missed_from_the_call_on(tasks):
    with tasks.events(definition="tasks", kinds=["status"]) as happening:
        started = tasks.start("tasks")  # before anybody reads
        assert any(event.data["instance"] == started.id for event in islice(happening, 10))


def test_my_tasks_are_followed(server, tasks):
    with server.client("ana") as ana, ana.events(tasks="mine", kinds="task") as happening:
        started = ana.start("tasks")
        (task,) = tasks.tasks(instance=started.id).items
        ana.claim(task.id)
        event = next(event for event in happening if event.data["task"] == task.id)
        assert (event.event, event.data["instance"]) == ("task", started.id)


def test_what_cannot_be_followed_is_refused(tasks):
    with tasks.events(instance=10**15, after=0) as happening, pytest.raises(CommandRejected) as refused:
        next(happening)
    assert refused.value.status in (404, 422)
    with tasks.events(kinds=["nonsense"]) as happening, pytest.raises(CommandRejected) as refused:
        next(happening)
    assert refused.value.status == 422


@pytest.mark.parametrize("close", ["events", "client"])
def test_who_waits_is_woken_by_the_end(server, close):
    client = Client(server.url, user="ana", password=server.password("ana"))
    happening, seen = client.events(kinds=["exception"]), []
    reading = threading.Thread(target=lambda: seen.extend(happening))
    reading.start()
    time.sleep(0.5)
    assert reading.is_alive()
    begun = time.monotonic()
    (happening if close == "events" else client).close()
    reading.join(5)
    assert not reading.is_alive() and time.monotonic() - begun < 3
    assert seen == []
    with pytest.raises(StopIteration):
        next(happening)
    client.close()


def test_a_server_that_was_killed_or_stopped_and_came_back_is_followed_on(tmp_path):
    with running_server(("tasks.bpmn", TASKS), folder=tmp_path) as server:
        port = int(server.url.rpartition(":")[2])
        client = Client(server.url, user="admin", password=server.password("admin"))
        seen: list[LiveEvent] = []
        happening = client.events(kinds=["status"])
        reading = threading.Thread(target=lambda: seen.extend(happening))
        reading.start()
        started = [client.start("tasks").id]
        wait_for(lambda: len(seen) == 1)
        server.kill()
        server.start(port)
        started.append(client.start("tasks").id)
        wait_for(lambda: len(seen) == 2)
        server.stop()
        server.start(port)
        started.append(client.start("tasks").id)
        wait_for(lambda: len(seen) == 3)
        client.close()
        reading.join(5)
        assert [event.data["instance"] for event in seen] == started


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize("close", ["events", "client"])
def test_who_waits_for_a_server_that_does_not_answer_is_woken_by_the_end(close):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        client = Client(f"http://127.0.0.1:{deaf.getsockname()[1]}", token="t")
        happening = client.events(after="1.0")
        reading = threading.Thread(target=lambda: list(happening))
        reading.start()
        connection, _ = deaf.accept()
        with connection:
            connection.recv(65536)
            (happening if close == "events" else client).close()
            reading.join(5)
            assert not reading.is_alive()
        client.close()


# -- a server that does what the test says ------------------------------------------------------------------------------

EVENTS = "text/event-stream"


def sse(*parts: tuple[str, str, str]) -> bytes:
    return b"".join(f"id: {id}\nevent: {event}\ndata: {data}\n\n".encode() for id, event, data in parts)


def test_after_a_lost_connection_it_goes_on_after_the_last_event():
    first = Answer(200, b": \n\n" + sse(("2.0", "status", "{}"), ("2.1", "data", '{"a": 1.10}')), media=EVENTS)
    second = Answer(200, sse(("3.0", "resync", "{}")), cut="middle", media=EVENTS)
    third = Answer(200, sse(("4.0", "task", "{}")), media=EVENTS)
    with scripted(first, CUT, problem(503), second, third) as server, Client(server.url, token="t") as client:
        with client.events(instance=7, kinds=["status", "task"], after="1.0") as happening:
            found = take(4, happening)
        assert [(event.id, event.event) for event in found] == [
            ("2.0", "status"),
            ("2.1", "data"),
            ("3.0", "resync"),
            ("4.0", "task"),
        ]
        assert found[1].data == {"a": Decimal("1.10")}
        assert [asked.headers["last-event-id"] for asked in server.asked] == ["1.0", "2.1", "2.1", "2.1", "3.0"]
        assert server.asked[0].path == "/api/events?instance=7&kinds=status%2Ctask"


def test_silence_is_a_lost_connection(monkeypatch):
    monkeypatch.setattr(events, "SILENCE", 0.2)
    release = threading.Event()

    def silent(asked):
        release.wait(5)
        return CUT

    with scripted(silent, Answer(200, sse(("2.0", "status", "{}")), media=EVENTS)) as server:
        with Client(server.url, token="t") as client, client.events(after="1.0") as happening:
            begun = time.monotonic()
            assert take(1, happening)[0].id == "2.0"
            assert time.monotonic() - begun < 4
        release.set()


@contextmanager
def follow(server: Scripted) -> Iterator[Events]:
    with Client(server.url, token="t", timeout=0.3) as client, client.events(after="1.0") as happening:
        yield happening


def test_a_server_that_is_not_there_at_first_is_an_error():
    with scripted(problem(503)) as server, follow(server) as happening, pytest.raises(StorageError):
        next(happening)


def test_a_server_that_is_not_there_later_is_waited_for():
    first, last = (Answer(200, sse((id, "status", "{}")), media=EVENTS) for id in ("2.0", "2.1"))
    with scripted(first, *[problem(503)] * 6, last) as server, follow(server) as happening:
        assert [event.id for event in take(2, happening)] == ["2.0", "2.1"]


@pytest.mark.parametrize(
    "answer", [Answer(200, b"<html>", media="text/html"), Answer(200, sse(("2.0", "status", "{")), media=EVENTS)]
)
def test_what_is_no_live_channel_is_found_out(answer):
    said = "does not answer as a procession server would"
    with scripted(answer) as server, follow(server) as happening, pytest.raises(ProcessionError, match=said):
        next(happening)
