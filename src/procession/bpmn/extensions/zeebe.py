"""The `zeebe:` layer: what Camunda 8's Modeler writes."""

from __future__ import annotations

from procession.bpmn.names import ACTIVITIES, EVENTS
from procession.bpmn.reading import Reading
from procession.bpmn.xml import Element, elements_in, name_of
from procession.definition import IoMapping, JobSpec

ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "taskDefinition": "type retries",
        "ioMapping": "",
        "input": "source target",
        "output": "source target",
        "taskHeaders": "",
        "header": "id key value",
        "subscription": "correlationKey",
        "publishMessage": "correlationKey messageId timeToLive",
        "loopCharacteristics": "inputCollection inputElement outputCollection outputElement",
        "calledElement": "processId processIdExpression propagateAllChildVariables propagateAllParentVariables "
        "bindingType versionTag",
        "calledDecision": "decisionId resultVariable bindingType versionTag",
        "formDefinition": "formId formKey externalReference bindingType versionTag",
        "userTaskForm": "id",
        "userTask": "",
        "assignmentDefinition": "assignee candidateGroups candidateUsers",
        "taskSchedule": "dueDate followUpDate",
        "priorityDefinition": "priority",
        "script": "expression resultVariable",
        "versionTag": "value",
        "properties": "",
        "property": "name value",
        "executionListeners": "",
        "executionListener": "eventType type retries headers",
        "taskListeners": "",
        "taskListener": "eventType type retries headers",
        "linkedResources": "",
        "linkedResource": "resourceId resourceType linkName bindingType versionTag",
        "adHoc": "activeElementsCollection outputCollection outputElement",
        "conditionalFilter": "variableNames variableEvents",
    }.items()
}
"""Every extension element, with its attributes."""

INSIDE: dict[str, frozenset[str]] = {
    "ioMapping": frozenset({"input", "output"}),
    "taskHeaders": frozenset({"header"}),
    "properties": frozenset({"property"}),
    "executionListeners": frozenset({"executionListener"}),
    "executionListener": frozenset({"taskHeaders"}),
    "taskListeners": frozenset({"taskListener"}),
    "taskListener": frozenset({"taskHeaders"}),
    "linkedResources": frozenset({"linkedResource"}),
}
"""What may stand inside an extension element."""

WORK = frozenset({"serviceTask", "sendTask", "scriptTask", "businessRuleTask"})
THROWS = frozenset({"endEvent", "intermediateThrowEvent"})
USER = frozenset({"userTask"})
PLACES: dict[str, frozenset[str] | None] = {
    "taskDefinition": WORK | THROWS,
    "ioMapping": ACTIVITIES | EVENTS,
    "taskHeaders": WORK | THROWS | USER,
    "subscription": frozenset({"message"}),
    "publishMessage": THROWS | {"sendTask"},
    "loopCharacteristics": frozenset({"multiInstanceLoopCharacteristics"}),
    "calledElement": frozenset({"callActivity"}),
    "calledDecision": frozenset({"businessRuleTask"}),
    "formDefinition": frozenset({"userTask", "startEvent"}),
    "userTaskForm": None,
    "userTask": USER,
    "assignmentDefinition": USER,
    "taskSchedule": USER,
    "priorityDefinition": USER,
    "script": frozenset({"scriptTask", "businessRuleTask"}),
    "versionTag": frozenset({"process"}),
    "properties": None,
    "executionListeners": None,
    "taskListeners": None,
    "linkedResources": None,
    "adHoc": None,
    "conditionalFilter": None,
}
"""Where an extension element has a meaning (None: anywhere)."""

USELESS = {
    ("input", "startEvent"): "an event that catches",
    ("input", "intermediateCatchEvent"): "an event that catches",
    ("input", "boundaryEvent"): "an event that catches",
    ("output", "endEvent"): "an end event",
}
"""Mappings that nothing would read."""

TEMPLATES: frozenset[str] = frozenset()
ON_BPMN = dict.fromkeys(
    ("modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon", "retryCounter"), TEMPLATES
)  # fmt: skip
"""`zeebe:` attributes of BPMN elements; none has a meaning when a process runs, so they may stand anywhere."""

