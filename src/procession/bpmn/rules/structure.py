"""Rules about nodes and flows: what connects what."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing, Node, Scope
from procession.bpmn.names import BPMN
from procession.bpmn.rules.registry import Voice, rule
from procession.bpmn.xml import text_of


@rule("id")
def identified(drawing: Drawing, voice: Voice) -> None:
    """Every process and flow node has an id."""
    if not drawing.id:
        voice.error(drawing.element, "The process has no id.", "Its id is the name that it is started by.")
    for node in drawing.nodes():
        if not node.id:
            voice.error(node.element, f"The {node.kind_name} has no id.", "Give it one.")


@rule("start event")
def begins(drawing: Drawing, voice: Voice) -> None:
    """A process has at least one start event."""
    if not drawing.top.of_kind("startEvent"):
        voice.error(drawing.element, f"The process '{drawing.id}' has no start event.", "Draw one.")


@rule("flow ends")
def connected(drawing: Drawing, voice: Voice) -> None:
    """A sequence flow comes from a flow node and leads to one, both of its own process."""
    for flow in drawing.flows():
        source, target = flow.element.get("sourceRef"), flow.element.get("targetRef")
        if source and flow.source is None:
            voice.error(
                flow.element,
                f"The flow '{flow.id}' comes from '{source}', which is not a flow node of the process.",
                "Connect it again, or remove it.",
            )
        if target and flow.target is None:
            voice.error(
                flow.element,
                f"The flow '{flow.id}' leads to '{target}', which is not a flow node of the process.",
                "Connect it again, or remove it.",
            )


@rule("flow border")
def within_borders(drawing: Drawing, voice: Voice) -> None:
    """A sequence flow does not cross the border of a sub-process."""
    for flow in drawing.flows():
        if flow.source and flow.target and not flow.source.scope is flow.target.scope is flow.scope:
            voice.error(
                flow.element,
                f"The flow '{flow.id}' crosses the border of a sub-process.",
                "Lead it to the sub-process itself; inside, begin with a start event.",
            )


@rule("into start event")
def nothing_into_start(drawing: Drawing, voice: Voice) -> None:
    """No sequence flow leads into a start event."""
    for flow in drawing.flows():
        if flow.target and flow.target.kind == "startEvent":
            voice.error(
                flow.element,
                f"The flow '{flow.id}' leads into the start event '{flow.target.id}'.",
                "Lead it elsewhere.",
            )


@rule("out of end event")
def nothing_out_of_end(drawing: Drawing, voice: Voice) -> None:
    """No sequence flow leads out of an end event."""
    for flow in drawing.flows():
        if flow.source and flow.source.kind == "endEvent":
            voice.error(
                flow.element,
                f"The flow '{flow.id}' leads out of the end event '{flow.source.id}'.",
                "Use an intermediate event there.",
            )


@rule("into boundary event")
def nothing_into_boundary(drawing: Drawing, voice: Voice) -> None:
    """No sequence flow leads into a boundary event."""
    for flow in drawing.flows():
        if flow.target and flow.target.kind == "boundaryEvent":
            voice.error(
                flow.element,
                f"The flow '{flow.id}' leads into the boundary event '{flow.target.id}'.",
                "Lead it to the activity.",
            )


@rule("no flow")
def standing_alone(drawing: Drawing, voice: Voice) -> None:
    """What is not part of the normal flow has none: event sub-processes and compensation activities."""
    for node in drawing.nodes():
        alone = next((name for name in ("triggeredByEvent", "isForCompensation") if is_true(node, name)), None)
        if alone and (node.incoming or node.outgoing):
            what = "An event sub-process" if alone == "triggeredByEvent" else "A compensation activity"
            voice.error(node.element, f"{what} has sequence flows: '{node.id}'.", "Remove them.")


@rule("flow list")
def listed(drawing: Drawing, voice: Voice) -> None:
    """Where a node lists its flows (`incoming`, `outgoing`), the list says what the flows themselves say."""
    for node in drawing.nodes():
        for name, flows in (("incoming", node.incoming), ("outgoing", node.outgoing)):
            given = {
                text_of(child).rpartition(":")[2]: child for child in node.element.iterchildren(f"{{{BPMN}}}{name}")
            }
            actual = {flow.id for flow in flows}
            for wrong in given.keys() - actual:
                voice.error(
                    given[wrong], f"The {node.label} lists '{wrong}' as {name}, which is no such flow.", "Remove it."
                )
            for left in sorted(actual - given.keys()) if given else ():
                voice.warn(
                    node.element, f"The {node.label} does not list its {name} flow '{left}'.", f"Add <bpmn:{name}>."
                )


@rule("unreachable")
def reachable(drawing: Drawing, voice: Voice) -> None:
    """A token can come to every node."""
    for scope in drawing.scopes:
        reached = _reached(scope)
        for node in scope.nodes if reached else ():
            if node not in reached and not _apart(node):
                voice.warn(node.element, f"No token ever comes to the {node.label}.", "Connect it, or remove it.")


@rule("dead end")
def ends(drawing: Drawing, voice: Voice) -> None:
    """Where a scope has end events, every path leads to one; an intermediate event always goes on."""
    for scope in drawing.scopes:
        bounded = bool(scope.of_kind("endEvent"))
        for node in scope.nodes:
            must = bounded or node.kind.startswith("intermediate")
            if must and not node.outgoing and node.kind not in ("endEvent", "boundaryEvent") and not _apart(node):
                voice.warn(
                    node.element,
                    f"The {node.label} has no outgoing flow: tokens end there.",
                    "Lead it to an end event.",
                )


def is_true(node: Node, attribute: str) -> bool:
    """Whether an attribute of a node is there and true."""
    return node.element.get(attribute) in ("true", "1")


def _apart(node: Node) -> bool:
    """Whether a node takes no part in the normal flow."""
    links = node.element.find(f"{{{BPMN}}}linkEventDefinition") is not None
    return links or is_true(node, "triggeredByEvent") or is_true(node, "isForCompensation")


def _reached(scope: Scope) -> set[Node]:
    """What tokens can come to in a scope, from its start events and from whatever else begins by itself."""
    todo = scope.of_kind("startEvent")
    if not todo:
        return set()
    todo += [node for node in scope.nodes if is_true(node, "instantiate") or _apart(node)]
    seen: set[Node] = set()
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += [flow.target for flow in node.outgoing if flow.target and flow.target.scope is scope]
            todo += node.boundaries
    return seen
