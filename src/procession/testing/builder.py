"""Processes written as a chain of calls, for tests: `process("order").start().user_task("fill").end().build()`.

The chain has a place where it goes on: each call draws a node there, with a flow to it. `back_to` moves the place to an
earlier node, `to` leads the flow to a node that is drawn elsewhere, `when` and `otherwise` say which flow comes next.
What comes out is BPMN 2.0 with a simple diagram: it can be deployed, opened in a modeler, and kept as a file.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from procession.bpmn import read_bpmn
from procession.definition import ProcessDefinition
from procession.testing.diagram import Box, draw

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
PROCESSION = "urn:procession:bpmn:1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"bpmn": BPMN, "zeebe": ZEEBE, "procession": PROCESSION, "xsi": XSI}

ACTIVITIES = frozenset(
    {
        "task",
        "userTask",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "scriptTask",
        "manualTask",
        "businessRuleTask",
        "subProcess",
        "callActivity",
    }
)

Mappings = Mapping[str, str]
"""Target to source: `{"order.id": "=id"}`."""


@dataclass
class Extension:
    """An element of `extensionElements`: `zeebe:taskDefinition` with its attributes and what is inside it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list[Extension] = field(default_factory=list)
    text: str | None = None


@dataclass
class Event:
    """The event definition of an event: its kind, and what the kind needs."""

    kind: str
    text: str = ""  # of a timer
    timer: str = ""  # timeDate, timeDuration, timeCycle
    zone: str | None = None
    name: str | None = None  # of a message
    key: str | None = None  # the correlation key of a message
    code: str | None = None  # of an error
    variable: str | None = None  # where the caught error goes


@dataclass
class Node:
    """A drawn node, not yet XML."""

    kind: str
    id: str
    named: bool  # the caller chose the id
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    extensions: list[Extension] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    event: Event | None = None
    message: Event | None = None  # of a send or receive task
    loop: dict[str, Any] | None = None
    host: str | None = None
    inner: ProcessBuilder | None = None
    default: Flow | None = None


@dataclass
class Flow:
    """A drawn sequence flow."""

    source: str
    target: str
    condition: str | None = None
    default: bool = False
    id: str = ""


@dataclass
class LaneSpec:
    """A lane, who may do what in it, and its nodes."""

    name: str
    nodes: tuple[str, ...]
    access: dict[str, str]


