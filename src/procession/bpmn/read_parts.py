"""The parts that many nodes share: what every node has, loops, and what every activity has."""

from __future__ import annotations

from typing import Any

from procession.bpmn.drawing import Flow, Node, Scope
from procession.bpmn.extensions import procession as own
from procession.bpmn.extensions import zeebe
from procession.bpmn.names import PROCESSION
from procession.bpmn.reading import Reading
from procession.bpmn.xml import Element, text_of
from procession.definition import MultiInstance, SequenceFlow


class Compiling:
    """One process while its nodes are made: the flows and lanes that nodes refer to."""

    def __init__(self, reading: Reading, lanes: dict[str, str]) -> None:
        self.reading = reading
        self.lanes = lanes  # from the id of a node to the id of its lane
        self.flows: dict[str, SequenceFlow] = {}
        self.joins: dict[Scope, int] = {}  # how many joining inclusive gateways a scope has

    def flow(self, drawn: Flow) -> SequenceFlow:
        """A sequence flow, its condition compiled once."""
        if drawn.id not in self.flows:
            condition = self.reading.child(drawn.element, "conditionExpression")
            self.flows[drawn.id] = SequenceFlow(
                drawn.id,
                drawn.source.id if drawn.source else "",
                drawn.target.id if drawn.target else "",
                None if condition is None else self.reading.formal(condition, f"The condition of flow '{drawn.id}'"),
                drawn.element.get("name", ""),
            )
        return self.flows[drawn.id]

    def base(self, node: Node) -> dict[str, Any]:
        """The fields of every flow node."""
        reading, element = self.reading, node.element
        back = reading.own_attribute(element, "canGoBack")
        if back is not None:
            reading.flag(element, f"{{{PROCESSION}}}canGoBack", default=True)
        return {
            "id": node.id,
            "name": element.get("name", ""),
            "parent": node.scope.owner.id if node.scope.owner else None,
            "lane": self.lane(node),
            "incoming": tuple(flow.id for flow in node.incoming),
            "outgoing": tuple(self.flow(flow) for flow in node.outgoing),
            "stage": reading.own_attribute(element, "stage"),
            "can_go_back": back not in ("false", "0"),
            "documentation": reading.documentation(element),
        }

    def lane(self, node: Node) -> str | None:
        """The lane a node is in: its own, its host's, or that of the sub-process around it."""
        at: Node | None = node
        while at is not None:
            found = self.lanes.get(at.id) or (self.lanes.get(at.host.id) if at.host else None)
            if found:
                return found
            at = at.scope.owner
        return None

    def default(self, node: Node) -> SequenceFlow | None:
        """The default flow of a gateway or activity; a wrong one is reported by its validator."""
        wanted = node.element.get("default")
        return next((self.flow(flow) for flow in node.outgoing if flow.id == wanted), None) if wanted else None

    def activity(self, node: Node) -> dict[str, Any]:
        """The fields of every activity."""
        inputs, outputs = zeebe.mappings(self.reading, node.element)
        return {
            **self.base(node),
            "default": self.default(node),
            "inputs": inputs,
            "outputs": outputs,
            "loop": self.loop(node),
            "boundaries": tuple(boundary.id for boundary in node.boundaries),
            "streams": own.streams(self.reading, node.element),
        }

    def loop(self, node: Node) -> MultiInstance | None:
        """Multi-instance: the standard's own elements, `zeebe:loopCharacteristics`, or a mixture of both."""
        reading = self.reading
        element = reading.child(node.element, "multiInstanceLoopCharacteristics")
        if element is None:
            return None
        found = reading.zeebe(element, "loopCharacteristics")
        given: dict[str, str] = dict(found.attrib) if found is not None else {}
        where = found if found is not None else element
        cardinality = reading.child(element, "loopCardinality")
        completion = reading.child(element, "completionCondition")
        collection = given.get("inputCollection") or self._data(element, "loopDataInputRef")
        collection = collection or reading.vendor(element, "collection")
        item = given.get("inputElement") or self._item(element, "inputDataItem")
        target, output = given.get("outputCollection"), given.get("outputElement")
        if collection is None and cardinality is None and found is None:
            reading.report.error(
                "multi-instance without items",
                element,
                "The multi-instance activity has neither a collection nor a cardinality.",
                'Write <zeebe:loopCharacteristics inputCollection="= items"/>, or a loopCardinality.',
            )
        elif collection is None and cardinality is None:
            reading.report.error(
                "multi-instance", where, "The multi-instance activity has no inputCollection.",
                'Write inputCollection="= items".',
            )  # fmt: skip
        if target is None and output is None:
            target, output = self._data(element, "loopDataOutputRef"), self._item(element, "outputDataItem")
            if target is None or output is None:
                target = output = None
        elif target is None or output is None:
            has, lacks = (
                ("outputCollection", "outputElement") if output is None else ("outputElement", "outputCollection")
            )
            reading.report.error(
                "multi-instance", where, f"The multi-instance activity has an {has} but no {lacks}.", f"Add an {lacks}."
            )
        return MultiInstance(
            sequential=reading.flag(element, "isSequential", default=False),
            collection=reading.expression(where, collection, "The inputCollection"),
            cardinality=None if cardinality is None else reading.formal(cardinality, "The loopCardinality"),
            element=item or reading.vendor(element, "elementVariable"),
            output_collection=target,
            output_element=reading.expression(where, output, "The outputElement"),
            completion=None if completion is None else reading.formal(completion, "The completionCondition"),
        )

    def _data(self, loop: Element, name: str) -> str | None:
        """The variable that `loopDataInputRef` or `loopDataOutputRef` means: the name of the data, else the text."""
        child = self.reading.child(loop, name)
        if child is None:
            return None
        text = text_of(child)
        data = self.reading.by_id.get(text.rpartition(":")[2])
        if data is None:
            return text or None
        return data.get("name") or text

    def _item(self, loop: Element, name: str) -> str | None:
        """The variable that `inputDataItem` or `outputDataItem` names."""
        child = self.reading.child(loop, name)
        return None if child is None else child.get("name") or child.get("id")
