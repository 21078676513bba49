"""Tasks of each kind: who does them, what they wait for, and where their results go."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.testing import process


def one(*, kind, **options):
    builder = process("one").start()
    return getattr(builder, kind)("work", **options).end()


# -- tasks without a kind, and manual tasks -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["task", "manual_task"])
def test_a_task_that_the_engine_has_nothing_to_do_for_passes(scenario, kind):
    story = scenario(one(kind=kind)).start()
    assert (story.status, story.completed) == ("FINISHED", ["start", "work", "end"])


@pytest.mark.parametrize("kind", ["task", "manual_task"])
def test_even_then_mappings_are_mapped(scenario, kind):
    story = scenario(one(kind=kind, inputs={"half": "=amount / 2"}, outputs={"quarter": "=half / 2"}))
    assert story.start({"amount": 8}).variables == {"amount": 8, "quarter": 2}


# -- user tasks ---------------------------------------------------------------------------------------------------------


def test_a_user_task_waits_for_a_person(scenario):
    story = scenario(one(kind="user_task", form="f1", priority=80)).start()
    task = story.task("work")
    assert (task.node, task.state, task.priority, task.form) == ("work", "CREATED", 80, "f1")
    assert story.tokens[0].status_current_node == "EXECUTED_PARTIAL"
    story.complete_task("work", {"answer": {"yes": True}})
    assert (story.status, story.variables) == ("FINISHED", {"answer": {"yes": True}})


def test_who_a_user_task_is_for_may_be_computed(scenario):
    story = scenario(
        one(
            kind="user_task",
            assignee="=clerk",
            groups='=["a", "b"]',
            users="eve, bob",
            due="=due",
            priority="=10 + 5",
        )
    ).start({"clerk": "ana", "due": "2030-02-01T12:00:00Z"})
    task = story.task("work")
    assert (task.assignee, task.candidate_roles, task.candidate_users) == ("ana", ["a", "b"], ["eve", "bob"])
    assert (task.due, task.priority) == ("2030-02-01T12:00:00.000000Z", 15)
    story.complete_task("work")


def test_a_task_is_claimed_released_assigned_and_completed(scenario):
    story = scenario(one(kind="user_task")).start()
    ana, bob = story.as_user("ana"), story.as_user("bob")
    ana.claim("work")
    assert story.task("work").assignee == "ana"
    with pytest.raises(CommandRejected) as refused:
        bob.claim("work")
    assert refused.value.status == 409
    with pytest.raises(CommandRejected) as refused:
        bob.complete_task("work")
    assert refused.value.status == 403
    ana.release("work")
    bob.claim("work")
    story.assign("work", "ana")
    assert ana.complete_task("work").status == "FINISHED"


def test_a_task_is_completed_once(scenario):
    story = scenario(one(kind="user_task")).start()
    identity = story.task("work").id
    story.complete_task("work")
    with pytest.raises(CommandRejected) as refused:
        story.engine.complete_task(identity)
    assert refused.value.status in (404, 409)


def test_only_candidates_may_complete_a_task_that_names_them(scenario):
    story = scenario(one(kind="user_task", groups="clerk")).start()
    with pytest.raises(CommandRejected) as refused:
        story.as_user("eve", "auditor").complete_task("work")
    assert refused.value.status == 403
    assert story.as_user("ana", "clerk").complete_task("work").status == "FINISHED"


def test_the_lane_says_who_may_complete_a_task(scenario):
    guarded = (
        process("guarded")
        .start()
        .user_task("fill")
        .user_task("approve")
        .end()
        .lane("Front", "start", "fill", execute="clerk", view="clerk")
        .lane("Back", "approve", execute="manager", view="clerk manager")
    )
    story = scenario(guarded)
    clerk = story.as_user("ana", "clerk").start()
    story.id = clerk.id
    clerk.complete_task("fill")
    with pytest.raises(CommandRejected) as refused:
        story.engine.as_user("ana", ["clerk"]).complete_task(story.task("approve").id)
    assert refused.value.status == 403
    assert story.as_user("max", "manager").complete_task("approve").status == "FINISHED"


# -- service tasks ------------------------------------------------------------------------------------------------------


def test_a_service_task_waits_for_a_worker(scenario):
    story = scenario(one(kind="service_task", job="charge-card", headers={"bank": "x"}, retries=5)).start({"amount": 5})
    assert story.tokens[0].status_current_node == "EXECUTING"
    job = story.take_job("charge-card")
    assert (job.node, job.type, job.variables, job.headers, job.retries) == (
        "work",
        "charge-card",
        {"amount": 5},
        {"bank": "x"},
        5,
    )
    story.complete_job(job, {"paid": True})
    assert (story.status, story.variables) == ("FINISHED", {"amount": 5, "paid": True})


def test_the_type_and_retries_of_a_job_may_be_computed(scenario):
    story = scenario(one(kind="service_task", job='="ship-" + country', retries="=n + 1")).start(
        {"country": "ro", "n": 1}
    )
    assert story.take_job("ship-ro").retries == 2


def test_a_failed_job_is_handed_out_again_while_retries_are_left(scenario):
    story = scenario(one(kind="service_task", retries=2)).start()
    story.fail_job("work", "no network")
    assert story.incidents == []
    story.fail_job("work", "no network")
    [incident] = story.incidents
    assert (incident.type, incident.node) == ("JobFailed", "work")
    assert "no network" in incident.message
    story.retry("work", retries=3)
    assert story.incidents == []
    job = story.take_job("work")
    assert job.retries == 3
    assert story.complete_job(job).status == "FINISHED"


def test_the_last_failure_of_a_job_counts_once(scenario):
    """A worker whose report was taken, but not answered, reports again."""
    story = scenario(one(kind="service_task")).start()
    job = story.take_job("work")
    story.fail_job(job, "no network", retries=0)
    with pytest.raises(CommandRejected) as refused:
        story.fail_job(job, "no network", retries=0)
    assert (refused.value.status, refused.value.title) == (409, "Job has no retries left.")
    assert len(story.incidents) == 1
    story.retry("work")
    assert story.complete_job("work").status == "FINISHED"


def test_a_job_is_put_off(scenario):
    story = scenario(one(kind="service_task")).start()
    story.fail_job("work", backoff=60)
    with pytest.raises(AssertionError, match="not handed out now"):
        story.take_job("work")
    story.advance("PT1M")
    assert story.complete_job("work").status == "FINISHED"


def test_a_late_result_is_refused(scenario):
    story = scenario(one(kind="service_task")).start()
    first = story.take_job("work", lock=10)
    story.advance(11)
    second = story.take_job("work")
    assert second.token > first.token
    with pytest.raises(CommandRejected) as refused:
        story.complete_job(first)
    assert refused.value.status == 409
    assert story.complete_job(second).status == "FINISHED"


def test_an_error_of_a_job_that_nobody_catches(scenario):
    story = scenario(one(kind="service_task", inputs={"twice": "=n * 2"})).start({"n": 1})
    story.throw_error("work", "BROKE", "no money")
    [incident] = story.incidents
    assert (incident.type, incident.cause_type) == ("UncaughtError", "BROKE")
    story.set_variables({"n": 2}).retry()
    job = story.take_job("work")
    assert job.variables == {"n": 2, "twice": 4}
    assert story.complete_job(job).status == "FINISHED"


# -- script and business rule tasks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["script", "business_rule"])
def test_a_feel_script_gives_its_result_variable(scenario, kind):
    story = scenario(one(kind=kind, expression="=amount * 1.19", result="gross")).start({"amount": 100})
    assert str(story.variables["gross"]) in ("119", "119.00")


@pytest.mark.parametrize("kind", ["script", "business_rule"])
def test_with_no_result_variable_the_entries_of_a_context_become_variables(scenario, kind):
    story = scenario(one(kind=kind, expression="={a: 1, b: {c: x}}")).start({"x": 2, "b": {"d": 3}})
    assert story.variables == {"x": 2, "a": 1, "b": {"d": 3, "c": 2}}


def test_a_script_without_result_variable_must_give_a_context(scenario):
    story = scenario(one(kind="script", expression="=value")).start({"value": 5})
    [incident] = story.incidents
    assert incident.type == "ExpressionEvaluation"
    story.set_variables({"value": {"fine": True}}).retry()
    assert (story.status, story.variables["fine"]) == ("FINISHED", True)


def test_a_null_result_is_a_value(scenario):
    story = scenario(one(kind="script", expression="=null", result="x")).start({"x": 1})
    assert story.variables == {"x": None}


def test_a_script_with_output_mappings(scenario):
    story = scenario(one(kind="script", expression="={a: 1, b: 2}", outputs={"sum": "=a + b"})).start()
    assert story.variables == {"sum": 3}
    story = scenario(one(kind="script", expression="={}", outputs={"none": "=1"})).start()
    assert story.variables == {"none": 1}


def test_a_business_rule_may_be_a_job(scenario):
    story = scenario(one(kind="business_rule", job="rules")).start()
    assert story.complete_job("rules", {"approved": True}).variables == {"approved": True}


# -- send and receive tasks ---------------------------------------------------------------------------------------------


def test_a_send_task_by_a_worker(scenario):
    story = scenario(one(kind="send", job="send-mail")).start()
    assert story.complete_job("send-mail").status == "FINISHED"


def test_a_send_task_publishes_a_message(scenario):
    story = scenario(
        process("sender").start().send("tell", message="news", key="=to", variables="={text: text}").end(),
        process("reader").start().receive("read", "news", "=name").end(),
    )
    reader = story.start({"name": "ana"}, process="reader").id
    assert story.of(reader).tokens[0].status_current_node == "WAITING_MESSAGE"
    story.start({"to": "ana", "text": "hello"})
    assert story.of(reader).variables == {"name": "ana", "text": "hello"}
    assert story.of(reader).status == "FINISHED"


def test_a_send_task_writes_a_record_to_the_outbox(scenario):
    story = scenario(
        one(
            kind="send",
            topic="crm.search",
            body='{"pn": "${client.pn}", "n": ${client.age}, "text": "Mr ${client.name}!"}',
            headers='{"source": "test"}',
        )
    ).start({"client": {"pn": "7", "age": 40, "name": "Pop"}})
    [record] = [event for event in story.records if type(event).__name__ == "RecordSent"]
    assert (record.topic, record.value) == ("crm.search", '{"pn":"7","n":40,"text":"Mr Pop!"}')
    assert record.headers == {"processInstanceId": story.id, "source": "test"}
    assert story.engine.counts()["outbox"] == 1


def test_a_receive_task_takes_over_what_the_message_brings(scenario):
    story = scenario(one(kind="receive", message="paid", key="=id", outputs={"amount": "=sum"})).start({"id": 7})
    story.message("paid", 7, {"sum": 12, "noise": 1})
    assert (story.status, story.variables) == ("FINISHED", {"id": 7, "amount": 12})
