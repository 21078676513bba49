"""The bus over HTTP: who may do what there, what a client that goes away leaves behind, and what there is only so much of."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from procession.api import partners
from procession.app import open_bus
from procession.runtime.exchange.exchange import Exchange
from tests.acceptance.running import running
from tests.acceptance.waiting import until
from tests.contracts.bus import name

POLL, LEAVE, PUBLISH = "/api/bus/poll", "/api/bus/leave", "/api/bus/publish"
NOBODY = ("clerk", "manager", "auditor", "outsider", "editor")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    def on_a_bus(machine, identify):
        return Exchange(machine, open_bus("memory:"), identify=identify)

    with running(tmp_path_factory.mktemp("bus"), exchange=on_a_bus) as found:
        yield found


def poll(server, topic=None, *, user="worker", group=None, member="one", **more):
    body = {"group": group or name("group"), "member": member, "topics": [] if topic is None else [topic], **more}
    return server.client(user).post(POLL, json=body)


def publish(server, topic, value=b"1", *, user="worker", key=None, headers=()):
    record = {"topic": topic, "value": b64(value), "key": key, "headers": [[name, b64(data)] for name, data in headers]}
    return server.client(user).post(PUBLISH, json={"records": [record]})


def test_records_go_and_come_as_they_are(server):
    topic, group = name(), name("group")
    headers = [("x", b"1"), ("x", b"\xff"), ("empty", b"")]
    assert publish(server, topic, b"\x00\xff", key="k", headers=headers).json() == {"published": 1}
    found = poll(server, topic, group=group, waitMs=5000).json()
    (record,) = found["records"]
    assert (record["topic"], record["key"], base64.b64decode(record["value"])) == (topic, "k", b"\x00\xff")
    assert [(each, base64.b64decode(data)) for each, data in record["headers"]] == headers
    assert len(found["assigned"]) == 3
    done = [{"topic": topic, "partition": record["partition"], "offset": record["offset"] + 1}]
    assert poll(server, topic, group=group, commit=done, maxRecords=0).json()["records"] == []
    assert server.client("worker").post(LEAVE, json={"group": group, "member": "one"}).json() == {"left": True}
    assert server.client("worker").post(LEAVE, json={"group": group, "member": "one"}).json() == {"left": False}
    assert poll(server, topic, group=group, member="two").json()["records"] == []


@pytest.mark.parametrize("user", NOBODY)
def test_others_have_no_business_here(server, user):
    for answer in (
        poll(server, "bureau.requests", user=user),
        publish(server, "bureau.requests", user=user),
        server.client(user).post(LEAVE, json={"group": "g", "member": "m"}),
    ):
        assert answer.status_code == 403


INSIDE = (
    "core.trigger.start.process", "core.confirm.start.process", "core.notify.task", "core.save.audit", "ui.notify", "dead-letter",
    "engine.receive.bureau", "engine.receive.job", "core.publisher", "procession.dev.core.save.audit.v1",
    "procession.prod.core.save.audit.v1", "procession.dev.engine", "procession.prod.bureau", "core.anything",
)  # fmt: skip


@pytest.mark.parametrize("topic", INSIDE)
def test_what_is_inside_is_read_by_operators_only(server, topic):
    assert poll(server, topic).status_code == 403
    assert poll(server, topic, user="operator").status_code == 200
    assert poll(server, topic, user="admin").status_code == 200


@pytest.mark.parametrize(
    "topic", ["bureau.requests", "job.print", "plugin.print.in", "procession.dev.plugin.print.in.v1"]
)
def test_what_is_meant_for_partners_is_read_by_workers(server, topic):
    assert poll(server, topic).status_code == 200


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        (r"bureau\..*", 200), (r"plugin\.[^.]+\.in", 200), (r"job\..*", 200), (r"bureau\.a|crm\..*", 200), (r"bureau.a", 200),
        (r".*", 403), (r"c.*", 403), (r"core\..*", 403), (r"procession\..*", 403), (r"p.*", 403), (r"dead.*", 403),
        (r"engine\.receive\..*", 403), (r"bureau\..*|.*audit.*", 403), (r"[^.]+", 403), (r".ore\..*", 403),
        (r"procession\.dev\.core\.save\.audit\.v1", 403), (r"d.*", 403), (r"ui\.notify", 403), (r"uix|ui.*", 403),
        (r"(a+)+", 422), (r"bureau\.(a|b)", 422), (r"x*", 422), (r"corex?\.save", 422), (r"a|", 422), (r"", 422), (r"a.+", 422),
        (r"a.*b.*c.*d", 422), (r"a{9}", 422), (r"\d", 422),
    ],
)  # fmt: skip
def test_a_pattern_reaches_no_further_than_a_name_and_is_quickly_matched(server, pattern, status):
    assert poll(server, pattern=pattern).status_code == status
    assert poll(server, pattern=pattern, user="operator").status_code == (200 if status == 403 else status)


@pytest.mark.parametrize(
    ("topic", "worker", "operator"),
    [
        ("engine.receive.bureau", 200, 403), ("engine.receive.job", 200, 403), ("core.message.event.process", 200, 200),
        ("dead-letter", 200, 200), ("bureau.requests", 200, 200),
        ("core.trigger.start.process", 403, 403), ("core.trigger.operations.process", 403, 403),
        ("procession.dev.core.trigger.start.process.v1", 403, 403), ("core.save.audit", 403, 403), ("ui.notify", 403, 403),
        ("core.notify.task", 403, 403), ("job.print", 403, 403), ("plugin.print.in", 403, 403),
        ("core.confirm.start.process", 403, 403),
        ("procession.prod.engine.receive.bureau.v1", 403, 403), ("procession.dev.anything", 403, 403),
    ],
)  # fmt: skip
def test_nobody_speaks_for_the_engine(server, topic, worker, operator):
    assert publish(server, topic, b"{}").status_code == worker
    assert publish(server, topic, b"{}", user="operator").status_code == operator
    assert publish(server, topic, b"{}", user="admin").status_code == 200


def test_what_starts_processes_is_published_by_operators_in_somebodys_name(server):
    topic = "core.trigger.start.process"
    value = b'{"processDefinitionName": "credit_card", "startCondition": "PF", "data": {"client": {"name": "Ana", "income": 1}}}'
    confirmed, group = "core.confirm.start.process", name("group")
    poll(server, confirmed, user="admin", group=group)
    for who, state in (("clerk", "instance"), ("outsider", "problem")):
        headers = [("jwt", server.log_in(who).encode())]
        assert publish(server, topic, value, headers=headers).status_code == 403, (
            "a worker may not, whatever the header says"
        )
        assert publish(server, topic, value, key=who, user="operator", headers=headers).status_code == 200
        (record,) = poll(server, confirmed, user="admin", group=group, waitMs=10_000).json()["records"]
        assert state.encode() in base64.b64decode(record["value"]), who
        assert record["key"] == who


def test_no_partner_is_in_the_engines_group_or_in_that_of_somebody_else(server):
    topic = name()
    edge = server.app.state.edge
    poll(server, topic, group="procession.dev.engine")
    assert all(who.group.startswith("procession.dev.partner.") for who in edge.partners._members)
    group = name("group")
    poll(server, topic, group=group, user="worker")
    publish(server, topic)
    poll(server, topic, group=group, user="admin")  # another member, who gets a share
    assert server.client("admin").post(LEAVE, json={"group": group, "member": "one"}).json() == {"left": True}
    assert len(poll(server, topic, group=group, user="worker", waitMs=5000).json()["records"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"group": "a b"}, "/group"), ({"member": ""}, "/member"),
        ({"topics": ["a b"]}, "/topics"), ({"topics": [""]}, "/topics"),
        ({"maxRecords": 1001}, "/maxRecords"), ({"waitMs": -1}, "/waitMs"), ({"topics": ["a"] * 101}, "/topics"),
        ({"commit": [{"topic": "a", "partition": -1, "offset": 0}]}, "/commit/0/partition"),
    ],
)  # fmt: skip
def test_what_is_not_valid_is_named(server, body, pointer):
    answer = server.client("worker").post(POLL, json={"group": "g", "member": "m", "topics": ["a"], **body})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_value_that_is_no_base64_and_one_that_is_too_large(server):
    answer = server.client("worker").post(PUBLISH, json={"records": [{"topic": "a", "value": "?"}]})
    assert answer.status_code == 422
    assert publish(server, name(), b"x" * 1_100_000).status_code == 413
    assert publish(server, name(), b"x" * 2_000_000).status_code == 413


def test_what_was_read_for_a_client_that_went_away_is_for_its_next_poll(server):
    topic, group = name(), name("group")
    poll(server, topic, group=group)
    for count in range(1, 6):
        with pytest.raises(Exception, match="timed out"):
            server.client("worker").post(
                POLL, json={"group": group, "member": "one", "topics": [topic], "waitMs": 20_000}, timeout=0.1
            )
        publish(server, topic, b"%d" % count)
        (record,) = poll(server, topic, group=group, waitMs=5000).json()["records"]
        assert base64.b64decode(record["value"]) == b"%d" % count


def test_an_answer_is_not_larger_than_it_must_be(server):
    topic, group = name(), name("group")
    for number in range(5):
        publish(server, topic, bytes([number]) * 700_000)
    sizes = []
    while sum(sizes) < 5:
        sizes.append(len(poll(server, topic, group=group, waitMs=5000).json()["records"]))
    assert max(sizes) == 2


def test_a_member_that_is_not_heard_of_makes_room_for_others(server, monkeypatch):
    monkeypatch.setattr(partners, "SILENCE", 0.5)
    topic, group = name(), name("group")
    poll(server, topic, group=group, member="dead")
    publish(server, topic)
    (first,) = poll(server, topic, group=group, member="dead", waitMs=5000).json()["records"]
    end = time.monotonic() + 20
    found = []
    while not found:
        assert time.monotonic() < end
        found = poll(server, topic, group=group, member="alive", waitMs=200).json()["records"]
    assert found == [first], "it was never committed"


def test_there_are_only_so_many(server, monkeypatch):
    edge = server.app.state.edge
    theirs = sum(who.user == "worker" for who in edge.partners._members)
    monkeypatch.setattr(partners, "MOST_EACH", theirs + 1)
    group = name("group")
    assert poll(server, "a", group=group, member="last").status_code == 200
    answer = poll(server, "a", group=group, member="one.more")
    assert (answer.status_code, answer.json()["errorKey"]) == (429, "error.bus.readers")
    assert answer.headers["retry-after"] == "5"
    server.client("worker").post(LEAVE, json={"group": group, "member": "last"})
    monkeypatch.setattr(partners, "MOST_TOPICS", len(edge.partners._topics))
    assert publish(server, name()).json()["errorKey"] == "error.bus.names"
    monkeypatch.setattr(partners, "MOST_GROUPS", len(edge.partners._groups))
    assert poll(server, "a").json()["errorKey"] == "error.bus.names"


def test_who_polls_while_he_leaves_is_no_member_that_nobody_knows(server):
    topic, group = name(), name("group")
    polls = [threading.Thread(target=lambda: poll(server, topic, group=group, waitMs=1000)) for _ in range(4)]
    for thread in polls:
        thread.start()
    for _ in range(3):
        server.client("worker").post(LEAVE, json={"group": group, "member": "one"})
    for thread in polls:
        thread.join(10)
    while server.client("worker").post(LEAVE, json={"group": group, "member": "one"}).json()["left"]:
        pass
    publish(server, topic)
    (record,) = poll(server, topic, group=group, member="two", waitMs=5000).json()["records"]
    assert record["topic"] == topic


def test_those_who_wait_keep_no_answer_back(server, monkeypatch):
    edge = server.app.state.edge
    monkeypatch.setattr(edge.partners, "_polling", ThreadPoolExecutor(2))
    group = name("group")
    waiting = [
        threading.Thread(target=lambda n=n: poll(server, "quiet", group=group, member=f"m{n}", waitMs=1500))
        for n in range(4)
    ]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert publish(server, name()).status_code == 200
    assert time.monotonic() - began < 1.0
    for thread in waiting:
        thread.join(10)


def test_the_loop_goes_on_while_partners_wait(server):
    group = name("group")
    waiting = [
        threading.Thread(target=lambda n=n: poll(server, "quiet", group=group, member=f"m{n}", waitMs=1500))
        for n in range(10)
    ]
    for thread in waiting:
        thread.start()
    began = time.monotonic()
    for _ in range(20):
        assert server.client(None).get("/health/live").status_code == 200
    assert time.monotonic() - began < 1.5
    for thread in waiting:
        thread.join(10)


def test_a_server_that_stops_ends_polls(tmp_path):
    def on_a_bus(machine, identify):
        return Exchange(machine, open_bus("memory:"), identify=identify)

    answers = []
    with running(tmp_path, exchange=on_a_bus) as found:
        waiting = threading.Thread(target=lambda: answers.append(poll(found, "quiet", waitMs=60_000)))
        waiting.start()
        until(lambda: len(found.app.state.edge.partners) == 1)
        time.sleep(0.2)
        found.app.state.edge.partners.hurry()  # as `wind_down` does
        waiting.join(10)
        assert answers[0].json()["records"] == []
        assert poll(found, "quiet").status_code == 503
        began = time.monotonic()
    assert time.monotonic() - began < 5
