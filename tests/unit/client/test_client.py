"""Every call against a real server: what an engine on the same store answers, a client answers."""

from __future__ import annotations

import threading
import time
from decimal import Decimal

import pytest

from procession import Client, CommandRejected, Engine, InvalidDefinition, StorageError
from procession.runtime.reports import Report
from procession.testing import process

ANA = {"client": {"name": "Ana", "income": Decimal("2400.50")}}
WORK = process("work").start().service_task("pack").end().build()


@pytest.fixture
def engine(server):
    """On the store of the server: what it says is what a client should be told."""
    with Engine(server.store) as engine:
        yield engine


def start(client, **options):
    return client.start("credit_card", ANA, start_condition="PF", **options)


# -- definitions ------------------------------------------------------------------------------------------------------


def test_a_file_is_deployed_published_looked_at_and_deprecated(server, client):
    with server.client("edith") as editor:
        (draft,) = editor.deploy(("work.bpmn", WORK))
        assert (draft.name, draft.version, draft.state, draft.deployed_by) == ("work", 1, "draft", "edith")
        assert editor.deploy(("other name.bpmn", WORK))[0].id == draft.id
        assert editor.publish("work").state == "published"
        assert editor.publish("work").state == "published"
        assert [view.version for view in editor.definitions("work")] == [1]
        assert editor.definition("work").starts[0].node == "start"
        assert editor.definition("work", 1).id == draft.id
        assert editor.definition_file("work") == WORK
        assert editor.deprecate("work", 1).state == "deprecated"
    assert {view.name for view in client.definitions()} >= {"work", "credit_card", "order_fulfilment"}


def test_several_files_are_deployed_together_or_not_at_all(client, engine):
    first, second = (process(name).start().end().build() for name in ("one", "two"))
    broken = first.replace(b"endEvent", b"endEvnt").replace(b'id="one"', b'id="three"')
    with pytest.raises(InvalidDefinition) as refused:
        client.deploy(("one.bpmn", first), ("broken.bpmn", broken))
    assert {problem.file for problem in refused.value.problems} == {"broken.bpmn"}
    assert client.definitions("one") == []
    found = client.deploy(("one.bpmn", first), ("two.bpmn", second), publish=True)
    assert [(view.name, view.state, view.file) for view in found] == [
        ("one", "published", "one.bpmn"),
        ("two", "published", "two.bpmn"),
    ]
    assert client.definition_file("two") == second
    assert client.deploy() == []


def test_the_problems_of_a_file_are_those_that_an_engine_lists(client, engine):
    broken = WORK.replace(b"endEvent", b"endEvnt")
    with pytest.raises(InvalidDefinition) as over_http:
        client.deploy(("ä b.bpmn", broken))
    with pytest.raises(InvalidDefinition) as embedded:
        engine.deploy(("ä b.bpmn", broken))
    assert over_http.value.problems == embedded.value.problems


def test_a_definition_that_is_not_there_is_refused_as_by_an_engine(client, engine):
    for call in (
        lambda e: e.publish("nonsense"),
        lambda e: e.definition("nonsense"),
        lambda e: e.definition_file("nonsense", 3),
        lambda e: e.start("nonsense"),
        lambda e: e.start("..", {"a": 1}),
    ):
        answers = []
        for each in (client, engine):
            with pytest.raises(CommandRejected) as refused:
                call(each)
            answers.append((refused.value.status, refused.value.title, refused.value.key))
        assert answers[0] == answers[1]
        assert answers[0][:2] == (404, "Process definition not found.")


# -- instances --------------------------------------------------------------------------------------------------------


def test_an_instance_is_what_an_engine_says_it_is(client, engine):
    card = start(client, business_key="K 1/ä")
    assert card.variables == ANA and isinstance(card.variables["client"]["income"], Decimal)
    assert (card.status, card.waiting_at, card.business_key) == ("STARTED", ["fill_in"], "K 1/ä")
    assert client.instance(card.id) == engine.instance(card.id)
    assert client.tokens(card.id) == engine.tokens(card.id)
    assert client.tokens(card.id, finished=False) == engine.tokens(card.id, finished=False)
    assert client.history(card.id) == engine.history(card.id)
    assert client.history(card.id, after=1) == []
    assert client.data(card.id, "fill_in") == engine.data(card.id, "fill_in")
    assert client.state_at(card.id, 1) == engine.state_at(card.id, 1)
    assert client.audit(card.id).items == engine.audit(card.id).items


