"""Bad input: refused with a clear reason and nothing stored, or an exception that can be seen, repaired and retried."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from procession import CommandRejected, Engine, InvalidDefinition, VirtualClock
from procession.testing import process
from tests.chaos import evidence

TASK = process("task").start().user_task("fill").end().build()
JOB = process("job").start().service_task("work", retries=2).end().build()
PAY = process("pay").start().catch_message("paid", "paid", "=id").end().build()
CHILD = process("child").start().user_task("fill").end().build()
PARENT = process("parent").start().call("call", "child").end().build()
FILES = [(f"{number}.bpmn", data) for number, data in enumerate([TASK, JOB, PAY, CHILD, PARENT])]


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        yield found


@pytest.fixture
def ready(engine):
    engine.deploy(*FILES, publish=True)
    return engine


def refused(status: int, call: Callable[[], Any]) -> CommandRejected:
    with pytest.raises(CommandRejected) as caught:
        call()
    assert caught.value.status == status, caught.value
    assert caught.value.title and caught.value.key
    assert len(str(caught.value)) < 1_000, "whoever sends much does not get it all back"
    return caught.value


# -- files ------------------------------------------------------------------------------------------------------------------

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" name="&lol3;"/></definitions>"""
ENTITY = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" name="&secret;"/></definitions>"""
NO_START = TASK.replace(b"startEvent", b"task")
NOWHERE = TASK.replace(b'targetRef="fill"', b'targetRef="nowhere"')


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", ""),
        (b"hello", ""),
        (b'{"process": 1}', ""),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ""),
        (b"<html><body/></html>", ""),
        (b"<definitions/>", ""),
        (TASK[:-100], ""),
        (TASK.replace(b"UTF-8", b"UTF-99"), ""),
        (LAUGHS, "DOCTYPE"),
        (ENTITY, "DOCTYPE"),
        (b"<a>" * 100_000, ""),
        (NO_START, "start"),
        (NOWHERE, "nowhere"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_a_file_that_is_no_process(engine, data, says):
    with pytest.raises(InvalidDefinition) as caught:
        engine.deploy(("bad.bpmn", data), publish=True)
    problems = caught.value.problems
    assert problems and all(problem.file == "bad.bpmn" and problem.message for problem in problems)
    assert says in str(caught.value)
    assert "root:" not in str(caught.value), "what another file says"
    assert not any(engine.counts().values()), "nothing is stored"


def test_two_hundred_megabytes(engine):
    huge = TASK + b"<!--" + b"x" * 200_000_000 + b"-->"
    with pytest.raises(InvalidDefinition) as caught:
        engine.deploy(("huge.bpmn", huge))
    assert "huge.bpmn" in str(caught.value)
    assert not any(engine.counts().values())


def test_every_problem_is_listed_with_its_place(engine):
    broken = process("broken").start().exclusive("which").when("=amount >").task("a").end()
    broken.back_to("which").when("=1 +* 2").script("b", "=)", "x").end()
    timer = process("timer").start().catch_timer("nap", "5 minutes").end()
    with pytest.raises(InvalidDefinition) as caught:
        engine.deploy(("good.bpmn", TASK), ("broken.bpmn", broken.build()), ("timer.bpmn", timer.build()), publish=True)
    problems = [problem for problem in caught.value.problems if problem.severity == "error"]
    assert {problem.file for problem in problems} == {"broken.bpmn", "timer.bpmn"}
    assert len(problems) >= 4
    for problem in problems:
        assert problem.line and problem.element and problem.message
    assert {"b", "nap"} <= {problem.element for problem in problems}
    assert not any(engine.counts().values()), "not even the good one is stored"


# -- what goes wrong while it runs --------------------------------------------------------------------------------------------


def test_a_condition_that_is_null_or_finds_no_way_out(ready):
    gate = process("gate").start().exclusive("which").when("=amount > 100").end("big")
    ready.deploy(("gate.bpmn", gate.back_to("which").when("=amount < 10").end("small").build()), publish=True)
    for variables, says in (
        ({}, "amount"),
        ({"amount": None}, "null"),
        ({"amount": "5"}, '"5"'),
        ({"amount": 50}, "50"),
    ):
        view = ready.start("gate", variables)
        (exception,) = view.exceptions
        assert (view.state, exception.node) == ("STARTED", "which")
        assert exception.type == "GatewayEvaluation"
        assert says in exception.message
        assert ready.exceptions(view.id)[0].message == exception.message
        assert exception.id in {each.id for each in ready.exceptions(open_only=True)}
        assert {wait["kind"] for wait in view.waits} == {"exception"}
        assert len(ready.retry(view.id).exceptions) == 1, "nothing was repaired yet"
        ready.set_variables(view.id, {"amount": 500})
        assert ready.retry(view.id).state == "FINISHED"
    assert ready.exceptions(open_only=True) == []
    evidence.check_nothing_left(ready)


def test_a_worker_that_fails_until_no_tries_are_left(ready):
    order = ready.start("job")
    for left in (1, 0):
        (job,) = ready.activate_jobs("work")
        assert job.retries == left + 1
        ready.fail_job(job.id, job.token, "no paper \ud800\0")
    assert ready.activate_jobs("work") == []
    (exception,) = ready.instance(order.id).exceptions
    assert (exception.node, exception.type) == ("work", "JobFailed")
    assert "no paper ??" in exception.message
    ready.retry(order.id, retries=3)
    (job,) = ready.activate_jobs("work")
    assert job.retries == 3
    ready.complete_job(job.id, job.token)
    assert ready.instance(order.id).state == "FINISHED"


@pytest.mark.parametrize(
    "text",
    ["soon", "", "PT-5S", "P99999999999Y", "PT" + "9" * 400 + "H", "P1Y2M3DT4H5M6.7890123S1", "R3/PT1S", "\ud7ff"],
)
def test_a_timer_whose_rule_is_none(ready, text):
    nap = process("nap").start().catch_timer("rest", "=d").end().build()
    ready.deploy(("nap.bpmn", nap), publish=True)
    view = ready.start("nap", {"d": text})
    (exception,) = view.exceptions
    assert exception.node == "rest"
    ready.set_variables(view.id, {"d": "PT1S"})
    assert ready.retry(view.id).exceptions == []
    ready.clock.advance("PT1S")
    ready.run_due()
    assert ready.instance(view.id).state == "FINISHED"


# -- data ---------------------------------------------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = {"a": found}
    return found


def cycle() -> Any:
    found: list[Any] = [1]
    found.append({"again": found})
    return found


NO_JSON = {
    "nan": float("nan"),
    "infinite": float("inf"),
    "minus infinite": float("-inf"),
    "decimal nan": Decimal("NaN"),
    "decimal signal": Decimal("sNaN"),
    "decimal infinite": Decimal("-Infinity"),
    "set": {1, 2},
    "bytes": b"abc",
    "object": object(),
    "type": dict,
    "function": nested,
    "complex": 1j,
    "time": timedelta(1),
    "iterator": iter([1]),
    "number as name": {1: 2},
    "null as name": {None: 2},
    "tuple as name": {(1, 2): 3},
    "surrogate": "\ud800",
    "surrogate in a name": {"\udfff": 1},
    "number with 5,000 digits": 10**4_000 * 10**1_000,
    "10,000 levels": nested(10_000),
    "300 levels": nested(300),
    "cycle": cycle(),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_data_that_is_no_json(ready, name):
    order = ready.start("task", {"n": 1})
    (task,) = ready.tasks().items
    ready.start("job")
    (job,) = ready.activate_jobs("work")
    before = ready.counts()
    bad = NO_JSON[name]
    for data in ({"x": bad}, {"x": [1, {"y": bad}]}):
        for call in (
            lambda data=data: ready.start("task", data),
            lambda data=data: ready.submit(ready.ask_start("task", data)),
            lambda data=data: ready.complete_task(task.id, data),
            lambda data=data: ready.complete_job(job.id, job.token, data),
            lambda data=data: ready.throw_error(job.id, job.token, "E", "", data),
            lambda data=data: ready.publish_message("paid", "1", data),
            lambda data=data: ready.set_variables(order.id, data),
            lambda data=data: ready.instances(variables=data),
        ):
            error = refused(422, call)
            assert "JSON" in error.detail
    assert ready.counts() == before
    assert ready.instance(order.id).waiting_at == ["fill"]
    ready.complete_job(job.id, job.token)


@pytest.mark.parametrize("data", [[1], "text", 5, object()])
def test_data_that_is_no_object(ready, data):
    refused(422, lambda: ready.start("task", data))


def test_where_in_the_data_it_is(ready):
    error = refused(422, lambda: ready.start("task", {"client": {"a/b": [0, {"age": float("nan")}]}}))
    assert "nan is no number of JSON (at /client/a~1b/1/age)" in error.detail
    assert error.extra["errors"][0]["pointer"] == "/client/a~1b/1/age"


GOOD = {
    "": "an empty name",
    "big": 10**30,
    "small": Decimal("1.10"),
    "tiny": Decimal("1E-400"),
    "huge": Decimal("1E+400"),
    "float": 0.1,
    "tuple": (1, 2),
    "none": None,
    "deep": nested(150),
    "ключ": "значение",
    "🦊": "👩‍👩‍👧‍👦",
    "nfc \u00e9": 1,
    "nfd e\u0301": 2,
    "rtl": "\u202eabc",
    "nul": "a\0b",
    "quote": "'; DROP TABLE instance; --",
    "a.b": {"c.d": 1},
    "long": "x" * 100_000,
}


def test_odd_data_that_is_json_comes_back_as_it_went(ready):
    order = ready.start("task", GOOD)
    seen = ready.instance(order.id).variables
    assert seen == order.variables == {**GOOD, "float": Decimal("0.1"), "tuple": [1, 2]}
    assert str(seen["small"]) == "1.10"
    (task,) = ready.tasks().items
    assert ready.complete_task(task.id, {"after": GOOD}).state == "FINISHED"
    evidence.check_state(ready, int(order.id))


def test_a_megabyte_of_start_data(ready):
    size = 1_000_000 - len(json.dumps({"x": ""}, separators=(",", ":")))
    assert ready.start("task", {"x": "a" * size}).state == "STARTED"
    error = refused(413, lambda: ready.start("task", {"x": "a" * (size + 1)}))
    assert error.title == "Request is too large."
    assert "1,000,001" in error.detail
    refused(413, lambda: ready.start("task", {"x": ["ä"] * 400_000}))


# -- ids ----------------------------------------------------------------------------------------------------------------------

IDS = [
    "1",
    "0",
    1,
    -1,
    str(2**63 - 1),
    2**63,
    2**200,
    "9" * 30,
    "9" * 5_000,
    "abc",
    "-1",
    "",
    " 1",
    "1.5",
    "0x10",
    "²",
    None,
    1.5,
]


@pytest.mark.parametrize("identity", IDS, ids=lambda value: str(value)[:20])
def test_an_id_that_nothing_has(ready, identity):
    before = ready.counts()
    for what, calls in {
        "Process instance": [
            lambda: ready.instance(identity),
            lambda: ready.history(identity),
            lambda: ready.tokens(identity),
            lambda: ready.state_at(identity, 1),
            lambda: ready.hold(identity),
            lambda: ready.unhold(identity),
            lambda: ready.terminate(identity),
            lambda: ready.dismiss(identity),
            lambda: ready.set_variables(identity, {"a": 1}),
            lambda: ready.retry(identity),
            lambda: ready.retry(identity, "1"),
        ],
        "Task": [
            lambda: ready.task(identity),
            lambda: ready.claim(identity),
            lambda: ready.release(identity),
            lambda: ready.assign(identity, "ana"),
            lambda: ready.complete_task(identity),
        ],
        "Job": [
            lambda: ready.complete_job(identity, 1),
            lambda: ready.fail_job(identity, 1, "x"),
            lambda: ready.throw_error(identity, 1, "E"),
        ],
    }.items():
        for call in calls:
            assert refused(404, call).title == f"{what} not found."
    if identity is not None:
        refused(404, lambda: ready.exceptions(identity))
        refused(404, lambda: ready.start("task", inherit_from=identity))
        refused(404, lambda: ready.extend_job(identity, 1, 5)) if not str(identity).isdecimal() else None
    after = ready.counts()
    assert {**after, "failed_start": 0} == {**before, "failed_start": 0}
    if identity not in (None, 1, "1"):
        refused(404, lambda: ready.retry(ready.start("task").id, identity))


def test_what_is_not_there_by_name(ready):
    assert refused(404, lambda: ready.start("nothing")).title == "Process definition not found."
    for call in (ready.publish, ready.deprecate, ready.definition_file):
        refused(404, lambda call=call: call("nothing"))
        refused(404, lambda call=call: call("task", 99))
    assert ready.definitions("nothing") == []
    assert ready.activate_jobs("nothing") == []
    refused(404, lambda: ready.state_at(ready.start("task").id, 0))


# -- states ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["FINISHED", "TERMINATED"])
def test_nothing_can_be_done_to_what_is_over(ready, state):
    order = ready.start("task")
    (task,) = ready.tasks().items
    if state == "FINISHED":
        ready.complete_task(task.id)
    else:
        ready.terminate(order.id)
    before = ready.counts()
    for call in (
        lambda: ready.hold(order.id),
        lambda: ready.unhold(order.id),
        lambda: ready.terminate(order.id),
        lambda: ready.dismiss(order.id),
        lambda: ready.set_variables(order.id, {"a": 1}),
        lambda: ready.retry(order.id, "1"),
    ):
        error = refused(409, call)
        assert error.title == f"Process instance is {state}."
        assert error.extra["state"] == state
    assert "nothing to retry" in refused(409, lambda: ready.retry(order.id)).detail
    refused(404, lambda: ready.complete_task(task.id))
    assert ready.counts() == before


def test_what_is_on_hold_cannot_be_worked_on(ready):
    order = ready.start("task")
    (task,) = ready.tasks().items
    assert "STARTED" in refused(409, lambda: ready.unhold(order.id)).detail
    ready.hold(order.id)
    for call in (
        lambda: ready.hold(order.id),
        lambda: ready.claim(task.id),
        lambda: ready.release(task.id),
        lambda: ready.assign(task.id, "ana"),
        lambda: ready.complete_task(task.id),
        lambda: ready.retry(order.id, "1"),
    ):
        assert refused(409, call).title == "Process instance is on hold."
    ready.unhold(order.id)
    assert ready.complete_task(task.id).state == "FINISHED"


def test_other_wrong_states(ready):
    order = ready.start("task")
    (task,) = ready.tasks().items
    assert refused(409, lambda: ready.dismiss(order.id)).title == "Only a subprocess can be dismissed."
    assert refused(409, lambda: ready.release(task.id)).title == "Task is not assigned."
    assert refused(409, lambda: ready.retry(order.id)).title == "Token has no exception."
    ready.as_user("ana").claim(task.id)
    assert "ana" in refused(409, lambda: ready.as_user("ben").claim(task.id)).detail
    ready.start("job")
    (job,) = ready.activate_jobs("work")
    for token in (job.token + 1, 0, -1, 2**80):
        assert refused(409, lambda token=token: ready.complete_job(job.id, token)).title == "Lease is lost."
    assert ready.extend_job(job.id, job.token + 1, 5) is False
    assert ready.release_job(job.id, job.token + 1) is False
    ready.complete_job(job.id, job.token)
    assert refused(404, lambda: ready.complete_job(job.id, job.token)).title == "Job not found."


# -- texts and numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "a\0b", 5, b"x", ["a"]], ids=ascii)
def test_texts_that_are_none(ready, text):
    order = ready.start("task")
    (task,) = ready.tasks().items
    before = ready.counts()
    for call in (
        lambda: ready.start(text),
        lambda: ready.start("task", start_condition=text),
        lambda: ready.start("task", business_key=text),
        lambda: ready.start("task", idempotency_key=text),
        lambda: ready.instances(business_key=text),
        lambda: ready.instances(definition=text),
        lambda: ready.instances(text=text),
        lambda: ready.instances(node=text),
        lambda: ready.tasks(definition=text),
        lambda: ready.tasks(node=text),
        lambda: ready.assign(task.id, text),
        lambda: ready.activate_jobs(text),
        lambda: ready.activate_jobs("work", worker=text),
        lambda: ready.throw_error("1", 1, text),
        lambda: ready.publish_message(text),
        lambda: ready.publish_message("paid", text) if text != 5 else ready.publish_message("paid", True),
        lambda: ready.publish_message("paid", "1", message_id=text),
        lambda: ready.publish(text),
        lambda: ready.deprecate(text),
        lambda: ready.definitions(text),
        lambda: ready.definition_file(text),
        lambda: ready.as_user(text),
    ):
        refused(422, call)
    assert ready.counts() == before
    ready.hold(order.id, "because \ud800\0")
    assert ready.history(order.id)[-1].reason == "because ??"


KEYS = [
    "",
    " ",
    "ключ",
    "🦊",
    "\u00e9",
    "e\u0301",
    "\u202eabc",
    "'; DROP TABLE instance; --",
    "%",
    "_",
    "a\nb",
    "k" * 10_000,
    '"',
    "\\",
]


def test_keys_in_any_writing(ready):
    started = {}
    for key in KEYS:
        started[key] = ready.start("task", business_key=key, idempotency_key=key).id
    assert len(set(started.values())) == len(KEYS)
    for key in KEYS:
        assert ready.start("task", business_key=key, idempotency_key=key).id == started[key]
        assert [row.id for row in ready.instances(business_key=key).items] == [started[key]]
    for key in KEYS:
        order = ready.start("pay", {"id": key})
        ready.publish_message("paid", key, message_id=key)
        assert ready.publish_message("paid", key, message_id=key).duplicate
        assert ready.instance(order.id).state == "FINISHED", key
    ready.as_user("a:b").start("task", idempotency_key="c")
    assert ready.as_user("a").start("task", idempotency_key="b:c").started_by == "a"


@pytest.mark.parametrize("span", [float("nan"), float("inf"), -1, -0.5, 1e300, timedelta(-1), timedelta.max, "5", None])
def test_spans_that_are_none(ready, span):
    ready.start("job")
    (job,) = ready.activate_jobs("work")
    for call in (
        lambda: ready.activate_jobs("work", lock=span),
        lambda: ready.extend_job(job.id, job.token, span),
        lambda: ready.fail_job(job.id, job.token, "x", backoff=span),
        lambda: ready.publish_message("paid", "1", ttl=span),
        lambda: ready.clean_up(span),
    ):
        refused(422, call)
    ready.complete_job(job.id, job.token)


def test_numbers_out_of_bounds(ready):
    order = ready.start("job")
    for call in (
        lambda: ready.activate_jobs("work", max_jobs=-1),
        lambda: ready.activate_jobs("work", max_jobs=2**70),
        lambda: ready.activate_jobs("work", max_jobs=1.5),
        lambda: ready.fail_job("1", 1, "x", retries=-1),
        lambda: ready.fail_job("1", 1, "x", retries=2**70),
        lambda: ready.retry(order.id, "1", retries=0),
        lambda: ready.retry(order.id, "1", retries=2**70),
        lambda: ready.instances(limit=0),
        lambda: ready.instances(limit=1_001),
        lambda: ready.instances(limit=-5),
        lambda: ready.tasks(limit=0),
        lambda: ready.tasks(scope="others"),
        lambda: ready.instances(cursor="x"),
        lambda: ready.instances(cursor="9" * 40),
        lambda: ready.tasks(cursor="-1"),
        lambda: ready.audit(cursor="½"),
        lambda: ready.failed_starts(limit=10**6),
        lambda: ready.history(order.id, -1),
        lambda: ready.history(order.id, 2**80),
        lambda: ready.history(order.id, limit=0),
    ):
        refused(422, call)
    assert ready.instances(cursor=str(2**63 - 1)).items
    assert ready.activate_jobs("work", max_jobs=0) == []


def test_users_with_odd_names_and_passwords(ready):
    for name in ("", "a b", "a/b", "x" * 101, "\ud800", "a\0"):
        refused(422, lambda name=name: ready.users.add(name, "long enough", ["clerk"]))
    for password in ("short", "", "\ud800" * 8, "a\0" * 8):
        refused(422, lambda password=password: ready.users.add("ana", password, ["clerk"]))
    refused(422, lambda: ready.users.add("ana", "long enough", []))
    refused(422, lambda: ready.users.add("ana", "long enough", ["\ud800"]))
    ready.users.add("ana", "pässwörd 🦊", ["clerk"])
    assert ready.users.verify("ana", "pässwörd 🦊") is not None
    for name, password in (("ana", "\ud800"), ("ana", ""), ("\ud800", "x"), ("ben", "x"), ("ana", "x" * 100_000)):
        assert ready.users.verify(name, password) is None
    refused(404, lambda: ready.users.remove("ben"))
