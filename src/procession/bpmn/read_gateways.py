"""Gateways."""

from __future__ import annotations

from procession.bpmn.drawing import Node
from procession.bpmn.read_parts import Compiling
from procession.definition import EventBasedGateway, ExclusiveGateway, InclusiveGateway, ParallelGateway
from procession.definition.graph import upstream

MOST = 1_000_000
"""Joining inclusive gateways × nodes of one scope."""


def exclusive(make: Compiling, node: Node) -> ExclusiveGateway:
    """One way of many."""
    return ExclusiveGateway(**make.base(node), default=make.default(node))


def parallel(make: Compiling, node: Node) -> ParallelGateway:
    """Every way."""
    return ParallelGateway(**make.base(node))


def inclusive(make: Compiling, node: Node) -> InclusiveGateway:
    """Every way that is open; a joining one knows from where tokens can still come."""
    reach: dict[str, frozenset[str]] = {}
    if len(node.incoming) > 1 and _affordable(make, node):
        scope = node.scope
        edges = [(flow.source.id, flow.target.id) for flow in scope.flows if flow.source and flow.target]
        edges += [(host.id, boundary.id) for host in scope.nodes for boundary in host.boundaries]
        incoming = {flow.id: flow.source.id for flow in node.incoming if flow.source}
        reach = upstream(node.id, incoming, edges)
    return InclusiveGateway(**make.base(node), default=make.default(node), upstream=reach)


def _affordable(make: Compiling, node: Node) -> bool:
    """What is upstream is kept for each join; a drawing where that is too much was not drawn by a person."""
    scope = node.scope
    if scope not in make.joins:
        make.joins[scope] = sum(len(other.incoming) > 1 for other in scope.of_kind(node.kind))
    joins = make.joins[scope]
    if joins * len(scope.nodes) <= MOST:
        return True
    make.reading.report.error(
        "inclusive joins",
        scope.element,
        f"There are {joins:,} joining inclusive gateways among {len(scope.nodes):,} nodes, which is too many.",
        "Use parallel or exclusive gateways, or sub-processes.",
    )
    return False


def event_based(make: Compiling, node: Node) -> EventBasedGateway:
    """The way of the event that happens first."""
    return EventBasedGateway(**make.base(node))
