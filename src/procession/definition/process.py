"""A process definition: the drawing, compiled once, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from procession.definition.forms import Form
from procession.definition.nodes import FlowNode, InclusiveGateway, SequenceFlow, StartEvent, UserTask

OPERATIONS = ("execute", "view", "selfAssign", "assign", "unassign", "hold", "unhold")
"""What a lane can allow (`procession:access`)."""

MASK = "***"
"""What is shown instead of something sensitive. Nobody means it as a value."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A swimlane: for each operation the roles that may do it. No entry: nobody but an administrator."""

    id: str
    name: str
    access: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `procession:settings` says about every instance."""

    expiry: str | None = None  # an ISO 8601 duration or a cron rule
    zone: str = "UTC"
    general_data: Any = None
    index: tuple[str, ...] = ()  # dotted paths of what can be searched for outside


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessDefinition:
    """An executable process. `name` is the BPMN process id, `title` its drawn name."""

    name: str
    title: str = ""
    documentation: str = ""
    nodes: Mapping[str, FlowNode]
    flows: Mapping[str, SequenceFlow]
    starts: tuple[str, ...]  # the start events of the process itself, in the order of the file
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    settings: Settings = Settings()
    data_model: Mapping[str, Any] | None = None
    version_tag: str | None = None
    sensitive: frozenset[str] = frozenset()  # dotted paths of variables that are masked
    forms: Mapping[str, Form] = field(default_factory=dict)  # those that came with the file, by what nodes call them
    requestable: tuple[StartEvent, ...] = field(init=False, default=())  # start events that a request can start
    inclusive_joins: tuple[str, ...] = field(init=False, default=())
    guarded: bool = field(init=False, default=False)  # some lane sets access: then whatever no lane allows is denied

    @property
    def label(self) -> str:
        """What people call it: its drawn name; its id, where it has none."""
        return self.title or self.name

    def __post_init__(self) -> None:
        starts = [self.nodes[number] for number in self.starts]
        requestable = (node for node in starts if isinstance(node, StartEvent) and node.trigger is None)
        object.__setattr__(self, "requestable", tuple(requestable))
        joins = (n.id for n in self.nodes.values() if isinstance(n, InclusiveGateway) and len(n.incoming) > 1)
        object.__setattr__(self, "inclusive_joins", tuple(joins))
        object.__setattr__(self, "guarded", any(lane.access for lane in self.lanes.values()))

    def form(self, node: FlowNode) -> Form | None:
        """The form of a node; None: it has none, or one that did not come with the file."""
        key = node.form if isinstance(node, UserTask | StartEvent) else None
        return None if key is None else self.forms.get(key)

    @property
    def references(self) -> dict[str, list[str]]:
        """The keys of the forms that nodes refer to, each with those nodes."""
        found: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if isinstance(node, UserTask | StartEvent) and node.form is not None:
                found.setdefault(node.form, []).append(node.id)
        return found
