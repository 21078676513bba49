"""The `procession:` layer: settings, data model, start conditions and parameters, access, records, data streams."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from procession.bpmn.names import ACTIVITIES, BPMN, CATCH_EVENTS, FLOW_NODES, PROCESSION
from procession.bpmn.reading import Reading
from procession.bpmn.report import nearest
from procession.bpmn.xml import Element, name_of, text_of
from procession.definition import OPERATIONS, DataStream, MessageThrow, Parameter, RecordSpec, Settings, Value
from procession.definition.iso8601 import parse_duration, zone_named
from procession.definition.schedule import parse_expiry
from procession.definition.topics import RECEIVE, RECEIVE_JOB, legal

ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "settings": "expiry generalData zone keep index",
        "dataModel": "",
        "access": " ".join(OPERATIONS),
        "start": "condition",
        "param": "name type mandatory",
        "action": "name type trigger required order repeatable keys allowTokenReset topic message headers key",
        "dataStream": "topic key",
        "subscription": "correlationKey",
        "publish": "key ttl variables messageId",
    }.items()
}
"""Every extension element, with its attributes."""

INSIDE: dict[str, frozenset[str]] = {}
SENDERS = frozenset({"sendTask", "endEvent", "intermediateThrowEvent", "messageEventDefinition"})
PLACES: dict[str, frozenset[str] | None] = {
    "settings": frozenset({"process"}),
    "dataModel": frozenset({"process"}),
    "access": frozenset({"lane"}),
    "start": frozenset({"startEvent"}),
    "param": frozenset({"startEvent"}),
    "action": FLOW_NODES,
    "dataStream": ACTIVITIES,
    "subscription": frozenset({"message", "messageEventDefinition", "receiveTask"}) | CATCH_EVENTS,
    "publish": SENDERS,
}
"""Where an extension element has a meaning (None: anywhere)."""

ON_BPMN: dict[str, frozenset[str]] = {
    "canGoBack": FLOW_NODES,
    "stage": FLOW_NODES,
    "flowNames": FLOW_NODES,
    "responseTimeout": frozenset({"receiveTask"}),
    "zone": CATCH_EVENTS | {"timerEventDefinition"},
    "resultVariable": frozenset({"scriptTask"}),
    "errorVariable": frozenset({"errorEventDefinition"}),
}
"""`procession:` attributes of BPMN elements, and where they have a meaning (empty: anywhere)."""

LATER: dict[str, tuple[str, str]] = {}
LATER_ATTRIBUTES = {
    "flowNames": ("A flow name", "Choose between flows with an exclusive gateway."),
}
SEND_RECORDS = frozenset({"sendTask", "intermediateThrowEvent", "endEvent"})
"""Where `kafkaSend` actions are executed."""

PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


def settings(reading: Reading, process: Element) -> Settings:
    """`procession:settings` of a process."""
    found = reading.own(process, "settings")
    if found is None:
        return Settings()
    zone = found.get("zone", "UTC")
    _checked(reading, found, "zone", zone, zone_named)
    if text := found.get("expiry"):
        _checked(reading, found, "expiry", text, parse_expiry)
    if found.get("keep"):
        reading.report.not_yet(found, "Retention (keep)", "Finished instances stay until somebody deletes them.")
    general = found.get("generalData")
    return Settings(
        expiry=found.get("expiry"),
        zone=zone,
        general_data=None if general is None else _json(reading, found, general, "The generalData"),
        index=tuple(dict.fromkeys((found.get("index") or "").split())),
    )


def zone_of(reading: Reading, element: Element) -> str:
    """The zone that the process around an element sets for its timers and dates."""
    process = next(element.iterancestors(f"{{{BPMN}}}process"), None)
    found = None if process is None else reading.own(process, "settings")
    return "UTC" if found is None else str(found.get("zone", "UTC"))


def data_model(reading: Reading, process: Element) -> Mapping[str, Any] | None:
    """`procession:dataModel` of a process, a JSON schema."""
    found = reading.own(process, "dataModel")
    if found is None:
        return None
    model = _json(reading, found, text_of(found), "The data model")
    if isinstance(model, dict):
        return model
    if model is not None:
        reading.report.error("data model", found, "The data model is not a JSON object.", "Write a JSON schema.")
    return None


def sensitive(model: Any) -> Iterator[str]:
    """The dotted paths of a data model that are marked `"sensitive": true`."""
    todo = [("", model)]
    while todo:
        path, at = todo.pop()
        if not isinstance(at, dict):
            continue
        if at.get("sensitive") is True and path:
            yield path
        properties = at.get("properties")
        if isinstance(properties, dict):
            todo += [(f"{path}.{name}" if path else name, inner) for name, inner in properties.items()]
        todo.append((path, at.get("items")))


def access(reading: Reading, lane: Element) -> dict[str, frozenset[str]]:
    """`procession:access` of a lane: the roles of each operation."""
    found = reading.own(lane, "access")
    if found is None:
        return {}
    return {name: frozenset(text.split()) for name in OPERATIONS if (text := found.get(name)) is not None}


def parameters(reading: Reading, start: Element) -> tuple[Parameter, ...]:
    """The `procession:param`s of a start event."""
    result: dict[str, Parameter] = {}
    for param in reading.extensions(start, PROCESSION, "param"):
        name, kind = (param.get("name") or "").strip(), param.get("type")
        if not name:
            reading.report.error("parameter", param, "A start parameter has no name.", 'Write name="client.id".')
            continue
        if kind is not None and kind not in TYPES:
            hint = nearest(kind, TYPES) or f"The types are {', '.join(sorted(TYPES))}."
            reading.report.error("parameter", param, f"The parameter '{name}' has the type '{kind}'.", hint)
        if name in result:
            reading.report.error("parameter", param, f"The parameter '{name}' is there twice.", "Remove one.")
        result[name] = Parameter(name, kind, reading.flag(param, "mandatory", default=False))
    return tuple(result.values())


def records(reading: Reading, element: Element) -> tuple[RecordSpec, ...]:
    """The records that `kafkaSend` actions send, in their order; actions of other types are not executable yet."""
    found: list[tuple[int, RecordSpec]] = []
    for action in reading.extensions(element, PROCESSION, "action"):
        kind = action.get("type")
        if kind != "kafkaSend":
            hint = "Only 'kafkaSend' is, on send tasks, intermediate throw events and end events."
            reading.report.not_yet(action, f"The action type '{kind}'", hint)
        elif action.get("trigger", "automatic") != "automatic":
            reading.report.not_yet(action, "A 'kafkaSend' action that a person triggers", "It is sent on arrival.")
        elif name_of(element) not in SEND_RECORDS:
            hint = "Put it on a send task, an intermediate throw event or an end event."
            reading.report.not_yet(action, "A 'kafkaSend' action here", hint)
        elif (made := _record(reading, action)) is not None:
            found.append((_order(reading, action), made))
    found.sort(key=lambda pair: pair[0])
    return tuple(made for _, made in found)


def _order(reading: Reading, action: Element) -> int:
    """When an action of several is done; those of one order as they stand in the file."""
    text = action.get("order", "0").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    reading.report.error("action", action, f"The order of the action is '{text}'.", "Write a whole number, such as 1.")
    return 0


def _record(reading: Reading, action: Element) -> RecordSpec | None:
    topic = (action.get("topic") or "").strip()
    if not topic:
        reading.report.error("action", action, "The kafkaSend action has no topic.", 'Write topic="crm.search".')
        return None
    if not legal(PLACEHOLDER.sub("0", topic)):
        reading.report.error(
            "action",
            action,
            f"The topic of the action is '{topic[:300]}', which Kafka does not take.",
            "Use letters, digits, '.', '_' and '-', 249 at most; ${region} stands for a variable.",
        )
    for name in ("message", "headers"):
        text = PLACEHOLDER.sub("0", action.get(name, ""))
        if text.strip() and not isinstance(_json(reading, action, text, f"The {name} of the action"), dict | None):
            reading.report.error(
                "action", action, f"The {name} of the action is not a JSON object.", f"Write {name}='{{…}}'."
            )
    return RecordSpec(
        topic=topic,
        message=action.get("message", ""),
        headers=action.get("headers", ""),
        key=reading.value(action, action.get("key"), "The key of the record"),
        name=action.get("name", ""),
    )


def streams(reading: Reading, element: Element) -> tuple[DataStream, ...]:
    """The topics on which an activity takes answers."""
    found: dict[str, DataStream] = {}
    for stream in reading.extensions(element, PROCESSION, "dataStream"):
        topic, key = (stream.get("topic") or "").strip(), (stream.get("key") or "").strip()
        problem = _wrong_topic(topic) or _wrong_key(key)
        if problem is None and topic in found:
            problem = f"The topic '{topic}' is on two data streams of one node.", "Remove one of the two."
        if problem is not None:
            reading.report.error("data stream", stream, *problem)
        else:
            found[topic] = DataStream(topic, key)
    return tuple(found.values())


def _wrong_topic(topic: str) -> tuple[str, str] | None:
    """What is wrong with the topic of a data stream, and what to do."""
    example = 'Write topic="engine.receive.crm".'
    if not topic:
        return "The data stream has no topic.", example
    if not topic.startswith(RECEIVE) or topic == RECEIVE:
        what = f"The engine does not listen to the topic '{topic[:300]}'."
        return what, f"It listens to all that begin with '{RECEIVE}'. {example}"
    if topic == RECEIVE_JOB:
        return f"On '{RECEIVE_JOB}' come the results of jobs, and no answers.", example
    if not legal(topic):
        what = f"The topic of the data stream is '{topic[:300]}', which Kafka does not take."
        return what, "Use letters, digits, '.', '_' and '-', 249 at most; it is fixed."
    return None


def _wrong_key(key: str) -> tuple[str, str] | None:
    """What is wrong with the variable of a data stream, and what to do."""
    if not key:
        return "The data stream has no key.", 'Name the variable that answers go to: key="crmAnswer".'
    if key.startswith("=") or "." in key:
        what = f"The key of the data stream is '{key[:300]}'."
        return what, "Name one variable, without dots; an output mapping can put it elsewhere."
    return None


def publication(reading: Reading, element: Element, name: Value) -> MessageThrow:
    """How a message goes out: `procession:publish`, or `zeebe:publishMessage`, or neither."""
    own = reading.own(element, "publish")
    if own is not None:
        ttl = reading.value(own, own.get("ttl"), "The time to live")
        if isinstance(ttl, str):
            _checked(reading, own, "ttl", ttl, parse_duration)
        return MessageThrow(
            name,
            key=reading.value(own, own.get("key"), "The correlation key"),
            ttl=ttl,
            variables=reading.expression(own, own.get("variables"), "The variables of the message"),
            message_id=reading.value(own, own.get("messageId"), "The message id"),
        )
    other = reading.zeebe(element, "publishMessage")
    if other is None:
        return MessageThrow(name)
    ttl = reading.value(other, other.get("timeToLive"), "The time to live")
    if isinstance(ttl, str):
        _checked(reading, other, "timeToLive", ttl, parse_duration)
    return MessageThrow(
        name,
        key=reading.value(other, other.get("correlationKey"), "The correlation key"),
        ttl=ttl,
        message_id=reading.value(other, other.get("messageId"), "The message id"),
    )


def _checked(reading: Reading, element: Element, name: str, text: str, check: Any) -> None:
    try:
        check(text)
    except ValueError as error:
        reading.report.error("setting", element, f"The attribute '{name}' is wrong: {error}")


def _json(reading: Reading, element: Element, text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reading.report.error("json", element, f"{what} is not JSON: {error}.", "Write one JSON value.")
        return None
