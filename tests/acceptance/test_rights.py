"""Who may do what over HTTP: every call × everybody × their lanes × whether they started it, with the exact answer.

What is refused changes nothing; what may not be seen answers as what is not there; what is sensitive is in no answer at all.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from websockets.sync.client import connect

from procession.app import open_bus
from procession.bus import Received
from procession.engine.access import OPERATIONS
from procession.runtime.asks import Ask, Park, Source
from procession.runtime.clock import VirtualClock
from procession.runtime.drive import drive
from procession.runtime.exchange.exchange import Exchange
from procession.testing import process
from tests.acceptance.running import CREDIT_CARD, METRICS_TOKEN, PASSWORD, USERS, Running, running

IBAN, NUMBER, PIN = "RO49AAAA1B31007593840000", "4556737586899855", "8526417"
SECRETS = (IBAN, NUMBER, PIN)
MODEL = """{"properties": {"client": {"properties": {"iban": {"sensitive": true}, "name": {}}}, "pin": {"sensitive": true},
            "accounts": {"items": {"properties": {"number": {"sensitive": true}, "bank": {}}}}, "amount": {}}}"""
DATA = {
    "client": {"iban": IBAN, "name": "Ana"},
    "accounts": [{"number": NUMBER, "bank": "one"}, {"number": NUMBER, "bank": "two"}],
    "pin": PIN,
    "amount": 5,
}
MASKED = {
    "client": {"iban": "***", "name": "Ana"},
    "accounts": [{"number": "***", "bank": "one"}, {"number": "***", "bank": "two"}],
    "pin": "***",
    "amount": 5,
}


FORM_KEY, FORM = "forms/check.json", b'{"type": "object", "properties": {"amount": {"type": "number"}}}'


def flow(name: str):
    """A form, work for a program, a choice, and a second form."""
    return (
        process(name)
        .start("begin")
        .user_task("fill")
        .service_task("charge", job=f"charge-{name}")
        .exclusive("which")
        .when("=amount > 0")
        .user_task("check", form=FORM_KEY)
        .catch_message("answer", f"answered-{name}", "=client.iban")
        .end("done")
        .data_model(MODEL)
    )


def lane_of(lane: str) -> dict[str, str]:
    """Each operation for a role of its own."""
    return {operation: f"{lane}.{operation}" for operation in OPERATIONS}


SEVEN = (
    flow("seven")
    .lane("Front", "begin", "fill", **lane_of("front"))
    .lane("Back", "charge", "which", "check", "answer", "done", **lane_of("back"))
)
OPEN = flow("open")
HALF = (  # one lane says who may view; nothing else is granted to anybody, and one node is in no lane at all
    process("half").start("begin").user_task("fill").user_task("check").end("done")
    .lane("Front", "begin", "fill", view="front.view").lane("Back", "done")
)  # fmt: skip
TARGET = process("target").start().user_task("fill").end()

LANES = {f"{lane}.{operation}": f"{lane}.{operation}" for lane in ("front", "back") for operation in OPERATIONS}
PEOPLE = {
    **{name: name for name in ("admin", "operator", "editor", "worker", "outsider")},
    "owner": "former",  # has started the instances, and has no role of a lane any more
    **LANES,
}
EVERYBODY = frozenset(PEOPLE)


def those(*names: str) -> frozenset[str]:
    return frozenset(names)


RULERS = those("admin", "operator")
LANE = frozenset(LANES)
FRONT, BACK = (frozenset(name for name in LANES if name.startswith(lane)) for lane in ("front", "back"))
SEE_FRONT, SEE_BACK = those("front.execute", "front.view"), those("back.execute", "back.view")
SEE = RULERS | those("owner") | SEE_FRONT | SEE_BACK
KNOW = SEE | LANE
SEE_TASK = RULERS | SEE_FRONT | those("front.selfAssign", "front.assign", "front.unassign")
SEE_FORM = RULERS | SEE_FRONT
SEE_DEFINITION = RULERS | those("editor") | SEE_FRONT | SEE_BACK


# -- the world --------------------------------------------------------------------------------------------------------


@dataclass
class Thing:
    """An instance to do something to, with what is in it."""

    process: str
    instance: str
    task: str = "1"
    token: str = "1"
    job: str = "1"
    fence: int = 1
    letter: str = "1"


@dataclass
class World:
    """A server with everybody, and fresh things for those who change them."""

    server: Running

    def ask(self, name: str | None, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.server.client(name).request(method, path, **more)

    def done(self, name: str | None, method: str, path: str, **more: Any) -> Any:
        answer = self.ask(name, method, path, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def state(self) -> Any:
        """Everything that a refused request must leave as it is: all but the records of refusals themselves."""
        node = self.server.app.state.edge.node
        counts = dict(drive(node.storage.counts()))
        for kept in ("failed_start", "audit"):
            counts.pop(kept, None)
        return counts, drive(node.storage.last_history()), drive(node.storage.definitions_changed()), self._users()

    def _users(self) -> Any:
        return drive(self.server.app.state.edge.node.storage.users())

    # what somebody does something to, in the state that they find it in

    def begun(self, process: str) -> Thing:
        self.role("owner", "front.execute")
        started = self.done("owner", "POST", f"/api/process/{process}/start", json=DATA)
        self.role("owner", "former")
        return Thing(process, started["id"], started["waits"][0]["id"], started["tokens"][0]["id"])

    def taken(self, process: str) -> Thing:
        thing = self.begun(process)
        self.done("admin", "POST", f"/api/tasks/{thing.task}/assign", json={"assignee": "somebody"})
        return thing

    def held(self, process: str) -> Thing:
        thing = self.begun(process)
        self.operate(thing, "HOLD")
        return thing

    def working(self, process: str) -> Thing:
        thing = self.begun(process)
        self.done("admin", "POST", f"/api/tasks/{thing.task}/complete", json={})
        job = self.job_of(thing)
        thing.job, thing.fence = job["id"], job["token"]
        return thing

    def job_of(self, thing: Thing) -> dict[str, Any]:
        """Its job, for the worker; those that others gave back are taken too."""
        wanted = {"type": f"charge-{thing.process}", "maxJobs": 1000}
        jobs = self.done("worker", "POST", "/api/jobs/activate", json=wanted)["items"]
        (job,) = [job for job in jobs if job["instance"] == thing.instance]
        return job

    def stuck(self, process: str) -> Thing:
        thing = self.working(process)
        self.done("admin", "PATCH", f"/api/instances/{thing.instance}/variables", json={"amount": 0})
        self.done("worker", "POST", f"/api/jobs/{thing.job}/complete", json={"token": thing.fence})
        return thing

    def missed(self, process: str) -> Thing:
        """A record that could not be handled."""
        where = "procession.dev.engine.receive.crm.v1", 0, time.monotonic_ns()
        source = Source("engine", Received(*where, "k", b'"an answer"', (), 0))
        self.server.app.state.edge.node.machine.run(Ask(Park("No instance.", "It says none."), source=source))
        [letter] = self.done("admin", "GET", "/api/dead-letters", params={"limit": "1"})["items"]
        return Thing(process, "1", letter=letter["id"])

    def operate(self, thing: Thing, operation: str) -> None:
        self.done("admin", "POST", f"/api/instances/{thing.instance}/operations", json={"operationType": operation})

    def role(self, name: str, *roles: str) -> None:
        self.done("admin", "PUT", f"/api/users/{name}", json={"roles": list(roles)})


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    # the clock is moved by nobody but a call that is tested: leases and tokens do not end meanwhile
    def on_a_bus(machine, identify):
        return Exchange(machine, open_bus("memory:"), identify=identify)

    clock, folder = VirtualClock(), tmp_path_factory.mktemp("rights")
    with running(folder, clock=clock, token_lifetime=10**9, exchange=on_a_bus) as server:
        for name in PEOPLE.keys() - USERS.keys():
            body = {"roles": [PEOPLE[name]], "password": PASSWORD}
            assert server.client("admin").put(f"/api/users/{name}", json=body).status_code == 201
        server.deploy(*(each.build() for each in (SEVEN, OPEN)), forms={FORM_KEY: FORM})
        server.deploy(*(each.build() for each in (HALF, TARGET)))
        yield World(server)


# -- the table --------------------------------------------------------------------------------------------------------

More = Callable[[Thing], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One call as somebody makes it, and what they are answered: by status who gets it, and what all others get.

    `things`: what it is done to (None: nothing that has to be made). `open`: what everybody gets where no lane sets access
    (None: the call is about no process). `nobody` is what is answered without credentials.
    """

    method: str
    path: str
    expected: Mapping[int, frozenset[str]]
    others: int
    things: str | None = None
    open: Mapping[int, frozenset[str]] | int | None = None
    nobody: int = 401
    more: More = lambda thing: {}
    names: Mapping[str, str] = field(default_factory=dict)  # of parameters of the path
    note: str = ""

    @property
    def id(self) -> str:
        return f"{self.method} {self.path} {self.note}".strip()

    def status(self, name: str | None, process: str) -> int:
        if name is None:
            return self.nobody
        expected = self.expected if process == "seven" else self.open
        if isinstance(expected, int):
            return expected
        assert expected is not None
        return next((status for status, names in expected.items() if name in names), self.others)

    def address(self, thing: Thing, **instead: str) -> str:
        given = {
            "instance": thing.instance, "task": thing.task, "token": thing.token, "job": thing.job, "node": "fill",
            "name": thing.process, "version": "1", "action": "save", "report": "durations", "form": quote(FORM_KEY, safe=""),
            "letter": thing.letter,
        } | dict(self.names) | instead  # fmt: skip
        return re.sub(r"\{(\w+)\}", lambda found: given[found[1]], self.path)


