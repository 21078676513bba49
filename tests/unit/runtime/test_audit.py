"""Who did what: to one instance, and across everything, in pages that lose nothing and show nothing twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession import CommandRejected, Engine, VirtualClock
from procession.engine.access import SYSTEM
from procession.runtime.definitions import Definitions
from procession.runtime.drive import drive
from procession.runtime.queries import Queries
from procession.runtime.views import AuditView, Page
from procession.storage import AuditRow, Batch, HistoryRow, Storage
from procession.storage.memory import MemoryStorage
from procession.storage.sqlite import SqliteStorage
from procession.testing import process

WORK = (
    process("work")
    .start()
    .user_task("fill")
    .service_task("pack", job="pack")
    .catch_message("paid", "paid", "=k")
    .catch_timer("nap", duration="PT1H")
    .end()
)
CALL = process("call").start().call("sub", "work").end()


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path, clock):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=clock) as found:
        found.deploy(("work.bpmn", WORK.build()), ("call.bpmn", CALL.build()), publish=True)
        yield found


def pages(read: Callable[[str | None], Page[AuditView]], most: int = 100) -> list[AuditView]:
    found: list[AuditView] = []
    cursor = None
    for _ in range(most):
        part = read(cursor)
        found += part.items
        cursor = part.next
        if cursor is None:
            return found
        assert part.items, "there is more, so there was something"
    raise AssertionError("the list has no end")


def told(entries: list[AuditView]) -> list[tuple[str, str, str]]:
    return [(entry.user, entry.subject, entry.event) for entry in entries]


# -- of one instance ----------------------------------------------------------------------------------------------------


def test_what_was_done_to_an_instance(engine, clock):
    ana, wim, olga = engine.as_user("ana"), engine.as_user("wim", ["worker"]), engine.as_user("olga", ["operator"])
    order = ana.start("work", {"k": "1"}).id
    task = ana.tasks(instance=order).items[0].id
    ana.claim(task)
    ana.release(task)
    ana.assign(task, "ana")
    ana.complete_task(task)
    (job,) = wim.activate_jobs("pack")
    wim.fail_job(job.id, job.token, "no box", retries=0)
    (exception,) = engine.exceptions(order)
    olga.retry(order, reason="a box was found")
    (job,) = wim.activate_jobs("pack")
    olga.hold(order, "lunch")
    wim.complete_job(job.id, job.token)
    olga.unhold(order)
    message = engine.publish_message("paid", "1")
    clock.advance("PT1H")
    engine.run_due()
    entries = engine.audit(order).items
    assert told(entries) == [
        ("system", "Timer", "fire-timer"),
        ("system", "Message", "deliver-message"),
        ("olga", "Process instance", "unhold"),
        ("wim", "Job", "complete-job"),
        ("olga", "Process instance", "hold"),
        ("olga", "Token", "retry"),
        ("wim", "Job", "fail-job"),
        ("ana", "Task", "complete-task"),
        ("ana", "Task", "assign-task"),
        ("ana", "Task", "release-task"),
        ("ana", "Task", "claim-task"),
        ("ana", "Process instance", "start"),
    ]
    named = {entry.event: entry.subject_identifier for entry in entries}
    assert named["claim-task"] == named["complete-task"] == task
    assert named["fail-job"] == named["complete-job"] == job.id, "also of a result that was kept on hold"
    assert (named["deliver-message"], named["retry"], named["hold"]) == (message.id, exception.token_id, order)
    assert {entry.event: entry.detail for entry in entries if entry.detail} == {
        "hold": "lunch",
        "retry": "a box was found",
    }
    assert [entry.position for entry in entries] == [*range(12, 0, -1)]
    assert {(entry.instance, entry.status) for entry in entries} == {(order, "success")}
    assert entries[0].date == engine.history(order)[-1].at
    assert len({entry.id for entry in entries}) == 12


@pytest.mark.parametrize(("end", "event"), [("terminate", "terminate"), ("dismiss", "dismiss"), ("clean", "fail")])
def test_an_end_is_called_by_its_name(engine, clock, end, event):
    parent = engine.start("call", {"k": "1"}).id
    child = engine.instance(parent).sub_processes[0]
    if end == "clean":
        clock.advance("P1D")
        engine.clean_up(60)
        child = parent
    else:
        getattr(engine, end)(child, "enough")
    assert told(engine.audit(child, limit=1).items) == [("system", "Process instance", event)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 1000])
def test_pages_of_one_instance(engine, limit):
    order = engine.start("work", {"k": "1"}).id
    for number in range(4):
        engine.set_variables(order, {"n": number}, f"change {number}")
    found = pages(lambda cursor: engine.audit(order, limit, cursor))
    assert [entry.position for entry in found] == [5, 4, 3, 2, 1]
    first = engine.audit(order, 2)
    engine.set_variables(order, {"n": 9})
    assert [entry.position for entry in engine.audit(order, 2, first.next).items] == [3, 2], (
        "what came since moves nothing"
    )


@pytest.mark.parametrize("cursor", ["x", "-1", "1.2", "", "9" * 30, "²", "٣"])
def test_what_is_no_cursor_of_one_instance(engine, cursor):
    order = engine.start("work", {"k": "1"}).id
    with pytest.raises(CommandRejected, match="is no cursor") as refused:
        engine.audit(order, 10, cursor)
    assert refused.value.status == 422


def test_cursors_before_and_after_everything(engine):
    order = engine.start("work", {"k": "1"}).id
    assert [len(engine.audit(order, 10, cursor).items) for cursor in ("0", "1", "2", "999")] == [0, 0, 1, 1]


def test_who_may_see_the_instance_may_read_its_audit(engine):
    lanes = process("lanes").start().user_task("fill").end().lane("L", "start", "fill", execute="clerk")
    engine.deploy(("lanes.bpmn", lanes.build()), publish=True)
    order = engine.as_user("ana", ["clerk"]).start("lanes").id
    assert len(engine.as_user("bob", ["clerk"]).audit(order).items) == 1
    with pytest.raises(CommandRejected) as refused:
        engine.as_user("eve").audit(order)
    assert refused.value.status == 404, "they do not even learn that it is there"


# -- across everything ----------------------------------------------------------------------------------------------------


def test_both_logs_together_newest_first(engine, clock):
    clock.advance(1)
    first = engine.as_user("ana").start("work", {"k": "1"}).id
    clock.advance(1)
    engine.users.add("bob", "a long password", ["clerk"])
    clock.advance(1)
    engine.hold(first, "lunch")
    clock.advance(1)
    engine.deprecate("work")
    assert told(engine.audit(limit=4).items) == [
        ("system", "Process definition", "Update state"),
        ("system", "Process instance", "hold"),
        ("system", "User", "Create"),
        ("ana", "Process instance", "start"),
    ]
    assert (
        told(engine.audit().items)[4:]
        == [("system", "Process definition", "Update state")] * 2 + [("system", "Process definition", "Create")] * 2
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 1000])
def test_pages_of_everything_at_the_same_microsecond(engine, limit):
    for number in range(5):
        order = engine.start("work", {"k": "1"}).id
        engine.set_variables(order, {"n": number})
        engine.users.add(f"user{number}", "a long password", ["clerk"])
    found = pages(lambda cursor: engine.audit(limit=limit, cursor=cursor))
    assert len({entry.id for entry in found}) == len(found) == 5 * 3 + 4
    assert found == engine.audit(limit=1000).items


def test_what_is_written_while_somebody_reads_moves_nothing(engine, clock):
    for _ in range(3):
        engine.start("work", {"k": "1"})
        clock.advance(1)
    engine.users.add("bob", "a long password", ["clerk"])
    expected = engine.audit().items
    found: list[AuditView] = []
    cursor = None
    for number in range(100):
        part = engine.audit(limit=1, cursor=cursor)
        found += part.items
        cursor = part.next
        clock.advance(1)
        engine.start("work", {"k": "1"})
        engine.users.add(f"late{number}", "a long password", ["clerk"])
        if cursor is None:
            break
    assert found == expected


@pytest.mark.parametrize("cursor", ["", "1", "1.1", "1.1.1.1", "x.1.1", "1.1.", "5.-1.1", "9" * 25 + ".."])
def test_what_is_no_cursor_of_everything(engine, cursor):
    with pytest.raises(CommandRejected, match="is no cursor") as refused:
        engine.audit(cursor=cursor)
    assert refused.value.status == 422


@pytest.mark.parametrize("cursor", ["..", "1..", ".1.1", "1.1.1", f".{'9' * 19}.{'9' * 19}", ".1.0", ".0.0"])
def test_places_where_nothing_is(engine, cursor):
    engine.start("work", {"k": "1"})
    assert (engine.audit(cursor=cursor).items, engine.audit(cursor=cursor).next) == ([], None)


@pytest.mark.parametrize("roles", [(), ("clerk",), ("editor", "worker")])
def test_the_log_of_everything_is_for_operators(engine, roles):
    with pytest.raises(CommandRejected, match="only operator or admin may read the audit log"):
        engine.as_user("eve", roles).audit()
    assert engine.as_user("olga", ["operator"]).audit().items == engine.as_user("root", ["admin"]).audit().items


# -- whatever the clocks of several machines say ------------------------------------------------------------------------

ENTRY = st.tuples(
    st.sampled_from(["audit", "history"]), st.integers(1, 3), st.integers(1, 2)
)  # which log, when, of what


def written(storage: Storage, entries: list[tuple[str, int, int]]) -> None:
    positions: dict[int, int] = {}
    for number, (log, at, instance) in enumerate(entries, 1):
        batch = Batch()
        if log == "audit":
            batch.audit.append(AuditRow(number, at, "ana", "User", "Create", str(number), "success", ""))
        else:
            position = positions[instance] = positions.get(instance, 0) + 1
            batch.history.append(HistoryRow(instance, position, at, "ana", "set-variables", str(number), b"[]"))
        drive(storage.commit(batch))


@settings(max_examples=60)
@given(st.lists(ENTRY, max_size=12), st.integers(1, 5), st.sampled_from(["memory", "sqlite"]))
def test_pages_lose_nothing_and_double_nothing(entries, limit, kind):
    storage: Storage = MemoryStorage() if kind == "memory" else SqliteStorage(":memory:")
    drive(storage.open())
    written(storage, entries)
    queries = Queries(storage, Definitions(storage, iter(range(10**6)).__next__, lambda: 0), SYSTEM)
    found = pages(lambda cursor: drive(queries.audit(limit, cursor)))
    assert len({entry.id for entry in found}) == len(found) == len(entries)
    numbers = [int(entry.detail or entry.subject_identifier) for entry in found]
    for log in ("audit", "history"):
        of_log = [number for number in numbers if entries[number - 1][0] == log]
        assert of_log == sorted(of_log, reverse=True), "each log keeps its order"
    drive(storage.close())
