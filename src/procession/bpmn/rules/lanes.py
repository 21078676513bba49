"""Rules about lanes and pools."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing
from procession.bpmn.names import ACTIVITIES, BPMN, EVENTS
from procession.bpmn.rules.registry import Voice, rule
from procession.bpmn.xml import Element, name_of, text_of

ENDS = ACTIVITIES | EVENTS | {"participant", "conversation", "subConversation", "callConversation"}


@rule("lane")
def in_one_lane(drawing: Drawing, voice: Voice) -> None:
    """A lane names flow nodes of its process, and no node is in two lanes (an outer lane may name it again)."""
    lane_of: dict[str, Element] = {}
    for lane in drawing.element.iter(f"{{{BPMN}}}lane"):
        if not lane.get("id"):
            voice.error(lane, "The lane has no id.", "Give it one.")
        for reference in lane.iterchildren(f"{{{BPMN}}}flowNodeRef"):
            name = text_of(reference)
            if name not in drawing.by_id:
                voice.error(
                    reference,
                    f"The lane '{lane.get('id')}' names '{name}', which is not a flow node of the process.",
                    "Remove it from the lane.",
                )
                continue
            other = lane_of.get(name)
            if other is not None and other not in lane.iterancestors():
                voice.error(
                    reference,
                    f"The node '{name}' is in two lanes, '{other.get('id')}' and '{lane.get('id')}'.",
                    "Leave it in one.",
                )
            lane_of[name] = lane


def message_flows(voice: Voice) -> None:
    """A message flow connects two pools, or what is inside them."""
    root = voice.reading.root
    pool_of: dict[str, str] = {}
    for participant in root.iter(f"{{{BPMN}}}participant"):
        pool = participant.get("id", "")
        pool_of[pool] = pool
        process = voice.reading.refer(participant.get("processRef"), "process")
        if process is not None:
            pool_of.update((inner.get("id", ""), pool) for inner in process.iter(f"{{{BPMN}}}*"))
    for flow in root.iter(f"{{{BPMN}}}messageFlow"):
        for name in ("sourceRef", "targetRef"):
            end = voice.reading.by_id.get(flow.get(name, "").rpartition(":")[2])
            if end is not None and name_of(end) not in ENDS:
                voice.error(
                    flow,
                    f"The message flow '{flow.get('id')}' is connected to a 'bpmn:{name_of(end)}'.",
                    "It connects pools, activities and events.",
                )
        ends = [flow.get(name, "").rpartition(":")[2] for name in ("sourceRef", "targetRef")]
        for end in ends:
            if end and end not in voice.reading.by_id:
                voice.error(
                    flow,
                    f"The message flow '{flow.get('id')}' leads to '{end}', which is not in the file.",
                    "Remove it.",
                )
        source, target = (pool_of.get(end) for end in ends)
        if source is not None and source == target:
            voice.error(
                flow,
                f"The message flow '{flow.get('id')}' stays inside one pool.",
                "Inside a pool, draw a sequence flow.",
            )
