"""Gateways, lanes, settings, data models, and which processes are read at all."""

from __future__ import annotations

import pytest

from procession.bpmn import lint, read_bpmn
from procession.definition import (
    EventBasedGateway,
    ExclusiveGateway,
    InclusiveGateway,
    ParallelGateway,
    Settings,
)
from procession.errors import InvalidDefinition
from tests.unit.bpmn.build import definitions, extended, file, flow, found, line, one, only, path

PLAIN = '<bpmn:startEvent id="s{0}"/>'


def split(kind: str, attributes: str = "") -> str:
    gateway = f'<bpmn:startEvent id="s"/>{flow("s", "g")}<bpmn:{kind} id="g"{attributes}/>\n'
    ends = f'<bpmn:userTask id="a"/><bpmn:userTask id="b"/>{flow("a", "j")}{flow("b", "j")}'
    return f'{gateway}{ends}<bpmn:{kind} id="j"/>{flow("j", "e")}<bpmn:endEvent id="e"/>'


def test_an_exclusive_gateway():
    body = split("exclusiveGateway", ' default="g-b"') + flow("g", "a", "= x &gt; 1") + flow("g", "b")
    gateway = only(file(body)).nodes["g"]
    assert isinstance(gateway, ExclusiveGateway)
    assert gateway.default.id == "g-b"
    assert [taken.condition and taken.condition.text for taken in gateway.outgoing] == ["x > 1", None]


def test_a_parallel_gateway():
    gateway = only(file(split("parallelGateway") + flow("g", "a") + flow("g", "b"))).nodes["j"]
    assert isinstance(gateway, ParallelGateway)
    assert gateway.incoming == ("a-j", "b-j")


def test_an_inclusive_gateway_knows_what_is_upstream():
    body = split("inclusiveGateway") + flow("g", "a", "= x") + flow("g", "b", "= y")
    boundary = '<bpmn:boundaryEvent id="late" attachedToRef="a"><bpmn:errorEventDefinition/></bpmn:boundaryEvent>'
    nodes = only(file(body + boundary + flow("late", "b"))).nodes
    assert isinstance(nodes["j"], InclusiveGateway)
    assert nodes["j"].upstream == {
        "a-j": frozenset({"s", "g", "a"}),
        "b-j": frozenset({"s", "g", "a", "b", "late"}),
    }
    assert nodes["g"].upstream == {}


def test_an_event_based_gateway():
    timer = '<bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration>'
    body = (
        f'<bpmn:startEvent id="s"/>{flow("s", "g")}<bpmn:eventBasedGateway id="g"/>{flow("g", "a")}{flow("g", "b")}'
        f'<bpmn:intermediateCatchEvent id="a">{timer}</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>'
        f'<bpmn:receiveTask id="b" messageRef="paid"/>{flow("a", "e")}{flow("b", "e")}<bpmn:endEvent id="e"/>'
    )
    assert isinstance(only(file(body)).nodes["g"], EventBasedGateway)


@pytest.mark.parametrize(
    ("condition", "text"),
    [("= a > 1", "a > 1"), ("=a", "a"), ("a > 1", "a > 1"), ('= "${x}" = a', '"${x}" = a'), (" = a ", "a")],
)
def test_conditions(condition, text):
    condition = condition.replace(">", "&gt;")
    body = split("exclusiveGateway", ' default="g-b"') + flow("g", "a", condition) + flow("g", "b")
    assert only(file(body)).flows["g-a"].condition.text == text


@pytest.mark.parametrize(
    ("condition", "message", "hint"),
    [
        (
            "${amount &gt; 5 &amp;&amp; !done}",
            "The condition of flow 'g-a' is not FEEL: '${amount > 5 && !done}'.",
            "Write it as FEEL: = amount > 5 and not(done)",
        ),
        ("=", "The condition of flow 'g-a' is empty.", "Write a FEEL expression, or remove it."),
    ],
)
def test_conditions_that_are_wrong(condition, message, hint):
    body = split("exclusiveGateway", ' default="g-b"') + flow("g", "a", condition) + flow("g", "b")
    data = file(body)
    problem = one(data)
    assert (problem.message, problem.hint) == (message, hint)
    assert (problem.element, problem.line) == ("g-a", line(data, "conditionExpression"))