def test_a_start_is_refused_as_by_an_engine(client, engine):
    answers = []
    for each in (client, engine):
        with pytest.raises(CommandRejected) as refused:
            each.start("credit_card", {}, start_condition="PJ")
        error = refused.value
        answers.append((error.status, error.title, error.detail, error.key, error.extra))
    assert answers[0] == answers[1]
    assert answers[0][1] == "Some mandatory params are missing."
    assert client.failed_starts(limit=1).items == engine.failed_starts(limit=1).items


def test_the_same_key_starts_once(client):
    first, again = (start(client, idempotency_key="k 1") for _ in range(2))
    assert first.id == again.id
    assert start(client).id != first.id


def test_an_instance_may_inherit(client):
    card = start(client)
    given = {"client": {"income": 1}}
    only_the_name = {"params_to_copy": ["client"], "without_params": ["client.income"]}
    other = client.start("credit_card", given, start_condition="PF", inherit_from=card.id, **only_the_name)
    assert other.variables == {"client": {"name": "Ana", "income": 1}}


def test_instances_are_searched_as_in_an_engine(client, engine):
    cards = [start(client, business_key="search-me") for _ in range(3)]
    client.terminate(cards[0].id, "enough")
    for where in (
        {"business_key": "search-me"},
        {"business_key": "search-me", "status": "TERMINATED"},
        {"business_key": "search-me", "status": ["STARTED", "TERMINATED"], "limit": 2},
        {"text": "search-me", "definition": "credit_card", "version": 1, "node": "fill_in", "exceptions": False},
        {"variables": {"client.name": "Ana"}, "started_after": 0, "started_before": 2**52},
        {"variables": {"client.income": Decimal("2400.50")}},
        {"parent": cards[0].id},
    ):
        found, wanted = client.instances(**where), engine.instances(**where)
        assert (found.items, found.next) == (wanted.items, wanted.next), where
    assert [card.id for card in client.instances(business_key="search-me").items] == [card.id for card in cards[::-1]]
    page = client.instances(business_key="search-me", limit=2)
    rest = client.instances(business_key="search-me", limit=2, cursor=page.next)
    assert [card.id for card in (*page.items, *rest.items)] == [card.id for card in cards[::-1]]


def test_an_instance_is_held_resumed_changed_and_ended(client):
    card = start(client)
    assert client.hold(card.id, "because").status == "ON_HOLD"
    assert client.history(card.id)[-1].reason == "because"
    with pytest.raises(CommandRejected) as refused:
        client.hold(card.id)
    assert refused.value.status == 409
    assert client.unhold(card.id).status == "STARTED"
    changed = client.set_variables(card.id, {"client": {"name": "Bo"}, "x": [Decimal("1.10")]}, "a slip & more")
    assert changed.variables["client"]["name"] == "Bo" and str(changed.variables["x"][0]) == "1.10"
    assert client.history(card.id)[-1].reason == "a slip & more"
    assert client.terminate(card.id).status == "TERMINATED"
    with pytest.raises(CommandRejected):
        client.dismiss(card.id)


def test_an_exception_is_listed_and_retried(client, engine):
    client.deploy(("work.bpmn", WORK), publish=True)
    work = client.start("work")
    (job,) = client.activate_jobs("pack")
    client.fail_job(job.id, job.token, "no box", retries=0)
    assert client.exceptions(work.id) == engine.exceptions(work.id)
    assert client.exceptions(open_only=True)[0].instance == work.id
    assert client.retry(work.id, retries=2, reason="mended").exceptions == []
    with pytest.raises(CommandRejected, match="There is nothing to retry"):
        client.retry(work.id)
    (job,) = client.activate_jobs("pack")
    client.fail_job(job.id, job.token, "no box", retries=0)
    (exception,) = client.instance(work.id).exceptions
    assert client.retry(work.id, exception.token_id).exceptions == []
    client.terminate(work.id)


@pytest.mark.parametrize("id", [10**15, str(10**15), "nonsense", -1, "../tasks"])
def test_what_is_not_there_is_not_found(client, id):
    for call in (client.instance, client.tokens, client.task, client.claim, client.terminate, client.complete_task):
        with pytest.raises(CommandRejected) as refused:
            call(id)
        assert refused.value.status == 404


# -- people -----------------------------------------------------------------------------------------------------------


