"""Start, end, intermediate and boundary events."""

from __future__ import annotations

import pytest

from procession.definition import (
    BoundaryEvent,
    EndEvent,
    ErrorTrigger,
    IntermediateCatchEvent,
    IntermediateThrowEvent,
    JobSpec,
    MessageThrow,
    MessageTrigger,
    Parameter,
    StartEvent,
    TerminateTrigger,
    TimerTrigger,
)
from tests.unit.bpmn.build import JOB, extended, file, flow, found, line, one, only, path

FORMAL = "xsi:type='bpmn:tFormalExpression'"
TIMER = f"<bpmn:timerEventDefinition{{0}}><bpmn:{{1}} {FORMAL}>{{2}}</bpmn:{{1}}></bpmn:timerEventDefinition>"
PAID = '<bpmn:messageEventDefinition id="md" messageRef="paid"/>'


def timer(kind: str, text: str, attributes: str = "") -> str:
    return TIMER.format(attributes, kind, text)


def node(body: str, name: str = "x"):
    return only(file(path(body, name))).nodes[name]


def start(inside: str):
    return only(file(f'<bpmn:startEvent id="s">{inside}</bpmn:startEvent>')).nodes["s"]


def bounded(inside: str, attributes: str = "") -> str:
    boundary = f'<bpmn:boundaryEvent id="b" attachedToRef="x"{attributes}>\n{inside}</bpmn:boundaryEvent>\n'
    return path(f'<bpmn:userTask id="x"/>\n{boundary}{flow("b", "e")}')


def test_a_plain_start_event():
    process = only(file(path('<bpmn:task id="x"/>')))
    assert process.starts == ("s",)
    begin = process.nodes["s"]
    assert isinstance(begin, StartEvent)
    assert (begin.trigger, begin.condition, begin.parameters) == (None, None, ())
    assert [taken.target for taken in begin.outgoing] == ["x"]
    assert process.nodes["x"].incoming == ("s-x",)


def test_a_start_condition_parameters_and_a_form():
    begin = start(
        extended(
            '<procession:start condition="PF"/><procession:param name="client.id" type="string" mandatory="true"/>'
            '<procession:param name="note"/><zeebe:formDefinition formId="apply"/>'
            '<zeebe:ioMapping><zeebe:output source="= a" target="b.c"/></zeebe:ioMapping>'
        )
    )
    assert begin.condition == "PF"
    assert begin.parameters == (Parameter("client.id", "string", True), Parameter("note", None, False))
    assert begin.form == "apply"
    assert [(mapping.source.text, mapping.target) for mapping in begin.outputs] == [("a", "b.c")]


def test_a_timer_start_event():
    assert start(timer("timeCycle", "R/PT1H", ' procession:zone="Europe/Berlin"')).trigger == TimerTrigger(
        "cycle", "R/PT1H", "Europe/Berlin"
    )


def test_a_timer_start_event_knows_no_variables():
    data = file(f'<bpmn:startEvent id="s">\n{timer("timeDuration", "= wait")}</bpmn:startEvent>')
    assert one(data).message == "The timer of a start event is an expression."
    assert one(data).element == "s"


def test_a_message_start_event_needs_no_key():
    begin = start('<bpmn:messageEventDefinition messageRef="news"/>')
    assert begin.trigger == MessageTrigger("news", None)


def test_several_start_events():
    process = only(
        file(
            '<bpmn:startEvent id="a"/><bpmn:startEvent id="b"><bpmn:messageEventDefinition messageRef="news"/>'
            f'</bpmn:startEvent><bpmn:startEvent id="c">{timer("timeDate", "2030-01-01T00:00:00Z")}</bpmn:startEvent>'
        )
    )
    assert process.starts == ("a", "b", "c")


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("date", "timeDate", "2030-01-01T00:00:00+01:00"),
        ("duration", "timeDuration", "PT5M"),
    ],
)
def test_timers(kind, name, text):
    caught = node(f'<bpmn:intermediateCatchEvent id="x">{timer(name, text)}</bpmn:intermediateCatchEvent>')
    assert isinstance(caught, IntermediateCatchEvent)
    assert caught.trigger == TimerTrigger(kind, text, "UTC")


def test_a_cycle_that_is_none():
    problem = one(file(f'<bpmn:startEvent id="s">{timer("timeCycle", "R/")}</bpmn:startEvent>'))
    assert problem.message.startswith("'R/' is not a repeating interval.")


def test_a_timer_by_expression():
    caught = node(
        f'<bpmn:intermediateCatchEvent id="x">{timer("timeDuration", "= wait")}</bpmn:intermediateCatchEvent>'
    )
    assert caught.trigger.value.text == "wait"