LATER_ATTRIBUTES: dict[str, tuple[str, str]] = {}
LATER = {
    "calledDecision": ("A called decision", "Write the rule in FEEL (zeebe:script), or use a job worker."),
    "executionListeners": ("An execution listener", "Draw a service task before or after the element."),
    "taskListeners": ("A task listener", "Draw a service task before or after the task."),
    "linkedResources": ("A linked resource", "Name it in a task header."),
    "adHoc": ("An ad-hoc sub-process", "Draw the order of its activities in a sub-process."),
    "conditionalFilter": ("A conditional event", "Use a message event, or a timer and a gateway."),
}


def job(reading: Reading, element: Element) -> JobSpec | None:
    """The job that an element asks for (`zeebe:taskDefinition` with `zeebe:taskHeaders`), if it asks for one."""
    found = reading.zeebe(element, "taskDefinition")
    if found is None:
        topic = reading.vendor(element, "topic")
        if topic is None or reading.vendor(element, "type") != "external":
            return None
        translated = reading.value(element, topic, "The topic of the external task")
        return None if translated is None else JobSpec(translated, headers=headers(reading, element))
    kind = reading.value(found, found.get("type"), "The job type")
    if kind is None:
        if not (found.get("type") or "").strip():
            reading.report.error(
                "job type", found, "The task definition has no type.", 'Name the job type: type="charge-card".'
            )
        return None
    retries = reading.value(found, found.get("retries", "3"), "The number of retries")
    if isinstance(retries, str) and not (retries.isascii() and retries.isdigit() and retries.strip("0")):
        reading.report.error(
            "job retries", found, f"The number of retries is '{retries}'.", "Write a whole number from 1 on, such as 3."
        )
    return JobSpec(kind, retries or "3", headers(reading, element))


def headers(reading: Reading, element: Element) -> dict[str, str]:
    """The static headers of a task."""
    found = reading.zeebe(element, "taskHeaders")
    if found is None:
        return {}
    result = {}
    for header in elements_in(found):
        if key := header.get("key"):
            if key in result:
                reading.report.error("task header", header, f"The task header '{key}' is there twice.", "Remove one.")
            result[key] = header.get("value", "")
        elif name_of(header) == "header":
            reading.report.error("task header", header, "A task header has no key.", "Give it a key, or remove it.")
    return result


def mappings(reading: Reading, element: Element) -> tuple[tuple[IoMapping, ...], tuple[IoMapping, ...]]:
    """The input and the output mappings of an element."""
    found = reading.zeebe(element, "ioMapping")
    if found is None:
        return (), ()
    inputs: list[IoMapping] = []
    outputs: list[IoMapping] = []
    for mapping in elements_in(found):
        kind = name_of(mapping)
        if kind not in ("input", "output"):
            continue
        made = _mapping(reading, mapping, f"The source of the {kind} mapping")
        useless = USELESS.get((kind, name_of(element)))
        if useless is not None:
            what = f"The {kind} mapping to '{mapping.get('target')}' has no effect on {useless}."
            reading.report.warn("without effect", mapping, what, "Remove it.")
        elif made is not None:
            (inputs if kind == "input" else outputs).append(made)
    return tuple(inputs), tuple(outputs)


def _mapping(reading: Reading, mapping: Element, what: str) -> IoMapping | None:
    target = (mapping.get("target") or "").strip()
    source = mapping.get("source")
    if not target or any(not part.strip() for part in target.split(".")) or target.startswith("="):
        reading.report.error(
            "mapping",
            mapping,
            f"The mapping's target is '{target}'." if target else "The mapping has no target.",
            'Name a variable or a path: target="order.id".',
        )
        return None
    if source is None or not source.strip().removeprefix("="):
        reading.report.error(
            "mapping", mapping, f"The mapping to '{target}' has no source.", f'Write source="= {target}".'
        )
        return None
    compiled = reading.literal(mapping, source, f"{what} to '{target}'")
    return None if compiled is None else IoMapping(compiled, target)


def binding(reading: Reading, element: Element | None) -> None:
    """`bindingType`: only the latest version is ever called."""
    kind = element.get("bindingType", "latest") if element is not None else "latest"
    if element is not None and kind != "latest":
        reading.report.not_yet(
            element, f"The binding '{kind}'", 'The latest published version is used: bindingType="latest".'
        )


def process_form(reading: Reading, element: Element) -> str | None:
    """The key of a form: an id, a key or an outside reference, whichever is there."""
    found = reading.zeebe(element, "formDefinition")
    if found is None:
        return None
    binding(reading, found)
    return next((key for name in ("formId", "formKey", "externalReference") if (key := found.get(name))), None)
