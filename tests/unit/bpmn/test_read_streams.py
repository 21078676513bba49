"""Data streams, response timeouts and records: what a file may say of them, and what is wrong with it."""

from __future__ import annotations

import pytest

from procession.definition import DataStream, RecordSpec, TimerTrigger
from tests.unit.bpmn.build import extended, file, flow, found, one, only, path

CRM = '<procession:dataStream topic="engine.receive.crm" key="crm"/>'
WORK = '<zeebe:taskDefinition type="work"/>'
BANK = '<procession:dataStream topic="engine.receive.plugin.bank" key="bank"/>'


def node(body: str):
    return only(file(path(body))).nodes["x"]


def refused(body: str) -> tuple[str, str]:
    problem = one(file(path(body)))
    assert problem.element == "x"
    return problem.message, problem.hint


def test_a_receive_task_with_data_streams():
    task = node(f'<bpmn:receiveTask id="x">{extended(CRM + BANK)}</bpmn:receiveTask>')
    assert task.streams == (DataStream("engine.receive.crm", "crm"), DataStream("engine.receive.plugin.bank", "bank"))
    assert (task.trigger, task.timeout, task.plain) == (None, None, False)


@pytest.mark.parametrize(
    "body",
    [
        f'<bpmn:userTask id="x">{extended(CRM)}</bpmn:userTask>',
        f'<bpmn:serviceTask id="x">{extended(CRM + WORK)}</bpmn:serviceTask>',
        f'<bpmn:sendTask id="x">{extended(CRM + WORK)}</bpmn:sendTask>',
        f'<bpmn:callActivity id="x" calledElement="other">{extended(CRM)}</bpmn:callActivity>',
        f'<bpmn:subProcess id="x">{extended(CRM)}<bpmn:startEvent id="inside"/></bpmn:subProcess>',
    ],
)
def test_any_activity_may_have_data_streams(body):
    assert node(body).streams == (DataStream("engine.receive.crm", "crm"),)
    assert not node(body).plain


def test_without_them_a_task_stays_plain():
    assert node('<bpmn:userTask id="x"/>').plain


EXAMPLE = 'Write topic="engine.receive.crm".'
LETTERS = "Use letters, digits, '.', '_' and '-', 249 at most; it is fixed."


@pytest.mark.parametrize(
    ("stream", "message", "hint"),
    [
        ('key="crm"', "The data stream has no topic.", EXAMPLE),
        (
            'topic="crm.answers" key="crm"',
            "The engine does not listen to the topic 'crm.answers'.",
            f"It listens to all that begin with 'engine.receive.'. {EXAMPLE}",
        ),
        (
            'topic="engine.receive." key="crm"',
            "The engine does not listen to the topic 'engine.receive.'.",
            f"It listens to all that begin with 'engine.receive.'. {EXAMPLE}",
        ),
        (
            'topic="engine.receive.job" key="crm"',
            "On 'engine.receive.job' come the results of jobs, and no answers.",
            EXAMPLE,
        ),
        (
            'topic="engine.receive.${region}" key="crm"',
            "The topic of the data stream is 'engine.receive.${region}', which Kafka does not take.",
            LETTERS,
        ),
        (
            'topic="engine.receive.crm"',
            "The data stream has no key.",
            'Name the variable that answers go to: key="crmAnswer".',
        ),
        (
            'topic="engine.receive.crm" key="client.crm"',
            "The key of the data stream is 'client.crm'.",
            "Name one variable, without dots; an output mapping can put it elsewhere.",
        ),
        (
            'topic="engine.receive.crm" key="= name"',
            "The key of the data stream is '= name'.",
            "Name one variable, without dots; an output mapping can put it elsewhere.",
        ),
    ],
)
def test_data_streams_that_are_wrong(stream, message, hint):
    inside = extended(f"<procession:dataStream {stream}/>")
    assert refused(f'<bpmn:userTask id="x">{inside}</bpmn:userTask>') == (message, hint)


def test_one_topic_on_two_data_streams_of_a_node():
    again = '<procession:dataStream topic="engine.receive.crm" key="other"/>'
    assert refused(f'<bpmn:userTask id="x">{extended(CRM + again)}</bpmn:userTask>') == (
        "The topic 'engine.receive.crm' is on two data streams of one node.",
        "Remove one of the two.",
    )


def test_a_message_and_data_streams():
    assert refused(f'<bpmn:receiveTask id="x" messageRef="paid">{extended(CRM)}</bpmn:receiveTask>') == (
        "The receive task 'x' waits for a message and has data streams.",
        "Remove one of the two; an event-based gateway waits for both.",
    )


@pytest.mark.parametrize("kind", ["task", "manualTask", "sendTask"])
def test_what_is_done_at_once_takes_no_answer(kind):
    sends = '<procession:action type="kafkaSend" topic="t"/>' if kind == "sendTask" else ""
    data = file(path(f'<bpmn:{kind} id="x">{extended(CRM + sends)}</bpmn:{kind}>'))
    assert found(data) == []
    (warning,) = found(data, "warning")
    assert warning.message.endswith("never takes an answer: it is done at once.")


