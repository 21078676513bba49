"""Events: start, end, intermediate and boundary, each with its event definition."""

from __future__ import annotations

from typing import cast

from procession.bpmn.drawing import Node
from procession.bpmn.extensions import procession as own
from procession.bpmn.extensions import zeebe
from procession.bpmn.read_parts import Compiling
from procession.bpmn.reading import Reading, is_feel
from procession.bpmn.xml import Element, name_of, text_of
from procession.definition import (
    BoundaryEvent,
    EndEvent,
    ErrorTrigger,
    IntermediateCatchEvent,
    IntermediateThrowEvent,
    MessageThrow,
    MessageTrigger,
    RecordSpec,
    StartEvent,
    TerminateTrigger,
    TimerTrigger,
    Value,
)
from procession.definition.iso8601 import zone_named
from procession.definition.schedule import Kind, parse_schedule

TIMERS: dict[str, Kind] = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}


def definition_of(reading: Reading, node: Node) -> Element | None:
    """The one event definition of an event that is executable (others are reported elsewhere)."""
    found = reading.event_definitions(node.element)
    return found[0] if len(found) == 1 and not reading.is_later(found[0]) else None


def start_event(make: Compiling, node: Node) -> StartEvent | None:
    """Where the process, or a sub-process, begins."""
    reading = make.reading
    trigger: TimerTrigger | MessageTrigger | None = None
    element = definition_of(reading, node)
    if element is None and reading.event_definitions(node.element):
        return None
    if element is not None and name_of(element) == "timerEventDefinition":
        trigger = timer(reading, node, element)
        if trigger is not None and not isinstance(trigger.value, str):
            reading.report.error(
                "timer start", element, "The timer of a start event is an expression.",
                "Nothing is known before the process starts: write a fixed time, such as R/PT1H.",
            )  # fmt: skip
    elif element is not None and name_of(element) == "messageEventDefinition":
        name = message_name(reading, node, element)
        trigger = None if name is None else MessageTrigger(name, None)
    chosen = reading.own(node.element, "start")
    _, outputs = zeebe.mappings(reading, node.element)
    return StartEvent(
        **make.base(node),
        trigger=trigger,
        condition=None if chosen is None else chosen.get("condition"),
        parameters=own.parameters(reading, node.element),
        outputs=outputs,
        form=zeebe.process_form(reading, node.element) or reading.vendor(node.element, "formKey"),
    )


def end_event(make: Compiling, node: Node) -> EndEvent | None:
    """Where a token ends."""
    reading = make.reading
    element = definition_of(reading, node)
    trigger: ErrorTrigger | TerminateTrigger | MessageThrow | None = None
    job = None
    match None if element is None else name_of(element):
        case "terminateEventDefinition":
            trigger = TerminateTrigger()
        case "errorEventDefinition":
            trigger = error(reading, node, cast("Element", element))
        case "messageEventDefinition":
            job = zeebe.job(reading, node.element)
            trigger = None if job is not None else throw(reading, node, cast("Element", element))
    inputs, _ = zeebe.mappings(reading, node.element)
    return EndEvent(**make.base(node), trigger=trigger, inputs=inputs, job=job, records=records(reading, node))


def catch_event(make: Compiling, node: Node) -> IntermediateCatchEvent | None:
    """Waits for a timer or a message."""
    element = definition_of(make.reading, node)
    trigger = None if element is None else _awaited(make.reading, node, element)
    _, outputs = zeebe.mappings(make.reading, node.element)
    base = make.base(node)
    return None if trigger is None else IntermediateCatchEvent(**base, trigger=trigger, outputs=outputs)


