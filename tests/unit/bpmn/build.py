"""Small process files for tests."""

from __future__ import annotations

from procession.bpmn import lint, read_bpmn
from procession.definition import ProcessDefinition
from procession.errors import Problem

NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:procession="urn:procession:bpmn:1" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:flowable="http://flowable.org/bpmn" '
    'xmlns:modeler="http://camunda.org/schema/modeler/1.0"'
)
MESSAGE = (
    '<bpmn:message id="paid" name="payment received"><bpmn:extensionElements>\n'
    '<zeebe:subscription correlationKey="= order.id"/></bpmn:extensionElements></bpmn:message>\n'
)
NO_KEY = '<bpmn:message id="news" name="news"/>\n'
ERROR = '<bpmn:error id="refused" errorCode="REFUSED"/>\n<bpmn:error id="broken" errorCode="BROKEN"/>\n'


def definitions(inside: str, attributes: str = "") -> bytes:
    """A file with any content."""
    text = (
        f'<bpmn:definitions {NAMESPACES} id="defs" targetNamespace="test"{attributes}>\n{inside}\n</bpmn:definitions>\n'
    )
    return text.encode()


def file(body: str, *, extra: str = MESSAGE + NO_KEY + ERROR, attributes: str = "") -> bytes:
    """A file with one executable process, `p`, that holds the body."""
    return definitions(f'{extra}<bpmn:process id="p" isExecutable="true"{attributes}>\n{body}\n</bpmn:process>')


def flow(source: str, target: str, condition: str = "", name: str = "") -> str:
    """A sequence flow, called `source-target` unless it is given a name."""
    inside = f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression>'
    start = f'<bpmn:sequenceFlow id="{name or f"{source}-{target}"}" sourceRef="{source}" targetRef="{target}"'
    return f"{start}>{inside}</bpmn:sequenceFlow>\n" if condition else f"{start}/>\n"


def path(node: str, name: str = "x") -> str:
    """A start event, the node, an end event, and the flows between them."""
    return f'<bpmn:startEvent id="s"/>\n{flow("s", name)}{node}\n{flow(name, "e")}<bpmn:endEvent id="e"/>'


def extended(inside: str) -> str:
    """Extension elements."""
    return f"<bpmn:extensionElements>{inside}</bpmn:extensionElements>"


JOB = extended('<zeebe:taskDefinition type="work"/>')


def only(data: bytes) -> ProcessDefinition:
    """The one process of a file without errors."""
    (process,) = read_bpmn(data, "test.bpmn").processes
    return process


def found(data: bytes, severity: str = "error") -> list[Problem]:
    """The problems of one severity."""
    return [problem for problem in lint(data, "test.bpmn") if problem.severity == severity]


def one(data: bytes, severity: str = "error") -> Problem:
    """The one problem of that severity."""
    problems = found(data, severity)
    assert len(problems) == 1, "\n".join(map(str, problems)) or "no problem"
    return problems[0]


def line(data: bytes, text: str) -> int:
    """The number of the first line that holds the text."""
    return next(number for number, row in enumerate(data.decode().splitlines(), 1) if text in row)


def same(left, right) -> None:
    """Two elements are alike with all that is in them, prefixes and comments too."""
    assert (left.tag, left.prefix, left.nsmap) == (right.tag, right.prefix, right.nsmap)
    assert list(left.attrib.items()) == list(right.attrib.items())
    assert ((left.text or ""), (left.tail or "")) == ((right.text or ""), (right.tail or ""))
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        same(a, b)