def test_an_expression_that_does_not_parse_says_where():
    body = split("exclusiveGateway", ' default="g-b"') + flow("g", "a", "= a + ) b") + flow("g", "b")
    problem = one(file(body))
    assert problem.message.startswith("The condition of flow 'g-a' does not parse: ")
    assert "(line 1, column 5 of 'a + ) b')" in problem.message
    assert problem.element == "g-a"


def test_an_expression_that_can_never_have_a_value_is_refused():
    body = split("exclusiveGateway", ' default="g-b"') + flow("g", "a", "= sie(list) > 2") + flow("g", "b")
    problem = one(file(body))
    assert problem.message == (
        "The condition of flow 'g-a' can never have a value: There is no function 'sie' "
        "(line 1, column 1 of 'sie(list) > 2')."
    )


def test_a_condition_in_another_language():
    condition = '<bpmn:conditionExpression language="http://www.w3.org/1999/XPath">x</bpmn:conditionExpression>'
    taken = f'<bpmn:sequenceFlow id="g-a" sourceRef="g" targetRef="a">{condition}</bpmn:sequenceFlow>'
    problem = one(file(split("exclusiveGateway", ' default="g-b"') + taken + flow("g", "b")))
    assert problem.message == (
        "The condition of flow 'g-a' is written in 'http://www.w3.org/1999/XPath'; only FEEL is executed."
    )


LANES = """<bpmn:laneSet id="set"><bpmn:lane id="front" name="Front">
{0}<bpmn:flowNodeRef>s</bpmn:flowNodeRef><bpmn:flowNodeRef>x</bpmn:flowNodeRef>
<bpmn:childLaneSet id="inner"><bpmn:lane id="desk">{1}<bpmn:flowNodeRef>x</bpmn:flowNodeRef></bpmn:lane>
</bpmn:childLaneSet></bpmn:lane></bpmn:laneSet>"""


def test_lanes_and_access():
    outer = extended('<procession:access execute="clerk  manager" view="auditor"/>')
    inner = extended('<procession:access view="clerk" hold=""/>')
    process = only(file(LANES.format(outer, inner) + path('<bpmn:userTask id="x"/>')))
    assert process.lanes["front"].name == "Front"
    assert process.lanes["front"].access == {"execute": frozenset({"clerk", "manager"}), "view": frozenset({"auditor"})}
    assert process.lanes["desk"].access == {
        "execute": frozenset({"clerk", "manager"}),
        "view": frozenset({"clerk"}),
        "hold": frozenset(),
    }
    assert {name: node.lane for name, node in process.nodes.items()} == {"s": "front", "x": "desk", "e": None}
    assert process.guarded


def test_what_is_inside_a_sub_process_is_in_its_lane():
    body = f'<bpmn:subProcess id="x">{PLAIN.format(1)}</bpmn:subProcess>'
    boundary = '<bpmn:boundaryEvent id="b" attachedToRef="x"><bpmn:errorEventDefinition/></bpmn:boundaryEvent>'
    process = only(file(LANES.format("", "") + path(body) + boundary + flow("b", "e")))
    assert process.nodes["s1"].lane == process.nodes["b"].lane == "desk"
    assert not process.guarded


def test_settings():
    inside = extended(
        """<procession:settings expiry="P30D" zone="Europe/Berlin" generalData='{"app": "cards"}'/>"""
        '<zeebe:versionTag value="1.2"/>'
    )
    process = only(file(inside + path('<bpmn:task id="x"/>'), attributes=' name="Order"'))
    assert process.settings == Settings("P30D", "Europe/Berlin", {"app": "cards"})
    assert (process.name, process.title, process.version_tag) == ("p", "Order", "1.2")


def test_the_zone_of_the_settings_is_that_of_the_timers():
    settings = extended('<procession:settings zone="Europe/Berlin"/>')
    timer = '<bpmn:timerEventDefinition{0}><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P1D</bpmn:timeDuration>'
    for attribute, zone in {"": "Europe/Berlin", ' procession:zone="Asia/Tokyo"': "Asia/Tokyo"}.items():
        caught = f'<bpmn:intermediateCatchEvent id="x">{timer.format(attribute)}</bpmn:timerEventDefinition>'
        data = file(settings + path(f"{caught}</bpmn:intermediateCatchEvent>"))
        assert only(data).nodes["x"].trigger.zone == zone


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ('expiry="soon"', "The attribute 'expiry' is wrong: "),
        ('keep="P90D"', "Retention (keep) is not executable yet."),
        ('zone="Mars"', "The attribute 'zone' is wrong: There is no time zone 'Mars'."),
        ('generalData="{"', "The generalData is not JSON: "),
    ],
)
def test_settings_that_are_wrong(attributes, message):
    data = file(extended(f"<procession:settings {attributes}/>") + path('<bpmn:task id="x"/>'))
    assert one(data).message.startswith(message)
    assert one(data).element == "p"


