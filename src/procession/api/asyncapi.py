"""The AsyncAPI 3.0 document: every topic of the platform, written out from what the code reads and publishes.

It is told from the platform's side: what it receives, and what it sends. Whoever talks to it does the opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from procession.api.asyncapi_headers import ANSWER, ECHOED, OFFER, OPERATION, ORDER, OWN, REQUEST
from procession.bus.topics import (
    AUDIT,
    DEAD_LETTER,
    INDEX,
    JOB,
    KINDS,
    MESSAGES,
    NOTIFY_EXCEPTION,
    NOTIFY_PROCESS,
    NOTIFY_TASK,
    NOTIFY_TOKEN,
    OPERATIONS,
    PLUGIN,
    RECEIVE,
    RECEIVE_JOB,
    RECEIVE_PLUGIN,
    START,
    START_CONFIRM,
    UI,
    Kind,
    Naming,
)
from procession.bus.urls import brokers
from procession.runtime.exchange import shapes

REF = "#/components/schemas/{name}"
KAFKA = "0.5.0"
"""The version of the bindings."""

INSTANCE_KEY = "The id of the process instance: what happens to one stays in order."
OWN_KEY = "Yours; it comes back with the answer."
ANY_KEY = "Yours. Records of one key keep their order."
SAME_KEY = "That of the record that it answers."


class Carried(NamedTuple):
    """What is on a topic: messages by name with their type (None: any JSON), their headers, and what their key is."""

    messages: dict[str, type[Struct] | None]
    headers: dict[str, Any]
    key: str


NOTICES = Carried({"Notice": shapes.Notice}, OWN, INSTANCE_KEY)

CARRIED: dict[str, Carried] = {
    START: Carried({"StartRequest": shapes.StartRequest}, ORDER, OWN_KEY),
    START_CONFIRM: Carried({"StartConfirmation": shapes.StartConfirmation}, ECHOED, SAME_KEY),
    OPERATIONS: Carried({"Operation": shapes.Operation, "Operations": shapes.Operations}, OPERATION, OWN_KEY),
    MESSAGES: Carried({"MessageEvent": shapes.MessageEvent}, ORDER, ANY_KEY),
    RECEIVE: Carried({"Answer": None}, ANSWER, SAME_KEY),
    RECEIVE_JOB: Carried({"JobResult": shapes.JobResult}, ORDER, ANY_KEY),
    RECEIVE_PLUGIN: Carried({"Answer": None}, ANSWER, SAME_KEY),
    NOTIFY_PROCESS: NOTICES,
    NOTIFY_TOKEN: NOTICES,
    NOTIFY_TASK: NOTICES,
    NOTIFY_EXCEPTION: NOTICES,
    AUDIT: Carried({"AuditEntry": shapes.AuditEntry}, OWN, INSTANCE_KEY),
    INDEX: Carried({"IndexDocument": shapes.IndexDocument}, OWN, INSTANCE_KEY),
    UI: Carried({"ScreenNotice": shapes.ScreenNotice}, OWN, INSTANCE_KEY),
    JOB: Carried({"JobOffer": shapes.JobOffer}, OFFER, INSTANCE_KEY),
    PLUGIN: Carried({"Request": None}, REQUEST, INSTANCE_KEY),
    DEAD_LETTER: Carried(
        {"DeadLetter": shapes.DeadLetter},
        ECHOED,
        "The id of the process instance that it is about, else that of the letter.",
    ),
}

CALLBACK = Carried(
    {"OperationResult": shapes.OperationResult, "OperationResults": shapes.OperationResults}, ECHOED, SAME_KEY
)
OF_PROCESS = Carried({"Request": None}, REQUEST, "What the process says; usually the id of the process instance.")

SAID: dict[str, str] = {
    "Answer": "What an integration or a plugin says: any JSON. It takes the place of the variable of the data stream that waits.",
    "Request": "What a send action of a process says: any JSON object.",
}
"""Messages that have no type of ours."""

PARAMETERS: dict[str, tuple[str, str, str]] = {
    RECEIVE: ("{integration}", "integration", "Chosen by whoever answers: every topic that begins so is read."),
    RECEIVE_PLUGIN: ("{plugin}", "plugin", "The name of the plugin."),
    JOB: ("{type}", "type", "The type of the jobs. The setting bus_jobs says which are offered here."),
    PLUGIN: ("{plugin}.in", "plugin", "The name of the plugin."),
}
"""What follows where a name is the beginning of many."""

DESCRIPTION = (
    "Values are JSON, headers are texts. A record that is read takes effect once, in one transaction with its offset. Records "
    "of one process instance are published in the order of its history; after a fault one may come again, with the same "
    "`ce_id`. Who answers returns all headers that came. What cannot be handled goes to the topic `dead-letter`, and can be "
    "replayed: `GET /api/dead-letters`. Fields may be added; what is not known is left alone."
)


def document(
    version: str, naming: Naming, group: str, *, url: str = "memory:", jobs: Sequence[str] = ()
) -> dict[str, Any]:
    """The whole document, ready for JSON. `url` of the bus: where it is, if the reader may know it."""
    channels = {_id(kind): _channel(kind, naming, jobs) for kind in KINDS}
    channels["callback"] = _open_channel(
        "Answers to operations", "The topic that the header callbackTopic named.", CALLBACK
    )
    channels["processes"] = _open_channel("Records of processes", "Every topic that a send action names.", OF_PROCESS)
    operations = {f"{_action(kind)}.{_id(kind)}": _operation(kind, group) for kind in KINDS}
    for name, carried in (("callback", CALLBACK), ("processes", OF_PROCESS)):
        operations[f"send.{name}"] = {"action": "send", "title": channels[name]["title"], **_over(name, carried)}
    servers = _servers(url)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "procession",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        **({"servers": servers} if servers else {}),
        "channels": channels,
        "operations": operations,
        "components": {"schemas": _schemas()},
    }


def _servers(url: str) -> dict[str, Any]:
    protocol = "kafka-secure" if url.startswith("kafkas:") else "kafka"
    return {
        f"broker-{number}": {"host": host, "protocol": protocol, "description": "A broker of the bus."}
        for number, host in enumerate(brokers(url), 1)
    }


def _id(kind: Kind) -> str:
    return kind.name.rstrip(".")


def _action(kind: Kind) -> str:
    return "receive" if kind.direction == "in" else "send"


def _channel(kind: Kind, naming: Naming, jobs: Sequence[str]) -> dict[str, Any]:
    ending, name, said = PARAMETERS.get(kind.name, ("", "", ""))
    address = naming.full(kind.name + ending)
    kafka: dict[str, Any] = {"topicConfiguration": {"retention.ms": kind.retention}, "bindingVersion": KAFKA}
    if not name:
        kafka = {"topic": address, **kafka}
    channel: dict[str, Any] = {
        "address": address,
        "title": kind.title,
        "messages": _messages(CARRIED[kind.name]),
        "bindings": {"kafka": kafka},
    }
    if name:
        known = {"enum": list(jobs)} if kind.name == JOB and jobs else {}
        channel["parameters"] = {name: {"description": said, **known}}
    return channel


def _open_channel(title: str, said: str, carried: Carried) -> dict[str, Any]:
    """One whose topic is not ours to choose."""
    return {"address": None, "title": title, "description": said, "messages": _messages(carried)}


def _messages(carried: Carried) -> dict[str, Any]:
    return {name: _message(name, kind, carried) for name, kind in carried.messages.items()}


def _message(name: str, kind: type[Struct] | None, carried: Carried) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "contentType": "application/json",
        "headers": carried.headers,
        "payload": {"$ref": REF.format(name=name)},
        "bindings": {"kafka": {"key": {"type": "string", "description": carried.key}, "bindingVersion": KAFKA}},
    }


def _operation(kind: Kind, group: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": _action(kind),
        "title": kind.title,
        **_over(_id(kind), CARRIED[kind.name]),
    }
    if kind.direction == "in":
        operation["bindings"] = {"kafka": {"groupId": {"type": "string", "enum": [group]}, "bindingVersion": KAFKA}}
    if kind.name == START:
        operation["reply"] = _over(START_CONFIRM, CARRIED[START_CONFIRM])
    if kind.name == OPERATIONS:
        address = {"location": "$message.header#/callbackTopic", "description": "Without it nothing is answered."}
        operation["reply"] = {"address": address, **_over("callback", CALLBACK)}
    return operation


def _over(channel: str, carried: Carried) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in carried.messages]
    return {"channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _schemas() -> dict[str, Any]:
    """Of every type, and of what it is made of."""
    carried = [*CARRIED.values(), CALLBACK, OF_PROCESS]
    kinds = list(dict.fromkeys(kind for each in carried for kind in each.messages.values() if kind is not None))
    _, components = msgspec.json.schema_components(kinds, ref_template=REF)
    found = {name: _plain(schema) for name, schema in components.items()}
    return {**found, **{name: {"description": said} for name, said in SAID.items()}}


def _plain(schema: Any) -> Any:
    """In the words of draft 7, which AsyncAPI's own schemas are made of: it has no prefixItems."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain(value) for name, value in schema.items()}
    if "prefixItems" in plain:
        plain["items"] = plain.pop("prefixItems")
    return plain
