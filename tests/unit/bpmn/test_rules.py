"""Every rule: a drawing that breaks it, with the exact message, element and line."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from procession.bpmn.rules.registry import RULES
from procession.bpmn.validate import FAMILIES
from procession.errors import Problem
from tests.unit.bpmn.build import ERROR, MESSAGE, NO_KEY, extended, file, flow, line, lint, path

TASK = path('<bpmn:userTask id="x"/>')
INNER = '<bpmn:startEvent id="is"/>'
TIMER = (
    '<bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration>'
    "</bpmn:timerEventDefinition>"
)


def wait(name: str, definition: str = TIMER) -> str:
    return f'<bpmn:intermediateCatchEvent id="{name}">{definition}</bpmn:intermediateCatchEvent>\n'


def boundary(inside: str, attributes: str = "", name: str = "b", out: bool = True) -> str:
    event = f'<bpmn:boundaryEvent id="{name}" attachedToRef="x"{attributes}>{inside}</bpmn:boundaryEvent>\n'
    return event + (flow(name, "e") if out else "")


def gateway(kind: str, attributes: str = "") -> str:
    return f'<bpmn:startEvent id="s"/>{flow("s", "g")}<bpmn:{kind} id="g"{attributes}/>\n<bpmn:endEvent id="e"/>\n'


def plain_start(name: str, condition: str) -> str:
    return (
        f'<bpmn:startEvent id="{name}">{extended(f"<procession:start condition={condition!r}/>")}</bpmn:startEvent>\n'
    )


class Case(NamedTuple):
    rule: str
    body: str
    message: str
    element: str
    where: str  # a text on the line of the problem
    severity: str = "error"
    others: int = 0  # further problems that come with it
    extra: str = MESSAGE + NO_KEY + ERROR


ERROR_BOUNDARY = '<bpmn:errorEventDefinition errorRef="refused"/>'
CASES = [
    Case("id", f"{TASK}<bpmn:userTask/>", "The user task has no id.", "p", "<bpmn:userTask/>", others=2),
    Case("start event", '<bpmn:userTask id="x"/>', "The process 'p' has no start event.", "p", "bpmn:process id"),
    Case(
        "flow ends",
        TASK + "\n" + flow("x", "lost", name="f"),
        "The flow 'f' leads to 'lost', which is not a flow node of the process.",
        "f",
        'id="f"',
    ),
    Case(
        "flow ends",
        TASK + "\n" + flow("lost", "x", name="f"),
        "The flow 'f' comes from 'lost', which is not a flow node of the process.",
        "f",
        'id="f"',
    ),
    Case(
        "flow border",
        path(f'<bpmn:subProcess id="x">{INNER}<bpmn:userTask id="it"/>{flow("is", "it")}</bpmn:subProcess>')
        + "\n"
        + flow("s", "it", name="f"),
        "The flow 'f' crosses the border of a sub-process.",
        "f",
        'id="f"',
    ),
    Case(
        "into start event",
        TASK + "\n" + flow("x", "s", name="f"),
        "The flow 'f' leads into the start event 's'.",
        "f",
        'id="f"',
    ),
    Case(
        "out of end event",
        TASK + "\n" + flow("e", "x", name="f"),
        "The flow 'f' leads out of the end event 'e'.",
        "f",
        'id="f"',
    ),
    Case(
        "into boundary event",
        TASK + boundary(TIMER) + flow("x", "b", name="f"),
        "The flow 'f' leads into the boundary event 'b'.",
        "f",
        'id="f"',
    ),
    Case(
        "no flow",
        TASK + f'\n<bpmn:userTask id="undo" isForCompensation="true"/>{flow("undo", "e")}',
        "A compensation activity has sequence flows: 'undo'.",
        "undo",
        'id="undo"',
        others=1,
    ),
    Case(
        "flow list",
        path(
            '<bpmn:userTask id="x"><bpmn:incoming>s-x</bpmn:incoming>\n<bpmn:incoming>other</bpmn:incoming>'
            "</bpmn:userTask>"
        ),
        "The user task 'x' lists 'other' as incoming, which is no such flow.",
        "x",
        "other",
    ),
    Case(
        "flow list",
        path('<bpmn:userTask id="x"><bpmn:outgoing>x-e</bpmn:outgoing></bpmn:userTask>') + flow("x", "e", name="f"),
        "The user task 'x' does not list its outgoing flow 'f'.",
        "x",
        'id="x"',
        "warning",
    ),
    Case(
        "unreachable",
        f'{TASK}\n<bpmn:userTask id="y"/>{flow("y", "e")}',
        "No token ever comes to the user task 'y'.",
        "y",
        'id="y"',
        "warning",
    ),
    Case(
        "dead end",
        f'{TASK}\n<bpmn:userTask id="y"/>{flow("x", "y")}',
        "The user task 'y' has no outgoing flow: tokens end there.",
        "y",
        'id="y"',
        "warning",
    ),
    Case(
        "condition missing",
        gateway("exclusiveGateway") + flow("g", "e", "= a", name="f1") + flow("g", "e", name="f2"),
        "The flow 'f2' out of exclusive gateway 'g' has no condition.",
        "f2",
        'id="f2"',
    ),
    Case(
        "condition missing",
        gateway("inclusiveGateway") + flow("g", "e", "= a", name="f1") + flow("g", "e", name="f2"),
        "The flow 'f2' out of inclusive gateway 'g' has no condition: it is always taken.",
        "f2",
        'id="f2"',
        "warning",
    ),
    Case(
        "condition misplaced",
        gateway("parallelGateway") + flow("g", "e", "= a", name="f1") + flow("g", "e", name="f2"),
        "The flow 'f1' out of parallel gateway 'g' has a condition.",
        "f1",
        'id="f1"',
    ),
    Case(
        "condition misplaced",
        f'<bpmn:startEvent id="s"/>\n{flow("s", "e", "= a")}<bpmn:endEvent id="e"/>',
        "The flow 's-e' out of start event 's' has a condition.",
        "s-e",
        'id="s-e"',
    ),
    Case(
        "lonely condition",
        f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:userTask id="x"/>\n{flow("x", "e", "= a")}'
        '<bpmn:endEvent id="e"/>',
        "The only flow out of user task 'x' has a condition: where it is false, there is no way on.",
        "x-e",
        'id="x-e"',
        "warning",
    ),
    Case(
        "default flow",
        gateway("exclusiveGateway", ' default="s-g"') + flow("g", "e"),
        "The default flow 's-g' does not lead out of exclusive gateway 'g'.",
        "g",
        "exclusiveGateway",
        others=1,  # a gateway with one way in and one way out
    ),
    Case(
        "default flow",
        gateway("exclusiveGateway", ' default="f1"')
        + flow("g", "e", "= a", name="f1")
        + flow("g", "e", "= b", name="f2"),
        "The default flow 'f1' of exclusive gateway 'g' has a condition.",
        "f1",
        'id="f1"',
    ),
    Case(
        "gateway direction",
        gateway("parallelGateway", ' gatewayDirection="Converging"') + flow("g", "e") + flow("g", "e", name="f2"),
        "The gatewayDirection of parallel gateway 'g' is 'Converging', but it has 1 incoming and 2 outgoing flows.",
        "g",
        "parallelGateway",
        "warning",
    ),
    Case(
        "idle gateway",
        gateway("exclusiveGateway") + flow("g", "e"),
        "The exclusive gateway 'g' neither splits nor joins.",
        "g",
        "exclusiveGateway",
        "warning",
    ),
    Case(
        "event-based gateway",
        gateway("eventBasedGateway") + flow("g", "a") + wait("a") + flow("a", "e"),
        "The event-based gateway 'g' has fewer than two outgoing flows.",
        "g",
        "eventBasedGateway",
        others=1,
    ),
    Case(
        "event-based gateway",
        gateway("eventBasedGateway")
        + (flow("g", "a") + wait("a") + flow("a", "e") + flow("g", "t") + '<bpmn:userTask id="t"/>\n' + flow("t", "e")),
        "The user task 't' stands behind the event-based gateway 'g'.",
        "t",
        'id="t"',
    ),
    Case(
        "event-based gateway",
        gateway("eventBasedGateway")
        + (flow("g", "a") + wait("a") + flow("a", "e") + flow("g", "b") + wait("b") + flow("b", "e") + flow("a", "b")),
        "The intermediate catch event 'b' behind the event-based gateway 'g' has other incoming flows.",
        "b",
        'id="b"',
    ),
    Case(
        "event-based gateway",
        gateway("eventBasedGateway")
        + flow("g", "a")
        + wait("a", '<bpmn:messageEventDefinition messageRef="paid"/>')
        + (flow("a", "e") + flow("g", "t") + '<bpmn:receiveTask id="t" messageRef="paid"/>' + flow("t", "e")),
        "Behind the event-based gateway 'g' stand both message events and receive tasks.",
        "g",
        "eventBasedGateway",
    ),
    Case(
        "event-based gateway",
        gateway("eventBasedGateway")
        + (flow("g", "a") + wait("a") + flow("a", "e") + flow("g", "x"))
        + ('<bpmn:receiveTask id="x" messageRef="paid"/>\n' + flow("x", "e") + boundary(TIMER)),
        "The receive task 'x' behind the event-based gateway 'g' has boundary events.",
        "x",
        '<bpmn:receiveTask id="x"',
    ),
    Case(
        "event kind",
        f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:endEvent id="x">\n{TIMER}</bpmn:endEvent>',
        "The end event 'x' is of the kind 'timer'.",
        "x",
        "timerEventDefinition",
    ),
    Case(
        "event kind",
        path('<bpmn:intermediateCatchEvent id="x"/>'),
        "The intermediate catch event 'x' waits for nothing.",
        "x",
        'id="x"',
    ),
    Case(
        "start events",
        f'{plain_start("a", "PF")}<bpmn:startEvent id="b"/>',
        "The start event 'b' is one of several and has no start condition.",
        "b",
        'id="b"',
    ),
    Case(
        "start events",
        plain_start("a", "PF") + plain_start("b", "PF"),
        "The start event 'b' has the same start condition 'PF' as 'a'.",
        "b",
        'id="b"',
    ),
    Case(
        "start messages",
        '<bpmn:startEvent id="a"><bpmn:messageEventDefinition messageRef="news"/></bpmn:startEvent>\n'
        '<bpmn:startEvent id="b"><bpmn:messageEventDefinition messageRef="news"/></bpmn:startEvent>',
        "The start event 'b' waits for the same message as 'a'.",
        "b",
        'id="b"',
    ),
    Case(
        "sub-process start",
        path('<bpmn:subProcess id="x"><bpmn:task id="t"/></bpmn:subProcess>'),
        "The sub-process 'x' has no start event.",
        "x",
        'id="x"',
    ),
    Case(
        "sub-process start",
        path(f'<bpmn:subProcess id="x">{INNER}\n<bpmn:startEvent id="second"/></bpmn:subProcess>'),
        "The sub-process 'x' has a second start event, 'second'.",
        "second",
        'id="second"',
    ),
    Case(
        "sub-process start",
        path(f'<bpmn:subProcess id="x">\n<bpmn:startEvent id="is">{TIMER}</bpmn:startEvent></bpmn:subProcess>'),
        "The start event 'is' inside sub-process 'x' has a trigger.",
        "is",
        'id="is"',
    ),
    Case(
        "boundary host",
        TASK + boundary(TIMER).replace('attachedToRef="x"', 'attachedToRef="lost"'),
        "The boundary event 'b' is attached to 'lost', which is not in the process.",
        "b",
        'id="b"',
        others=1,
    ),
    Case(
        "boundary host",
        TASK + boundary(TIMER).replace('attachedToRef="x"', 'attachedToRef="s"'),
        "The boundary event 'b' is attached to 's', which is not an activity.",
        "b",
        'id="b"',
    ),
    Case(
        "boundary host",
        path(f'<bpmn:subProcess id="x">{INNER}<bpmn:userTask id="it"/>{flow("is", "it")}</bpmn:subProcess>')
        + boundary(TIMER).replace('attachedToRef="x"', 'attachedToRef="it"'),
        "The boundary event 'b' is attached to 'it', which is in another sub-process.",
        "b",
        'id="b"',
        others=1,
    ),
    Case(
        "boundary exit",
        TASK + "\n" + boundary(TIMER, out=False),
        "The boundary event 'b' has no outgoing flow.",
        "b",
        'id="b"',
    ),
    Case(
        "boundary exit",
        TASK + "\n" + boundary("<bpmn:compensateEventDefinition/>"),
        "The compensation event 'b' has a sequence flow.",
        "b",
        'id="b"',
        others=1,
    ),
    Case(
        "boundary in time",
        path('<bpmn:manualTask id="x"/>') + "\n" + boundary(TIMER),
        "The boundary event 'b' never happens: the manual task 'x' is done at once.",
        "b",
        'id="b"',
        "warning",
    ),
    Case(
        "data stream in time",
        path(
            '<bpmn:task id="x"><bpmn:extensionElements>'
            '<procession:dataStream topic="engine.receive.crm" key="crm"/></bpmn:extensionElements></bpmn:task>'
        ),
        "The task 'x' never takes an answer: it is done at once.",
        "x",
        "dataStream",
        "warning",
    ),
    Case(
        "boundary error",
        TASK + "\n" + boundary(ERROR_BOUNDARY, ' cancelActivity="false"'),
        "The error boundary event 'b' is not interrupting.",
        "b",
        'id="b"',
    ),
    Case(
        "boundary error",
        TASK + "\n" + boundary(ERROR_BOUNDARY) + boundary(ERROR_BOUNDARY, name="c"),
        "The boundary event 'c' catches the error 'REFUSED' on 'x', as 'b' does.",
        "c",
        'id="c"',
    ),
    Case(
        "boundary error",
        TASK + "\n" + boundary("<bpmn:errorEventDefinition/>") + boundary("<bpmn:errorEventDefinition/>", name="c"),
        "The boundary event 'c' catches every error on 'x', as 'b' does.",
        "c",
        'id="c"',
    ),
    Case(
        "compensation handler",
        f'{TASK}{boundary("<bpmn:compensateEventDefinition/>", out=False)}<bpmn:userTask id="undo"/>\n'
        f'{flow("x", "undo")}{flow("undo", "e")}<bpmn:association id="as" sourceRef="b" targetRef="undo"/>',
        "The user task 'undo' is not made for compensation.",
        "undo",
        'id="undo"',
        others=1,
    ),
    Case(
        "link",
        f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:intermediateThrowEvent id="x">'
        '<bpmn:linkEventDefinition name="L"/></bpmn:intermediateThrowEvent>',
        "No event catches the link 'L'.",
        "p",
        "bpmn:process id",
        others=1,
    ),
    Case(
        "link",
        path('<bpmn:intermediateThrowEvent id="x"><bpmn:linkEventDefinition name="L"/></bpmn:intermediateThrowEvent>')
        + f"{wait('c', '<bpmn:linkEventDefinition name=' + repr('L') + '/>')}{flow('c', 'e')}",
        "The link event 'x' is connected the wrong way.",
        "x",
        'id="x"',
        others=2,
    ),
    Case(
        "cancel",
        TASK + "\n" + boundary("<bpmn:cancelEventDefinition/>"),
        "The cancel event 'b' has no transaction.",
        "b",
        'id="b"',
        others=1,
    ),
    Case(
        "ad-hoc",
        path('<bpmn:adHocSubProcess id="x">\n<bpmn:endEvent id="ie"/></bpmn:adHocSubProcess>'),
        "The end event 'ie' stands in an ad-hoc sub-process.",
        "ie",
        'id="ie"',
        others=1,
    ),
    Case(
        "instantiating task",
        path('<bpmn:receiveTask id="x" instantiate="true" messageRef="paid"/>'),
        "The receive task 'x' starts the process, but has an incoming flow.",
        "x",
        'id="x"',
        others=1,
    ),
    Case(
        "lane",
        f'<bpmn:laneSet><bpmn:lane id="l">\n<bpmn:flowNodeRef>lost</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>{TASK}',
        "The lane 'l' names 'lost', which is not a flow node of the process.",
        "l",
        "lost",
    ),
    Case(
        "lane",
        '<bpmn:laneSet><bpmn:lane id="l"><bpmn:flowNodeRef>x</bpmn:flowNodeRef></bpmn:lane>\n'
        f'<bpmn:lane id="m"><bpmn:flowNodeRef>x</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>{TASK}',
        "The node 'x' is in two lanes, 'l' and 'm'.",
        "m",
        'id="m"',
    ),
    Case(
        "data sets",
        path(
            '<bpmn:userTask id="x"><bpmn:ioSpecification>\n<bpmn:dataInput id="di"/><bpmn:inputSet/><bpmn:outputSet/>'
            "</bpmn:ioSpecification></bpmn:userTask>"
        ),
        "The data input 'di' is in no input set.",
        "di",
        'id="di"',
        "warning",
        others=1,
    ),
    Case(
        "data association",
        path(
            '<bpmn:userTask id="x">\n<bpmn:dataInputAssociation id="da"><bpmn:sourceRef>a</bpmn:sourceRef>'
            "<bpmn:sourceRef>b</bpmn:sourceRef></bpmn:dataInputAssociation></bpmn:userTask>"
        ),
        "The data association has several sources and no transformation.",
        "da",
        'id="da"',
        "warning",
        others=1,
    ),
    Case(
        "duplicate id",
        f'{TASK}\n<bpmn:textAnnotation id="x"/>',
        "The id 'x' is there twice (first in line 10).",
        "x",
        "Annot",
    ),
    Case(
        "message flow",
        TASK,
        "The message flow 'mf' stays inside one pool.",
        "mf",
        "messageFlow",
        extra='<bpmn:collaboration id="c"><bpmn:participant id="pool" processRef="p"/>\n'
        '<bpmn:messageFlow id="mf" sourceRef="s" targetRef="x"/></bpmn:collaboration>\n\n\n\n',
    ),
    Case(
        "message flow",
        TASK,
        "The message flow 'mf' leads to 'lost', which is not in the file.",
        "mf",
        "messageFlow",
        extra='<bpmn:collaboration id="c"><bpmn:participant id="pool" processRef="p"/>\n'
        '<bpmn:messageFlow id="mf" sourceRef="x" targetRef="lost"/></bpmn:collaboration>',
    ),
    Case(
        "reference",
        TASK + '\n<bpmn:dataObjectReference id="dor" dataObjectRef="lost"/>',
        "The dataObjectRef of this 'dataObjectReference' is 'lost', which is not in the file.",
        "dor",
        'id="dor"',
        "warning",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}: {case.message}" for case in CASES])
def test_a_broken_rule(case):
    data = file(case.body, extra=case.extra)
    problems = lint(data, "test.bpmn")
    wanted = [(p.message, p.element, p.line, p.severity, p.file) for p in problems if p.message == case.message]
    assert wanted == [(case.message, case.element, line(data, case.where), case.severity, "test.bpmn")], problems
    assert next(p for p in problems if p.message == case.message).hint
    assert len(problems) == 1 + case.others, [str(problem) for problem in problems]


def test_every_rule_is_broken_once_and_has_a_sentence():
    assert FAMILIES
    outside = {"duplicate id", "message flow", "reference"}
    assert {case.rule for case in CASES} - outside == set(RULES)
    for rule in RULES.values():
        assert rule.sentence.endswith("."), rule.name


SOUND = {
    "a loop without a wait": gateway("exclusiveGateway", ' default="g-e"')
    + (flow("g", "t", "= again") + '<bpmn:task id="t"/>' + flow("t", "g") + flow("g", "e")),
    "an implicit end": f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:userTask id="x"/>',
    "one start by request beside a message": '<bpmn:startEvent id="a"/><bpmn:startEvent id="b">'
    '<bpmn:messageEventDefinition messageRef="news"/></bpmn:startEvent>',
    "starts told apart": plain_start("a", "PF") + plain_start("b", "PJ"),
    "errors told apart": TASK
    + boundary(ERROR_BOUNDARY)
    + boundary('<bpmn:errorEventDefinition errorRef="broken"/>', name="c")
    + boundary("<bpmn:errorEventDefinition/>", name="d"),
    "a node in an outer and an inner lane": '<bpmn:laneSet><bpmn:lane id="l"><bpmn:flowNodeRef>x</bpmn:flowNodeRef>'
    '<bpmn:childLaneSet><bpmn:lane id="m"><bpmn:flowNodeRef>x</bpmn:flowNodeRef></bpmn:lane></bpmn:childLaneSet>'
    f"</bpmn:lane></bpmn:laneSet>{TASK}",
    "what a timer on the boundary leads to": TASK + boundary(TIMER, ' cancelActivity="false"'),
    "a message flow to a black box": TASK,
    "an exclusive join": gateway("exclusiveGateway") + flow("s", "g", name="again") + flow("g", "e"),
}


@pytest.mark.parametrize("what", SOUND)
def test_sound_drawings_are_left_alone(what):
    problems: list[Problem] = lint(file(SOUND[what]))
    assert problems == []
