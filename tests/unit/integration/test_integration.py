"""Integrations on the embedded bus: what is answered, in which order, what is tried again, and what becomes a dead letter."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest

from procession.bus import BusError, Received, Record
from procession.bus.memory import MemoryBus
from procession.bus.topics import Naming
from procession.engine.codec import decode, encode
from procession.integration import Answer, Integration, Once, Reject

REQUESTS, ANSWERS = "bureau.requests", "engine.receive.bureau"
FULL = Naming().full
LONGEST = 10.0


@pytest.fixture
def bus():
    made = MemoryBus()
    yield made
    made.close()


def until(condition):
    end = time.monotonic() + LONGEST
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)
    return found


class Topic:
    """What is published to a topic, as somebody else reads it."""

    def __init__(self, bus: MemoryBus, name: str) -> None:
        self._subscription = bus.subscribe("test", [FULL(name)])
        self.records: list[Received] = []

    def wait(self, count: int) -> list[Received]:
        until(lambda: self.records.extend(self._subscription.poll(100, 0.05)) or len(self.records) >= count)
        return self.records

    def quiet(self) -> bool:
        return not self._subscription.poll(1, 0.2)


def send(bus, *values, key="7", headers=(("processInstanceId", b"7"),), topic=REQUESTS):
    publisher = bus.publisher()
    publisher.publish([Record(FULL(topic), key, encode(value), tuple(headers)) for value in values])


@contextmanager
def integration(target, handler, *, topics=(REQUESTS,), concurrency=4, **route):
    made = Integration(target, group="bureau", concurrency=concurrency)
    made.on(*topics, **{"backoff": 0.01, **route})(handler)
    with made:
        yield made


def committed(bus):
    return sum(bus.lag("bureau").values()) == 0


def test_what_a_handler_returns_is_published_with_the_key_and_all_headers_of_its_request(bus):
    answers = Topic(bus, ANSWERS)
    headers = (
        ("processInstanceId", b"7"), ("destinationId", b"ask"), ("x", b"1"), ("x", b"\xff\x00"), ("traceparent", b"00-1-2-01"),
        ("ce_specversion", b"1.0"), ("ce_id", b"request-1"), ("ce_type", b"procession.bureau.requests"),
        ("ce_source", b"/procession.dev"), ("ce_subject", b"7"), ("content-type", b"application/json"), ("jwt", b"token"),
    )  # fmt: skip
    with integration(bus, lambda record: {"score": record.json["income"]}, answer=ANSWERS):
        send(bus, {"income": 2400}, headers=headers)
        (answer,) = answers.wait(1)
        until(lambda: committed(bus))
    assert (answer.key, decode(answer.value)) == ("7", {"score": 2400})
    own = {"ce_specversion", "ce_type", "ce_source", "ce_time", "content-type"}
    assert [each for each in answer.headers if each[0] not in own] == [each for each in headers if each[0] not in own]
    said = dict(answer.headers)
    assert said["ce_type"] == b"procession.engine.receive.bureau"
    assert said["ce_source"] == b"/integrations/bureau"
    assert said["content-type"] == b"application/json"
    names = [name for name, _ in answer.headers]
    assert all(names.count(name) == 1 for name in own)


def test_a_request_without_an_id_gets_one_that_a_repetition_has_too(bus):
    answers = Topic(bus, ANSWERS)
    with integration(bus, lambda record: {"id": record.id}, answer=ANSWERS):
        send(bus, 1)
        (answer,) = answers.wait(1)
    assert dict(answer.headers)["ce_id"].decode() == decode(answer.value)["id"]
    assert decode(answer.value)["id"].startswith("bureau.requests-")


def test_a_record_says_what_it_is(bus):
    seen = []
    with integration(bus, seen.append, topics=("plugin.print.in",)):
        send(bus, {"n": 1}, headers=(("processInstanceId", b"7"), ("x", b"1"), ("x", b"2")), topic="plugin.print.in")
        (record,) = until(lambda: seen)
    assert (record.topic, record.key, record.instance, record.attempt) == ("plugin.print.in", "7", "7", 1)
    assert record.json == {"n": 1}
    assert record.headers["x"] == "2"
    assert record.headers.all("x") == [b"1", b"2"]
    assert dict(record.headers) == {"processInstanceId": "7", "x": "2"}
    assert "y" not in record.headers
    assert record.at > 0


def test_a_coroutine_answers_and_many_of_them_at_once(bus):
    answers = Topic(bus, ANSWERS)
    running = most = 0

    async def handler(record):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return record.json

    with integration(bus, handler, answer=ANSWERS):
        for number in range(8):
            send(bus, number, key=str(number))
        found = answers.wait(8)
    assert sorted(decode(each.value) for each in found) == list(range(8))
    assert 1 < most <= 4


def test_records_of_one_key_keep_their_order_and_others_do_not_wait(bus):
    answers = Topic(bus, ANSWERS)
    busy: set[str | None] = set()
    lock = threading.Lock()
    failed = set()

    def handler(record):
        with lock:
            assert record.key not in busy
            busy.add(record.key)
        time.sleep(0.002)
        with lock:
            busy.discard(record.key)
        if record.json % 7 == 0 and (record.key, record.json) not in failed:
            failed.add((record.key, record.json))
            raise RuntimeError("once more")
        return record.json

    with integration(bus, handler, answer=ANSWERS):
        for number in range(40):
            for key in ("a", "b", "c"):
                send(bus, number, key=key)
        found = answers.wait(120)
        until(lambda: committed(bus))
    for key in ("a", "b", "c"):
        assert [decode(each.value) for each in found if each.key == key] == list(range(40))


def test_what_fails_is_tried_again_and_then_becomes_a_dead_letter_with_the_reason(bus):
    answers, letters = Topic(bus, ANSWERS), Topic(bus, "dead-letter")
    tries = []

    def handler(record):
        tries.append(record.attempt)
        if record.json == "bad":
            raise ValueError("no good")
        return record.json

    with integration(bus, handler, answer=ANSWERS, retries=2):
        send(bus, "bad", "good", headers=(("processInstanceId", b"7"), ("jwt", b"secret")))
        (letter,) = letters.wait(1)
        (answer,) = answers.wait(1)
        until(lambda: committed(bus))
    assert tries == [1, 2, 3, 1]
    assert decode(answer.value) == "good"
    said = decode(letter.value)
    assert (said["topic"], said["title"], said["detail"]) == (REQUESTS, "The handler failed.", "ValueError: no good")
    assert (said["value"], said["attempts"], said["instance"], letter.key) == ("bad", 3, "7", "7")
    assert ["jwt", "***"] in said["headers"]
    assert "jwt" not in dict(letter.headers)


def _not_json(record):
    return record.json


def _rejects(record):
    raise Reject("unknown client")


def _no_answer(record):
    return object()


@pytest.mark.parametrize(
    ("value", "handler", "detail"),
    [
        (b"\xff{", _not_json, "The value is not JSON"),
        (b"1", _rejects, "unknown client"),
        (b"1", _no_answer, "What the handler returned is not JSON"),
        (b"1", lambda record: Answer(1, topic="no topic"), "no name of a topic"),
    ],
)
def test_what_no_repetition_mends_becomes_a_dead_letter_at_once(bus, value, handler, detail):
    letters = Topic(bus, "dead-letter")
    with integration(bus, handler, answer=ANSWERS, retries=5):
        bus.publisher().publish([Record(REQUESTS, None, value)])
        (letter,) = letters.wait(1)
        until(lambda: committed(bus))
    said = decode(letter.value)
    assert (said["title"], said["attempts"]) == ("Rejected.", 1)
    assert detail in said["detail"]


def test_a_handler_may_answer_elsewhere_several_times_and_not_at_all(bus):
    answers, others = Topic(bus, ANSWERS), Topic(bus, "others")

    def handler(record):
        if record.json == "nothing":
            return None
        if record.json == "list":
            return [1, 2]
        return [Answer(1), Answer(2, topic="others", key="k", headers={"processInstanceId": "8", "more": b"\x00"})]

    with integration(bus, handler, answer=ANSWERS):
        send(bus, "nothing", "list", "several")
        assert [decode(each.value) for each in answers.wait(2)] == [[1, 2], 1]
        (other,) = others.wait(1)
        until(lambda: committed(bus))
    assert (other.key, decode(other.value)) == ("k", 2)
    assert [each for each in other.headers if each[0] in ("processInstanceId", "more")] == [
        ("processInstanceId", b"8"),
        ("more", b"\x00"),
    ]


def test_an_integration_that_only_listens_commits(bus):
    seen = []
    with integration(bus, lambda record: seen.append(record.json), topics=("core.notify.task",)) as listening:
        send(bus, 1, 2, topic="core.notify.task")
        until(lambda: committed(bus) and listening)
    assert seen == [1, 2]
    assert listening.handled == 2


def test_patterns_take_topics_that_come_to_be_later_and_exact_names_go_first(bus):
    seen = []
    made = Integration(bus, group="bureau")
    made.on(pattern=r"crm\.[^.]+")(lambda record: seen.append(("crm", record.topic)))
    made.on(pattern=r"plugin\..*")(lambda record: seen.append(("plugin", record.topic)))
    made.on("crm.one")(lambda record: seen.append(("one", record.topic)))
    with made:
        for topic in ("crm.one", "crm.two", "plugin.print.in"):
            send(bus, 1, topic=topic)
        until(lambda: len(seen) == 3)
    assert sorted(seen) == [("crm", "crm.two"), ("one", "crm.one"), ("plugin", "plugin.print.in")]


def test_an_answer_that_is_too_large_becomes_a_dead_letter_without_the_value(bus):
    letters = Topic(bus, "dead-letter")
    with integration(bus, lambda record: "x" * 2_000_000, answer=ANSWERS):
        send(bus, {"n": 1})
        (letter,) = letters.wait(1)
        until(lambda: committed(bus))
    assert decode(letter.value)["title"] == "Too large."
    assert decode(letter.value)["value"] is None


def test_what_was_not_answered_when_it_was_stopped_comes_again(bus):
    entered = threading.Event()
    answers = Topic(bus, ANSWERS)

    def slow(record):
        entered.set()
        time.sleep(1.0)
        return "late"

    made = Integration(bus, group="bureau", grace=0.1)
    made.on(REQUESTS, answer=ANSWERS)(slow)
    made.start()
    send(bus, 1)
    assert entered.wait(LONGEST)
    made.stop()
    with integration(bus, lambda record: "again", answer=ANSWERS):
        assert decode(answers.wait(1)[0].value) == "again"
    time.sleep(1.0)
    assert answers.quiet(), "the first answer was dropped"


def test_stopping_waits_for_handlers_and_a_handler_may_stop_it(bus):
    answers = Topic(bus, ANSWERS)
    made = Integration(bus, group="bureau")

    @made.on(REQUESTS, answer=ANSWERS)
    def handler(record):
        made.stop()
        time.sleep(0.1)
        return 1

    made.start()
    send(bus, 1)
    assert len(answers.wait(1)) == 1
    made.stop()
    assert committed(bus)
    assert made.handled == 1


class Shaky:
    """A bus that fails now and then."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus, self.failures = bus, 0

    def __getattr__(self, name):
        return getattr(self._bus, name)

    def publisher(self, name=None):
        return ShakyPublisher(self, self._bus.publisher(name))

    def subscribe(self, *args, **more):
        return ShakySubscription(self, self._bus.subscribe(*args, **more))

    def stumble(self):
        self.failures += 1
        if self.failures % 3 == 0:
            raise BusError("away")


