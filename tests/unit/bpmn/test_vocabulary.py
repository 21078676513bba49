"""Nothing is ignored silently: unknown, misspelled, misplaced, without effect, not executable yet."""

from __future__ import annotations

import pytest

from procession.bpmn.extensions import procession, zeebe
from procession.bpmn.names import FLOW_NODES, LATER, WITHOUT_EFFECT
from procession.bpmn.read_process import READERS
from procession.bpmn.standard import SHAPES
from tests.unit.bpmn.build import JOB, definitions, extended, file, flow, found, line, lint, one, only, path

TASK = path('<bpmn:userTask id="x"/>')


def with_extension(inside: str, kind: str = "userTask") -> bytes:
    return file(path(f'<bpmn:{kind} id="x">\n{extended(inside)}</bpmn:{kind}>'))


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("<bpmn:usertask id='y'/>", "The element 'bpmn:usertask' is not part of BPMN 2.0.", "Did you mean 'userTask'?"),
        ("<bpmn:xyzzy id='y'/>", "The element 'bpmn:xyzzy' is not part of BPMN 2.0.", ""),
        ("<userTask id='y'/>", "The element 'userTask' has no namespace.", "Did you mean 'bpmn:userTask'?"),
        ("<bpmn:lane id='y'/>", "A 'bpmn:lane' may not stand inside a 'bpmn:process'.", "Move it, or remove it."),
        (
            "<zeebe:taskDefinition id='y' type='t'/>",
            "'zeebe:taskDefinition' stands outside of extensionElements and would be ignored.",
            "Move it into the <bpmn:extensionElements> of its element.",
        ),
    ],
)
def test_elements_that_are_unknown_or_misplaced(body, message, hint):
    data = file(f"{TASK}\n{body}")
    problem = one(data)
    assert (problem.message, problem.hint, problem.line) == (message, hint, line(data, body))
    assert problem.element == "y"


@pytest.mark.parametrize(
    ("node", "message", "hint"),
    [
        (
            '<bpmn:userTask id="x" nmae="a"/>',
            "The attribute 'nmae' of 'bpmn:userTask' is not known.",
            "Did you mean 'name'?",
        ),
        (
            '<bpmn:userTask id="x" bpmn:name="a"/>',
            "The attribute 'name' of 'bpmn:userTask' is not known.",
            "Did you mean 'name'?",
        ),
        ('<bpmn:userTask id="x" qqq="a"/>', "The attribute 'qqq' of 'bpmn:userTask' is not known.", "Remove it."),
        (
            '<bpmn:userTask id="x" procession:canGoBak="true"/>',
            "The attribute 'procession:canGoBak' of 'bpmn:userTask' is not known.",
            "Did you mean 'procession:canGoBack'?",
        ),
        (
            '<bpmn:userTask id="x" zeebe:modelerTemplat="a"/>',
            "The attribute 'zeebe:modelerTemplat' of 'bpmn:userTask' is not known.",
            "Did you mean 'zeebe:modelerTemplate'?",
        ),
        (
            '<bpmn:userTask id="x" isForCompensation="never"/>',
            "The attribute 'isForCompensation' is 'never'.",
            "It is one of 0, 1, false, true.",
        ),
        (
            '<bpmn:userTask id="x" procession:flowNames="adult"/>',
            "A flow name is not executable yet.",
            "Choose between flows with an exclusive gateway.",
        ),
    ],
)
def test_attributes_that_are_wrong(node, message, hint):
    data = file(path(node))
    problem = one(data)
    assert (problem.message, problem.hint) == (message, hint)
    assert (problem.element, problem.line) == ("x", line(data, node))


def test_an_attribute_that_must_be_there():
    data = file(f'{TASK}\n<bpmn:sequenceFlow id="f" targetRef="x"/>')
    problem = one(data)
    assert (problem.message, problem.element) == ("'bpmn:sequenceFlow' has no attribute 'sourceRef'.", "f")