def test_a_timer_in_the_language_feel_needs_no_sign():
    body = '<bpmn:timeDuration language="https://www.omg.org/spec/DMN/FEEL/">wait</bpmn:timeDuration>'
    caught = node(
        f'<bpmn:intermediateCatchEvent id="x"><bpmn:timerEventDefinition>{body}</bpmn:timerEventDefinition>'
        "</bpmn:intermediateCatchEvent>"
    )
    assert caught.trigger.value.text == "wait"


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (timer("timeDuration", "5 minutes"), "'5 minutes' is not an ISO 8601 duration."),
        (timer("timeDate", "tomorrow"), "'tomorrow' is not an ISO 8601 date and time."),
        (
            timer("timeCycle", "R/PT1H"),
            "The timer of intermediate catch event 'x' is a repeating interval, but it can fire only once.",
        ),
        (timer("timeDuration", "P1D", ' procession:zone="Mars/Base"'), "There is no time zone 'Mars/Base'."),
        (timer("timeDuration", ""), "The time of intermediate catch event 'x' is empty."),
        (timer("timeDuration", "${wait}"), "The time of intermediate catch event 'x' is not FEEL: '${wait}'."),
        ("<bpmn:timerEventDefinition/>", "The timer of intermediate catch event 'x' has no time."),
        (
            f"<bpmn:timerEventDefinition><bpmn:timeDate {FORMAL}>2030-01-01T00:00:00Z</bpmn:timeDate>"
            f"<bpmn:timeDuration {FORMAL}>P1D</bpmn:timeDuration></bpmn:timerEventDefinition>",
            "The timer of intermediate catch event 'x' has more than one time.",
        ),
    ],
)
def test_wrong_timers(inside, message):
    data = file(path(f'<bpmn:intermediateCatchEvent id="x">\n{inside}\n</bpmn:intermediateCatchEvent>'))
    problem = one(data)
    assert problem.message.startswith(message)
    assert problem.element == "x"
    assert problem.line == line(data, "timerEventDefinition")


def test_a_message_catch_event():
    caught = node(f'<bpmn:intermediateCatchEvent id="x">{PAID}</bpmn:intermediateCatchEvent>')
    assert caught.trigger.name == "payment received"
    assert caught.trigger.key.text == "order.id"


def test_a_key_of_its_own():
    inside = extended('<procession:subscription correlationKey="= mine"/>')
    caught = node(f'<bpmn:intermediateCatchEvent id="x">{inside}{PAID}</bpmn:intermediateCatchEvent>')
    assert caught.trigger.key.text == "mine"


def waiting_for(name: str, key: str) -> bytes:
    subscription = extended(f'<zeebe:subscription correlationKey="{key}"/>')
    definition = '<bpmn:messageEventDefinition messageRef="m"/>'
    body = f'<bpmn:intermediateCatchEvent id="x">{definition}</bpmn:intermediateCatchEvent>'
    return file(path(body), extra=f'<bpmn:message id="m" name="{name}">{subscription}</bpmn:message>')


def test_a_message_name_may_be_an_expression():
    assert only(waiting_for("= topic", "= k")).nodes["x"].trigger.name.text == "topic"


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ('<bpmn:messageEventDefinition id="d"/>', "The intermediate catch event 'x' names no message."),
        (
            '<bpmn:messageEventDefinition id="d" messageRef="lost"/>',
            "The intermediate catch event 'x' refers to the message 'lost', which is not in the file.",
        ),
        (
            '<bpmn:messageEventDefinition id="d" messageRef="refused"/>',
            "The intermediate catch event 'x' refers to the message 'refused', which is not in the file.",
        ),
    ],
)
def test_messages_that_cannot_be_awaited(definition, message):
    data = file(path(f'<bpmn:intermediateCatchEvent id="x">\n{definition}</bpmn:intermediateCatchEvent>'))
    problem = one(data)
    assert (problem.message, problem.element, problem.line) == (message, "d", line(data, definition))
    assert problem.hint


def test_a_key_must_be_an_expression():
    problem = one(waiting_for("n", "orderId"))
    assert problem.message == "The correlation key 'orderId' is not an expression."
    assert problem.hint == 'Write correlationKey="= orderId".'


def test_a_message_without_a_name():
    data = file(
        '<bpmn:startEvent id="s"><bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>',
        extra='<bpmn:message id="m"/>',
    )
    assert (one(data).message, one(data).element) == ("The message 'm' has no name.", "m")


