"""What was waited for has happened: a timer came due, a message or an answer arrived."""

from __future__ import annotations

from typing import Any

from procession.definition import Activity, BoundaryEvent, DataStream, FlowNode, ReceiveTask
from procession.engine import events as e
from procession.engine.access import Principal
from procession.engine.behaviors.activity import accept
from procession.engine.behaviors.boundary_event import branch, interrupt
from procession.engine.behaviors.receive_task import give_up, late_flow
from procession.engine.commands import DeliverMessage, EndInstance, FireTimer
from procession.engine.handlers.common import refuse_held, waiting
from procession.engine.handlers.instance import end_instance
from procession.engine.state import EXPIRED, Subscription, Timer, Token
from procession.engine.step import Step
from procession.engine.triggers.stream import stream_of, take_in
from procession.engine.triggers.timer import EXPIRY, fired


def fire_timer(step: Step, command: FireTimer, principal: Principal) -> None:
    refuse_held(step)
    timer = waiting(step, command.timer, Timer, "Timer")
    if timer.kind == EXPIRY:
        step.record(e.TimerFired(timer.id, 0, ""))
        end_instance(step, EndInstance(step.state.id, EXPIRED), principal)
        return
    node = step.nodes[timer.node]
    repeats = isinstance(node, BoundaryEvent) and not node.interrupting
    fired(step, timer, repeats=repeats)
    token = step.state.tokens[timer.token]
    if isinstance(node, ReceiveTask):
        _timed_out(step, token, node)
    else:
        _happened(step, token, node, {})


def deliver_message(step: Step, command: DeliverMessage, principal: Principal) -> None:
    refuse_held(step)
    subscription = waiting(step, command.subscription, Subscription, "Subscription")
    node, token = step.nodes[subscription.node], step.state.tokens[subscription.token]
    if isinstance(node, Activity) and (stream := stream_of(node, subscription.name)) is not None:
        _answered(step, command, token, node, stream)
        return
    stays = isinstance(node, BoundaryEvent) and not node.interrupting
    step.record(e.MessageReceived(subscription.id, token.id, node.id, command.message, not stays))
    _happened(step, token, node, command.variables)


def _answered(step: Step, command: DeliverMessage, token: Token, node: Activity, stream: DataStream) -> None:
    """An answer is kept. It is what a receive task waits for; whatever else is done on other activities goes on."""
    awaited = isinstance(node, ReceiveTask)
    step.record(e.MessageReceived(command.subscription, token.id, node.id, command.message, awaited, command.record))
    if awaited:
        _leave_gateway(step, token, node)
        give_up(step, token)
        step.record(e.TokenExecuted(token.id))
        step.ready.append(token)
    take_in(step, token, node, stream, command.value)


def _timed_out(step: Step, token: Token, node: ReceiveTask) -> None:
    """The flow of a timer on the boundary is taken; without one the token goes on as if it had got its answer."""
    step.record(e.ResponseTimedOut(token.id, node.id))
    if (caught := late_flow(step, token, node)) is not None:
        host, boundary = caught
        interrupt(step, host, boundary, {})
        return
    give_up(step, token)
    step.ready.append(token)


def _happened(step: Step, token: Token, node: FlowNode, variables: dict[str, Any]) -> None:
    if isinstance(node, BoundaryEvent):
        (interrupt if node.interrupting else branch)(step, token, node, variables)
        return
    _leave_gateway(step, token, node)
    if isinstance(node, ReceiveTask):
        give_up(step, token)
    step.record(e.TokenExecuted(token.id))
    accept(step, token, node, variables)
    step.ready.append(token)


def _leave_gateway(step: Step, token: Token, node: FlowNode) -> None:
    """A token that waits on an event-based gateway goes on to the event that happened."""
    if token.node != node.id:
        step.cancel_waits(token)
        step.take(token, next(flow for flow in step.nodes[token.node].outgoing if flow.target == node.id))