@pytest.mark.parametrize(
    ("inside", "message", "hint"),
    [
        ("<zeebe:formDefintion/>", "The element 'zeebe:formDefintion' is not known.", "Did you mean 'formDefinition'?"),
        (
            "<zeebe:formDefinition formid='a'/>",
            "The attribute 'formid' of 'zeebe:formDefinition' is not known.",
            "Did you mean 'formId'?",
        ),
        ("<procession:acess/>", "The element 'procession:acess' is not known.", "Did you mean 'access'?"),
        (
            "<zeebe:ioMapping><zeebe:inputs source='= a' target='b'/></zeebe:ioMapping>",
            "The element 'zeebe:inputs' is not known inside 'zeebe:ioMapping'.",
            "Did you mean 'input'?",
        ),
        (
            "<zeebe:ioMapping><other/></zeebe:ioMapping>",
            "'other' may not stand inside 'zeebe:…'.",
            "Remove it.",
        ),
        (
            "<procession:action type='saveData'/>",
            "The action type 'saveData' is not executable yet.",
            "Only 'kafkaSend' is, on send tasks, intermediate throw events and end events.",
        ),
        (
            "<zeebe:executionListeners><zeebe:executionListener type='t'/></zeebe:executionListeners>",
            "An execution listener is not executable yet.",
            "Draw a service task before or after the element.",
        ),
        (
            "<zeebe:taskListeners><zeebe:taskListener eventType='assigning' type='t'/></zeebe:taskListeners>",
            "A task listener is not executable yet.",
            "Draw a service task before or after the task.",
        ),
    ],
)
def test_extensions_that_are_wrong(inside, message, hint):
    data = with_extension(inside)
    problem = one(data)
    assert (problem.message, problem.hint, problem.element) == (message, hint, "x")
    assert problem.line == line(data, "extensionElements><" + inside[1:12])


@pytest.mark.parametrize(
    ("inside", "kind", "message"),
    [
        ("<zeebe:script expression='= 1'/>", "userTask", "'zeebe:script' has no effect in a 'bpmn:userTask'."),
        (
            "<zeebe:assignmentDefinition assignee='a'/>",
            "task",
            "'zeebe:assignmentDefinition' has no effect in a 'bpmn:task'.",
        ),
        ("<procession:settings/>", "task", "'procession:settings' has no effect in a 'bpmn:task'."),
        ("<camunda:in variables='all'/>", "task", "camunda:in is not translated."),
    ],
)
def test_extensions_without_effect(inside, kind, message):
    data = with_extension(inside, kind)
    assert found(data) == []
    assert one(data, "warning").message == message


@pytest.mark.parametrize(
    "inside",
    [
        "<zeebe:properties><zeebe:property name='a' value='b'/></zeebe:properties>",
        "<modeler:any thing='1'><modeler:deep/></modeler:any>",
        "<acme:x xmlns:acme='urn:acme' a='1'>text</acme:x>",
        "<none/>",
    ],
)
def test_extensions_that_are_kept_in_silence(inside):
    assert lint(with_extension(inside)) == []


def test_attributes_that_are_kept_in_silence():
    colours = 'xmlns:bioc="urn:b" bioc:fill="red" zeebe:modelerTemplate="t" zeebe:modelerTemplateVersion="1" '
    assert lint(file(path(f'<bpmn:userTask id="x" {colours}/>'))) == []


DECORATION = """<bpmn:documentation>Text</bpmn:documentation>
<bpmn:property id="pr" name="a"/>
<bpmn:dataObject id="do"/><bpmn:dataObjectReference id="dor" dataObjectRef="do" name="D"/>
<bpmn:dataStoreReference id="dsr" dataStoreRef="ds"/>
<bpmn:textAnnotation id="ta"><bpmn:text>Note</bpmn:text></bpmn:textAnnotation>
<bpmn:association id="as" sourceRef="x" targetRef="ta" associationDirection="None"/>
<bpmn:group id="gr" categoryValueRef="cv"/>
"""
AROUND = """<bpmn:collaboration id="co"><bpmn:participant id="pool" name="Us" processRef="p"/>
<bpmn:participant id="other" name="Them"/>
<bpmn:messageFlow id="mf" sourceRef="other" targetRef="x"/></bpmn:collaboration>
<bpmn:category id="ca"><bpmn:categoryValue id="cv" value="V"/></bpmn:category><bpmn:dataStore id="ds" name="S"/>
<bpmn:signal id="sig" name="S"/><bpmn:escalation id="esc" escalationCode="E"/>
"""