def test_people_find_take_hand_on_and_complete_tasks(server, client, engine):
    with server.client("ana") as ana, server.client("mary") as mary:
        assert ana.me().roles == ["clerk"]
        card = start(ana)
        (task,) = ana.tasks(instance=card.id, scope="free", definition="credit_card", node="fill_in").items
        assert client.task(task.id) == engine.task(task.id)
        assert ana.claim(task.id).assignee == "ana"
        assert [each.id for each in ana.tasks(scope="mine", limit=10).items] == [task.id]
        with pytest.raises(CommandRejected) as refused:
            mary.claim(task.id)
        assert refused.value.status in (403, 409)
        assert ana.release(task.id).assignee is None
        assert client.assign(task.id, "ana").assignee == "ana"
        assert client.assign(task.id, None).assignee is None
        ana.claim(task.id)
        card = ana.complete_task(task.id, {"amount": Decimal("3000.00"), "client": {"iban": "DE02120300000000202051"}})
        assert card.waiting_at == ["produce_card", "sign_contract"]
        with pytest.raises(CommandRejected) as refused:
            ana.complete_task(task.id)
        assert refused.value.status == 404


def test_what_one_may_not_is_refused(server, client):
    card = start(client)
    with server.client("wally") as worker:
        with pytest.raises(CommandRejected) as refused:
            worker.terminate(card.id)
        assert refused.value.status in (403, 404)
        with pytest.raises(CommandRejected) as refused:
            worker.failed_starts()
        assert (refused.value.status, refused.value.title) == (403, "Forbidden")


# -- workers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def work(client):
    """An instance that waits for a worker."""
    client.deploy(("work.bpmn", WORK), publish=True)
    made: list[str] = []

    def start():
        made.append(client.start("work", {"price": Decimal("1.10"), "big": "x"}).id)
        return made[-1]

    yield start
    for id in made:
        if not client.instance(id).date_ended:
            client.terminate(id)


def test_jobs_are_taken_kept_and_completed(server, client, work):
    id = work()
    with server.client("wally") as worker:
        (job,) = worker.activate_jobs("pack", worker="w1", max_jobs=5, lock=60, fetch=["price"])
        assert (job.instance, job.worker, job.variables) == (id, "w1", {"price": Decimal("1.10")})
        assert isinstance(job.variables["price"], Decimal)
        assert worker.activate_jobs("pack") == []
        assert worker.extend_job(job.id, job.token, 90) is True
        assert worker.extend_job(job.id, job.token + 1, 90) is False
        assert worker.release_job(job.id, job.token + 1) is False
        assert worker.release_job(job.id, job.token) is True
        (again,) = worker.activate_jobs("pack")
        assert (again.id, again.token > job.token) == (job.id, True)
        with pytest.raises(CommandRejected) as refused:
            worker.complete_job(job.id, job.token)
        assert (refused.value.status, refused.value.key) == (409, "error.state.lease_lost")
        assert worker.complete_job(again.id, again.token, {"packed": Decimal("2.50")}) == id
        assert worker.extend_job(again.id, again.token, 90) is False
    finished = client.instance(id)
    assert finished.completed and str(finished.variables["packed"]) == "2.50"


def test_a_job_that_fails_comes_back_after_a_while(server, client, work):
    id = work()
    (job,) = client.activate_jobs("pack")
    assert client.fail_job(job.id, job.token, "not now\0", retries=2, backoff=30) == id
    assert client.activate_jobs("pack") == []
    server.advance("PT30S")
    (again,) = client.activate_jobs("pack")
    assert (again.id, again.retries) == (job.id, 2)
    assert client.throw_error(again.id, again.token, "BROKEN", "It fell.", {"height": 2}) == id
    assert "BROKEN" in client.instance(id).exceptions[0].message


def test_a_result_without_the_number_of_its_lease_is_refused(client, work):
    work()
    (job,) = client.activate_jobs("pack")
    with pytest.raises(CommandRejected) as refused:
        client.complete_job(job.id, None)
    assert refused.value.status == 422
    client.complete_job(job.id, job.token)


def test_a_long_poll_answers_as_soon_as_there_is_a_job(client, work):
    taken: list[float] = []

    def wait():
        jobs = client.activate_jobs("pack", wait=20)
        taken.append(time.monotonic())
        for job in jobs:
            client.complete_job(job.id, job.token)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    assert not taken
    started = time.monotonic()
    id = work()
    waiting.join(10)
    assert taken and taken[0] - started < 1.5
    assert client.instance(id).completed


def test_a_long_poll_ends_when_its_time_is_over(client):
    begun = time.monotonic()
    assert client.activate_jobs("nothing", wait=0.3) == []
    assert 0.3 <= time.monotonic() - begun < 5
    assert client.activate_jobs("nothing", max_jobs=0) == []


