"""The stages of a process, in the order in which people come through them."""

from __future__ import annotations

from procession.definition import Activity, FlowNode, ProcessDefinition, SubProcess
from procession.definition.graph import in_order


def nodes_in_order(definition: ProcessDefinition) -> list[FlowNode]:
    """Every node behind those that lead to it; what is in a sub-process before what comes after it."""
    following = {node.id: _following(node) for node in definition.nodes.values()}
    return [definition.nodes[number] for number in in_order(definition.starts, following)]


def _following(node: FlowNode) -> list[str]:
    inside = [node.start] if isinstance(node, SubProcess) else []
    beside = node.boundaries if isinstance(node, Activity) else ()
    return [*inside, *(flow.target for flow in node.outgoing), *beside]


def stages(definition: ProcessDefinition) -> list[str]:
    """Their names, in the order in which they are first reached along the flows."""
    return list(dict.fromkeys(node.stage for node in nodes_in_order(definition) if node.stage is not None))


def stage_of_each(definition: ProcessDefinition) -> dict[str, str]:
    """The stage of each node that can be reached. One that names none is in the stage of what is around it or leads to it.

    What comes before the first stage is counted to it; where no node names one, the one stage has no name.
    """
    first = next(iter(stages(definition)), "")
    sources = {flow.target: [] for flow in definition.flows.values()}  # type: dict[str, list[str]]
    for flow in definition.flows.values():
        sources[flow.target].append(flow.source)
    found: dict[str, str] = {}
    for node in nodes_in_order(definition):
        before = [*sources.get(node.id, ()), getattr(node, "attached_to", None), node.parent]
        known = next((found[number] for number in before if number in found), first)
        found[node.id] = node.stage if node.stage is not None else known
    return found
