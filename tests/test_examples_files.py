"""The process files that we ship are what a modeler saves: well-formed, joined up, and drawn completely."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).parent.parent
FILES = [*sorted((ROOT / "examples").rglob("*.bpmn")), *sorted((ROOT / "tests" / "data").glob("*.bpmn"))]
FORMS = sorted((ROOT / "examples").rglob("*.json"))

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WAYPOINT = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
PROCESSION = "{urn:procession:bpmn:1}"

ACTIVITIES = {
    *("task", "userTask", "serviceTask", "sendTask", "receiveTask", "scriptTask", "manualTask", "businessRuleTask"),
    *("subProcess", "callActivity"),
}
DRAWN = {"lane", "participant", "textAnnotation", "group", "dataObjectReference", "dataStoreReference"}
CONNECTIONS = {"sequenceFlow", "association", "messageFlow", "dataInputAssociation", "dataOutputAssociation"}
REFERENCES = {
    *("sourceRef", "targetRef", "attachedToRef", "default", "messageRef", "errorRef", "signalRef", "processRef"),
    *("dataObjectRef", "categoryValueRef", "bpmnElement"),
}

each_file = pytest.mark.parametrize("tree", FILES, ids=lambda path: path.name, indirect=True)


@pytest.fixture
def tree(request):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.parse(request.param, parser).getroot()


def local(element) -> str:
    return etree.QName(element).localname


def elements(tree) -> list:
    """Every BPMN element of the model (the diagram is in another namespace)."""
    return [element for element in tree.iter(etree.Element) if element.tag.startswith(BPMN)]


def flow_nodes(tree) -> list:
    names = re.compile(r".*(Event|Gateway)$")
    return [element for element in elements(tree) if local(element) in ACTIVITIES or names.match(local(element))]


def bounds(shape) -> tuple[float, float, float, float]:
    box = shape.find(f"{DC}Bounds")
    return tuple(float(box.get(side)) for side in ("x", "y", "width", "height"))


def shapes(tree) -> dict:
    return {shape.get("bpmnElement"): shape for shape in tree.iter(f"{DI}BPMNShape")}


def test_the_examples_are_there():
    assert {path.name for path in FILES} >= {
        "credit_card.bpmn",
        "order_fulfilment.bpmn",
        "ship_parcel.bpmn",
        "camunda_modeler.bpmn",
    }


@each_file
def test_ids_are_unique_and_every_reference_leads_somewhere(tree):
    ids = Counter(element.get("id") for element in tree.iter(etree.Element) if element.get("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    for element in tree.iter(etree.Element):
        for name in REFERENCES & set(element.keys()):
            assert element.get(name) in ids, f"{local(element)} {element.get('id')}: {name}={element.get(name)}"
        if local(element) in {"flowNodeRef", "sourceRef", "targetRef"}:
            assert element.text in ids


@each_file
def test_flows_and_nodes_agree_about_each_other(tree):
    flows = {flow.get("id"): flow for flow in tree.iter(f"{BPMN}sequenceFlow")}
    nodes = {node.get("id"): node for node in flow_nodes(tree)}
    for flow in flows.values():
        source, target = nodes[flow.get("sourceRef")], nodes[flow.get("targetRef")]
        assert source.getparent() is target.getparent() is flow.getparent(), f"{flow.get('id')} leaves its scope"
    for name, node in nodes.items():
        incoming = sorted(child.text for child in node.findall(f"{BPMN}incoming"))
        outgoing = sorted(child.text for child in node.findall(f"{BPMN}outgoing"))
        assert incoming == sorted(key for key, flow in flows.items() if flow.get("targetRef") == name), name
        assert outgoing == sorted(key for key, flow in flows.items() if flow.get("sourceRef") == name), name
        assert incoming or local(node) in {"startEvent", "boundaryEvent"}, f"nothing leads to {name}"
        assert outgoing or local(node) == "endEvent", f"{name} leads nowhere"
        assert node.get("default") is None or node.get("default") in outgoing, name


@each_file
def test_conditions_are_feel_and_stand_where_there_is_a_choice(tree):
    nodes = {node.get("id"): node for node in flow_nodes(tree)}
    for node in nodes.values():
        if local(node) in {"exclusiveGateway", "inclusiveGateway"} and len(node.findall(f"{BPMN}outgoing")) > 1:
            for flow in tree.iter(f"{BPMN}sequenceFlow"):
                if flow.get("sourceRef") == node.get("id"):
                    condition = flow.find(f"{BPMN}conditionExpression")
                    if flow.get("id") == node.get("default"):
                        assert condition is None
                    else:
                        assert condition.text.startswith("="), flow.get("id")


@each_file
def test_everything_is_drawn(tree):
    wanted = {element.get("id") for element in [*flow_nodes(tree), *(e for e in elements(tree) if local(e) in DRAWN)]}
    assert wanted == set(shapes(tree))
    lines = {edge.get("bpmnElement"): edge for edge in tree.iter(f"{DI}BPMNEdge")}
    assert {element.get("id") for element in elements(tree) if local(element) in CONNECTIONS} == set(lines)
    for name, edge in lines.items():
        assert len(edge.findall(WAYPOINT)) >= 2, name


@each_file
def test_flows_are_drawn_from_border_to_border(tree):
    boxes = {name: bounds(shape) for name, shape in shapes(tree).items()}

    def on_the_border(point, box) -> bool:
        (px, py), (x, y, width, height) = point, box
        across = px in (x, x + width) and y <= py <= y + height
        return across or (py in (y, y + height) and x <= px <= x + width)

    for flow in tree.iter(f"{BPMN}sequenceFlow"):
        edge = next(edge for edge in tree.iter(f"{DI}BPMNEdge") if edge.get("bpmnElement") == flow.get("id"))
        points = [(float(point.get("x")), float(point.get("y"))) for point in edge.findall(WAYPOINT)]
        assert on_the_border(points[0], boxes[flow.get("sourceRef")]), flow.get("id")
        assert on_the_border(points[-1], boxes[flow.get("targetRef")]), flow.get("id")


@each_file
def test_nodes_lie_inside_their_lane_or_sub_process_and_boundary_events_on_their_host(tree):
    boxes = {name: bounds(shape) for name, shape in shapes(tree).items()}
    areas = [
        (lane.get("id"), [ref.text for ref in lane.findall(f"{BPMN}flowNodeRef")]) for lane in tree.iter(f"{BPMN}lane")
    ]
    areas += [
        (area.get("id"), [child.get("id") for child in area if child in flow_nodes(tree)])
        for area in tree.iter(f"{BPMN}subProcess")
    ]
    for area, members in areas:
        x, y, width, height = boxes[area]
        for name in members:
            left, top, wide, high = boxes[name]
            inside = x <= left and y <= top and left + wide <= x + width and top + high <= y + height
            assert inside, f"{name} is not inside {area}"
    for event in tree.iter(f"{BPMN}boundaryEvent"):
        (x, y, width, height), (left, top, wide, high) = boxes[event.get("attachedToRef")], boxes[event.get("id")]
        middle, centre = left + wide / 2, top + high / 2
        assert x <= middle <= x + width and y <= centre <= y + height
        assert middle in (x, x + width) or centre in (y, y + height), f"{event.get('id')} is not on the border"


@each_file
def test_every_flow_node_is_in_one_lane_when_there_are_lanes(tree):
    for process in tree.iter(f"{BPMN}process"):
        placed = Counter(ref.text for ref in process.iter(f"{BPMN}flowNodeRef"))
        if placed:
            assert placed == Counter(node.get("id") for node in flow_nodes(process) if node.getparent() is process)


@each_file
def test_what_names_a_file_or_a_process_names_one_that_is_there(tree, request):
    path = request.node.callspec.params["tree"]
    for form in tree.iter(f"{ZEEBE}formDefinition"):
        reference = form.get("externalReference")
        if reference and "://" not in reference:
            assert (path.parent / reference).is_file(), reference
    near = {
        process.get("id")
        for file in FILES
        if file.parent == path.parent
        for process in etree.parse(file).iter(f"{BPMN}process")
    }
    assert {call.get("processId") for call in tree.iter(f"{ZEEBE}calledElement")} <= near


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES if path.is_relative_to(ROOT / "examples")}))
def test_each_example_has_a_readme_and_a_worker_for_every_job(folder):
    assert (folder / "README.md").is_file()
    asked = {
        task.get("type") for file in folder.glob("*.bpmn") for task in etree.parse(file).iter(f"{ZEEBE}taskDefinition")
    }
    assert set(re.findall(r'@worker\.job\("([^"]+)"\)', (folder / "worker.py").read_text())) == asked


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_forms_are_json_schemas_whose_required_fields_exist(form):
    def check(schema):
        assert set(schema.get("required", [])) <= set(schema.get("properties", {}))
        for part in schema.get("properties", {}).values():
            check(part)

    schema = json.loads(form.read_text())
    assert schema["$schema"] and schema["title"] and schema["type"] == "object"
    check(schema)


@each_file
def test_data_models_are_json(tree):
    for model in tree.iter(f"{PROCESSION}dataModel"):
        assert json.loads(model.text)["type"] == "object"
    for settings in tree.iter(f"{PROCESSION}settings"):
        json.loads(settings.get("generalData", "{}"))
