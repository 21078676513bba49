"""Data streams: answers of integrations, which come as records on topics and find the token that waits for them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from procession.engine import events as e
from procession.testing import process

CRM, BANK, FILES = "engine.receive.crm", "engine.receive.bank", "engine.receive.plugin.documents"

ASK = (
    process("question")
    .start()
    .send("ask", topic="crm.search")
    .receive("hear", streams={CRM: "crm"})
    .user_task("use")
    .end()
)


def received(story):
    """The records that history says have come."""
    return [event.record for event in story.records if isinstance(event, e.MessageReceived)]


# -- receive tasks ----------------------------------------------------------------------------------------------------------


def test_a_question_goes_out_and_the_answer_lets_the_token_go_on(scenario):
    story = scenario(ASK).start()
    assert story.tokens[0].status_current_node == "WAITING_MESSAGE"
    answer = story.answer(CRM, {"name": "Ana", "score": 7})
    assert (answer.instances, answer.buffered, answer.duplicate) == ([story.id], False, False)
    assert story.waiting_at == ["use"]
    assert story.variables == {"crm": {"name": "Ana", "score": 7}}
    assert received(story) == [f"{CRM}/0/0"]


@pytest.mark.parametrize("value", [{"a": {"b": 1}}, [1, [2]], "text", 7, Decimal("1.10"), True, None])
def test_an_answer_is_any_value_of_json(scenario, value):
    story = scenario(ASK).start()
    story.answer(CRM, value)
    assert story.variables == {"crm": value}


def test_an_answer_replaces_what_was_there_as_a_whole(scenario):
    story = scenario(ASK).start({"crm": {"name": "Ana", "old": {"deep": True}}})
    story.answer(CRM, {"name": "Eve", "old": {}})
    assert story.variables == {"crm": {"name": "Eve", "old": {}}}, "nothing is merged"
    waited = story.at(next(row.position for row in story.history if row.command == "start"))
    assert waited.variables == {"crm": {"name": "Ana", "old": {"deep": True}}}, "as it was before"


def test_the_first_answer_on_any_of_several_topics(scenario):
    story = scenario(process("two").start().receive("hear", streams={CRM: "crm", BANK: "bank"}).user_task("use").end())
    story.start()
    assert [wait["topic"] for wait in story.waits] == [CRM, BANK]
    story.answer(BANK, 5)
    assert (story.waiting_at, story.variables) == (["use"], {"bank": 5})
    assert story.answer(CRM, 6).buffered, "nobody waits for the other one any more"


def test_what_it_waits_for_is_said_in_words(scenario):
    story = scenario(ASK).start()
    [wait] = story.waits
    assert (wait["kind"], wait["node"], wait["name"], wait["topic"]) == ("message", "hear", f"an answer on {CRM}", CRM)
    assert wait["correlationKey"] == story.id


def test_output_mappings_see_the_answer(scenario):
    story = scenario(
        process("map").start().receive("hear", streams={CRM: "crm"}, outputs={"client.score": "=crm.score"}).end()
    ).start({"client": {"pn": "7"}})
    story.answer(CRM, {"score": 3, "noise": 1})
    assert (story.status, story.variables) == ("FINISHED", {"client": {"pn": "7", "score": 3}})


def test_an_answer_goes_where_its_name_is_declared(scenario):
    inner = process("inner").start().receive("hear", streams={CRM: "crm"}).script("copy", "=crm", "seen").end()
    story = scenario(process("outer").start().sub_process("sub", inner, inputs={"crm": "={old: 1}"}).end()).start()
    story.answer(CRM, {"new": 2})
    assert (story.status, story.variables) == ("FINISHED", {"seen": {"new": 2}})


def test_an_answer_that_came_early_is_kept_for_an_hour(scenario):
    story = scenario(process("later").start().user_task("first").receive("hear", streams={CRM: "crm"}).end()).start()
    assert story.answer(CRM, {"early": True}).buffered
    story.advance("PT59M")
    story.complete_task("first")
    assert (story.status, story.variables) == ("FINISHED", {"crm": {"early": True}})
    assert received(story) == [f"{CRM}/0/0"]


def test_an_early_answer_is_for_its_instance_alone(scenario):
    story = scenario(ASK)
    one, two = story.start().id, story.start().id
    assert story.of(one).answer(CRM, 1).instances == [one]
    assert story.of(two).answer(CRM, 2).instances == [two]
    assert (story.of(one).variables, story.of(two).variables) == ({"crm": 1}, {"crm": 2})


def test_a_repeated_answer_is_dropped(scenario):
    twice = process("twice").start().receive("one", streams={CRM: "one"}).receive("two", streams={CRM: "two"}).end()
    story = scenario(twice).start()
    story.answer(CRM, 1, message_id="a")
    again = story.answer(CRM, 1, message_id="a")
    assert (again.duplicate, story.waiting_at) == (True, ["two"])
    story.answer(CRM, 2, message_id="b")
    assert (story.status, story.variables) == ("FINISHED", {"one": 1, "two": 2})


def test_a_late_answer_waits_for_whoever_asks_next(scenario):
    story = scenario(ASK).start()
    story.answer(CRM, 1)
    assert story.answer(CRM, 2).buffered
    assert (story.waiting_at, story.variables) == (["use"], {"crm": 1})
    assert story.complete_task("use").status == "FINISHED"
    assert story.answer(CRM, 3).buffered, "and the instance is over"
    assert story.variables == {"crm": 1}


def test_on_hold_answers_are_kept(scenario):
    story = scenario(ASK).start()
    story.hold()
    assert story.answer(CRM, {"n": 1}).buffered
    assert story.waiting_at == ["hear"]
    story.unhold()
    assert (story.waiting_at, story.variables) == (["use"], {"crm": {"n": 1}})


def test_a_message_of_the_same_name_is_no_answer(scenario):
    story = scenario(ASK).start()
    assert story.message(f"topic:{CRM}", story.id, {"crm": 1}).buffered
    assert story.waiting_at == ["hear"]
    story.answer(CRM, 2)
    assert story.variables == {"crm": 2}


def test_behind_an_event_based_gateway(scenario):
    story = scenario(
        process("race")
        .start()
        .event_based("first")
        .receive("hear", streams={CRM: "crm", BANK: "bank"})
        .user_task("use")
        .end()
        .back_to("first")
        .catch_timer("late", "PT1H")
        .user_task("remind")
        .end()
    )
    story.start()
    assert sorted(wait["node"] for wait in story.waits) == ["hear", "hear", "late"]
    story.answer(BANK, 1, "hear")
    assert (story.waiting_at, story.variables) == (["use"], {"bank": 1})
    assert story.start().advance("PT1H").waiting_at == ["remind"]


# -- which token ------------------------------------------------------------------------------------------------------------

BOTH = (
    process("both")
    .start()
    .parallel("fork")
    .receive("a", streams={CRM: "one"})
    .end()
    .back_to("fork")
    .receive("b", streams={CRM: "two"})
    .end()
)


def test_of_two_that_wait_on_one_topic_the_one_that_has_waited_longest(scenario):
    story = scenario(BOTH).start()
    story.answer(CRM, 1)
    assert (story.waiting_at, story.variables) == (["b"], {"one": 1})
    story.answer(CRM, 2)
    assert (story.status, story.variables) == ("FINISHED", {"one": 1, "two": 2})


def test_of_two_that_wait_on_one_topic_the_one_that_the_answer_names(scenario):
    story = scenario(BOTH).start()
    assert story.answer(CRM, 2, "b").instances == [story.id]
    assert (story.waiting_at, story.variables) == (["a"], {"two": 2})
    assert story.answer(CRM, 3, "b").buffered, "b does not wait any more, and it was not for a"
    story.answer(CRM, 1, "a")
    assert (story.status, story.variables) == ("FINISHED", {"one": 1, "two": 2})


def test_an_early_answer_waits_for_the_node_that_it_names(scenario):
    story = scenario(
        process("named")
        .start()
        .user_task("u")
        .receive("a", streams={CRM: "one"})
        .receive("b", streams={CRM: "two"})
        .end()
    ).start()
    story.answer(CRM, 2, "b")
    story.complete_task("u")
    assert story.waiting_at == ["a"]
    story.answer(CRM, 1)
    assert (story.status, story.variables) == ("FINISHED", {"one": 1, "two": 2})


@pytest.mark.parametrize("sequential", [False, True])
def test_the_items_of_a_loop_are_answered_in_their_order(scenario, sequential):
    story = scenario(
        process("each")
        .start()
        .receive("hear", streams={CRM: "crm"})
        .multi_instance(
            "=clients", element="client", output_collection="found", output_element="=crm", sequential=sequential
        )
        .end()
    ).start({"clients": ["x", "y", "z"]})
    for number in range(3):
        assert story.status == "STARTED"
        story.answer(CRM, {"n": number}, "hear")
    assert (story.status, story.variables["found"]) == ("FINISHED", [{"n": 0}, {"n": 1}, {"n": 2}])


# -- other activities -------------------------------------------------------------------------------------------------------

UPLOAD = process("upload").start().user_task("fill").data_stream(FILES, "file").data_stream(CRM, "crm").end()


def test_a_user_task_keeps_answers_and_stays(scenario):
    story = scenario(UPLOAD).start({"file": {"name": "a.pdf", "pages": 2}})
    story.answer(FILES, {"name": "b.pdf"})
    assert (story.waiting_at, story.variables) == (["fill"], {"file": {"name": "b.pdf"}})
    story.answer(FILES, {"name": "c.pdf"})
    story.answer(CRM, [1])
    assert (story.waiting_at, story.variables) == (["fill"], {"file": {"name": "c.pdf"}, "crm": [1]})
    assert story.complete_task("fill", {"done": True}).status == "FINISHED"
    assert story.answer(FILES, {"name": "d.pdf"}).buffered
    assert received(story) == [f"{FILES}/0/0", f"{FILES}/0/1", f"{CRM}/0/2"]


def test_a_user_task_takes_all_that_came_early_in_its_order(scenario):
    story = scenario(process("later").start().user_task("u").user_task("fill").data_stream(CRM, "crm").end()).start()
    for number in range(3):
        story.answer(CRM, number)
    story.complete_task("u")
    assert (story.waiting_at, story.variables) == (["fill"], {"crm": 2})
    assert len(received(story)) == 3


def test_the_output_mappings_of_a_user_task_see_its_answers(scenario):
    story = scenario(
        process("map").start().user_task("fill", outputs={"all": "=[crm, note]"}).data_stream(CRM, "crm").end()
    ).start()
    story.answer(CRM, {"a": 1})
    story.answer(CRM, {"b": 2})
    assert story.variables == {}
    assert story.complete_task("fill", {"note": "x"}).variables == {"all": [{"b": 2}, "x"]}


@pytest.mark.parametrize("kind", ["service_task", "send", "business_rule"])
def test_a_job_runs_while_answers_come(scenario, kind):
    story = scenario(getattr(process("job").start(), kind)("work", job="work").data_stream(CRM, "crm").end()).start()
    story.answer(CRM, 1)
    assert story.waiting_at == ["work"]
    assert story.complete_job("work", {"done": True}).variables == {"crm": 1, "done": True}


def test_a_sub_process_takes_answers_while_it_runs(scenario):
    inner = process("inner").start().user_task("u").end()
    story = scenario(process("outer").start().sub_process("sub", inner).data_stream(CRM, "crm").end()).start()
    story.answer(CRM, {"a": 1})
    assert (story.waiting_at, story.variables) == (["u"], {"crm": {"a": 1}})
    assert story.complete_task("u").status == "FINISHED"


def test_a_call_activity_takes_answers_while_the_child_runs(scenario):
    child = process("child").start().user_task("u").end()
    story = scenario(process("main").start().call("call", "child").data_stream(CRM, "crm").end(), child).start()
    story.answer(CRM, {"a": 1})
    story.child().complete_task("u")
    assert (story.status, story.variables) == ("FINISHED", {"crm": {"a": 1}})


def test_answers_end_with_what_is_interrupted(scenario):
    late = (
        process("late")
        .start()
        .user_task("fill")
        .data_stream(CRM, "crm")
        .end()
        .boundary_timer("fill", duration="PT1H")
        .user_task("after")
        .end()
    )
    story = scenario(late).start()
    story.advance("PT1H")
    assert [wait["kind"] for wait in story.waits] == ["task"]
    assert story.answer(CRM, 1).buffered


def test_a_task_that_is_stuck_takes_one_answer(scenario):
    story = scenario(
        process("stuck")
        .start()
        .receive("hear", streams={CRM: "crm", BANK: "bank"}, response_timeout="PT1H")
        .when("=crm.fine")
        .end()
        .back_to("hear")
        .when("=not(crm.fine)")
        .end()
    ).start()
    story.answer(CRM, {"fine": "perhaps"})
    assert [incident.type for incident in story.incidents] == ["ConditionEvaluation"]
    assert [wait["kind"] for wait in story.waits] == ["exception"], "neither the other topic nor the time is waited for"
    story.set_variables({"crm": {"fine": True}}).retry()
    assert story.status == "FINISHED"


def test_a_sensitive_answer_is_masked(scenario):
    guarded = (
        process("guarded")
        .start()
        .receive("hear", streams={CRM: "crm"})
        .user_task("use")
        .end()
        .data_model('{"type": "object", "properties": {"crm": {"properties": {"iban": {"sensitive": true}}}}}')
    )
    story = scenario(guarded).start()
    story.answer(CRM, {"iban": "RO49", "name": "Ana"})
    rows = story.engine.as_user("eve", ["admin"]).history(story.id)
    [replaced] = [event for row in rows for event in row.events if event[0] == "variables-replaced"]
    assert replaced[2] == {"crm": {"iban": "***", "name": "Ana"}}