def throw_event(make: Compiling, node: Node) -> IntermediateThrowEvent | None:
    """Publishes a message, or only marks a milestone."""
    reading = make.reading
    element = definition_of(reading, node)
    trigger = job = None
    if element is not None and name_of(element) == "messageEventDefinition":
        job = zeebe.job(reading, node.element)
        trigger = None if job is not None else throw(reading, node, element)
    inputs, outputs = zeebe.mappings(reading, node.element)
    return IntermediateThrowEvent(
        **make.base(node), trigger=trigger, inputs=inputs, outputs=outputs, job=job, records=records(reading, node)
    )


def records(reading: Reading, node: Node) -> tuple[RecordSpec, ...]:
    """What an event sends to topics. One with an event definition does that and no more."""
    found = own.records(reading, node.element)
    if found and reading.event_definitions(node.element):
        reading.report.error(
            "action",
            node.element,
            f"The {node.label} has an event definition and a kafkaSend action.",
            "Remove one of the two, or put the action on a node before it.",
        )
    return found


def boundary_event(make: Compiling, node: Node) -> BoundaryEvent | None:
    """Waits while its activity runs."""
    reading = make.reading
    element = definition_of(reading, node)
    trigger: TimerTrigger | MessageTrigger | ErrorTrigger | None = None
    if element is not None and name_of(element) == "errorEventDefinition":
        trigger = error(reading, node, element)
    elif element is not None:
        trigger = _awaited(reading, node, element)
    _, outputs = zeebe.mappings(reading, node.element)
    base = make.base(node)
    if trigger is None or node.host is None:
        return None
    return BoundaryEvent(
        **base,
        attached_to=node.host.id,
        interrupting=reading.flag(node.element, "cancelActivity", default=True),
        trigger=trigger,
        outputs=outputs,
    )


def _awaited(reading: Reading, node: Node, element: Element) -> TimerTrigger | MessageTrigger | None:
    if name_of(element) == "timerEventDefinition":
        return timer(reading, node, element)
    if name_of(element) == "messageEventDefinition":
        return awaited_message(reading, node, element)
    return None


# -- event definitions ------------------------------------------------------------------------------------------------


def timer(reading: Reading, node: Node, element: Element) -> TimerTrigger | None:
    """A date, a duration or a cycle; fixed texts are read here and now."""
    given = [(kind, child) for name, kind in TIMERS.items() if (child := reading.child(element, name)) is not None]
    if len(given) != 1:
        reading.report.error(
            "timer" if given else "timer without time",
            element,
            f"The timer of {node.label} has {'no time' if not given else 'more than one time'}.",
            "Write exactly one of timeDate, timeDuration and timeCycle.",
        )
        return None
    kind, child = given[0]
    once = node.kind == "intermediateCatchEvent" or (
        node.kind == "boundaryEvent" and node.element.get("cancelActivity", "true") != "false"
    )
    if kind == "cycle" and once and text_of(child).startswith("R"):  # a cron rule says: at its next date
        reading.report.error(
            "timer",
            child,
            f"The timer of {node.label} is a repeating interval, but it can fire only once.",
            "Write a timeDate, a timeDuration or a cron rule; repetition is for start and non-interrupting boundary events.",
        )
        return None
    zone = (
        reading.own_attribute(element, "zone")
        or reading.own_attribute(node.element, "zone")
        or own.zone_of(reading, element)
    )
    try:
        zone_named(zone)
    except ValueError as error:
        reading.report.error("zone", element, str(error))
        return None
    value = _time(reading, child, f"The time of {node.label}")
    if isinstance(value, str):
        try:
            parse_schedule(kind, value, zone)
        except ValueError as error:
            reading.report.error("timer", child, str(error))
            return None
    return None if value is None else TimerTrigger(kind, value, zone)


def _time(reading: Reading, child: Element, what: str) -> Value | None:
    text, language = text_of(child), child.get("language", "")
    if not text:
        reading.report.error("timer", child, f"{what} is empty.", "Write for example PT1H, or an expression.")
        return None
    if is_feel(language):
        return reading.expression(child, text, what)
    return reading.value(child, text, what)