def test_a_data_model_and_what_is_sensitive():
    model = """{"properties": {"client": {"properties": {"iban": {"sensitive": true}, "name": {}}},
      "pin": {"sensitive": true}, "cards": {"items": {"properties": {"number": {"sensitive": true}}}}}}"""
    process = only(
        file(extended(f"<procession:dataModel>{model}</procession:dataModel>") + path('<bpmn:task id="x"/>'))
    )
    assert process.sensitive == frozenset({"client.iban", "pin", "cards.number"})
    assert "properties" in process.data_model


@pytest.mark.parametrize(
    ("model", "message"), [("{", "The data model is not JSON: "), ("[]", "The data model is not a JSON object.")]
)
def test_a_data_model_that_is_wrong(model, message):
    data = file(extended(f"<procession:dataModel>{model}</procession:dataModel>") + path('<bpmn:task id="x"/>'))
    assert one(data).message.startswith(message)


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ('type="string"', "A start parameter has no name."),
        ('name="a" type="text"', "The parameter 'a' has the type 'text'."),
        ('name="a" mandatory="yes"', "The attribute 'mandatory' is 'yes'."),
    ],
)
def test_parameters_that_are_wrong(param, message):
    data = file(f'<bpmn:startEvent id="s">{extended(f"<procession:param {param}/>")}</bpmn:startEvent>')
    assert (one(data).message, one(data).element) == (message, "s")


def test_attributes_of_our_own_on_a_node():
    body = path('<bpmn:userTask id="x" procession:canGoBack="false" procession:stage="in"/>')
    task = only(file(body)).nodes["x"]
    assert (task.can_go_back, task.stage) == (False, "in")
    assert only(file(path('<bpmn:task id="x"/>'))).nodes["x"].can_go_back


def test_every_executable_process_of_a_file():
    data = definitions(
        f'<bpmn:process id="a" isExecutable="true">{PLAIN.format(1)}</bpmn:process>\n'
        f'<bpmn:process id="b">{PLAIN.format(2)}</bpmn:process>\n'
        '<bpmn:process id="c" isExecutable="false"><bpmn:tusk/></bpmn:process>\n'
        '<bpmn:process id="d"/>\n<bpmn:process id="e" processType="Public"><bpmn:task id="t"/></bpmn:process>'
    )
    read = read_bpmn(data, "x.bpmn")
    assert [process.name for process in read.processes] == ["a", "b"]
    assert [(warning.element, warning.message) for warning in read.warnings] == [
        ("c", "The process 'c' is not executable and is skipped."),
        ("d", "The process 'd' is empty or public and is skipped."),
        ("e", "The process 'e' is empty or public and is skipped."),
    ]
    assert read.data is data


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "There is no process in the file."),
        ('<bpmn:process id="p" isExecutable="false"/>', "No process in the file is executable."),
    ],
)
def test_no_process(inside, message):
    (problem,) = found(definitions(inside))
    assert problem.message == message
    with pytest.raises(InvalidDefinition):
        read_bpmn(definitions(inside))


def test_all_problems_at_once_in_the_order_of_the_file():
    body = '<bpmn:startEvent id="s"/>\n<bpmn:serviceTask id="a"/>\n<bpmn:tusk/>\n' + flow("a", "nowhere")
    data = file(body)
    problems = [problem for problem in lint(data) if problem.severity == "error"]
    assert [problem.line for problem in problems] == [
        line(data, "serviceTask"),
        line(data, "tusk"),
        line(data, "nowhere"),
    ]
    with pytest.raises(InvalidDefinition) as caught:
        read_bpmn(data)
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ('<bpmn:userTask id="x" procession:flowNames="adult minor"/>', "A flow name is not executable yet."),
        (
            '<bpmn:sendTask id="x"><bpmn:extensionElements><procession:action name="a" type="kafkaSend" topic="t" '
            'trigger="manual"/></bpmn:extensionElements></bpmn:sendTask>',
            "A 'kafkaSend' action that a person triggers is not executable yet.",
        ),
    ],
)
def test_what_would_have_no_effect_yet_is_refused(inside, message):
    assert message in [problem.message for problem in lint(file(path(inside)), "test.bpmn")]
