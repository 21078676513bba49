"""The drawing of one process: its nodes and flows with their XML elements, before anything is judged or compiled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from procession.bpmn.names import BPMN, FLOW_NODES, SUB_PROCESSES
from procession.bpmn.xml import Element, elements_in, name_of, namespace_of


@dataclass(slots=True, eq=False)
class Flow:
    """A sequence flow as drawn; `source` and `target` are None where the drawing leads nowhere."""

    element: Element
    id: str
    scope: Scope
    source: Node | None = None
    target: Node | None = None


@dataclass(slots=True, eq=False)
class Node:
    """A flow node as drawn."""

    element: Element
    id: str
    kind: str
    scope: Scope
    incoming: list[Flow] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    boundaries: list[Node] = field(default_factory=list)
    host: Node | None = None  # what a boundary event is attached to
    inner: Scope | None = None  # what is inside a sub-process

    @property
    def label(self) -> str:
        """How messages call the node: its kind in plain words and its id."""
        return f"{self.kind_name} '{self.id}'"

    @property
    def kind_name(self) -> str:
        """The kind in plain words."""
        return KINDS.get(self.kind, self.kind)


@dataclass(slots=True, eq=False)
class Scope:
    """The process itself, or the inside of a sub-process."""

    element: Element
    owner: Node | None = None
    nodes: list[Node] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds, in the order of the file."""
        return [node for node in self.nodes if node.kind in kinds]


@dataclass(slots=True, eq=False)
class Drawing:
    """One process, all of its scopes, outermost first."""

    element: Element
    scopes: list[Scope] = field(default_factory=list)
    by_id: dict[str, Node] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id of the process."""
        return str(self.element.get("id", ""))

    @property
    def top(self) -> Scope:
        """The process's own scope."""
        return self.scopes[0]

    def nodes(self) -> Iterator[Node]:
        """Every node of every scope."""
        return (node for scope in self.scopes for node in scope.nodes)

    def flows(self) -> Iterator[Flow]:
        """Every flow of every scope."""
        return (flow for scope in self.scopes for flow in scope.flows)


KINDS = {
    "task": "task",
    "userTask": "user task",
    "serviceTask": "service task",
    "sendTask": "send task",
    "receiveTask": "receive task",
    "scriptTask": "script task",
    "manualTask": "manual task",
    "businessRuleTask": "business rule task",
    "callActivity": "call activity",
    "subProcess": "sub-process",
    "adHocSubProcess": "ad-hoc sub-process",
    "startEvent": "start event",
    "endEvent": "end event",
    "boundaryEvent": "boundary event",
    "intermediateCatchEvent": "intermediate catch event",
    "intermediateThrowEvent": "intermediate throw event",
    "exclusiveGateway": "exclusive gateway",
    "inclusiveGateway": "inclusive gateway",
    "parallelGateway": "parallel gateway",
    "eventBasedGateway": "event-based gateway",
    "complexGateway": "complex gateway",
}


def draw(process: Element) -> Drawing:
    """Collect the nodes and flows of a process, and connect them."""
    drawing = Drawing(process)
    _collect(drawing, process, None)
    for flow in drawing.flows():
        flow.source = drawing.by_id.get(flow.element.get("sourceRef", ""))
        flow.target = drawing.by_id.get(flow.element.get("targetRef", ""))
        if flow.source is not None:
            flow.source.outgoing.append(flow)
        if flow.target is not None:
            flow.target.incoming.append(flow)
    for node in drawing.nodes():
        if node.kind == "boundaryEvent":
            node.host = drawing.by_id.get(node.element.get("attachedToRef", ""))
            if node.host is not None:
                node.host.boundaries.append(node)
    return drawing


def _collect(drawing: Drawing, element: Element, owner: Node | None) -> Scope:
    scope = Scope(element, owner)
    drawing.scopes.append(scope)
    taken: set[str] = set()
    for child in elements_in(element):
        kind = name_of(child)
        if namespace_of(child) != BPMN:
            continue
        if kind == "sequenceFlow":
            scope.flows.append(Flow(child, child.get("id") or _flow_id(child, taken), scope))
            taken.add(scope.flows[-1].id)
        elif kind in FLOW_NODES:
            node = Node(child, child.get("id", ""), kind, scope)
            scope.nodes.append(node)
            drawing.by_id.setdefault(node.id, node)
            if kind in SUB_PROCESSES:
                node.inner = _collect(drawing, child, node)
    return scope


def _flow_id(flow: Element, taken: set[str]) -> str:
    """An id for a sequence flow that has none (BPMN does not ask for one): it must stay the same in every reading."""
    name = f"{flow.get('sourceRef', '')}->{flow.get('targetRef', '')}"
    number = 1
    while (found := name if number == 1 else f"{name}#{number}") in taken:
        number += 1
    return found
