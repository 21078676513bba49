"""Activities that hold or call others: the embedded sub-process and the call activity."""

from __future__ import annotations

from procession.bpmn.drawing import Node
from procession.bpmn.extensions import zeebe
from procession.bpmn.read_parts import Compiling
from procession.definition import CallActivity, SubProcess


def sub_process(make: Compiling, node: Node) -> SubProcess | None:
    """A process inside the process; its one none start event is checked by a validator."""
    fields = make.activity(node)
    starts = [] if node.inner is None else node.inner.of_kind("startEvent")
    return SubProcess(**fields, start=starts[0].id) if starts else None


def call_activity(make: Compiling, node: Node) -> CallActivity | None:
    """Runs another process: `zeebe:calledElement`, or the standard's own `calledElement` attribute."""
    reading, fields = make.reading, make.activity(node)
    found = reading.zeebe(node.element, "calledElement")
    zeebe.binding(reading, found)
    attribute = node.element.get("calledElement", "").strip()
    text = attribute if attribute.startswith("=") else attribute.rpartition(":")[2]
    if found is not None:
        text = found.get("processId") or found.get("processIdExpression") or text
        if "processId" not in found.attrib and "processIdExpression" in found.attrib:
            text = "=" + text.strip().removeprefix("=")
    if not text.strip():
        reading.report.error(
            "called process",
            node.element,
            f"The {node.label} names no process.",
            'Add <zeebe:calledElement processId="…"/> to its extension elements.',
        )
        return None
    process = reading.value(node.element if found is None else found, text, "The called process")
    if process is None:
        return None
    return CallActivity(
        **fields,
        process=process,
        propagate_parent=found is None or reading.flag(found, "propagateAllParentVariables", default=True),
        propagate_child=found is None or reading.flag(found, "propagateAllChildVariables", default=True),
    )