class ProcessBuilder:
    """Draws one process. Every method returns the builder, so that calls can be chained."""

    def __init__(self, name: str, title: str = "") -> None:
        self.name, self.title = name, title
        self._nodes: dict[str, Node] = {}
        self._flows: list[Flow] = []
        self._lanes: list[LaneSpec] = []
        self._extensions: list[Extension] = []
        self._at: str | None = None
        self._condition: str | None = None
        self._default = False
        self._flow_id = ""

    # -- where the chain goes on ----------------------------------------------------------------------------------------

    def back_to(self, node: str) -> ProcessBuilder:
        """Go on from a node that is there already: its next outgoing flow comes next."""
        self._known(node)
        self._at = node
        return self

    def to(self, node: str) -> ProcessBuilder:
        """Lead the flow to a node that is drawn earlier or later. Go on with `back_to` or another start."""
        self._connect(node)
        self._at = None
        return self

    def when(self, condition: str, flow: str = "") -> ProcessBuilder:
        """The next flow has this condition: a FEEL expression, such as `=amount > 100`. `flow` gives it an id."""
        self._condition, self._flow_id = condition, flow
        return self

    def otherwise(self, flow: str = "") -> ProcessBuilder:
        """The next flow is the default flow of the node it leaves."""
        self._default, self._flow_id = True, flow
        return self

    # -- events ---------------------------------------------------------------------------------------------------------

    def start(
        self,
        id: str | None = None,
        *,
        name: str = "",
        condition: str | None = None,
        params: Iterable[str] | Mapping[str, str | None] = (),
        mandatory: Iterable[str] = (),
        message: str | None = None,
        duration: str | None = None,
        date: str | None = None,
        cycle: str | None = None,
        zone: str | None = None,
        form: str | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A start event: by request (with a start condition where there are several), by message, or by timer.

        `params` are names, or names with their types; those in `mandatory` must be sent.
        """
        event = Event("message", name=message) if message else _timer(duration, date, cycle, zone)
        node = self._new("startEvent", id, "start", name, event=event, outputs=outputs)
        if condition is not None:
            node.extensions.append(Extension("procession:start", {"condition": condition}))
        needed = list(mandatory)
        types: dict[str, str | None] = dict(params) if isinstance(params, Mapping) else dict.fromkeys(params)
        for parameter in dict.fromkeys([*types, *needed]):
            attributes = {"name": parameter}
            if kind := types.get(parameter):
                attributes["type"] = kind
            if parameter in needed:
                attributes["mandatory"] = "true"
            node.extensions.append(Extension("procession:param", attributes))
        node.extensions += _extension("zeebe:formDefinition", {"formId": form})
        self._at = None
        return self._place(node)

    def end(
        self,
        id: str | None = None,
        *,
        name: str = "",
        topic: str | None = None,
        body: str | None = None,
        headers: str | None = None,
        key: str | None = None,
        inputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """An end event: the token ends, the others go on. With a `topic` it sends a record first."""
        node = self._new("endEvent", id, "end", name, inputs=inputs)
        node.extensions += _kafka_send(topic, node.id, body, headers, key)
        return self._last(node)

    def end_terminate(self, id: str | None = None, *, name: str = "") -> ProcessBuilder:
        """A terminate end event: everything in its scope ends."""
        return self._last(self._new("endEvent", id, "end", name, event=Event("terminate")))

    def end_error(
        self, code: str, id: str | None = None, *, name: str = "", inputs: Mappings | None = None
    ) -> ProcessBuilder:
        """An error end event: a boundary event around it catches the code."""
        return self._last(self._new("endEvent", id, "end", name, event=Event("error", code=code), inputs=inputs))

    def end_message(
        self,
        message: str,
        id: str | None = None,
        *,
        key: str | None = None,
        variables: str | None = None,
        ttl: str | None = None,
        message_id: str | None = None,
        job: str | None = None,
    ) -> ProcessBuilder:
        """A message end event: publishes a message, or lets a job worker send it."""
        node = self._new("endEvent", id, "end", event=Event("message", name=message))
        node.extensions += _sends(job, key, variables, ttl, message_id)
        return self._last(node)

    def throw(
        self,
        id: str,
        *,
        name: str = "",
        topic: str | None = None,
        body: str | None = None,
        headers: str | None = None,
        key: str | None = None,
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """An intermediate event that sends a record (`topic`), or only marks that the token came by."""
        node = self._new("intermediateThrowEvent", id, id, name, inputs=inputs, outputs=outputs)
        node.extensions += _kafka_send(topic, id, body, headers, key)
        return self._next(node)

    def throw_message(
        self,
        id: str,
        message: str,
        key: str | None = None,
        *,
        variables: str | None = None,
        ttl: str | None = None,
        message_id: str | None = None,
        job: str | None = None,
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """An intermediate event that publishes a message, or lets a job worker send it."""
        event = Event("message", name=message)
        node = self._new("intermediateThrowEvent", id, id, event=event, inputs=inputs, outputs=outputs)
        node.extensions += _sends(job, key, variables, ttl, message_id)
        return self._next(node)

    def catch_timer(
        self,
        id: str,
        duration: str | None = None,
        *,
        date: str | None = None,
        cycle: str | None = None,
        zone: str | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """An intermediate event that waits for a time."""
        event = _timer(duration, date, cycle, zone)
        return self._next(self._new("intermediateCatchEvent", id, id, event=event, outputs=outputs))

    def catch_message(self, id: str, message: str, key: str, *, outputs: Mappings | None = None) -> ProcessBuilder:
        """An intermediate event that waits for a message; `key` is the expression of the correlation key."""
        event = Event("message", name=message, key=key)
        return self._next(self._new("intermediateCatchEvent", id, id, event=event, outputs=outputs))

    def boundary_timer(
        self,
        on: str,
        id: str | None = None,
        *,
        duration: str | None = None,
        date: str | None = None,
        cycle: str | None = None,
        zone: str | None = None,
        interrupting: bool = True,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A timer on the boundary of an activity; the chain goes on from it."""
        return self._boundary(on, id or f"{on}_timer", _timer(duration, date, cycle, zone), interrupting, outputs)

    def boundary_message(
        self,
        on: str,
        message: str,
        key: str,
        id: str | None = None,
        *,
        interrupting: bool = True,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A message on the boundary of an activity; the chain goes on from it."""
        event = Event("message", name=message, key=key)
        return self._boundary(on, id or f"{on}_message", event, interrupting, outputs)

    def boundary_error(
        self,
        on: str,
        code: str | None = None,
        id: str | None = None,
        *,
        variable: str | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """An error on the boundary of an activity (no code: every error); the chain goes on from it."""
        event = Event("error", code=code, variable=variable)
        return self._boundary(on, id or f"{on}_error", event, True, outputs)

    # -- tasks ----------------------------------------------------------------------------------------------------------

    def task(
        self, id: str, *, name: str = "", inputs: Mappings | None = None, outputs: Mappings | None = None
    ) -> ProcessBuilder:
        """A task of no kind: the token passes."""
        return self._next(self._new("task", id, id, name, inputs=inputs, outputs=outputs))

    def manual_task(
        self, id: str, *, name: str = "", inputs: Mappings | None = None, outputs: Mappings | None = None
    ) -> ProcessBuilder:
        """A manual task: the token passes."""
        return self._next(self._new("manualTask", id, id, name, inputs=inputs, outputs=outputs))

    def user_task(
        self,
        id: str,
        *,
        name: str = "",
        assignee: str | None = None,
        groups: str | None = None,
        users: str | None = None,
        due: str | None = None,
        follow_up: str | None = None,
        priority: str | int | None = None,
        form: str | None = None,
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A user task: waits for a person."""
        node = self._new("userTask", id, id, name, inputs=inputs, outputs=outputs)
        node.extensions.append(Extension("zeebe:userTask"))
        given = {"assignee": assignee, "candidateGroups": groups, "candidateUsers": users}
        node.extensions += _extension("zeebe:assignmentDefinition", given)
        node.extensions += _extension("zeebe:taskSchedule", {"dueDate": due, "followUpDate": follow_up})
        node.extensions += _extension(
            "zeebe:priorityDefinition", {"priority": None if priority is None else str(priority)}
        )
        node.extensions += _extension("zeebe:formDefinition", {"formId": form})
        return self._next(node)

    def service_task(
        self,
        id: str,
        *,
        job: str | None = None,
        retries: int | str | None = None,
        headers: Mapping[str, str] | None = None,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A service task: waits for a job worker. The job's type is `job`, or the id."""
        node = self._new("serviceTask", id, id, name, inputs=inputs, outputs=outputs)
        node.extensions += _job(job or id, retries, headers)
        return self._next(node)

    def script(
        self,
        id: str,
        expression: str,
        result: str | None = None,
        *,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A script task in FEEL; with no `result` the value is a context whose entries become variables."""
        node = self._new("scriptTask", id, id, name, inputs=inputs, outputs=outputs)
        node.extensions += _extension("zeebe:script", {"expression": expression, "resultVariable": result})
        return self._next(node)

    def business_rule(
        self,
        id: str,
        expression: str | None = None,
        result: str | None = None,
        *,
        job: str | None = None,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A business rule task: a FEEL expression, or a job worker's."""
        node = self._new("businessRuleTask", id, id, name, inputs=inputs, outputs=outputs)
        if job is not None:
            node.extensions += _job(job, None, None)
        else:
            node.extensions += _extension("zeebe:script", {"expression": expression, "resultVariable": result})
        return self._next(node)

    def send(
        self,
        id: str,
        *,
        job: str | None = None,
        message: str | None = None,
        key: str | None = None,
        variables: str | None = None,
        ttl: str | None = None,
        message_id: str | None = None,
        topic: str | None = None,
        body: str | None = None,
        headers: str | None = None,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A send task: a job worker's (`job`), a BPMN message (`message`), or a record on a topic (`topic`)."""
        node = self._new("sendTask", id, id, name, inputs=inputs, outputs=outputs)
        if topic is not None:
            node.extensions += _kafka_send(topic, id, body, headers, key)
        else:
            node.message = Event("message", name=message) if message is not None else None
            node.extensions += _sends(job, key, variables, ttl, message_id)
        return self._next(node)

    def receive(
        self,
        id: str,
        message: str | None = None,
        key: str | None = None,
        *,
        streams: Mapping[str, str] | None = None,
        response_timeout: str | None = None,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A receive task: waits for a message; `key` is the expression of the correlation key.

        Instead of a message it may wait for answers: `streams` has the variable that each topic's answers go to.
        """
        node = self._new("receiveTask", id, id, name, inputs=inputs, outputs=outputs)
        if message is not None:
            node.message = Event("message", name=message, key=key)
        if response_timeout is not None:
            node.attributes[_tag("procession:responseTimeout")] = response_timeout
        for topic, variable in (streams or {}).items():
            node.extensions += _extension("procession:dataStream", {"topic": topic, "key": variable})
        return self._next(node)

    def sub_process(
        self,
        id: str,
        inner: ProcessBuilder,
        *,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """An embedded sub-process. Ids that `inner` chose by itself get the sub-process's id in front: `pack_start`."""
        node = self._new("subProcess", id, id, name, inputs=inputs, outputs=outputs)
        node.inner = inner._renamed(id)
        return self._next(node)

    def call(
        self,
        id: str,
        process: str,
        *,
        all_in: bool = True,
        all_out: bool = True,
        name: str = "",
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
    ) -> ProcessBuilder:
        """A call activity; without `all_in` (`all_out`) the child (parent) gets only what is mapped."""
        node = self._new("callActivity", id, id, name, inputs=inputs, outputs=outputs)
        attributes = {
            "processId": process,
            "propagateAllParentVariables": str(all_in).lower(),
            "propagateAllChildVariables": str(all_out).lower(),
        }
        node.extensions.append(Extension("zeebe:calledElement", attributes))
        return self._next(node)

    def multi_instance(
        self,
        collection: str | None = None,
        *,
        cardinality: str | int | None = None,
        element: str | None = None,
        output_collection: str | None = None,
        output_element: str | None = None,
        completion: str | None = None,
        sequential: bool = False,
        on: str | None = None,
    ) -> ProcessBuilder:
        """The activity before this call (or `on`) runs once for each item of a collection, or `cardinality` times."""
        node = self._known(on or self._here())
        node.loop = {
            "collection": collection,
            "cardinality": None if cardinality is None else str(cardinality),
            "element": element,
            "output_collection": output_collection,
            "output_element": output_element,
            "completion": completion,
            "sequential": sequential,
        }
        return self

    def data_stream(self, topic: str, key: str, *, on: str | None = None) -> ProcessBuilder:
        """The activity before this call (or `on`) takes answers on a topic; each replaces the variable `key`."""
        node = self._known(on or self._here())
        node.extensions += _extension("procession:dataStream", {"topic": topic, "key": key})
        return self

    def kafka_send(
        self,
        topic: str,
        *,
        body: str | None = None,
        headers: str | None = None,
        key: str | None = None,
        name: str = "",
        order: int | None = None,
        on: str | None = None,
    ) -> ProcessBuilder:
        """The send task or throw event before this call (or the end event `on`) sends one more record."""
        node = self._known(on or self._here())
        node.extensions += _kafka_send(topic, name, body, headers, key, order)
        return self

    # -- gateways -------------------------------------------------------------------------------------------------------

    def parallel(self, id: str, *, name: str = "") -> ProcessBuilder:
        """A parallel gateway: a fork where several flows leave it, a join where several lead to it."""
        return self._next(self._new("parallelGateway", id, id, name))

    def exclusive(self, id: str, *, name: str = "") -> ProcessBuilder:
        """An exclusive gateway: the first flow whose condition is true."""
        return self._next(self._new("exclusiveGateway", id, id, name))

    def inclusive(self, id: str, *, name: str = "") -> ProcessBuilder:
        """An inclusive gateway: each flow whose condition is true; joins what can still come."""
        return self._next(self._new("inclusiveGateway", id, id, name))

    def event_based(self, id: str, *, name: str = "") -> ProcessBuilder:
        """An event-based gateway: the event behind it that happens first."""
        return self._next(self._new("eventBasedGateway", id, id, name))

    # -- the process itself ---------------------------------------------------------------------------------------------

    def lane(self, name: str, *nodes: str, **access: str) -> ProcessBuilder:
        """A lane with its nodes; `execute="clerk manager"` and so on say which roles may do what in it."""
        self._lanes.append(LaneSpec(name, nodes, access))
        return self

    def settings(self, **settings: str) -> ProcessBuilder:
        """What `procession:settings` takes: `expiry="P30D"`, `zone`, `keep`, `generalData`, `index`."""
        self._extensions.append(Extension("procession:settings", settings))
        return self

    def data_model(self, schema: str) -> ProcessBuilder:
        """The data model, a JSON schema."""
        self._extensions.append(Extension("procession:dataModel", text=schema))
        return self

    # -- what comes out -------------------------------------------------------------------------------------------------

    def build(self) -> bytes:
        """The BPMN file: one executable process, with its diagram."""
        return bpmn_file(self)

    def definition(self) -> ProcessDefinition:
        """The process as the engine has it: built, read back and compiled."""
        return read_bpmn(self.build(), f"{self.name}.bpmn").processes[0]

    # -- drawing --------------------------------------------------------------------------------------------------------

    def _known(self, node: str) -> Node:
        if node not in self._nodes:
            raise ValueError(f"there is no node {node!r} in {self.name!r} yet; there are {', '.join(self._nodes)}")
        return self._nodes[node]

    def _here(self) -> str:
        if self._at is None:
            raise ValueError(f"nothing to go on from in {self.name!r}: begin with start() or back_to(id)")
        return self._at

    def _new(
        self,
        kind: str,
        id: str | None,
        default: str,
        name: str = "",
        *,
        event: Event | None = None,
        inputs: Mappings | None = None,
        outputs: Mappings | None = None,
        host: str | None = None,
    ) -> Node:
        identity = id or default
        number = 1
        while id is None and identity in self._nodes:
            number += 1
            identity = f"{default}_{number}"
        if identity in self._nodes or identity == self.name:
            raise ValueError(f"the id {identity!r} is taken in {self.name!r} already")
        return Node(
            kind,
            identity,
            id is not None,
            name,
            inputs=dict(inputs or {}),
            outputs=dict(outputs or {}),
            event=event,
            host=host,
        )

    def _next(self, node: Node) -> ProcessBuilder:
        self._here()
        self._nodes[node.id] = node
        self._connect(node.id)
        self._at = node.id
        return self

    def _place(self, node: Node) -> ProcessBuilder:
        """A node that nothing leads to."""
        self._nodes[node.id] = node
        self._at = node.id
        return self

    def _last(self, node: Node) -> ProcessBuilder:
        self._next(node)
        self._at = None
        return self

    def _boundary(
        self, on: str, id: str, event: Event | None, interrupting: bool, outputs: Mappings | None
    ) -> ProcessBuilder:
        if self._known(on).kind not in ACTIVITIES:
            raise ValueError(f"{on!r} is not an activity: it cannot have a boundary event")
        node = self._new("boundaryEvent", id, id, event=event, outputs=outputs, host=on)
        if not interrupting:
            node.attributes["cancelActivity"] = "false"
        return self._place(node)

    def _connect(self, target: str) -> None:
        source = self._here()
        flow = Flow(source, target, self._condition, self._default, self._flow_id)
        if not flow.id:
            taken = {known.id for known in self._flows}
            flow.id, number = f"{source}_to_{target}", 1
            while flow.id in taken or flow.id in self._nodes:
                number += 1
                flow.id = f"{source}_to_{target}_{number}"
        self._flows.append(flow)
        if flow.default:
            self._nodes[source].default = flow
        self._condition, self._default, self._flow_id = None, False, ""

    def _renamed(self, prefix: str) -> ProcessBuilder:
        """A copy for the inside of a sub-process: what has no id of the caller's gets the sub-process's in front."""
        inner = copy.deepcopy(self)
        ids = {node.id: node.id if node.named else f"{prefix}_{node.id}" for node in inner._nodes.values()}
        inner._nodes = {ids[node.id]: node for node in inner._nodes.values()}
        for node in inner._nodes.values():
            node.id = ids[node.id]
            if node.host is not None:
                node.host = ids[node.host]
        for flow in inner._flows:
            if flow.id.startswith(f"{flow.source}_to_"):
                flow.id = f"{prefix}_{flow.id}"
            flow.source, flow.target = ids[flow.source], ids.get(flow.target, flow.target)
        return inner


def process(name: str, title: str = "") -> ProcessBuilder:
    """Begin a process; `name` is what it is started by."""
    return ProcessBuilder(name, title)


# -- parts ----------------------------------------------------------------------------------------------------------------


def _timer(duration: str | None, date: str | None, cycle: str | None, zone: str | None) -> Event | None:
    given = {"timeDuration": duration, "timeDate": date, "timeCycle": cycle}
    for kind, text in given.items():
        if text is not None:
            return Event("timer", text=text, timer=kind, zone=zone)
    return None


def _extension(name: str, attributes: Mapping[str, str | None]) -> list[Extension]:
    given = {key: value for key, value in attributes.items() if value is not None}
    return [Extension(name, given)] if given else []


def _job(kind: str, retries: int | str | None, headers: Mapping[str, str] | None) -> list[Extension]:
    found = _extension("zeebe:taskDefinition", {"type": kind, "retries": None if retries is None else str(retries)})
    if headers:
        inside = [Extension("zeebe:header", {"key": key, "value": value}) for key, value in headers.items()]
        found.append(Extension("zeebe:taskHeaders", inside=inside))
    return found


def _kafka_send(
    topic: str | None, name: str, body: str | None, headers: str | None, key: str | None, order: int | None = None
) -> list[Extension]:
    if topic is None:
        return []
    given = {"name": name or None, "order": None if order is None else str(order)}
    given |= {"type": "kafkaSend", "topic": topic, "message": body, "headers": headers, "key": key}
    return _extension("procession:action", given)


def _sends(
    job: str | None, key: str | None, variables: str | None, ttl: str | None, message_id: str | None
) -> list[Extension]:
    if job is not None:
        return _job(job, None, None)
    return _extension("procession:publish", {"key": key, "variables": variables, "ttl": ttl, "messageId": message_id})


# -- XML ------------------------------------------------------------------------------------------------------------------


def bpmn_file(*processes: ProcessBuilder) -> bytes:
    """One BPMN file with all of these processes, and their diagrams."""
    writer = _Writer()
    return writer.file(processes)


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if local else f"{{{BPMN}}}{prefix}"


def _sub(
    parent: etree._Element, name: str, attributes: Mapping[str, str] | None = None, text: str | None = None
) -> etree._Element:
    element = etree.SubElement(parent, _tag(name), dict(attributes or {}))
    if text is not None:
        element.text = text
    return element


class _Writer:
    """Writes processes into one file, with the messages and errors that they share."""

    def __init__(self) -> None:
        self.root = etree.Element(
            _tag("definitions"),
            {"id": "definitions", "targetNamespace": "urn:procession:test"},
            nsmap=NAMESPACES,
        )
        self.messages: dict[tuple[str, str | None], str] = {}
        self.errors: dict[str, str] = {}

    def file(self, processes: Iterable[ProcessBuilder]) -> bytes:
        elements = [(builder, self.process(builder)) for builder in processes]
        for (name, key), identity in self.messages.items():
            message = _sub(self.root, "message", {"id": identity, "name": name})
            if key is not None:
                outer = _sub(message, "extensionElements")
                _sub(outer, "zeebe:subscription", {"correlationKey": key})
        for code, identity in self.errors.items():
            _sub(self.root, "error", {"id": identity, "name": code, "errorCode": code})
        for builder, element in elements:
            if builder._lanes:
                pool = etree.Element(_tag("collaboration"), {"id": f"{builder.name}_pool"})
                given = {
                    "id": f"{builder.name}_participant",
                    "name": builder.title or builder.name,
                    "processRef": builder.name,
                }
                _sub(pool, "participant", given)
                element.addprevious(pool)
        for builder, _ in elements:
            draw(self.root, builder.name, _boxes(builder), _arrows(builder), [lane.nodes for lane in builder._lanes])
        return bytes(etree.tostring(self.root, xml_declaration=True, encoding="UTF-8", pretty_print=True))

    def process(self, builder: ProcessBuilder) -> etree._Element:
        attributes = {"id": builder.name, "isExecutable": "true"}
        if builder.title:
            attributes["name"] = builder.title
        element = _sub(self.root, "process", attributes)
        self.extensions(element, builder._extensions)
        if builder._lanes:
            lanes = _sub(element, "laneSet", {"id": f"{builder.name}_lanes"})
            for number, lane in enumerate(builder._lanes, 1):
                inside = _sub(lanes, "lane", {"id": f"{builder.name}_lane_{number}", "name": lane.name})
                self.extensions(inside, [Extension("procession:access", lane.access)] if lane.access else [])
                for node in lane.nodes:
                    _sub(inside, "flowNodeRef", text=node)
        self.inside(element, builder)
        return element

    def inside(self, element: etree._Element, builder: ProcessBuilder) -> None:
        for node in builder._nodes.values():
            self.node(element, node, builder)
        for flow in builder._flows:
            drawn = _sub(element, "sequenceFlow", {"id": flow.id, "sourceRef": flow.source, "targetRef": flow.target})
            if flow.condition is not None:
                self.expression(drawn, "conditionExpression", flow.condition)

    def node(self, parent: etree._Element, node: Node, builder: ProcessBuilder) -> None:
        attributes = {"id": node.id, **node.attributes}
        if node.name:
            attributes["name"] = node.name
        if node.host is not None:
            attributes["attachedToRef"] = node.host
        if node.default is not None:
            attributes["default"] = node.default.id
        if node.message is not None:
            attributes["messageRef"] = self.message(node.message)
        element = _sub(parent, node.kind, attributes)
        mapped = [Extension("zeebe:input", {"source": s, "target": t}) for t, s in node.inputs.items()]
        mapped += [Extension("zeebe:output", {"source": s, "target": t}) for t, s in node.outputs.items()]
        extensions = [*node.extensions, *([Extension("zeebe:ioMapping", inside=mapped)] if mapped else [])]
        self.extensions(element, extensions)
        for flow in builder._flows:
            if flow.target == node.id:
                _sub(element, "incoming", text=flow.id)
        for flow in builder._flows:
            if flow.source == node.id:
                _sub(element, "outgoing", text=flow.id)
        if node.loop is not None:
            self.loop(element, node.loop)
        if node.event is not None:
            self.event(element, node.event)
        if node.inner is not None:
            self.inside(element, node.inner)

    def event(self, parent: etree._Element, event: Event) -> None:
        attributes: dict[str, str] = {}
        if event.kind == "message":
            attributes["messageRef"] = self.message(event)
        elif event.kind == "error" and event.code is not None:
            identity = self.errors.setdefault(event.code, f"error_{len(self.errors) + 1}")
            attributes["errorRef"] = identity
        if event.variable is not None:
            attributes[_tag("procession:errorVariable")] = event.variable
        if event.zone is not None:
            attributes[_tag("procession:zone")] = event.zone
        element = _sub(parent, f"{event.kind}EventDefinition", attributes)
        if event.timer:
            self.expression(element, event.timer, event.text)

    def loop(self, parent: etree._Element, loop: Mapping[str, Any]) -> None:
        attributes = {"isSequential": "true"} if loop["sequential"] else {}
        element = _sub(parent, "multiInstanceLoopCharacteristics", attributes)
        given = {
            "inputCollection": loop["collection"],
            "inputElement": loop["element"],
            "outputCollection": loop["output_collection"],
            "outputElement": loop["output_element"],
        }
        self.extensions(element, _extension("zeebe:loopCharacteristics", given))
        if loop["cardinality"] is not None:
            self.expression(element, "loopCardinality", loop["cardinality"])
        if loop["completion"] is not None:
            self.expression(element, "completionCondition", loop["completion"])

    def message(self, event: Event) -> str:
        assert event.name is not None
        return self.messages.setdefault((event.name, event.key), f"message_{len(self.messages) + 1}")

    def expression(self, parent: etree._Element, name: str, text: str) -> None:
        _sub(parent, name, {_tag("xsi:type"): "bpmn:tFormalExpression"}, text)

    def extensions(self, parent: etree._Element, found: Iterable[Extension]) -> None:
        given = list(found)
        if not given:
            return
        outer = _sub(parent, "extensionElements")
        todo = [(outer, extension) for extension in given]
        while todo:
            around, extension = todo.pop(0)
            element = _sub(around, extension.name, extension.attributes, extension.text)
            todo.extend((element, inner) for inner in extension.inside)


def _boxes(builder: ProcessBuilder) -> list[Box]:
    return [
        Box(
            node.id,
            node.kind,
            node.host,
            [] if node.inner is None else _boxes(node.inner),
            [] if node.inner is None else _arrows(node.inner),
        )
        for node in builder._nodes.values()
    ]


def _arrows(builder: ProcessBuilder) -> list[tuple[str, str, str]]:
    return [(flow.id, flow.source, flow.target) for flow in builder._flows]
