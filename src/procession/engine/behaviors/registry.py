"""The closed table of behaviors: one for every kind of flow node."""

from __future__ import annotations

from procession import definition as d
from procession.engine.behaviors.base import Behavior
from procession.engine.behaviors.boundary_event import BoundaryEventBehavior
from procession.engine.behaviors.call_activity import CallActivityBehavior
from procession.engine.behaviors.end_event import EndEventBehavior
from procession.engine.behaviors.event_based_gateway import EventBasedGatewayBehavior
from procession.engine.behaviors.exclusive_gateway import ExclusiveGatewayBehavior
from procession.engine.behaviors.inclusive_gateway import InclusiveGatewayBehavior
from procession.engine.behaviors.intermediate_catch_event import IntermediateCatchEventBehavior
from procession.engine.behaviors.intermediate_throw_event import IntermediateThrowEventBehavior
from procession.engine.behaviors.parallel_gateway import ParallelGatewayBehavior
from procession.engine.behaviors.receive_task import ReceiveTaskBehavior
from procession.engine.behaviors.script_task import ScriptTaskBehavior
from procession.engine.behaviors.send_task import SendTaskBehavior
from procession.engine.behaviors.service_task import ServiceTaskBehavior
from procession.engine.behaviors.start_event import StartEventBehavior
from procession.engine.behaviors.sub_process import SubProcessBehavior
from procession.engine.behaviors.task import TaskBehavior
from procession.engine.behaviors.user_task import UserTaskBehavior

BEHAVIORS: dict[type, Behavior] = {
    d.StartEvent: StartEventBehavior(),
    d.EndEvent: EndEventBehavior(),
    d.IntermediateCatchEvent: IntermediateCatchEventBehavior(),
    d.IntermediateThrowEvent: IntermediateThrowEventBehavior(),
    d.BoundaryEvent: BoundaryEventBehavior(),
    d.ExclusiveGateway: ExclusiveGatewayBehavior(),
    d.ParallelGateway: ParallelGatewayBehavior(),
    d.InclusiveGateway: InclusiveGatewayBehavior(),
    d.EventBasedGateway: EventBasedGatewayBehavior(),
    d.Task: TaskBehavior(),
    d.ManualTask: TaskBehavior(),
    d.ServiceTask: ServiceTaskBehavior(),
    d.SendTask: SendTaskBehavior(),
    d.ReceiveTask: ReceiveTaskBehavior(),
    d.ScriptTask: ScriptTaskBehavior(),
    d.BusinessRuleTask: ScriptTaskBehavior(),
    d.UserTask: UserTaskBehavior(),
    d.SubProcess: SubProcessBehavior(),
    d.CallActivity: CallActivityBehavior(),
}