def body(**fields: Any) -> More:
    return lambda thing: {"json": fields}


def with_token(**fields: Any) -> More:
    return lambda thing: {"json": {"token": thing.fence, **fields}}


def report(thing: Thing) -> dict[str, Any]:
    return {"json": {"reports": [{"id": thing.job, "token": thing.fence, "outcome": "complete"}]}}


ALL = {200: EVERYBODY}
INSTANCE, TASK, JOB = "/api/instances/{instance}", "/api/tasks/{task}", "/api/jobs/{job}"
LETTER = "/api/dead-letters/{letter}"
NODE = "/api/process/{instance}/data/{node}"
VERSION = "/api/definitions/{name}/versions/{version}"
XML = {"content-type": "application/xml"}


def seen(path: str, **more: Any) -> Case:
    """What is read of an instance."""
    return Case("GET", path, {200: SEE}, 404, "begun", 200, **more)


def by_role(method: str, path: str, roles: frozenset[str], good: int = 200, **more: Any) -> Case:
    """What is outside of all lanes."""
    return Case(method, path, {good: roles}, 403, **more)


def public(path: str, status: int = 200) -> Case:
    return Case("GET", path, {status: EVERYBODY}, status, nobody=status)


def unbuilt(method: str, path: str, **more: Any) -> Case:
    return Case(method, path, {501: EVERYBODY}, 501, **more)


EDITORS, WORKERS = those("admin", "editor"), those("admin", "worker")
DEPLOYED = [("file", ("seven.bpmn", SEVEN.build())), ("file", (FORM_KEY, FORM))]

