"""Parallel gateways (BPMN 2.0, 13.4.1): one token from each incoming flow, one along each outgoing flow."""

from __future__ import annotations

from procession.definition import ParallelGateway
from procession.engine import events as e
from procession.engine.behaviors.join import fire
from procession.engine.leave import go
from procession.engine.state import Token
from procession.engine.step import Step


class ParallelGatewayBehavior:
    def enter(self, step: Step, token: Token, node: ParallelGateway) -> Token | None:
        if len(node.incoming) <= 1:
            return self.complete(step, token, node)
        step.record(e.JoinReached(token.id))
        waiting = step.state.joins[token.scope, node.id]
        if len(waiting) < len(node.incoming):
            return None
        return fire(step, token.scope, node.id, [waiting[flow][0] for flow in node.incoming])

    def complete(self, step: Step, token: Token, node: ParallelGateway) -> Token | None:
        return go(step, token, list(node.outgoing))