def test_a_data_stream_where_it_has_no_effect():
    data = file(path(f'<bpmn:exclusiveGateway id="x">{extended(CRM)}</bpmn:exclusiveGateway>'))
    assert "'procession:dataStream' has no effect in a 'bpmn:exclusiveGateway'." in [
        warning.message for warning in found(data, "warning")
    ]


# -- response timeouts ------------------------------------------------------------------------------------------------------


def test_a_response_timeout():
    task = node(f'<bpmn:receiveTask id="x" procession:responseTimeout="PT30S">{extended(CRM)}</bpmn:receiveTask>')
    assert task.timeout == TimerTrigger("duration", "PT30S")
    task = node('<bpmn:receiveTask id="x" messageRef="paid" procession:responseTimeout="= patience"/>')
    assert task.timeout.value.text == "patience"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The response timeout of receive task 'x' is empty."),
        ("soon", "The response timeout of receive task 'x' is wrong: 'soon' is not an ISO 8601 duration."),
        ("= (", "The response timeout of receive task 'x' does not parse"),
    ],
)
def test_response_timeouts_that_are_wrong(text, message):
    body = f'<bpmn:receiveTask id="x" procession:responseTimeout="{text}">{extended(CRM)}</bpmn:receiveTask>'
    assert refused(body)[0].startswith(message)


def test_behind_an_event_based_gateway_there_is_a_timer_event_for_it():
    timer = '<bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration>'
    body = (
        f'<bpmn:startEvent id="s"/>{flow("s", "g")}<bpmn:eventBasedGateway id="g"/>{flow("g", "a")}{flow("g", "x")}'
        f'<bpmn:intermediateCatchEvent id="a">{timer}</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>'
        f'<bpmn:receiveTask id="x" procession:responseTimeout="PT1S">{extended(CRM)}</bpmn:receiveTask>'
        f'{flow("a", "e")}{flow("x", "e")}<bpmn:endEvent id="e"/>'
    )
    problem = one(file(body))
    assert problem.message == "The receive task 'x' stands behind an event-based gateway, and has a response timeout."


def test_a_response_timeout_where_it_has_no_effect():
    (warning,) = found(file(path('<bpmn:userTask id="x" procession:responseTimeout="PT1S"/>')), "warning")
    assert warning.message == "'procession:responseTimeout' has no effect on a 'bpmn:userTask'."


# -- records ----------------------------------------------------------------------------------------------------------------


def action(given: str = "", topic: str = "t") -> str:
    return f'<procession:action type="kafkaSend" topic="{topic}" {given}/>'


FIRST, LIST = action('order="first"'), action("headers='[1]'")


@pytest.mark.parametrize("kind", ["sendTask", "intermediateThrowEvent"])
def test_actions_are_in_their_order(kind):
    inside = extended(action('order="2"', "b") + action('order="1" name="first"', "a.${x}") + action(topic="c"))
    assert node(f'<bpmn:{kind} id="x">{inside}</bpmn:{kind}>').records == (
        RecordSpec("c"),
        RecordSpec("a.${x}", name="first"),
        RecordSpec("b"),
    )


def test_an_end_event_sends():
    body = path('<bpmn:userTask id="x"/>').replace(
        '<bpmn:endEvent id="e"/>', f'<bpmn:endEvent id="e">{extended(action())}</bpmn:endEvent>'
    )
    assert only(file(body)).nodes["e"].records == (RecordSpec("t"),)


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        (
            f'<bpmn:sendTask id="x">{extended(action(topic="crm search"))}</bpmn:sendTask>',
            "The topic of the action is 'crm search', which Kafka does not take.",
            "Use letters, digits, '.', '_' and '-', 249 at most; ${region} stands for a variable.",
        ),
        (
            f'<bpmn:sendTask id="x">{extended(action(topic="= topic"))}</bpmn:sendTask>',
            "The topic of the action is '= topic', which Kafka does not take.",
            "Use letters, digits, '.', '_' and '-', 249 at most; ${region} stands for a variable.",
        ),
        (
            f'<bpmn:sendTask id="x">{extended(FIRST)}</bpmn:sendTask>',
            "The order of the action is 'first'.",
            "Write a whole number, such as 1.",
        ),
        (
            f'<bpmn:sendTask id="x">{extended(LIST)}</bpmn:sendTask>',
            "The headers of the action is not a JSON object.",
            "Write headers='{…}'.",
        ),
        (
            f'<bpmn:intermediateThrowEvent id="x">{extended(action())}'
            '<bpmn:messageEventDefinition messageRef="news"/></bpmn:intermediateThrowEvent>',
            "The intermediate throw event 'x' has an event definition and a kafkaSend action.",
            "Remove one of the two, or put the action on a node before it.",
        ),
        (
            f'<bpmn:userTask id="x">{extended(action())}</bpmn:userTask>',
            "A 'kafkaSend' action here is not executable yet.",
            "Put it on a send task, an intermediate throw event or an end event.",
        ),
    ],
)
def test_records_that_are_wrong(body, message, hint):
    assert refused(body) == (message, hint)
