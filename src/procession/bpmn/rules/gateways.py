"""Rules about gateways, conditions and default flows."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing, Flow, Node
from procession.bpmn.names import ACTIVITIES, BPMN, GATEWAYS
from procession.bpmn.rules.registry import Voice, rule
from procession.bpmn.rules.structure import is_true
from procession.bpmn.xml import name_of

DECIDING = frozenset({"exclusiveGateway", "inclusiveGateway", "complexGateway"})
AWAITED = frozenset(
    {"messageEventDefinition", "timerEventDefinition", "signalEventDefinition", "conditionalEventDefinition"}
)  # fmt: skip


def conditional(flow: Flow) -> bool:
    """Whether a flow has a condition."""
    return flow.element.find(f"{{{BPMN}}}conditionExpression") is not None


@rule("condition missing")
def every_way_has_a_condition(drawing: Drawing, voice: Voice) -> None:
    """An exclusive gateway needs a condition on each of several flows but the default; an inclusive one takes such a flow."""
    for node in drawing.nodes():
        if node.kind not in ("exclusiveGateway", "inclusiveGateway") or len(node.outgoing) < 2:
            continue
        for flow in node.outgoing:
            if conditional(flow) or flow.id == node.element.get("default"):
                continue
            if node.kind == "inclusiveGateway":
                voice.warn(
                    flow.element,
                    f"The flow '{flow.id}' out of {node.label} has no condition: it is always taken.",
                    "Add a condition, or make it the default flow.",
                )
            else:
                voice.error(
                    flow.element,
                    f"The flow '{flow.id}' out of {node.label} has no condition.",
                    "An exclusive gateway needs a condition on each flow but the default.",
                )


@rule("condition misplaced")
def conditions_where_they_count(drawing: Drawing, voice: Voice) -> None:
    """Conditions stand on flows out of activities and of gateways that decide, and nowhere else."""
    for flow in drawing.flows():
        if conditional(flow) and flow.source and flow.source.kind not in DECIDING | ACTIVITIES:
            voice.error(
                flow.element,
                f"The flow '{flow.id}' out of {flow.source.label} has a condition.",
                "Remove it, or decide with an exclusive gateway.",
            )


@rule("lonely condition")
def an_alternative(drawing: Drawing, voice: Voice) -> None:
    """An activity with a conditional flow has another flow too (BPMN 2.0, 8.4.13)."""
    for node in drawing.nodes():
        if node.kind in ACTIVITIES and len(node.outgoing) == 1 and conditional(node.outgoing[0]):
            voice.warn(
                node.outgoing[0].element,
                f"The only flow out of {node.label} has a condition: where it is false, there is no way on.",
                "Add a default flow, or remove the condition.",
            )


@rule("default flow")
def a_default_of_its_own(drawing: Drawing, voice: Voice) -> None:
    """A default flow is one of the node's own outgoing flows, and has no condition."""
    for node in drawing.nodes():
        wanted = node.element.get("default")
        if not wanted or node.kind not in DECIDING | ACTIVITIES:
            continue
        found = next((flow for flow in node.outgoing if flow.id == wanted), None)
        if found is None:
            voice.error(
                node.element,
                f"The default flow '{wanted}' does not lead out of {node.label}.",
                "Name one of its outgoing flows.",
            )
        elif conditional(found):
            voice.error(
                found.element,
                f"The default flow '{wanted}' of {node.label} has a condition.",
                "Remove the condition: it is taken when no other flow is.",
            )


@rule("gateway direction")
def as_directed(drawing: Drawing, voice: Voice) -> None:
    """A gateway that says it converges or diverges does so (BPMN 2.0, 10.6.1)."""
    for node in drawing.nodes():
        direction, many_in, many_out = (
            node.element.get("gatewayDirection"),
            len(node.incoming) > 1,
            len(node.outgoing) > 1,
        )
        right = {"Converging": not many_out, "Diverging": not many_in, "Mixed": many_in and many_out}
        if node.kind in GATEWAYS and not right.get(direction or "", True):
            voice.warn(
                node.element,
                f"The gatewayDirection of {node.label} is '{direction}', but it has {len(node.incoming)} incoming and "
                f"{len(node.outgoing)} outgoing flows.",
                "Correct the attribute, or leave it out.",
            )


@rule("idle gateway")
def with_a_purpose(drawing: Drawing, voice: Voice) -> None:
    """A gateway has several incoming or several outgoing flows."""
    for node in drawing.nodes():
        if node.kind in GATEWAYS and len(node.incoming) < 2 and len(node.outgoing) < 2:
            voice.warn(node.element, f"The {node.label} neither splits nor joins.", "Remove it.")


@rule("event-based gateway")
def events_to_choose_from(drawing: Drawing, voice: Voice) -> None:
    """Behind an event-based gateway stand catch events or receive tasks, two or more, each reached by it alone."""
    for node in drawing.nodes():
        if node.kind != "eventBasedGateway":
            continue
        if len(node.outgoing) < 2 and not is_true(node, "instantiate"):
            voice.error(node.element, f"The {node.label} has fewer than two outgoing flows.", "Add an event behind it.")
        targets = [flow.target for flow in node.outgoing if flow.target]
        for target in targets:
            _target(voice, node, target)
        kinds = {target.kind for target in targets}
        if "receiveTask" in kinds and any(_caught(target) == "messageEventDefinition" for target in targets):
            voice.error(
                node.element,
                f"Behind the {node.label} stand both message events and receive tasks.",
                "Use only one kind of the two.",
            )


def _caught(node: Node) -> str | None:
    """The event definition of an intermediate catch event."""
    if node.kind != "intermediateCatchEvent":
        return None
    return next(
        (name_of(child) for child in node.element.iterchildren(f"{{{BPMN}}}*") if name_of(child) in AWAITED), None
    )


def _target(voice: Voice, gateway: Node, target: Node) -> None:
    if target.kind != "receiveTask" and _caught(target) is None:
        voice.error(
            target.element,
            f"The {target.label} stands behind the {gateway.label}.",
            "Only catch events (message, timer) and receive tasks may.",
        )
        return
    if len(target.incoming) > 1:
        voice.error(
            target.element,
            f"The {target.label} behind the {gateway.label} has other incoming flows.",
            "It may be reached from the gateway only.",
        )
    if target.boundaries:
        voice.error(
            target.element,
            f"The {target.label} behind the {gateway.label} has boundary events.",
            "Put the event behind the gateway instead.",
        )
