"""A whole process: its settings, its lanes and all of its nodes."""

from __future__ import annotations

from collections.abc import Callable

from procession.bpmn import read_containers, read_events, read_gateways, read_tasks
from procession.bpmn.drawing import Drawing, Node
from procession.bpmn.extensions import procession as own
from procession.bpmn.names import BPMN
from procession.bpmn.read_parts import Compiling
from procession.bpmn.reading import Reading
from procession.bpmn.xml import Element, text_of
from procession.definition import FlowNode, Lane, ProcessDefinition

READERS: dict[str, Callable[[Compiling, Node], FlowNode | None]] = {
    "startEvent": read_events.start_event,
    "endEvent": read_events.end_event,
    "intermediateCatchEvent": read_events.catch_event,
    "intermediateThrowEvent": read_events.throw_event,
    "boundaryEvent": read_events.boundary_event,
    "exclusiveGateway": read_gateways.exclusive,
    "parallelGateway": read_gateways.parallel,
    "inclusiveGateway": read_gateways.inclusive,
    "eventBasedGateway": read_gateways.event_based,
    "task": read_tasks.task,
    "manualTask": read_tasks.manual_task,
    "serviceTask": read_tasks.service_task,
    "sendTask": read_tasks.send_task,
    "receiveTask": read_tasks.receive_task,
    "scriptTask": read_tasks.script_task,
    "businessRuleTask": read_tasks.business_rule_task,
    "userTask": read_tasks.user_task,
    "subProcess": read_containers.sub_process,
    "callActivity": read_containers.call_activity,
}
"""One reader for each executable flow node."""


def process(reading: Reading, drawing: Drawing) -> ProcessDefinition | None:
    """The process, when nothing is wrong with the file; whatever is has been reported."""
    element = drawing.element
    lanes, lane_of = read_lanes(reading, element)
    make = Compiling(reading, lane_of)
    for flow in drawing.flows():
        make.flow(flow)
    nodes = {}
    for node in drawing.nodes():
        if node.kind not in own.SEND_RECORDS:
            own.records(reading, node.element)  # reports what is not executable there
        if (reader := READERS.get(node.kind)) and (made := reader(make, node)) is not None:
            nodes[node.id] = made
    model = own.data_model(reading, element)
    tag = reading.zeebe(element, "versionTag")
    settings = own.settings(reading, element)
    if reading.report.failed:
        return None
    return ProcessDefinition(
        name=drawing.id,
        title=element.get("name", ""),
        documentation=reading.documentation(element),
        nodes=nodes,
        flows=make.flows,
        starts=tuple(node.id for node in drawing.top.of_kind("startEvent")),
        lanes=lanes,
        settings=settings,
        data_model=model,
        version_tag=tag.get("value") if tag is not None else reading.vendor(element, "versionTag"),
        sensitive=frozenset(own.sensitive(model)),
    )


def read_lanes(reading: Reading, process: Element) -> tuple[dict[str, Lane], dict[str, str]]:
    """The lanes by id, and for each node the id of the innermost lane that it is in."""
    lanes: dict[str, Lane] = {}
    lane_of: dict[str, str] = {}
    for lane in process.iter(f"{{{BPMN}}}lane"):  # in the order of the file: outer lanes before inner ones
        identity = lane.get("id", "")
        outer = lanes.get(_outer(lane))
        inherited = {} if outer is None else dict(outer.access)
        lanes[identity] = Lane(identity, lane.get("name", ""), {**inherited, **own.access(reading, lane)})
        for reference in lane.iterchildren(f"{{{BPMN}}}flowNodeRef"):
            lane_of[text_of(reference)] = identity
    return lanes, lane_of


def _outer(lane: Element) -> str:
    """The id of the lane around a lane."""
    around = next(lane.iterancestors(f"{{{BPMN}}}lane"), None)
    return "" if around is None else around.get("id", "")
