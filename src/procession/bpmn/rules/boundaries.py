"""Rules about boundary events."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing, Node
from procession.bpmn.names import ACTIVITIES, BPMN
from procession.bpmn.rules.events import triggers
from procession.bpmn.rules.registry import Voice, rule
from procession.bpmn.rules.structure import is_true
from procession.bpmn.xml import Element


@rule("boundary host")
def attached(drawing: Drawing, voice: Voice) -> None:
    """A boundary event is attached to an activity of its own scope."""
    for node in drawing.nodes():
        reference = node.element.get("attachedToRef")
        if node.kind != "boundaryEvent" or not reference:
            continue
        if node.host is None or node.host.kind not in ACTIVITIES:
            where = "which is not in the process" if node.host is None else "which is not an activity"
            voice.error(
                node.element, f"The {node.label} is attached to '{reference}', {where}.", "Attach it to an activity."
            )
        elif node.host.scope is not node.scope:
            voice.error(
                node.element,
                f"The {node.label} is attached to '{reference}', which is in another sub-process.",
                "Move it to the same one.",
            )


@rule("boundary exit")
def a_way_out(drawing: Drawing, voice: Voice) -> None:
    """A boundary event has an outgoing flow (a compensation event has none)."""
    for node in drawing.nodes():
        if node.kind != "boundaryEvent":
            continue
        compensates = any(name == "compensate" for name, _ in triggers(voice, node))
        if not node.outgoing and not compensates:
            voice.error(node.element, f"The {node.label} has no outgoing flow.", "Draw where its token goes.")
        if node.outgoing and compensates:
            voice.error(
                node.element,
                f"The compensation event '{node.id}' has a sequence flow.",
                "Use an association to its handler.",
            )


@rule("boundary in time")
def time_to_happen(drawing: Drawing, voice: Voice) -> None:
    """What is done at once cannot be interrupted: no boundary event on it ever happens."""
    for node in drawing.nodes():
        if done_at_once(voice, node) and voice.reading.child(node.element, "multiInstanceLoopCharacteristics") is None:
            for boundary in node.boundaries:
                voice.warn(
                    boundary.element,
                    f"The {boundary.label} never happens: the {node.label} is done at once.",
                    "Remove it, or attach it to an activity that waits.",
                )


@rule("compensation handler")
def made_for_it(drawing: Drawing, voice: Voice) -> None:
    """What a compensation event is associated with is an activity made for compensation (BPMN 2.0, 10.7)."""
    for association in drawing.element.iter(f"{{{BPMN}}}association"):
        source = drawing.by_id.get(association.get("sourceRef", "").rpartition(":")[2])
        target = drawing.by_id.get(association.get("targetRef", "").rpartition(":")[2])
        if source is None or target is None or source.kind != "boundaryEvent":
            continue
        if any(name == "compensate" for name, _ in triggers(voice, source)) and not is_true(
            target, "isForCompensation"
        ):
            voice.error(
                target.element, f"The {target.label} is not made for compensation.", 'Write isForCompensation="true".'
            )


@rule("boundary error")
def errors_interrupt(drawing: Drawing, voice: Voice) -> None:
    """Error, cancel and compensation boundary events interrupt; an error code is caught once on an activity."""
    for node in drawing.nodes():
        if node.kind == "boundaryEvent" and node.element.get("cancelActivity") in ("false", "0"):
            for name, _ in triggers(voice, node):
                if name in ("error", "cancel", "compensate"):
                    kind = {"compensate": "compensation"}.get(name, name)
                    voice.error(
                        node.element,
                        f"The {kind} boundary event '{node.id}' is not interrupting.",
                        'Remove cancelActivity="false": the activity is over when it happens.',
                    )
        seen: dict[str, Node] = {}
        for boundary in node.boundaries:
            for name, element in triggers(voice, boundary):
                if name == "error":
                    _caught_once(voice, node, boundary, element, seen)


def _caught_once(voice: Voice, host: Node, boundary: Node, element: Element, seen: dict[str, Node]) -> None:
    reference = element.get("errorRef")
    error = voice.reading.refer(reference, "error")
    if reference and error is None:
        return  # the reader reports it
    code = "" if error is None else error.get("errorCode", "")
    if code in seen:
        what = f"the error '{code}'" if code else "every error"
        voice.error(
            boundary.element,
            f"The {boundary.label} catches {what} on '{host.id}', as '{seen[code].id}' does.",
            "Remove one of the two.",
        )
    seen.setdefault(code, boundary)


def done_at_once(voice: Voice, node: Node) -> bool:
    """Whether an activity waits for nobody."""
    scripted = node.kind in ("scriptTask", "businessRuleTask") and not by_a_worker(voice, node)
    return scripted or node.kind in ("task", "manualTask")


def by_a_worker(voice: Voice, node: Node) -> bool:
    """Whether a task is a job."""
    if voice.reading.zeebe(node.element, "script") is not None:
        return False
    return voice.reading.zeebe(node.element, "taskDefinition") is not None or bool(
        voice.reading.vendor(node.element, "topic")
    )