def test_end_events():
    assert only(file(path('<bpmn:task id="x"/>'))).nodes["e"].trigger is None
    ends = {
        "<bpmn:terminateEventDefinition/>": TerminateTrigger(),
        '<bpmn:errorEventDefinition errorRef="refused"/>': ErrorTrigger("REFUSED"),
        '<bpmn:messageEventDefinition messageRef="news"/>': MessageThrow("news"),
    }
    for inside, trigger in ends.items():
        data = file(f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:endEvent id="x">{inside}</bpmn:endEvent>')
        end = only(data).nodes["x"]
        assert isinstance(end, EndEvent)
        assert end.trigger == trigger


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<bpmn:errorEventDefinition/>", "The error event 'x' names no error."),
        (
            '<bpmn:errorEventDefinition errorRef="no"/>',
            "The end event 'x' refers to the error 'no', which is not in the file.",
        ),
        ('<bpmn:errorEventDefinition errorRef="bare"/>', "The error 'bare' has no errorCode."),
        ('<bpmn:errorEventDefinition errorRef="late"/>', "An error code that is an expression is not executable yet."),
    ],
)
def test_errors_that_cannot_be_thrown(inside, message):
    extra = '<bpmn:error id="bare"/><bpmn:error id="late" errorCode="= code"/>'
    data = file(f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:endEvent id="x">{inside}</bpmn:endEvent>', extra=extra)
    assert one(data).message == message


def test_throw_events():
    assert node('<bpmn:intermediateThrowEvent id="x"/>') == IntermediateThrowEvent(
        id="x", incoming=("s-x",), outgoing=node('<bpmn:intermediateThrowEvent id="x"/>').outgoing
    )
    thrown = node(f'<bpmn:intermediateThrowEvent id="x">{PAID}</bpmn:intermediateThrowEvent>')
    assert thrown.trigger == MessageThrow("payment received")


def test_how_a_message_is_published():
    inside = extended('<procession:publish key="= order.id" ttl="PT1H" variables="= {a: 1}" messageId="= id"/>')
    trigger = node(f'<bpmn:intermediateThrowEvent id="x">{inside}{PAID}</bpmn:intermediateThrowEvent>').trigger
    assert (trigger.key.text, trigger.ttl, trigger.message_id.text) == ("order.id", "PT1H", "id")
    assert trigger.variables.text == "{a: 1}"
    inside = extended('<zeebe:publishMessage correlationKey="= k" timeToLive="PT2H" messageId="m"/>')
    trigger = node(f'<bpmn:intermediateThrowEvent id="x">{inside}{PAID}</bpmn:intermediateThrowEvent>').trigger
    assert (trigger.key.text, trigger.ttl, trigger.message_id) == ("k", "PT2H", "m")


def test_a_wrong_time_to_live():
    inside = extended('<procession:publish ttl="soon"/>')
    problem = one(file(path(f'<bpmn:intermediateThrowEvent id="x">{inside}{PAID}</bpmn:intermediateThrowEvent>')))
    assert problem.message.startswith("The attribute 'ttl' is wrong: 'soon' is not an ISO 8601 duration.")


@pytest.mark.parametrize("kind", ["intermediateThrowEvent", "endEvent"])
def test_a_message_that_a_worker_sends(kind):
    body = f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:{kind} id="x">{JOB}{PAID}</bpmn:{kind}>'
    thrown = only(file(body)).nodes["x"]
    assert (thrown.trigger, thrown.job) == (None, JobSpec("work"))


def test_boundary_events():
    process = only(file(bounded(timer("timeDuration", "PT1H"), ' cancelActivity="false"')))
    boundary = process.nodes["b"]
    assert isinstance(boundary, BoundaryEvent)
    assert (boundary.attached_to, boundary.interrupting) == ("x", False)
    assert boundary.trigger == TimerTrigger("duration", "PT1H")
    assert process.nodes["x"].boundaries == ("b",)
    assert only(file(bounded(PAID))).nodes["b"].interrupting


def test_error_boundary_events():
    caught = only(
        file(bounded('<bpmn:errorEventDefinition errorRef="refused" procession:errorVariable="why"/>'))
    ).nodes["b"]
    assert caught.trigger == ErrorTrigger("REFUSED", "why")
    assert only(file(bounded("<bpmn:errorEventDefinition/>"))).nodes["b"].trigger == ErrorTrigger(None)


def test_mappings_where_they_cannot_be():
    inside = extended('<zeebe:ioMapping><zeebe:input source="= a" target="b"/></zeebe:ioMapping>')
    data = file(path(f'<bpmn:intermediateCatchEvent id="x">{inside}{PAID}</bpmn:intermediateCatchEvent>'))
    assert found(data) == []
    assert one(data, "warning").message == "The input mapping to 'b' has no effect on an event that catches."