class ShakyPublisher:
    def __init__(self, bus, inner):
        self._bus, self._inner = bus, inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def publish(self, records):
        self._bus.stumble()
        self._inner.publish(records)


class ShakySubscription(ShakyPublisher):
    def poll(self, limit, wait):
        self._bus.stumble()
        return self._inner.poll(limit, min(wait, 0.05))


def test_a_bus_that_is_away_for_a_while_loses_nothing(bus):
    answers = Topic(bus, ANSWERS)
    with integration(Shaky(bus), lambda record: record.json, answer=ANSWERS):
        for number in range(30):
            send(bus, number)
            time.sleep(0.01)
        found = answers.wait(30)
        until(lambda: committed(bus))
    numbers = [decode(each.value) for each in found]
    assert list(dict.fromkeys(numbers)) == list(range(30))


def test_what_no_repetition_mends_ends_the_integration_and_is_raised():
    class Refusing(Shaky):
        def subscribe(self, *args, **more):
            raise PermissionError("not you")

    made = Integration(Refusing(MemoryBus()), group="bureau")
    made.on(REQUESTS)(print)
    with pytest.raises(PermissionError, match="not you"):
        made.run()


def test_an_engine_in_this_program_is_answered():
    from procession import Engine
    from procession.testing import process

    asking = (
        process("asking").start().send("ask", topic=REQUESTS, body='{"income": ${income}}')
        .receive("answer", streams={ANSWERS: "bureau"}).end()
    )  # fmt: skip
    with Engine() as engine, integration(engine, lambda record: {"score": record.json["income"] // 10}, answer=ANSWERS):
        engine.deploy(("ask.bpmn", asking.build()), publish=True)
        started = engine.start("asking", {"income": 2400})
        until(lambda: engine.instance(started.id).completed)
        assert engine.instance(started.id).variables["bureau"] == {"score": 240}


# -- Once --------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "file"])
def once(request, tmp_path):
    made = Once() if request.param == "memory" else Once(f"{tmp_path}/once.db")
    yield made
    made.close()


def test_a_request_that_comes_again_gets_the_same_answer_and_nothing_is_done_twice(bus, once):
    answers = Topic(bus, ANSWERS)
    done = []

    def handler(record):
        done.append(record.id)
        return [Answer({"n": len(done)}), Answer("more", headers={"x": "1"})]

    headers = (("ce_id", b"one"), ("processInstanceId", b"7"))
    with integration(bus, handler, answer=ANSWERS, once=once):
        send(bus, 1, 1, headers=headers)
        send(bus, 1, headers=(("ce_id", b"two"),))
        found = answers.wait(6)
    assert [decode(each.value) for each in found] == [{"n": 1}, "more", {"n": 1}, "more", {"n": 2}, "more"]
    assert dict(found[3].headers)["x"] == b"1"
    assert done == ["one", "two"]


def test_what_a_handler_writes_to_the_database_is_there_with_the_note_or_not_at_all(bus, once):
    answers = Topic(bus, ANSWERS)

    def handler(record):
        database = record.database
        database.execute("CREATE TABLE IF NOT EXISTS paid (id TEXT)")
        database.execute("INSERT INTO paid VALUES (?)", (record.id,))
        if record.attempt < 3:
            raise RuntimeError("after the effect")
        return record.id

    with integration(bus, handler, answer=ANSWERS, once=once):
        send(bus, 1, 1, headers=(("ce_id", b"one"),))
        answers.wait(2)
    with once.lock:
        assert list(once.connection().execute("SELECT id FROM paid")) == [("one",)]


def test_two_programs_with_one_file_do_it_once(tmp_path):
    path = f"{tmp_path}/once.db"
    first, second = Once(path), Once(path)
    calls = []

    def work(name, within):
        def handler(database):
            connection = database.open()
            connection.execute("CREATE TABLE IF NOT EXISTS effects (name TEXT)")
            connection.execute("INSERT INTO effects VALUES (?)", (name,))
            calls.append(name)
            within()
            return []

        return handler

    threads = []

    def meanwhile():
        thread = threading.Thread(target=lambda: second.run("s", "1", work("second", lambda: None)))
        threads.append(thread)
        thread.start()
        time.sleep(0.1)

    first.run("s", "1", work("first", meanwhile))
    threads[0].join(LONGEST)
    assert calls == ["first"]
    with first.lock:
        assert list(first.connection().execute("SELECT name FROM effects")) == [("first",)]
    first.close()
    second.close()


def test_what_is_old_is_forgotten(tmp_path):
    once = Once(f"{tmp_path}/once.db", keep=-1)
    calls = []
    for _ in range(2):
        once.run("s", "1", lambda database: calls.append(1) or [])
        once.close()
        once._notes = 0
        once.run("s", "2", lambda database: [])
    assert len(calls) == 2
    once.close()


def test_a_coroutine_has_no_database(bus):
    letters = Topic(bus, "dead-letter")

    async def handler(record):
        return record.database

    with integration(bus, handler, answer=ANSWERS, once=Once(), retries=0):
        send(bus, 1)
        assert "no coroutine" in decode(letters.wait(1)[0].value)["detail"]


# -- what is said wrongly ----------------------------------------------------------------------------------------------


def test_mistakes_are_told_where_they_are_made(bus):
    made = Integration(bus, group="bureau")
    with pytest.raises(ValueError, match="Name a topic"):
        made.on()
    with pytest.raises(ValueError, match="no name of a topic"):
        made.on("a b")
    with pytest.raises(ValueError, match="no name of a topic"):
        made.on("a", answer="b c")
    with pytest.raises(ValueError, match="retries"):
        made.on("a", retries=-1)
    made.on("a")(print)
    with pytest.raises(ValueError, match="Two handlers"):
        made.on("a")(print)
    with pytest.raises(RuntimeError, match="no handlers"):
        Integration(bus, group="bureau").start()
    with pytest.raises(ValueError, match="token"):
        Integration(bus, group="bureau", token="x")
    with pytest.raises(ValueError, match="concurrency"):
        Integration(bus, group="bureau", concurrency=0)
    other = Integration("redis://nowhere", group="bureau")
    other.include(made)
    with pytest.raises(Exception, match="'redis:' is nothing"):
        other.start()
