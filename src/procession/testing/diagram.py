"""A diagram for a built process: columns from left to right, one row for each branch, lanes one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
NAMESPACES = {"bpmndi": DI, "dc": DC, "di": DD}

COLUMN, ROW, MARGIN, HEAD = 160, 120, 40, 30
EVENT, GATEWAY, TASK = (36, 36), (50, 50), (100, 80)

Arrow = tuple[str, str, str]


@dataclass
class Box:
    """A node to place: its id, what it is, the activity it sits on, and what is inside it."""

    id: str
    kind: str
    host: str | None = None
    inside: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0


def draw(
    root: etree._Element, process: str, boxes: list[Box], arrows: list[Arrow], lanes: Sequence[Sequence[str]] = ()
) -> None:
    """Add the diagram of one process to a file."""
    plane_of = f"{process}_pool" if lanes else process
    width, height = _place(boxes, arrows, lanes)
    diagram = etree.SubElement(root, f"{{{DI}}}BPMNDiagram", {"id": f"{process}_diagram"}, nsmap=NAMESPACES)
    plane = etree.SubElement(diagram, f"{{{DI}}}BPMNPlane", {"id": f"{process}_plane", "bpmnElement": plane_of})
    if lanes:
        _move(boxes, 2 * HEAD, 0)
        _shape(plane, f"{process}_participant", 0, 0, width + 2 * HEAD, height, {"isHorizontal": "true"})
        top = 0
        for number, rows in enumerate(_bands(boxes, arrows, lanes), 1):
            tall = rows * ROW
            _shape(plane, f"{process}_lane_{number}", HEAD, top, width + HEAD, tall, {"isHorizontal": "true"})
            top += tall
    _write(plane, boxes, arrows)


def _size(box: Box) -> tuple[int, int]:
    if box.kind.endswith("Event"):
        return EVENT
    if box.kind.endswith("Gateway"):
        return GATEWAY
    if not box.inside:
        return TASK
    width, height = _place(box.inside, box.arrows, ())
    return max(width, TASK[0]), max(height, TASK[1])


def _columns(boxes: list[Box], arrows: list[Arrow]) -> dict[str, int]:
    """How far from the start each node is, flows that lead back left out."""
    column: dict[str, int] = {}
    following: dict[str, list[str]] = {box.id: [] for box in boxes}
    for box in boxes:
        if box.host is not None and box.host in following:
            following[box.host].append(box.id)
    for _, source, target in arrows:
        if source in following and target in following:
            following[source].append(target)
    todo = [box.id for box in boxes if box.kind == "startEvent"] or [box.id for box in boxes[:1]]
    for start in todo:
        column[start] = 0
    while todo:
        at = todo.pop(0)
        for target in following[at]:
            if target not in column:
                column[target] = column[at] + 1
                todo.append(target)
    for box in boxes:
        column.setdefault(box.id, 0)
    return column


def _rows(boxes: list[Box], column: dict[str, int]) -> dict[str, int]:
    used: dict[int, int] = {}
    row: dict[str, int] = {}
    for box in boxes:
        if box.host is None:
            row[box.id] = used.get(column[box.id], 0)
            used[column[box.id]] = row[box.id] + 1
    return row


def _bands(boxes: list[Box], arrows: list[Arrow], lanes: Sequence[Sequence[str]]) -> list[int]:
    """How many rows each lane needs."""
    column = _columns(boxes, arrows)
    tall = max((-(-box.height // ROW) for box in boxes if box.inside), default=1)
    result = []
    for nodes in lanes:
        rows = _rows([box for box in boxes if box.id in nodes], column)
        result.append((max(rows.values(), default=0) + 1) * tall)
    return result


def _place(boxes: list[Box], arrows: list[Arrow], lanes: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Give every box its place; returns the width and height of all."""
    for box in boxes:
        box.width, box.height = _size(box)
    column = _columns(boxes, arrows)
    wide: dict[int, int] = {}
    for box in boxes:
        wide[column[box.id]] = max(wide.get(column[box.id], 0), box.width + 60, COLUMN)
    left: dict[int, int] = {}
    x = MARGIN
    for number in sorted(wide):
        left[number] = x
        x += wide[number]
    tall = max((-(-(box.height + 40) // ROW) for box in boxes if box.inside), default=1) * ROW
    groups = [[box for box in boxes if box.id in nodes] for nodes in lanes]
    placed = {box.id for group in groups for box in group}
    groups.append([box for box in boxes if box.id not in placed])
    top = 0
    for group in groups:
        rows = _rows(group, column)
        for box in group:
            if box.host is None:
                box.x = left[column[box.id]]
                box.y = top + rows[box.id] * tall + (tall - box.height) // 2
        top += (max(rows.values(), default=-1) + 1) * tall
    by_id = {box.id: box for box in boxes}
    on: dict[str, int] = {}
    for box in boxes:
        host = by_id.get(box.host or "")
        if host is not None:
            number = on[host.id] = on.get(host.id, 0) + 1
            box.x = host.x + host.width - number * (box.width + 4)
            box.y = host.y + host.height - box.height // 2
    for box in boxes:
        _move(box.inside, box.x, box.y)
    return x, max(top, ROW)


def _move(boxes: list[Box], x: int, y: int) -> None:
    for box in boxes:
        box.x, box.y = box.x + x, box.y + y
        _move(box.inside, x, y)


def _shape(
    plane: etree._Element, element: str, x: int, y: int, width: int, height: int, more: dict[str, str] | None = None
) -> None:
    attributes = {"id": f"{element}_shape", "bpmnElement": element, **(more or {})}
    shape = etree.SubElement(plane, f"{{{DI}}}BPMNShape", attributes)
    bounds = {"x": str(x), "y": str(y), "width": str(width), "height": str(height)}
    etree.SubElement(shape, f"{{{DC}}}Bounds", bounds)


def _write(plane: etree._Element, boxes: list[Box], arrows: list[Arrow]) -> None:
    by_id = {box.id: box for box in boxes}
    for box in boxes:
        more = {"isExpanded": "true"} if box.kind == "subProcess" else None
        _shape(plane, box.id, box.x, box.y, box.width, box.height, more)
        if box.inside:
            _write(plane, box.inside, box.arrows)
    for identity, source, target in arrows:
        a, b = by_id.get(source), by_id.get(target)
        if a is None or b is None:
            continue
        edge = etree.SubElement(plane, f"{{{DI}}}BPMNEdge", {"id": f"{identity}_edge", "bpmnElement": identity})
        for x, y in _bends(a, b):
            etree.SubElement(edge, f"{{{DD}}}waypoint", {"x": str(x), "y": str(y)})


def _bends(a: Box, b: Box) -> list[tuple[int, int]]:
    """From the right side of one box to the left side of the other; around below where it leads back."""
    if a.host is not None:
        start = (a.x + a.width // 2, a.y + a.height)
        end = (b.x, b.y + b.height // 2)
        return [start, (start[0], end[1]), end] if end[1] > start[1] else [start, end]
    start = (a.x + a.width, a.y + a.height // 2)
    end = (b.x, b.y + b.height // 2)
    if end[0] > start[0]:
        middle = (start[0] + end[0]) // 2
        return [start, end] if start[1] == end[1] else [start, (middle, start[1]), (middle, end[1]), end]
    below = max(a.y + a.height, b.y + b.height) + 30
    foot = (a.x + a.width // 2, a.y + a.height)
    return [foot, (foot[0], below), (b.x + b.width // 2, below), (b.x + b.width // 2, b.y + b.height)]