PREVIEWS: list[tuple[str, str, dict[int, frozenset[str]], dict[str, Any]]] = [  # as the operations themselves, below
    ("HOLD", "begun", {200: RULERS | those("front.hold"), 403: KNOW}, {}),
    ("UNHOLD", "held", {200: RULERS | those("front.unhold"), 403: KNOW}, {}),
    ("TERMINATE", "begun", {200: RULERS | those("owner"), 403: KNOW}, {}),
    ("DISMISS", "begun", {409: RULERS | those("owner"), 403: KNOW}, {}),
    ("SET_VARIABLES", "begun", {200: RULERS, 403: KNOW}, {"variables": {"amount": 6, "pin": PIN}}),
    ("RETRY", "begun", {409: RULERS, 403: KNOW}, {"token": "1"}),
]

CASES = [
    # who one is
    Case("POST", "/api/auth/login", {422: EVERYBODY}, 422, nobody=422, more=body(username="x")),
    Case("POST", "/api/auth/logout", {204: EVERYBODY}, 204),
    Case("GET", "/api/auth/me", ALL, 200),
    Case("POST", "/api/auth/password", {422: EVERYBODY}, 422, more=body(old="x", new="short")),
    # users
    by_role("GET", "/api/users", those("admin")),
    Case("GET", "/api/users", {200: those("admin", "front.assign"), 403: SEE_TASK}, 404, "begun", 200,
         more=lambda thing: {"params": {"task": thing.task}}, note="for a task"),
    by_role("PUT", "/api/users/{name}", those("admin"), names={"name": "somebody"},
            more=body(roles=["x"], password=PASSWORD)),
    by_role("DELETE", "/api/users/{name}", those("admin"), 204, names={"name": "somebody"}),
    # starting
    Case("POST", "/api/process/{name}/start", {201: those("admin", "front.execute")}, 403, "begun", 201, more=body(**DATA)),
    Case("POST", "/api/process/{name}/start/inheritFrom/{instance}", {201: SEE}, 404, "begun", 201, names={"name": "target"},
         more=body(paramsToInherit={"paramsToCopy": ["amount"]})),
    Case("POST", "/api/process/{name}/start/inheritFrom/{instance}", {403: SEE}, 404, "begun", 403, names={"name": "target"},
         more=body(paramsToInherit={"paramsToCopy": ["client"]}), note="what is sensitive, to where it would be open"),
    # instances
    seen("/api/process/{instance}/status"),
    Case("GET", NODE, {200: RULERS | SEE_FRONT | those("owner"), 403: SEE_BACK}, 404, "begun", 200),
    Case("GET", NODE, {200: RULERS | SEE_BACK | those("owner"), 403: SEE_FRONT}, 404, "begun", 200,
         names={"node": "check"}, note="of the other lane"),
    Case("GET", "/api/instances", ALL, 200),
    seen(INSTANCE),
    seen(INSTANCE + "/tokens"),
    seen(INSTANCE + "/progress"),
    seen(INSTANCE + "/history"),
    seen(INSTANCE + "/audit"),
    seen(INSTANCE + "/exceptions"),
    seen(INSTANCE + "/records"),
    seen(INSTANCE + "/state"),
    seen(INSTANCE + "/state", more=lambda thing: {"params": {"at": "1"}}, note="at a position"),
    Case("POST", INSTANCE + "/operations", {200: RULERS | those("front.hold"), 403: KNOW}, 404, "begun", 200,
         more=body(operationType="HOLD"), note="HOLD"),
    Case("POST", INSTANCE + "/operations", {200: RULERS | those("front.unhold"), 403: KNOW}, 404, "held", 200,
         more=body(operationType="UNHOLD"), note="UNHOLD"),
    Case("POST", INSTANCE + "/operations", {200: RULERS | those("back.hold"), 403: KNOW}, 404, "working", 200,
         more=body(operationType="HOLD"), note="HOLD in the other lane"),
    Case("POST", INSTANCE + "/operations", {200: RULERS | those("owner"), 403: KNOW}, 404, "begun", 200,
         more=body(operationType="TERMINATE"), note="TERMINATE"),
    Case("POST", INSTANCE + "/operations", {409: RULERS | those("owner"), 403: KNOW}, 404, "begun", 409,
         more=body(operationType="DISMISS"), note="DISMISS"),
    Case("PATCH", INSTANCE + "/variables", {200: RULERS, 403: KNOW}, 404, "begun", 200, more=body(amount=6)),
    *(Case("POST", INSTANCE + "/preview", expected, 404, things, more=body(operation=name, **fields),
           open=409 if 409 in expected else 200, note=name)
      for name, things, expected, fields in PREVIEWS),
    Case("POST", INSTANCE + "/tokens/{token}/retry", {409: RULERS, 403: KNOW}, 404, "begun", 409, note="nothing"),
    Case("POST", INSTANCE + "/tokens/{token}/retry", {200: RULERS, 403: KNOW}, 404, "stuck", 200),
    # tasks
    Case("GET", "/api/tasks", ALL, 200),
    Case("GET", TASK, {200: SEE_TASK}, 404, "begun", 200),
    Case("GET", TASK + "/form", {200: SEE_FORM, 403: SEE_TASK}, 404, "begun", 200),
    Case("PUT", TASK + "/draft", {200: SEE_FORM, 403: SEE_TASK}, 404, "begun", 200, more=body(variables={"amount": 7})),
    Case("DELETE", TASK + "/draft", {204: SEE_FORM, 403: SEE_TASK}, 404, "begun", 204),
    Case("POST", TASK + "/claim", {200: those("admin", "front.selfAssign"), 403: KNOW}, 404, "begun", 200),
    Case("POST", TASK + "/claim", {409: KNOW}, 404, "taken", 409, note="of somebody else"),
    Case("POST", TASK + "/unclaim", {200: those("admin", "front.unassign"), 403: KNOW}, 404, "taken", 200),
    Case("POST", TASK + "/unclaim", {409: KNOW}, 404, "begun", 409, note="nobody's"),
    Case("POST", TASK + "/assign", {200: those("admin", "front.assign"), 403: KNOW}, 404, "begun", 200, more=body(assignee="bo")),
    Case("POST", TASK + "/assign", {200: those("admin", "front.unassign"), 403: KNOW}, 404, "taken", 200,
         more=body(assignee=None), note="to nobody"),
    Case("POST", TASK + "/complete", {200: those("admin", "front.execute"), 403: KNOW}, 404, "begun", 200,
         more=body(variables={"amount": 7})),
    Case("POST", TASK + "/complete", {200: those("admin"), 403: KNOW}, 404, "taken", {200: those("admin"), 403: EVERYBODY},
         note="of somebody else"),
    Case("POST", TASK + "/complete", {409: KNOW}, 404, "held", 409, note="on hold"),
    # definitions
    by_role("POST", "/api/definitions", EDITORS, more=lambda thing: {"files": DEPLOYED}),
    Case("POST", "/api/definitions", {422: EDITORS}, 403, note="no process",
         more=lambda thing: {"content": b"<x/>", "headers": XML}),
    Case("POST", "/api/definitions", {400: EDITORS}, 403, note="no zip",
         more=lambda thing: {"content": b"x", "headers": {"content-type": "application/zip"}}),
    Case("POST", "/api/definitions", {413: EDITORS}, 403, note="more than is read",
         more=lambda thing: {"content": b"x" * 20_000_001, "headers": XML}),
    Case("GET", "/api/definitions", ALL, 200),
    Case("GET", VERSION, {200: SEE_DEFINITION}, 404, "begun", 200),
    Case("GET", VERSION + "/xml", {200: SEE_DEFINITION}, 404, "begun", 200),
    Case("GET", VERSION + "/forms/{form}", {200: SEE_DEFINITION}, 404, "begun", 200),
    Case("POST", VERSION + "/publish", {200: EDITORS}, 403, "begun", {200: EDITORS}),
    Case("POST", VERSION + "/deprecate", {200: EDITORS}, 403, names={"name": "half"}),
    # jobs
    by_role("POST", "/api/jobs/activate", WORKERS, more=body(type="nothing")),
    by_role("POST", JOB + "/complete", WORKERS, things="working", open={200: WORKERS}, more=with_token()),
    by_role("POST", JOB + "/fail", WORKERS, things="working", open={200: WORKERS}, more=with_token(message="x", retries=1)),
    by_role("POST", JOB + "/error", WORKERS, things="working", open={200: WORKERS}, more=with_token(code="x")),
    by_role("POST", JOB + "/extend", WORKERS, things="working", open={200: WORKERS}, more=with_token(lockMs=60_000)),
    by_role("POST", JOB + "/release", WORKERS, things="working", open={200: WORKERS}, more=with_token()),
    Case("POST", JOB + "/complete", {409: WORKERS}, 403, "working", {409: WORKERS}, more=body(token=999),
         note="without the lease"),
    by_role("POST", "/api/jobs/report", WORKERS, things="working", open={200: WORKERS}, more=report),
    # the bus
    by_role("POST", "/api/bus/poll", RULERS | those("worker"), more=body(group="g", member="m", topics=["x"])),
    Case("POST", "/api/bus/poll", {200: RULERS}, 403, note="inside",
         more=body(group="g", member="m", topics=["core.save.audit"])),
    by_role("POST", "/api/bus/leave", RULERS | those("worker"), more=body(group="g", member="m")),
    by_role("POST", "/api/bus/publish", RULERS | those("worker"), more=body(records=[{"topic": "x", "value": "MQ=="}])),
    # messages
    by_role("POST", "/api/messages", RULERS | those("worker"), 201,
            more=body(name="nobody waits", correlationKey="x", ttl="PT0S")),
    unbuilt("POST", "/api/signals", more=body(name="x")),
    # across instances
    by_role("GET", "/api/exceptions", RULERS),
    by_role("GET", "/api/failed-starts", RULERS),
    by_role("GET", "/api/audit", RULERS),
    # the bus
    by_role("GET", "/api/bus", RULERS),
    by_role("GET", "/api/dead-letters", RULERS),
    by_role("GET", LETTER, RULERS, things="missed"),
    by_role("POST", LETTER + "/replay", RULERS, things="missed"),
    by_role("POST", LETTER + "/dismiss", RULERS, things="missed"),
    # expressions and analytics
    by_role("POST", "/api/feel/evaluate", RULERS | those("editor"), more=body(expression="1 + 1")),
    unbuilt("POST", "/api/decisions/{name}/evaluate", names={"name": "x"}),
    unbuilt("GET", "/api/analytics/{report}"),
    unbuilt("POST", "/api/process/{instance}/token/{token}/action/{action}/execute", names={"instance": "1", "token": "1"}),
    unbuilt("POST", "/api/process/{instance}/token/{token}/action/{action}/upload", names={"instance": "1", "token": "1"},
            more=lambda thing: {"files": {"file": b"x"}}),
    unbuilt("POST", INSTANCE + "/tokens/{token}/move", names={"instance": "1", "token": "1"}, more=body(node="x")),
    unbuilt("POST", INSTANCE + "/migrate", names={"instance": "1"}),
    # the live channel
    Case("GET", "/api/events", ALL, 200),
    Case("GET", "/api/events", {200: SEE}, 404, "begun", 200, more=lambda thing: {"params": {"instance": thing.instance}},
         note="of an instance"),
    # watching
    public("/health/live"),
    public("/health/ready"),
    by_role("GET", "/metrics", RULERS),
    by_role("POST", "/api/dev/clock", those("admin"), more=body(by="PT0S")),
    # documents
    public("/api/openapi.json"),
    public("/api/docs"),
    public("/api/docs/docs.css"),
    public("/api/docs/docs.js"),
    public("/api/asyncapi.json"),
]  # fmt: skip
IN_LANES = [case for case in CASES if case.open is not None]


