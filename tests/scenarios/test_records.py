"""Records that go out to topics: `kafkaSend` actions on send tasks, throw events and end events."""

from __future__ import annotations

import json

import pytest

from procession.engine import events as e
from procession.testing import process


def sent(story):
    """What went into the outbox, in its order."""
    return [event for event in story.records if isinstance(event, e.RecordSent)]


def values(story):
    return [(record.topic, json.loads(record.value)) for record in sent(story)]


def test_a_send_task_asks_with_the_data_of_the_instance(scenario):
    story = scenario(
        process("question")
        .start()
        .send(
            "ask", topic="crm.search", body='{"pn": "${client.pn}", "whole": ${client}, "text": "Mr ${client.name}!"}'
        )
        .end()
    ).start({"client": {"pn": "7", "name": "Pop"}})
    [record] = sent(story)
    assert json.loads(record.value) == {"pn": "7", "whole": {"pn": "7", "name": "Pop"}, "text": "Mr Pop!"}
    assert (record.topic, record.key) == ("crm.search", story.id)
    assert record.headers == {"processInstanceId": story.id}


@pytest.mark.parametrize("kind", ["throw", "end"])
def test_events_send_too(scenario, kind):
    drawn = process("news").start()
    given = {"topic": "audit.log", "body": '{"n": ${n}}', "headers": '{"kind": "x"}', "key": "=k"}
    (drawn.throw("tell", **given).end() if kind == "throw" else drawn.end("tell", **given))
    story = scenario(drawn).start({"n": 1, "k": "a"})
    [record] = sent(story)
    assert (story.status, record.topic, record.value, record.key) == ("FINISHED", "audit.log", '{"n":1}', "a")
    assert record.headers == {"processInstanceId": story.id, "kind": "x"}
    assert story.engine.counts()["outbox"] == 1


def test_events_map_their_inputs(scenario):
    story = scenario(
        process("map")
        .start()
        .throw("tell", topic="a", body='{"n": ${twice}}', inputs={"twice": "=n * 2"}, outputs={"told": "=twice"})
        .end("last", topic="b", body='{"n": ${more}}', inputs={"more": "=told + 1"})
    ).start({"n": 2})
    assert values(story) == [("a", {"n": 4}), ("b", {"n": 5})]
    assert story.variables == {"n": 2, "told": 4}


def test_several_records_of_one_node_go_out_in_their_order(scenario):
    story = scenario(
        process("many")
        .start()
        .send("tell", topic="third")
        .kafka_send("second", order=2)
        .kafka_send("first", order=1)
        .end("last", topic="fourth")
        .kafka_send("fifth", on="last")
    )
    story.start()
    assert [record.topic for record in sent(story)] == ["third", "first", "second", "fourth", "fifth"]


def test_a_topic_may_be_computed(scenario):
    story = scenario(
        process("dynamic").start().send("ask", topic="crm.${region}-${client.kind}").user_task("u").end()
    ).start({"region": "ro", "client": {"kind": 2}})
    assert [record.topic for record in sent(story)] == ["crm.ro-2"]


@pytest.mark.parametrize("region", ["a b", "ä", "x" * 250, 'say "hi"', "back\\slash", ""])
def test_a_topic_that_kafka_does_not_take_is_an_exception(scenario, region):
    story = scenario(process("dynamic").start().send("ask", topic="${region}").end()).start({"region": region})
    [incident] = story.incidents
    assert (incident.type, incident.node, incident.cause_type) == ("ActionEvaluation", "ask", "${region}")
    assert "The topic of action 'ask' of 'ask', '${region}', is none that Kafka takes for region = " in incident.message
    assert sent(story) == []
    story.set_variables({"region": "ro"}).retry()
    assert [record.topic for record in sent(story)] == ["ro"]


def test_of_several_records_none_goes_out_where_one_cannot(scenario):
    story = scenario(process("both").start().throw("tell", topic="a").kafka_send("${b}").end()).start()
    assert (sent(story), story.waiting_at) == ([], ["tell"])


def test_a_placeholder_is_resolved_once(scenario):
    story = scenario(
        process("once")
        .start()
        .send(
            "ask",
            topic="t",
            body='{"whole": "${x}", "bare": ${x}, "within": "<${x}>"}',
            headers='{"whole": "${x}", "within": "<${x}>"}',
        )
        .end()
    ).start({"x": "${y} ${x}", "y": "secret"})
    [record] = sent(story)
    same = {"whole": "${y} ${x}", "bare": "${y} ${x}", "within": "<${y} ${x}>"}
    assert json.loads(record.value) == same
    assert record.headers == {"processInstanceId": story.id, "whole": "${y} ${x}", "within": "<${y} ${x}>"}


def test_what_a_variable_holds_does_not_break_out_of_its_text(scenario):
    story = scenario(
        process("quotes").start().send("ask", topic="t", body='{"a": "${x}", "b": "<${x}>", "c": ${x}}').end()
    ).start({"x": '", "admin": "yes'})
    [(_, body)] = values(story)
    assert body == {"a": '", "admin": "yes', "b": '<", "admin": "yes>', "c": '", "admin": "yes'}


def test_headers_are_texts_and_the_process_has_the_last_word(scenario):
    headers = (
        '{"processInstanceId": "mine", "uuid": "${processInstanceUuid}", "destinationId": "hear", "n": ${n}, '
        '"yes": true, "deep": ${deep}, "none": ${missing}, "callbacksForAction": "upload"}'
    )
    story = scenario(process("head").start().send("ask", topic="t", headers=headers).end())
    story.start({"n": 1.5, "deep": {"a": [1]}})
    [record] = sent(story)
    assert record.headers == {
        "processInstanceId": "mine",
        "uuid": story.id,
        "destinationId": "hear",
        "n": "1.5",
        "yes": "true",
        "deep": '{"a":[1]}',
        "none": "",
        "callbacksForAction": "upload",
    }


def test_in_a_loop_each_item_sends_its_own(scenario):
    story = scenario(
        process("each")
        .start()
        .send("ask", topic="crm.${client.region}", body='{"n": ${loopCounter}}')
        .multi_instance("=clients", element="client")
        .end()
    ).start({"clients": [{"region": "ro"}, {"region": "de"}]})
    assert values(story) == [("crm.ro", {"n": 1}), ("crm.de", {"n": 2})]


def test_in_a_sub_process_local_variables_are_seen(scenario):
    inner = process("inner").start().throw("tell", topic="t.${place}").end("last", topic="u.${place}")
    story = scenario(process("outer").start().sub_process("sub", inner, inputs={"place": '="in"'}).end()).start()
    assert [record.topic for record in sent(story)] == ["t.in", "u.in"]
    assert story.status == "FINISHED"


def test_send_and_receive_make_a_conversation(scenario):
    story = scenario(
        process("talk")
        .start()
        .exclusive("again")
        .send("ask", topic="crm.search", body='{"page": ${page}}')
        .receive("hear", streams={"engine.receive.crm": "found"})
        .script("next", "=page + 1", "page")
        .exclusive("more")
        .when("=found.more")
        .to("again")
        .back_to("more")
        .otherwise()
        .end()
    ).start({"page": 1})
    for more in (True, True, False):
        story.answer("engine.receive.crm", {"more": more})
    assert story.status == "FINISHED"
    assert [body["page"] for _, body in values(story)] == [1, 2, 3]
