"""The flow nodes of BPMN 2.0 as frozen values; what they do is in `engine/behaviors`, one file each.

A node knows its flows by value and other nodes by id: `ProcessDefinition.nodes` leads from the id to the node. Sub-processes
do not nest their nodes: `parent` names the sub-process a node is drawn in, `None` the process itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from procession.definition.expressions import Expression, Value


@dataclass(frozen=True, slots=True)
class SequenceFlow:
    """The arrow from one flow node to the next; taken when its condition is true (BPMN 2.0, 8.4.13)."""

    id: str
    source: str
    target: str
    condition: Expression | None = None
    name: str = ""


# -- what starts, resumes or interrupts: event definitions (BPMN 2.0, 10.5) ------------------------------------------


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """A moment (`date`), a span (`duration`) or a repetition (`cycle`), in an IANA zone."""

    kind: str
    value: Value
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class MessageTrigger:
    """A message by name; the correlation key finds the one instance that it is for (None: at a start event)."""

    name: Value
    key: Expression | None = None


@dataclass(frozen=True, slots=True)
class ErrorTrigger:
    """A BPMN error: thrown by an end event or a worker, caught at a boundary. No code catches every code."""

    code: str | None = None
    variable: str | None = None  # receives the error's message where it is caught


@dataclass(frozen=True, slots=True)
class TerminateTrigger:
    """Ends everything in the scope of the end event."""


@dataclass(frozen=True, slots=True)
class MessageThrow:
    """Publishes a message: found again by name and key, kept for `ttl` (an ISO 8601 duration) where nobody waits."""

    name: Value
    key: Value | None = None
    ttl: Value | None = None
    variables: Expression | None = None  # a context; None publishes the variables that the node can see
    message_id: Value | None = None


Trigger = TimerTrigger | MessageTrigger | ErrorTrigger | TerminateTrigger | MessageThrow


# -- parts of activities ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IoMapping:
    """One input or output mapping: the value of `source` goes to the dotted path `target`."""

    source: Expression
    target: str


@dataclass(frozen=True, slots=True)
class MultiInstance:
    """Runs an activity once for each item of a collection, or `cardinality` times (BPMN 2.0, 10.3.8)."""

    sequential: bool
    collection: Expression | None = None
    cardinality: Expression | None = None
    element: str | None = None
    output_collection: str | None = None
    output_element: Expression | None = None
    completion: Expression | None = None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Work for a worker outside the engine: type, how often to try, static headers."""

    type: Value
    retries: Value = "3"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """A record that goes out through the outbox to a topic (a kafkaSend action); `${path}` placeholders in texts."""

    topic: str
    message: str = ""
    headers: str = ""
    key: Value | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class DataStream:
    """Answers for the instance that come as records on `topic`: each replaces the variable `key`."""

    topic: str
    key: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A start parameter: dotted name, JSON type (or None for any), whether it must be sent."""

    name: str
    type: str | None = None
    mandatory: bool = False


# -- flow nodes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """What a token can be on."""

    id: str
    name: str = ""
    parent: str | None = None
    lane: str | None = None
    incoming: tuple[str, ...] = ()  # ids of sequence flows
    outgoing: tuple[SequenceFlow, ...] = ()
    stage: str | None = None
    can_go_back: bool = True
    documentation: str = ""

    @property
    def label(self) -> str:
        """What people call it: its name; its id, where it has none."""
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEvent(FlowNode):
    """Where instances (or sub-processes) begin. With no trigger it is started by request, chosen by `condition`."""

    trigger: TimerTrigger | MessageTrigger | None = None
    condition: str | None = None
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[IoMapping, ...] = ()
    form: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndEvent(FlowNode):
    """Where a token ends: silently, with an error, with a message, or ending its whole scope."""

    trigger: ErrorTrigger | TerminateTrigger | MessageThrow | None = None
    inputs: tuple[IoMapping, ...] = ()
    job: JobSpec | None = None
    records: tuple[RecordSpec, ...] = ()  # sent on arrival; only without a trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class IntermediateCatchEvent(FlowNode):
    """Waits for its timer or message."""

    trigger: TimerTrigger | MessageTrigger
    outputs: tuple[IoMapping, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntermediateThrowEvent(FlowNode):
    """Publishes its message, or sends its records, and goes on; with neither it only marks a milestone."""

    trigger: MessageThrow | None = None
    inputs: tuple[IoMapping, ...] = ()
    outputs: tuple[IoMapping, ...] = ()
    job: JobSpec | None = None
    records: tuple[RecordSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryEvent(FlowNode):
    """Waits while its activity runs; interrupting, it ends the activity and takes over its token."""

    attached_to: str
    interrupting: bool = True
    trigger: TimerTrigger | MessageTrigger | ErrorTrigger
    outputs: tuple[IoMapping, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(FlowNode):
    """Where flows part or meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusiveGateway(Gateway):
    """Sends its token along the first flow whose condition is true, else along the default flow."""

    default: SequenceFlow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelGateway(Gateway):
    """Takes one token from each incoming flow, sends one along each outgoing flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusiveGateway(Gateway):
    """Waits for every token that can still come, sends one along each flow whose condition is true.

    `upstream` has, for each incoming flow of a joining gateway, the nodes from which that flow can be reached without
    passing the gateway (BPMN 2.0, 13.4.3); `graph.upstream` computes it.
    """

    default: SequenceFlow | None = None
    upstream: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBasedGateway(Gateway):
    """Sends its token to whichever of the events behind it happens first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(FlowNode):
    """Work that takes time: may have mappings, a loop, events on its boundary, and streams of answers."""

    default: SequenceFlow | None = None
    inputs: tuple[IoMapping, ...] = ()
    outputs: tuple[IoMapping, ...] = ()
    loop: MultiInstance | None = None
    boundaries: tuple[str, ...] = ()  # ids of boundary events
    streams: tuple[DataStream, ...] = ()  # no two of one topic
    plain: bool = field(init=False, default=False)  # nothing to do on leaving but to take the one flow

    def __post_init__(self) -> None:
        plain = len(self.outgoing) == 1 and self.outgoing[0].condition is None
        plain = plain and not (self.inputs or self.outputs or self.loop or self.boundaries or self.streams)
        object.__setattr__(self, "plain", plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Activity):
    """A task of no kind: passes at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualTask(Activity):
    """Done outside of any system: passes at once (BPMN 2.0, 10.3.3.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTask(Activity):
    """Work for a job worker."""

    job: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTask(Activity):
    """Sends: by a job worker, as a BPMN message, or as records on topics. Exactly one of the three is set."""

    job: JobSpec | None = None
    message: MessageThrow | None = None
    records: tuple[RecordSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveTask(Activity):
    """Waits for a message, or for the first answer on one of its streams; not for ever, where it has a timeout."""

    trigger: MessageTrigger | None = None  # None: it has streams
    timeout: TimerTrigger | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTask(Activity):
    """Evaluates a FEEL expression, or hands a script in another language to a job worker. One of the two is set.

    With no `result` the value must be a context, whose entries become variables.
    """

    expression: Expression | None = None
    result: str | None = None
    job: JobSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessRuleTask(Activity):
    """Evaluates a rule: FEEL in the process, or a job worker's."""

    expression: Expression | None = None
    result: str | None = None
    job: JobSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTask(Activity):
    """Work for a person."""

    assignee: Value | None = None
    candidate_groups: Value | None = None  # a list, or names separated by commas
    candidate_users: Value | None = None
    due: Value | None = None
    follow_up: Value | None = None
    priority: Value | None = None
    form: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProcess(Activity):
    """A process inside the process; `start` is its none start event."""

    start: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallActivity(Activity):
    """Runs another process as a child instance and waits for it."""

    process: Value
    propagate_parent: bool = True  # the child gets every variable, not only the mapped ones
    propagate_child: bool = True  # the parent gets every variable of the child, not only the mapped ones