# -- nothing is forgotten ---------------------------------------------------------------------------------------------


def documented(world: World) -> set[tuple[str, str]]:
    paths = world.done(None, "GET", "/api/openapi.json")["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_the_table_knows_every_call_and_no_other(world):
    assert {(case.method, case.path) for case in CASES} == documented(world)
    assert len({case.id for case in CASES}) == len(CASES)


def test_everybody_is_somebody(world):
    for name, role in PEOPLE.items():
        assert world.done(name, "GET", "/api/auth/me")["roles"] == [role]


def test_no_path_has_a_method_that_is_not_documented(world):
    known = documented(world)
    thing = Thing("seven", "1")
    for case in CASES:
        for method in ("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            if (method, case.path) not in known:
                answer = world.ask("admin", method, case.address(thing))
                assert answer.status_code == 405, (method, case.path)
                allowed = {m for m, path in known if path == case.path}
                assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == allowed


# -- the matrix -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_who_may(world, case):
    walk(world, case, "seven")


@pytest.mark.parametrize("case", IN_LANES, ids=lambda case: case.id)
def test_who_may_where_no_lane_says_so(world, case):
    walk(world, case, "open")


def walk(world: World, case: Case, process: str) -> None:
    thing: Thing | None = None
    for name in (None, *PEOPLE):
        if thing is None:
            thing = getattr(world, case.things)(process) if case.things else Thing(process, "1")
            if case.path == "/api/users/{name}":
                world.ask("admin", "PUT", "/api/users/somebody", json={"roles": ["y"], "password": PASSWORD})
        before = world.state()
        answer = asked(world, case, name, thing)
        wanted = case.status(name, process)
        assert answer.status_code == wanted, f"{name} {case.id}: {answer.status_code}, not {wanted}: {answer.text}"
        for secret in SECRETS:
            assert secret not in answer.text
        if wanted >= 400:
            problem_of(answer, wanted)
            assert world.state() == before, f"{name} was refused, and yet something has changed"
        elif case.method != "GET":
            thing = None  # it was done: the next one needs another one to do it to
        if wanted == 404:
            unknown_is_the_same(world, case, name, thing, answer)


def asked(world: World, case: Case, name: str | None, thing: Thing) -> httpx2.Response:
    more = case.more(thing)
    if case.path != "/api/events":
        return world.ask(name, case.method, case.address(thing), **more)
    with world.server.client(name).stream("GET", case.path, **more) as answer:
        if answer.status_code != 200:
            answer.read()
            return answer
    return httpx2.Response(answer.status_code, headers={"content-type": answer.headers["content-type"]})


def problem_of(answer: httpx2.Response, status: int) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert found["status"] == status
    assert found["defaultMessage"] == found["title"]
    return found


def unknown_is_the_same(world: World, case: Case, name: str | None, thing: Thing, answer: httpx2.Response) -> None:
    """What may not be seen is answered as what is not there."""
    unknown = Thing("nothing", str(int(thing.instance) + 4096), str(int(thing.task) + 4096), thing.token)
    other = asked(world, case, name, unknown)
    assert shape(other, unknown) == shape(answer, thing)


def shape(answer: httpx2.Response, thing: Thing) -> str:
    """An answer without what tells apart what was asked for."""
    text = re.sub(r'"requestId":"\w+"', "", answer.text)
    for given in (thing.instance, thing.task):
        text = re.sub(rf"\b{given}\b", "ID", text)
    return re.sub(rf"(['/]){thing.process}(['/])", r"\1NAME\2", text)


def test_versions_of_a_process_that_one_may_not_see_are_not_there(world):
    for path in (
        "/api/definitions/{}/versions/1",
        "/api/definitions/{}/versions/99",
        "/api/definitions/{}/versions/1/xml",
        "/api/definitions/{}/versions/1/forms/forms%2Fcheck.json",
    ):
        invisible, unknown = (world.ask("outsider", "GET", path.format(name)) for name in ("seven", "no"))
        assert invisible.status_code == unknown.status_code == 404
        assert shape(invisible, Thing("seven", "x")) == shape(unknown, Thing("no", "x"))


def test_the_live_channel_tells_nothing_of_what_may_not_be_seen(world):
    """Neither that an instance is there, nor how far it is."""
    thing = world.begun("seven")
    unknown = str(int(thing.instance) + 4096)
    for parameters in (
        {"after": "1"},
        {"after": "99"},
        {"kinds": "task", "after": "1"},
        {"kinds": "task", "after": "99"},
    ):
        answers = []
        for instance in (thing.instance, unknown):
            params = {"instance": instance, **parameters}
            with world.server.client("outsider").stream("GET", "/api/events", params=params) as answer:
                text = "" if answer.status_code == 200 else answer.read().decode()
            answers.append((answer.status_code, re.sub(rf'{instance}|"requestId":"\w+"', "", text)))
        assert answers[0] == answers[1], parameters


def test_the_metrics_token_opens_the_metrics_and_nothing_else(world):
    for path, status in (("/metrics", 200), ("/api/auth/me", 401), ("/api/audit", 401)):
        answer = httpx2.get(world.server.url + path, headers={"authorization": f"Bearer {METRICS_TOKEN}"})
        assert answer.status_code == status


# -- lists ------------------------------------------------------------------------------------------------------------


def pages(world: World, name: str, path: str, **params: str) -> list[dict[str, Any]]:
    found, cursor = [], None
    for _ in range(1000):
        more = {} if cursor is None else {"cursor": cursor}
        found.append(world.done(name, "GET", path, params={**params, **more}))
        cursor = found[-1]["next"]
        if cursor is None:
            return found
    raise AssertionError("it has no end")


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for page in found for item in page["items"]]


@pytest.mark.parametrize("limit", ["1", "2", "3", "1000"])
def test_lists_have_what_one_may_see_and_no_trace_of_the_rest(world, limit):
    hidden = [world.begun("seven") for _ in range(3)]
    shown = [world.begun("open") for _ in range(2)]
    hidden += [world.begun("seven") for _ in range(3)]
    shown += [world.begun("open")]
    hidden += [world.begun("seven")]
    for path, key in (("/api/instances", "instance"), ("/api/tasks", "task")):
        found = pages(world, "outsider", path, limit=limit)
        listed = ids(found)
        assert [id for id in listed if id in {getattr(thing, key) for thing in shown}] == [
            getattr(thing, key) for thing in reversed(shown)
        ]
        text = json.dumps(found)
        for thing in hidden:
            assert thing.instance not in text and thing.task not in text
        assert all(page["next"] in (None, page["items"][-1]["id"]) for page in found)
        assert all(len(page["items"]) == int(limit) for page in found[:-1]), "how full a page is tells nothing"
        everything = ids(pages(world, "operator", path, limit="1000"))
        assert {getattr(thing, key) for thing in (*hidden, *shown)} <= set(everything)
        assert [id for id in everything if id in listed] == listed, "and in the same order"


@pytest.mark.parametrize("name", PEOPLE)
def test_lists_and_single_answers_agree(world, name):
    """Whatever is listed can be read, and whatever can be read is listed."""
    things = [world.begun("seven"), world.begun("open"), world.working("seven")]
    listed = set(ids(pages(world, name, "/api/instances", limit="1000")))
    tasks = {
        scope: set(ids(pages(world, name, "/api/tasks", limit="1000", scope=scope)))
        for scope in ("all", "free", "mine")
    }
    for thing in things:
        assert (thing.instance in listed) == (
            world.ask(name, "GET", f"/api/instances/{thing.instance}").status_code == 200
        )
        assert (thing.task in tasks["all"]) == (world.ask(name, "GET", f"/api/tasks/{thing.task}").status_code == 200)
    assert tasks["free"] <= tasks["all"] and tasks["mine"] <= tasks["all"]
    for task in list(tasks["free"])[:3]:
        assert world.done(name, "GET", f"/api/tasks/{task}")["allowed"]["claim"] is True
    versions = [item for page in pages(world, name, "/api/definitions", limit="2") for item in page["items"]]
    for each in ("seven", "open", "half", "target", "credit_card"):
        shown = any(item["name"] == each for item in versions)
        assert shown == (world.ask(name, "GET", f"/api/definitions/{each}/versions/1").status_code == 200)


def test_a_search_finds_nothing_that_may_not_be_seen(world):
    thing = world.begun("seven")
    for params in (
        {"q": thing.instance}, {"q": "seven"}, {"definition": "seven"}, {"status": "STARTED", "definition": "seven"},
        {"parent": thing.instance}, {"node": "fill", "definition": "seven"}, {"definition": "seven", "var.amount": "5"},
    ):  # fmt: skip
        assert world.done("outsider", "GET", "/api/instances", params=params)["items"] == []
    for params in ({"instance": thing.instance}, {"definition": "seven"}):
        assert world.done("outsider", "GET", "/api/tasks", params=params)["items"] == []


def test_who_may_be_given_a_task(world):
    thing = world.begun("seven")
    for name in ("admin", "front.assign"):
        found = world.done(name, "GET", "/api/users", params={"task": thing.task})
        assert found["items"] == [{"name": "admin"}, {"name": "front.execute"}], "names, and nothing else of them"
    free = world.begun("open")
    found = world.done("outsider", "GET", "/api/users", params={"task": free.task, "limit": "1000"})
    assert {item["name"] for item in found["items"]} >= EVERYBODY


# -- deny by default --------------------------------------------------------------------------------------------------


def test_where_one_lane_says_something_nothing_is_open(world):
    world.server.deploy(HALF.build())
    for name in EVERYBODY - {"admin"}:
        assert world.ask(name, "POST", "/api/process/half/start", json={}).status_code == 403, name
    started = world.done("admin", "POST", "/api/process/half/start", json={})
    instance, task = started["id"], started["waits"][0]["id"]
    for name in EVERYBODY - {"admin"}:
        knows = name in ("operator", "front.view")
        assert world.ask(name, "GET", f"/api/instances/{instance}").status_code == (200 if knows else 404), name
        for action in ("claim", "complete"):
            assert world.ask(name, "POST", f"/api/tasks/{task}/{action}").status_code == (403 if knows else 404), name
        assert world.ask(name, "POST", f"/api/tasks/{task}/assign", json={"assignee": name}).status_code == (
            403 if knows else 404
        )
    moved = world.done("admin", "POST", f"/api/tasks/{task}/complete", json={})
    outside = moved["waits"][0]["id"]
    assert [token["currentNodeId"] for token in moved["tokens"]] == ["check"]
    assert world.ask("front.view", "GET", f"/api/tasks/{outside}").status_code == 404, "it is in no lane"
    assert world.ask("front.view", "GET", f"/api/process/{instance}/data/check").status_code == 403
    assert world.ask("operator", "POST", f"/api/tasks/{outside}/complete", json={}).status_code == 403
    assert world.ask("admin", "POST", f"/api/tasks/{outside}/complete", json={}).status_code == 200


def test_who_may_hold_and_not_look_learns_nothing(world):
    thing = world.begun("seven")
    assert world.ask("front.hold", "GET", f"/api/instances/{thing.instance}").status_code == 404
    held = world.done(
        "front.hold", "POST", f"/api/instances/{thing.instance}/operations", json={"operationType": "HOLD"}
    )
    assert (held["id"], held["state"]) == (thing.instance, "ON_HOLD")
    assert [held[name] for name in ("variables", "tokens", "waits", "exceptions", "subProcesses")] == [
        {},
        [],
        [],
        [],
        [],
    ]
    assert held["businessKey"] is None
    assert "Ana" not in json.dumps(held) and "owner" not in json.dumps(held)
    assert held["allowed"]["hold"] == "the instance is on hold already"


def test_rights_go_with_the_role_and_the_task_stays_with_who_has_it(world):
    thing = world.begun("seven")
    world.role("outsider", "front.selfAssign", "front.execute")
    assert world.done("outsider", "POST", f"/api/tasks/{thing.task}/claim")["assignee"] == "outsider"
    world.role("outsider", "outsider")
    assert world.done("outsider", "GET", f"/api/tasks/{thing.task}")["assignee"] == "outsider"
    assert world.ask("outsider", "POST", f"/api/tasks/{thing.task}/complete", json={}).status_code == 403
    assert world.ask("outsider", "GET", f"/api/instances/{thing.instance}").status_code == 404
    given_back = world.done("outsider", "POST", f"/api/tasks/{thing.task}/unclaim")
    assert given_back["assignee"] is None
    assert world.ask("outsider", "GET", f"/api/tasks/{thing.task}").status_code == 404


def test_the_users_of_the_example(world):
    """`credit_card`: clerks work in front, managers everywhere, auditors are not in it at all."""
    person = {"startCondition": "PF", "client": {"name": "Ana", "income": 2400, "iban": IBAN}}
    for name in ("auditor", "outsider", "worker", "operator", "editor"):
        assert world.ask(name, "POST", "/api/process/credit_card/start", json=person).status_code == 403
    started = world.done("clerk", "POST", "/api/process/credit_card/start", json=person)
    assert started["variables"]["client"]["iban"] == "***"
    task = next(wait["id"] for wait in started["waits"] if wait["kind"] == "task")
    assert world.ask("auditor", "GET", f"/api/instances/{started['id']}").status_code == 404
    world.done("clerk", "POST", f"/api/tasks/{task}/claim")
    assert world.ask("manager", "POST", f"/api/tasks/{task}/complete", json={}).status_code == 403
    review = world.done("clerk", "POST", f"/api/tasks/{task}/complete", json={"variables": {"amount": 9000}})
    world.done("admin", "POST", "/api/dev/clock", json={"by": "PT10S"})  # nobody answers for the credit bureau
    review = world.done("manager", "GET", f"/api/instances/{review['id']}")
    task = next(wait["id"] for wait in review["waits"] if wait["kind"] == "task")
    assert world.ask("clerk", "POST", f"/api/tasks/{task}/claim").status_code == 403
    assert world.done("manager", "POST", f"/api/tasks/{task}/claim")["assignee"] == "manager"


# -- what is sensitive ------------------------------------------------------------------------------------------------

READ = [
    "/api/instances", "/api/tasks", "/api/definitions", "/api/exceptions", "/api/failed-starts", "/api/audit", "/metrics",
    "/api/auth/me", "/api/users", INSTANCE,
    *(f"{INSTANCE}/{each}" for each in ("tokens", "history", "audit", "exceptions", "records", "state", "progress")),
    *(f"{INSTANCE}/state?at={position}" for position in range(1, 12)), "/api/process/{instance}/status",
    *(f"/api/process/{{instance}}/data/{node}" for node in ("begin", "fill", "charge", "which", "check", "answer", "done")),
    "/api/tasks/{task}/form", "/api/instances?q=" + IBAN, "/api/instances?q=" + PIN, "/api/definitions/seven/versions/1/xml",
]  # fmt: skip


@pytest.fixture(scope="module")
def told(world) -> tuple[Thing, list[str]]:
    """An instance that went through everything that may show its data, and all that somebody was answered meanwhile."""
    answers: list[str] = []

    def does(name: str, method: str, path: str, status: int, **more: Any) -> Any:
        answer = world.ask(name, method, path, **more)
        assert answer.status_code == status, answer.text
        answers.append(answer.text)
        return answer.json()

    does("outsider", "POST", "/api/process/seven/start", 403, json=DATA)
    thing = world.begun("seven")
    instance = INSTANCE.format(instance=thing.instance)
    task = f"/api/tasks/{thing.task}/complete"
    does("front.execute", "POST", task, 422, json={"variables": [IBAN]})
    does("front.execute", "POST", task, 422, json={"variables": {}, "client": {"iban": IBAN}})
    does("front.execute", "POST", task, 400, content=b'{"variables": {"pin": "%s"' % PIN.encode(),
         headers={"content-type": "application/json"})  # fmt: skip
    does("outsider", "POST", task, 404, json={"variables": DATA})
    does("back.view", "POST", task, 403, json={"variables": DATA})
    does("admin", "PATCH", f"{instance}/variables", 200, json={"client": {"iban": IBAN}, "accounts": DATA["accounts"]})
    does("front.execute", "POST", task, 200, json={"variables": {"pin": PIN, "amount": 0}})
    job = world.job_of(thing)
    assert job["variables"]["client"]["iban"] == IBAN, "the work is done with it"
    does("operator", "POST", f"{instance}/operations", 200, json={"operationType": "HOLD"})
    does(
        "worker",
        "POST",
        f"/api/jobs/{job['id']}/complete",
        200,
        json={"token": job["token"], "variables": {"pin": PIN}},
    )
    does("operator", "POST", f"{instance}/operations", 200, json={"operationType": "UNHOLD"})
    stuck = does("admin", "GET", f"{instance}", 200)
    assert [each["node"] for each in stuck["exceptions"]] == ["which"]
    does("admin", "PATCH", f"{instance}/variables", 200, json={"amount": 5})
    does("admin", "POST", f"{instance}/tokens/{stuck['tokens'][0]['id']}/retry", 200)
    check = next(wait["id"] for wait in does("admin", "GET", instance, 200)["waits"])
    waiting = does(
        "back.execute", "POST", f"/api/tasks/{check}/complete", 200, json={"variables": {"client": {"iban": IBAN}}}
    )
    assert waiting["waits"][0]["correlationKey"] == "***"
    does("front.view", "POST", "/api/process/target/start/inheritFrom/" + thing.instance, 403, json={})
    message = {"name": "answered-seven", "correlationKey": IBAN, "variables": {"pin": PIN}}
    does("operator", "POST", "/api/messages", 201, json=message)
    assert does("admin", "GET", instance, 200)["state"] == "FINISHED"
    return thing, answers


def test_no_answer_to_a_change_shows_what_is_sensitive(told):
    for answer in told[1]:
        for secret in SECRETS:
            assert secret not in answer


@pytest.mark.parametrize("name", PEOPLE)
def test_no_question_is_answered_with_what_is_sensitive(world, told, name):
    thing, _ = told
    open_task = world.begun("seven").task
    answered = 0
    for path in READ:
        answer = world.ask(name, "GET", path.format(instance=thing.instance, task=open_task))
        answered += answer.status_code == 200
        for secret in SECRETS:
            assert secret not in answer.text.replace(f"q={secret}", ""), path
    assert answered >= (len(READ) - 6 if name in RULERS else 4)


def test_what_is_not_sensitive_beside_it_is_shown(world, told):
    thing, _ = told
    for name in ("admin", "operator", "owner", "back.view"):
        assert world.done(name, "GET", f"/api/instances/{thing.instance}/state?at=1")["variables"] == MASKED
    first = world.done("admin", "GET", f"/api/instances/{thing.instance}/history?limit=1")["items"][0]
    assert MASKED in first["events"][0]
    refused = [
        item for item in world.done("operator", "GET", "/api/failed-starts")["items"] if item["actor"] == "outsider"
    ]
    assert refused and all(item["data"] == MASKED for item in refused if item["processDefinitionName"] == "seven")


def everything_told(world: World, name: str, **params: str) -> str:
    """What the live channel tells somebody of everything that has happened so far."""
    found = ""
    last = world.done(name, "GET", "/api/tasks?limit=1")["lastEventId"].partition(".")[0]
    with world.server.client(name).stream(
        "GET", "/api/events", params={"after": "0.0", **params}, timeout=20
    ) as answer:
        world.begun("open")  # something that everybody may see, at the end
        for text in answer.iter_text():
            found += text
            numbers = [int(number) for number in re.findall(r"^id: (\d+)\.", found, re.MULTILINE)]
            if numbers and numbers[-1] > int(last):
                return found
    raise AssertionError("it has ended")


@pytest.mark.parametrize("name", ["admin", "operator", "owner", "front.execute", "back.view", "worker"])
def test_the_live_channel_does_not_tell_what_is_sensitive(world, told, name):
    thing, _ = told
    found = everything_told(world, name)
    assert ("***" in found) or name not in SEE
    assert (thing.instance in found) == (name in SEE)
    for secret in SECRETS:
        assert secret not in found


def test_a_socket_does_not_tell_what_is_sensitive(world, told):
    thing, _ = told
    headers = {"authorization": f"Bearer {world.server.log_in('admin')}"}
    address = world.server.url.replace("http", "ws", 1) + "/api/ws"
    with connect(address, additional_headers=headers, max_size=None) as opened:
        opened.send(json.dumps({"subscribe": {"instance": thing.instance}, "after": 0}))
        found = ""
        while '"FINISHED"' not in found:
            found += opened.recv(timeout=10)
    assert "***" in found
    for secret in SECRETS:
        assert secret not in found


SEARCHES = [
    ("client.iban", IBAN), ("client.iban", json.dumps(IBAN)), ("client", json.dumps(DATA["client"])), ("client.iban.x", "1"),
    ("accounts", json.dumps(DATA["accounts"])), ("accounts.number", NUMBER), ("pin", PIN), ("pin", f'"{PIN}"'),
]  # fmt: skip
DISGUISED = [
    ("client.'iban'", IBAN), ('client."iban"', IBAN), ('"client".iban', IBAN), ('client["iban"]', IBAN), ("$.client.iban", IBAN),
    ("client..iban", IBAN),
    ("client.*", IBAN), ("*.iban", IBAN), ("CLIENT.IBAN", IBAN), ("client.iban ", IBAN), (" client.iban", IBAN),
    ("accounts.0.number", NUMBER), ("accounts[0].number", NUMBER), ("accounts.0", json.dumps(DATA["accounts"][0])),
    ("accounts[#-1].number", NUMBER),
    ("accounts.#", "2"), ("client\\.iban", IBAN), ("pin%00", PIN), ("", json.dumps(DATA)), (".", IBAN),
]  # fmt: skip


@pytest.mark.parametrize("name", ["admin", "operator", "owner", "front.view"])
def test_nobody_finds_it_out_by_searching(world, name):
    thing = world.begun("seven")
    for path, value in SEARCHES:
        for definition in ({}, {"definition": "seven"}, {"definition": "seven", "version": "1"}):
            answer = world.ask(name, "GET", "/api/instances", params={f"var.{path}": value, **definition})
            assert answer.status_code == 403, path
            assert thing.instance not in answer.text
    for path, value in DISGUISED:
        answer = world.ask(name, "GET", "/api/instances", params={f"var.{path}": value, "definition": "seven"})
        assert thing.instance not in answer.text, path
    found = world.done(name, "GET", "/api/instances", params={"var.client.name": "Ana", "definition": "seven"})
    assert thing.instance in ids([found]), "the rest can be searched for"


def test_a_refused_start_of_something_that_is_not_there_keeps_no_secret(world):
    """Nobody says what is sensitive in a process that is not there: nothing of it is shown."""
    assert world.ask("outsider", "POST", "/api/process/sevn/start", json=DATA).status_code == 404
    found = world.done("admin", "GET", "/api/failed-starts?limit=1")["items"][0]
    assert (found["processDefinitionName"], found["data"]) == ("sevn", dict.fromkeys(DATA, "***"))
    for secret in SECRETS:
        assert secret not in json.dumps(found)


def test_the_file_of_the_example_is_as_it_was(world):
    answer = world.ask("clerk", "GET", "/api/definitions/credit_card/versions/1/xml")
    assert answer.content == CREDIT_CARD.read_bytes()
