"""Event-based gateways (BPMN 2.0, 13.4.4): the event that happens first takes the token, the others are given up."""

from __future__ import annotations

from itertools import chain

from procession.definition import EventBasedGateway
from procession.engine.behaviors.intermediate_catch_event import plan_waits
from procession.engine.state import WAITING_MESSAGE_EVENT, Token
from procession.engine.step import Step


class EventBasedGatewayBehavior:
    def enter(self, step: Step, token: Token, node: EventBasedGateway) -> Token | None:
        planned = [plan_waits(step, token, step.nodes[flow.target]) for flow in node.outgoing]
        for wait in chain.from_iterable(planned):
            wait.open(step, token, WAITING_MESSAGE_EVENT)
        return None

    complete = enter