def test_decoration_is_accepted():
    output = '<bpmn:userTask id="x"><bpmn:dataOutputAssociation id="o"><bpmn:targetRef>dor</bpmn:targetRef>'
    data = file(path(f"{output}</bpmn:dataOutputAssociation></bpmn:userTask>") + DECORATION, extra=AROUND)
    assert lint(data) == []
    assert set(only(data).nodes) == {"s", "x", "e"}


def test_data_inputs_have_no_effect():
    inside = (
        '<bpmn:ioSpecification id="io"><bpmn:dataInput id="di"/><bpmn:inputSet id="is">'
        "<bpmn:dataInputRefs>di</bpmn:dataInputRefs></bpmn:inputSet><bpmn:outputSet/></bpmn:ioSpecification>"
    )
    data = file(path(f'<bpmn:userTask id="x">{inside}</bpmn:userTask>'))
    warning = one(data, "warning")
    assert warning.message == "'bpmn:ioSpecification' has no effect here."
    assert warning.hint == "Use input and output mappings (zeebe:ioMapping)."
    loop = '<bpmn:multiInstanceLoopCharacteristics camunda:collection="a"/>'
    assert lint(file(path(f'<bpmn:userTask id="x">{inside}{loop}</bpmn:userTask>'))) == []


def test_people_of_the_standard_have_no_effect():
    data = file(path('<bpmn:userTask id="x"><bpmn:potentialOwner id="po"/></bpmn:userTask>'))
    assert one(data, "warning").message == "'bpmn:potentialOwner' has no effect here."


def event(definition: str, kind: str = "intermediateCatchEvent") -> str:
    return path(f'<bpmn:{kind} id="x"><bpmn:{definition} id="d"/></bpmn:{kind}>')


def ended(definition: str) -> str:
    inside = f'<bpmn:endEvent id="x"><bpmn:{definition} id="d"/></bpmn:endEvent>'
    return f'<bpmn:startEvent id="s"/>{flow("s", "x")}{inside}'


NOT_YET = {
    "A signal event": event('signalEventDefinition signalRef="sig"'),
    "An escalation event": event("escalationEventDefinition", "intermediateThrowEvent"),
    "A conditional event": event("conditionalEventDefinition"),
    "A complex gateway": path('<bpmn:complexGateway id="x"/>'),
    "A transaction": path('<bpmn:transaction id="x"><bpmn:startEvent id="is"/></bpmn:transaction>'),
    "An ad-hoc sub-process": path('<bpmn:adHocSubProcess id="x"><bpmn:task id="t"/></bpmn:adHocSubProcess>'),
    "A standard loop": path('<bpmn:userTask id="x"><bpmn:standardLoopCharacteristics/></bpmn:userTask>'),
    "An implicit throw event": path('<bpmn:implicitThrowEvent id="x"/>'),
    "An event sub-process": f'{TASK}<bpmn:subProcess id="ev" triggeredByEvent="true"><bpmn:startEvent id="es">'
    "<bpmn:errorEventDefinition/></bpmn:startEvent></bpmn:subProcess>",
    "A compensation activity": f'{TASK}<bpmn:userTask id="undo" isForCompensation="true"/>',
    "A completionQuantity other than 1": path('<bpmn:userTask id="x" completionQuantity="2"/>'),
    "A startQuantity other than 1": path('<bpmn:userTask id="x" startQuantity="2"/>'),
    "A task or gateway that starts the process": TASK
    + '<bpmn:receiveTask id="r" instantiate="true" messageRef="paid"/>',
    "A multi-instance behavior other than All": path(
        '<bpmn:userTask id="x"><bpmn:multiInstanceLoopCharacteristics camunda:collection="a" behavior="One"/>'
        "</bpmn:userTask>"
    ),
    "A multiple event": path(
        '<bpmn:intermediateThrowEvent id="x"><bpmn:messageEventDefinition messageRef="news"/>'
        '<bpmn:messageEventDefinition messageRef="paid"/></bpmn:intermediateThrowEvent>'
    ),
    "A shared event definition": path(
        '<bpmn:intermediateThrowEvent id="x"><bpmn:eventDefinitionRef>d</bpmn:eventDefinitionRef>'
        "</bpmn:intermediateThrowEvent>"
    ),
}


