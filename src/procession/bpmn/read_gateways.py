"""Gateways."""

from __future__ import annotations

from procession.bpmn.drawing import Node
from procession.bpmn.read_parts import Compiling
from procession.definition import EventBasedGateway, ExclusiveGateway, InclusiveGateway, ParallelGateway
from procession.definition.graph import upstream


def exclusive(make: Compiling, node: Node) -> ExclusiveGateway:
    """One way of many."""
    return ExclusiveGateway(**make.base(node), default=make.default(node))


def parallel(make: Compiling, node: Node) -> ParallelGateway:
    """Every way."""
    return ParallelGateway(**make.base(node))


def inclusive(make: Compiling, node: Node) -> InclusiveGateway:
    """Every way that is open; a joining one knows from where tokens can still come."""
    reach: dict[str, frozenset[str]] = {}
    if len(node.incoming) > 1:
        scope = node.scope
        edges = [(flow.source.id, flow.target.id) for flow in scope.flows if flow.source and flow.target]
        edges += [(host.id, boundary.id) for host in scope.nodes for boundary in host.boundaries]
        incoming = {flow.id: flow.source.id for flow in node.incoming if flow.source}
        reach = upstream(node.id, incoming, edges)
    return InclusiveGateway(**make.base(node), default=make.default(node), upstream=reach)


def event_based(make: Compiling, node: Node) -> EventBasedGateway:
    """The way of the event that happens first."""
    return EventBasedGateway(**make.base(node))
