"""What needs a role of the platform: work for workers, messages, definitions. And keys by which requests take effect once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.engine.access import SYSTEM, Principal, lacks_role, require_role
from procession.runtime.asks import Ask, Publish
from procession.testing import process

ORDER = process("order").start().service_task("pack", job="pack").end().build()
THROW = process("throw").start().throw_message("t", "go", "=k", variables="={}").end().build()
WAIT = process("wait").start().catch_message("got", "go", "=k").user_task("fill").end().build()
ROLES = ("", "clerk", "worker", "operator", "editor", "admin")


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(("order.bpmn", ORDER), ("throw.bpmn", THROW), ("wait.bpmn", WAIT), publish=True)
        yield found


def refusal(command: Callable[[], object]) -> CommandRejected:
    with pytest.raises(CommandRejected) as refused:
        command()
    return refused.value


def may(command: Callable[[], object]) -> bool:
    """Whether it is done, and not refused for the want of a role."""
    error = None
    try:
        command()
    except CommandRejected as refused:
        error = refused
    if error is None:
        return True
    assert (error.status, error.title, error.key) == (403, "Forbidden", "error.forbidden")
    assert error.detail.startswith("ana: only ") and " may " in error.detail
    return False


# -- the rule -----------------------------------------------------------------------------------------------------------


def test_the_rule():
    ana = Principal("ana", frozenset({"worker"}))
    assert lacks_role(ana, "take jobs", "worker") is None
    assert lacks_role(ana, "publish messages", "operator", "worker") is None
    assert lacks_role(ana, "see it", "operator") == "only operator or admin may see it"
    assert lacks_role(ana, "do that") == "only admin may do that"
    for everything in (SYSTEM, Principal("root", frozenset({"admin"}))):
        assert lacks_role(everything, "do that") is None
    require_role(ana, "take jobs", "worker")
    assert str(refusal(lambda: require_role(ana, "see it", "operator"))) == (
        "Forbidden ana: only operator or admin may see it."
    )


# -- jobs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_jobs_are_for_workers(engine, role):
    ana = engine.as_user("ana", [role])
    wanted = role in ("worker", "admin")

    def job() -> tuple[str, int]:
        engine.start("order")
        (leased,) = engine.activate_jobs("pack")
        return leased.id, leased.token

    assert may(lambda: ana.activate_jobs("pack")) is wanted
    assert may(lambda: ana.extend_job(*job(), 60)) is wanted
    assert may(lambda: ana.release_job(*job())) is wanted
    assert may(lambda: ana.complete_job(*job())) is wanted
    assert may(lambda: ana.fail_job(*job(), "no box")) is wanted
    assert may(lambda: ana.throw_error(*job(), "E")) is wanted


@pytest.mark.parametrize("role", ROLES)
def test_nothing_of_it_is_kept_on_hold(engine, role):
    ana = engine.as_user("ana", [role])
    order = engine.start("order").id
    (job,) = engine.activate_jobs("pack")
    engine.hold(order)
    wanted = role in ("worker", "admin")
    assert may(lambda: ana.fail_job(job.id, job.token, "no box", retries=1)) is wanted
    assert may(lambda: ana.complete_job(job.id, job.token)) is wanted
    assert engine.counts()["kept"] == 2 * wanted
    engine.as_user("olga", ["operator"]).unhold(order)
    assert engine.instance(order).completed is wanted, "who resumes need not be a worker"


# -- messages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_who_publishes_messages(engine, role):
    order = engine.start("wait", {"k": "1"}).id
    ana = engine.as_user("ana", [role])
    wanted = role in ("worker", "operator", "admin")
    assert may(lambda: ana.publish_message("go", "1")) is wanted
    assert (engine.instance(order).waiting_at == ["fill"]) is wanted
    assert engine.counts()["message"] == 0


def test_a_process_publishes_whoever_started_it(engine):
    order = engine.start("wait", {"k": "1"}).id
    engine.as_user("eve").start("throw", {"k": "1"})
    assert engine.instance(order).waiting_at == ["fill"]


# -- definitions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_who_changes_definitions(engine, role):
    ana = engine.as_user("ana", [role])
    wanted = role in ("editor", "admin")
    assert may(lambda: ana.deploy(("new.bpmn", ORDER.replace(b"pack", b"wrap")))) is wanted
    assert may(lambda: ana.publish("order")) is wanted
    assert may(lambda: ana.deprecate("order")) is wanted


# -- keys -----------------------------------------------------------------------------------------------------------------


def test_a_message_with_a_key_is_published_once(engine):
    one, two = (engine.start("wait", {"k": "1"}).id for _ in range(2))
    first = engine.publish_message("go", "1", {"n": 1}, idempotency_key="k")
    assert (first.instances, first.buffered, first.duplicate) == ([one], False, False)
    for _ in range(2):
        again = engine.publish_message("go", "1", {"n": 1}, idempotency_key="k")
        assert (again.id, again.instances, again.buffered, again.duplicate) == (first.id, [one], False, True)
    assert engine.instance(two).waiting_at == ["got"]
    assert engine.publish_message("go", "1", {"n": 1}, idempotency_key="other").instances == [two]


def test_also_one_that_is_kept(engine):
    first = engine.publish_message("go", "1", idempotency_key="k")
    again = engine.publish_message("go", "1", idempotency_key="k")
    assert (first.buffered, again.buffered, again.duplicate, again.id) == (True, True, True, first.id)
    assert engine.counts()["message"] == 1


def test_the_key_of_another_message_is_refused(engine):
    engine.publish_message("go", "1", {"n": 1}, idempotency_key="k")
    for name, key, variables, more in (
        ("stop", "1", {"n": 1}, {}),
        ("go", "2", {"n": 1}, {}),
        ("go", "1", {"n": 2}, {}),
        ("go", "1", {"n": 1}, {"message_id": "m"}),
        ("go", "1", {"n": 1}, {"ttl": 5}),
    ):
        refused = refusal(
            lambda n=name, k=key, v=variables, m=more: engine.publish_message(n, k, v, **m, idempotency_key="k")
        )
        assert (refused.status, refused.key) == (422, "error.idempotency")
    assert engine.counts()["message"] == 1


def test_a_key_belongs_to_who_sent_it_and_to_what_it_was_sent_with(engine):
    wim, olga = engine.as_user("wim", ["worker"]), engine.as_user("olga", ["operator"])
    assert not wim.publish_message("go", "1", idempotency_key="k").duplicate
    assert not olga.publish_message("go", "1", idempotency_key="k").duplicate
    assert wim.publish_message("go", "1", idempotency_key="k").duplicate
    assert wim.start("order", idempotency_key="k").waiting_at == ["pack"], "a start is another request"


def test_a_key_and_an_id(engine):
    first = engine.publish_message("go", "1", message_id="m", idempotency_key="k")
    assert not first.duplicate
    for keys in (
        {"message_id": "m", "idempotency_key": "k"},
        {"message_id": "m"},
        {"message_id": "m", "idempotency_key": "l"},
    ):
        again = engine.publish_message("go", "1", **keys)
        assert (again.duplicate, again.id) == (True, first.id)
    assert engine.counts()["message"] == 1


def test_the_same_key_twice_in_one_batch(engine):
    asks = [engine.submit(Ask(Publish("go", "1", {}), key="k")) for _ in range(3)]
    results = [engine.wait(ask) for ask in asks]
    assert [result["duplicate"] for result in results] == [False, True, True]
    assert len({result["id"] for result in results}) == 1
    assert engine.counts()["message"] == 1


def test_what_was_refused_is_not_remembered(engine):
    ana = engine.as_user("ana")
    assert refusal(lambda: ana.publish_message("go", "1", idempotency_key="k")).status == 403
    assert not engine.as_user("ana", ["worker"]).publish_message("go", "1", idempotency_key="k").duplicate
    assert refusal(lambda: ana.publish_message("go", "1", idempotency_key="k")).status == 403, (
        "nor told to who may not ask"
    )


def test_a_key_outlives_the_engine(tmp_path):
    url = f"sqlite:///{tmp_path}/orders.db"
    results = []
    for _ in range(2):
        with Engine(url, clock=VirtualClock()) as engine:
            results.append(engine.publish_message("go", "1", {"a": 1.50}, idempotency_key="k"))
    assert [result.duplicate for result in results] == [False, True]
    assert results[0].id == results[1].id


@pytest.mark.parametrize("key", [5, "a\0b", "\ud800"])
def test_what_is_no_key(engine, key):
    assert refusal(lambda: engine.publish_message("go", "1", idempotency_key=key)).status == 422
    assert refusal(lambda: engine.start("order", idempotency_key=key)).status == 422