@pytest.mark.parametrize("what", NOT_YET)
def test_what_is_known_and_not_executable_yet(what):
    extra = '<bpmn:message id="paid" name="paid"><bpmn:extensionElements><zeebe:subscription correlationKey="= k"/>'
    extra += (
        '</bpmn:extensionElements></bpmn:message><bpmn:message id="news" name="n"/><bpmn:signal id="sig" name="S"/>'
    )
    problems = found(file(NOT_YET[what], extra=extra))
    assert [problem.message for problem in problems] == [f"{what} is not executable yet."]
    assert problems[0].hint


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (ended("compensateEventDefinition"), "A compensation event"),
        (ended("cancelEventDefinition"), "A cancel event"),
        (event('linkEventDefinition name="a"'), "A link event"),
    ],
)
def test_other_events_that_are_not_executable_yet(body, what):
    assert f"{what} is not executable yet." in [problem.message for problem in found(file(body))]


@pytest.mark.parametrize("name", ["globalTask", "globalUserTask", "choreography", "globalConversation"])
def test_root_elements_that_are_not_executable_yet(name):
    data = file(TASK, extra=f'<bpmn:{name} id="root"/>')
    assert one(data).message == f"{LATER[name][0]} is not executable yet."


def test_every_flow_node_is_read_or_known_as_not_executable_yet():
    assert FLOW_NODES - set(READERS) == FLOW_NODES & set(LATER)
    assert not set(READERS) & set(LATER)


def test_the_tables_speak_of_elements_of_the_standard():
    assert set(LATER) | set(WITHOUT_EFFECT) | set(READERS) <= set(SHAPES)
    for name, shape in SHAPES.items():
        unknown = shape.children - set(SHAPES) - {"BPMNDiagram"}
        abstract = {"loopCharacteristics", "eventDefinition", "flowElement", "artifact"}
        assert unknown <= abstract, name


@pytest.mark.parametrize("layer", [zeebe, procession])
def test_the_tables_of_a_layer_agree(layer):
    inner = frozenset().union(*layer.INSIDE.values())
    assert set(layer.PLACES) | inner == set(layer.ATTRIBUTES)
    assert set(layer.LATER) <= set(layer.PLACES)
    assert set(layer.LATER_ATTRIBUTES) <= set(layer.ON_BPMN)


def test_the_file_itself_is_checked():
    data = definitions(
        '<bpmn:processs id="y"/><bpmn:process id="p"><bpmn:startEvent id="s"/></bpmn:process>', ' nme="a"'
    )
    assert [problem.message for problem in found(data)] == [
        "The attribute 'nme' of 'bpmn:definitions' is not known.",
        "The element 'bpmn:processs' is not part of BPMN 2.0.",
    ]


def test_informal_expressions_are_named():
    condition = "<bpmn:conditionExpression>x</bpmn:conditionExpression>"
    body = (
        f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:userTask id="x" default="x-e"/>{flow("x", "e")}'
        f'<bpmn:sequenceFlow id="f" sourceRef="x" targetRef="e">{condition}</bpmn:sequenceFlow><bpmn:endEvent id="e"/>'
    )
    assert one(file(body), "warning").message == "'bpmn:conditionExpression' is not marked as a formal expression."
    assert lint(file(body.replace(">x</", ">= x</"))) == []


def test_a_job_where_none_is_taken():
    data = file(path(f'<bpmn:receiveTask id="x" messageRef="paid">{JOB}</bpmn:receiveTask>'))
    assert one(data, "warning").message == "'zeebe:taskDefinition' has no effect in a 'bpmn:receiveTask'."
