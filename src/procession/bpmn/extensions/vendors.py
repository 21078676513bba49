"""Attributes of other engines: those with a plain meaning are translated, the rest is listed in warnings."""

from __future__ import annotations

from procession.bpmn.names import VENDORS, words
from procession.bpmn.reading import Reading
from procession.bpmn.xml import Element, name_of, namespace_of, split

PEOPLE = words("assignee candidateGroups candidateUsers dueDate followUpDate priority formKey")
TRANSLATED: dict[str, frozenset[str]] = {
    "userTask": PEOPLE,
    "startEvent": frozenset({"formKey"}),
    "scriptTask": frozenset({"resultVariable", "type", "topic"}),
    "serviceTask": frozenset({"type", "topic"}),
    "sendTask": frozenset({"type", "topic"}),
    "businessRuleTask": frozenset({"type", "topic"}),
    "endEvent": frozenset({"type", "topic"}),
    "intermediateThrowEvent": frozenset({"type", "topic"}),
    "multiInstanceLoopCharacteristics": frozenset({"collection", "elementVariable"}),
    "errorEventDefinition": frozenset({"errorMessageVariable"}),
    "process": frozenset({"versionTag"}),
}
"""What is read in place of `zeebe:` elements; `type="external"` with a `topic` is a job."""

HINT = "Write its meaning with zeebe: or procession: extensions."


def check_attributes(reading: Reading, element: Element) -> None:
    """List the attributes of other engines that are not translated."""
    left = []
    for key in element.attrib:
        namespace, attribute = split(key)
        vendor = VENDORS.get(namespace)
        if vendor and attribute not in TRANSLATED.get(name_of(element), frozenset()):
            left.append(f"{vendor}:{attribute}")
    if left:
        verb = "is" if len(left) == 1 else "are"
        reading.report.warn("not translated", element, f"{', '.join(left)} {verb} not translated.", HINT)


def check_element(reading: Reading, element: Element) -> None:
    """Extension elements of other engines are never translated."""
    name = f"{VENDORS[namespace_of(element)]}:{name_of(element)}"
    reading.report.warn("not translated", element, f"{name} is not translated.", HINT)
