"""What was waited for has happened: a timer came due, a message arrived."""

from __future__ import annotations

from typing import Any

from procession.definition import BoundaryEvent
from procession.engine import events as e
from procession.engine.access import Principal
from procession.engine.behaviors.activity import accept
from procession.engine.behaviors.boundary_event import branch, interrupt
from procession.engine.commands import DeliverMessage, EndInstance, FireTimer
from procession.engine.handlers.common import refuse_held, waiting
from procession.engine.handlers.instance import end_instance
from procession.engine.state import EXPIRED, Subscription, Timer, Token
from procession.engine.step import Step
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
    _happened(step, step.state.tokens[timer.token], timer.node, {})


def deliver_message(step: Step, command: DeliverMessage, principal: Principal) -> None:
    refuse_held(step)
    subscription = waiting(step, command.subscription, Subscription, "Subscription")
    node = step.nodes[subscription.node]
    stays = isinstance(node, BoundaryEvent) and not node.interrupting
    step.record(e.MessageReceived(subscription.id, subscription.token, subscription.node, command.message, not stays))
    _happened(step, step.state.tokens[subscription.token], subscription.node, command.variables)


def _happened(step: Step, token: Token, event_node: str, variables: dict[str, Any]) -> None:
    node = step.nodes[event_node]
    if isinstance(node, BoundaryEvent):
        (interrupt if node.interrupting else branch)(step, token, node, variables)
        return
    if token.node != event_node:  # it waits on the event-based gateway before
        step.cancel_waits(token)
        flow = next(flow for flow in step.nodes[token.node].outgoing if flow.target == event_node)
        step.take(token, flow)
    step.record(e.TokenExecuted(token.id))
    accept(step, token, node, variables)
    step.ready.append(token)