def test_a_client_that_hangs_up_keeps_no_job(server, client, work):
    other = Client(server.url, user="wally", password=server.password("wally"))
    said: list[str] = []

    def poll():
        try:
            other.activate_jobs("pack", wait=20)
        except StorageError as error:
            said.append(str(error))

    polling = threading.Thread(target=poll)
    polling.start()
    time.sleep(0.3)
    other.hang_up()
    polling.join(5)
    assert not polling.is_alive()
    assert "was closed before the answer came" in said[0]
    other.close()
    work()
    (job,) = client.activate_jobs("pack", wait=5)
    assert job.token == 1, "nobody had it before"
    client.complete_job(job.id, job.token)


def test_many_reports_go_at_once_and_each_takes_effect_or_not_on_its_own(client, work):
    ids = [work() for _ in range(5)]
    jobs = client.activate_jobs("pack", max_jobs=5)
    jobs.sort(key=lambda job: ids.index(job.instance))
    more = {"retries": 3, "message": "not now"}
    outcomes = client.report_jobs(
        [
            Report(id=jobs[0].id, token=jobs[0].token, outcome="complete", variables={"packed": True}),
            Report(id=jobs[1].id, token=jobs[1].token + 1, outcome="complete"),
            Report(id=jobs[2].id, token=jobs[2].token, outcome="fail", **more),
            Report(id=jobs[3].id, token=jobs[3].token, outcome="complete", variables={"x": object()}),
            Report(id=jobs[4].id, token=jobs[4].token, outcome="extend", lock_ms=1000),
            Report(id="nonsense", token=1, outcome="release"),
        ]
    )
    assert [None if error is None else error.status for error in outcomes] == [None, 409, None, 422, None, 404]
    assert outcomes[1].key == "error.state.lease_lost"
    assert "Data must be JSON" in str(outcomes[3])
    assert [client.instance(id).completed for id in ids] == [True, False, False, False, False]


def test_reports_that_are_too_much_for_one_request_go_in_several(client, work):
    ids = [work() for _ in range(3)]
    jobs = client.activate_jobs("pack", max_jobs=3)
    reports = [
        Report(id=job.id, token=job.token, outcome="complete", variables={"data": "x" * 600_000}) for job in jobs
    ]
    nobody = [Report(id="1", token=1, outcome="release")] * 1001
    outcomes = client.report_jobs([*reports, *nobody])
    assert outcomes[:3] == [None] * 3
    assert {error.status for error in outcomes[3:]} == {404} and len(outcomes) == 1004
    assert all(client.instance(id).completed for id in ids)
    assert client.report_jobs([]) == []


def test_a_report_that_is_too_large_alone_fails_alone(client, work):
    work(), work()
    large, small = client.activate_jobs("pack", max_jobs=2)
    outcomes = client.report_jobs(
        [
            Report(id=large.id, token=large.token, outcome="complete", variables={"data": "x" * 1_100_000}),
            Report(id=small.id, token=small.token, outcome="complete"),
        ]
    )
    assert (outcomes[0].status, outcomes[1]) == (413, None)


def test_reports_that_cannot_be_sent_all_fail(server, client, work):
    work()
    (job,) = client.activate_jobs("pack")
    with server.client("ana") as clerk:
        outcomes = clerk.report_jobs([Report(id=job.id, token=job.token, outcome="complete")] * 2)
    assert [error.status for error in outcomes] == [403, 403]


# -- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_is_delivered_once(client):
    card = start(client)
    (task,) = client.tasks(instance=card.id).items
    client.complete_task(task.id, {"amount": 3000, "client": {"iban": "DE02120300000000202051"}})
    for job in client.activate_jobs("produce-card", max_jobs=100):
        client.complete_job(job.id, job.token, {"cardNumber": "4711" if job.instance == card.id else "another"})
    (task,) = client.tasks(instance=card.id).items
    client.complete_task(task.id, {"signed": True})
    message = client.publish_message("card-delivered", "4711", {"by": "mail"}, message_id="m-1", ttl=90.5)
    assert (message.instances, message.duplicate, message.buffered) == ([card.id], False, False)
    assert client.publish_message("card-delivered", "4711", message_id="m-1").duplicate
    assert client.instance(card.id).completed


@pytest.mark.parametrize("key", ["o-1", 7, Decimal("1.10"), 1.5])
def test_a_key_is_the_same_as_in_an_engine(client, engine, key):
    sent = client.publish_message("nobody-waits", key, ttl=60)
    assert sent.buffered
    engine.publish_message("nobody-waits", key, ttl=60)
    assert client.publish_message("nobody-waits", None, ttl=0).instances == []


def test_everything_that_was_done_is_in_the_audit(client, engine):
    start(client)
    assert client.audit(limit=3).items == engine.audit(limit=3).items
    assert client.audit(limit=1).next is not None
