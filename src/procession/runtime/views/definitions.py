"""Views of definitions."""

from __future__ import annotations

from typing import Any

from procession.definition import MessageTrigger, ProcessDefinition, StartEvent, TimerTrigger
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal
from procession.runtime.stages import stages
from procession.runtime.views import allowed
from procession.runtime.views.asked import start_schema
from procession.runtime.views.instances import element
from procession.runtime.views.shapes import (
    DefinitionDetail,
    DefinitionView,
    FormView,
    LaneView,
    NodeView,
    ParameterView,
    SettingsView,
    StartView,
)
from procession.storage import DefinitionRow


def definition_view(
    row: DefinitionRow, definition: ProcessDefinition | None, principal: Principal, seq: int
) -> DefinitionView:
    """A version of a process. The compiled definition is needed of a published one only."""
    return DefinitionView(**_shared(row, definition, principal, seq))


def definition_detail(
    row: DefinitionRow, definition: ProcessDefinition, principal: Principal, seq: int
) -> DefinitionDetail:
    """A version of a process with what is in it."""
    settings = definition.settings
    return DefinitionDetail(
        **_shared(row, definition, principal, seq),
        starts=[_start(row, definition, principal, number) for number in definition.starts],
        data_model=None if definition.data_model is None else dict(definition.data_model),
        lanes=[
            LaneView(
                id=lane.id,
                name=lane.name,
                access={operation: sorted(roles) for operation, roles in lane.access.items()},
            )
            for lane in definition.lanes.values()
        ],
        nodes=[
            NodeView(
                id=node.id,
                name=node.name,
                description=node.documentation,
                type=element(node),
                lane=node.lane,
                parent=node.parent,
                stage=node.stage,
            )
            for node in definition.nodes.values()
        ],
        stages=stages(definition),
        forms=[
            FormView(key=key, nodes=nodes) for key, nodes in definition.references.items() if key in definition.forms
        ],
        settings=SettingsView(expiry=settings.expiry, zone=settings.zone, general_data=settings.general_data),
    )


def _shared(row: DefinitionRow, definition: ProcessDefinition | None, principal: Principal, seq: int) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "version": row.version,
        "title": row.title,
        "description": "" if definition is None else definition.documentation,
        "state": row.state,
        "file": row.file,
        "digest": row.digest,
        "date_deployed": format_instant(row.deployed),
        "deployed_by": row.deployed_by,
        "seq": seq,
        "allowed": allowed.on_definition(principal, definition, row.state),
    }


def _start(row: DefinitionRow, definition: ProcessDefinition, principal: Principal, number: str) -> StartView:
    node = definition.nodes[number]
    assert isinstance(node, StartEvent)
    trigger = {TimerTrigger: "timer", MessageTrigger: "message"}.get(type(node.trigger), "none")
    return StartView(
        node=node.id,
        name=node.name,
        description=node.documentation,
        condition=node.condition,
        trigger=trigger,
        parameters=[ParameterView(name=p.name, type=p.type, mandatory=p.mandatory) for p in node.parameters],
        form=node.form,
        schema=start_schema(definition, node),
        allowed=allowed.on_start(principal, definition, node, row.state),
    )