def error(reading: Reading, node: Node, element: Element) -> ErrorTrigger | None:
    """A BPMN error by its code; without a reference every code (at a boundary)."""
    variable = reading.own_attribute(element, "errorVariable") or reading.vendor(element, "errorMessageVariable")
    reference = element.get("errorRef")
    if not reference:
        if node.kind == "endEvent":
            reading.report.error(
                "error reference", element, f"The error event '{node.id}' names no error.",
                'Write errorRef="…" and a <bpmn:error id="…" errorCode="…"/> in the file.',
            )  # fmt: skip
        return ErrorTrigger(None, variable)
    found = reading.refer(reference, "error")
    if found is None:
        _missing(reading, element, node, "error", reference)
        return None
    code = (found.get("errorCode") or "").strip()
    if code.startswith("="):
        reading.report.not_yet(found, "An error code that is an expression", "Write a fixed code.")
        return None
    if not code and node.kind == "endEvent":
        reading.report.error(
            "error code", found, f"The error '{reference}' has no errorCode.", 'Write errorCode="…" on it.'
        )
    return ErrorTrigger(code or None, variable)


def awaited_message(reading: Reading, node: Node, element: Element) -> MessageTrigger | None:
    """A message that an instance waits for: its name and the key that finds the instance, if it has one."""
    name = message_name(reading, node, element)
    message = reading.refer(element.get("messageRef"), "message")
    if name is None or message is None:
        return None
    for holder in (node.element, element, message):
        for found in (reading.own(holder, "subscription"), reading.zeebe(holder, "subscription")):
            text = None if found is None else found.get("correlationKey")
            if found is None or not text or not text.strip():
                continue
            if not text.strip().startswith("="):
                reading.report.error(
                    "correlation key", found, f"The correlation key '{text}' is not an expression.",
                    f"Write correlationKey=\"= {text.strip()}\".",
                )  # fmt: skip
                return None
            key = reading.expression(found, text, f"The correlation key of message '{message.get('name')}'")
            return None if key is None else MessageTrigger(name, key)
    reading.report.warn(
        "correlation key",
        element,
        f"The {node.label} waits for the message '{message.get('name')}', which has no correlation key: it is found by "
        "name only, by messages that have no key either.",
        'Put <zeebe:subscription correlationKey="= orderId"/> into the extension elements of the message.',
    )
    return MessageTrigger(name, None)


def message_name(reading: Reading, node: Node, element: Element) -> Value | None:
    """The name of the message that an event or task refers to."""
    reference = element.get("messageRef")
    if not reference:
        reading.report.error(
            "message reference", element, f"The {node.label} names no message.",
            'Write messageRef="…" and a <bpmn:message id="…" name="…"/> in the file.',
        )  # fmt: skip
        return None
    found = reading.refer(reference, "message")
    if found is None:
        _missing(reading, element, node, "message", reference)
        return None
    name = reading.value(found, found.get("name"), f"The name of message '{reference}'")
    if name is None and not (found.get("name") or "").strip():
        reading.report.error("message name", found, f"The message '{reference}' has no name.", 'Write name="…" on it.')
    if node.kind == "startEvent" and name is not None and not isinstance(name, str):
        reading.report.error(
            "message start", found, "The message of a start event has an expression for a name.",
            "Nothing is known before the process starts: write a fixed name.",
        )  # fmt: skip
    return name


def throw(reading: Reading, node: Node, element: Element) -> MessageThrow | None:
    """A message that goes out."""
    name = message_name(reading, node, element)
    holder = node.element if reading.own(element, "publish") is None else element
    return None if name is None else own.publication(reading, holder, name)


def _missing(reading: Reading, element: Element, node: Node, kind: str, reference: str) -> None:
    reading.report.error(
        f"{kind} reference", element, f"The {node.label} refers to the {kind} '{reference}', which is not in the file.",
        f'Add <bpmn:{kind} id="{reference}"/>, or correct the reference.',
    )  # fmt: skip
