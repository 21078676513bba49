"""Inclusive gateways (BPMN 2.0, 13.4.3): wait for every token that can still come, go along each flow that is true.

The join fires when at least one incoming flow has a token and no token elsewhere in the scope can still come by an empty
one: every token that could reach an empty flow without passing the gateway could as well reach one that has a token.
Whether that is so can change with any step of any token, so it is asked when nothing else can go on.
"""

from __future__ import annotations

from procession.definition import InclusiveGateway
from procession.engine import events as e
from procession.engine.behaviors.join import fire
from procession.engine.leave import choose, go
from procession.engine.state import Token
from procession.engine.step import Step


class InclusiveGatewayBehavior:
    def enter(self, step: Step, token: Token, node: InclusiveGateway) -> Token | None:
        if len(node.incoming) <= 1:
            return self.complete(step, token, node)
        step.record(e.JoinReached(token.id))
        return None

    def complete(self, step: Step, token: Token, node: InclusiveGateway) -> Token | None:
        return go(step, token, choose(step, node, node.default, step.view(token), "Gateway"))


def fire_enabled(step: Step) -> bool:
    """Fire one waiting inclusive join that no token can reach any more, of the scopes where something moved."""
    touched = sorted(step.state.touched)
    step.state.touched.clear()
    for number in step.definition.inclusive_joins:
        node = step.nodes[number]
        assert isinstance(node, InclusiveGateway)
        for scope in touched:
            waiting = step.state.joins.get((scope, number))
            if waiting and _enabled(step, scope, node, waiting):
                consumed = [waiting[flow][0] for flow in node.incoming if flow in waiting]
                step.ready.append(fire(step, scope, number, consumed))
                step.state.touched.update(touched)
                return True
    return False


def _enabled(step: Step, scope: int, node: InclusiveGateway, waiting: dict[str, list[int]]) -> bool:
    empty = [node.upstream[flow] for flow in node.incoming if flow not in waiting]
    if not empty:
        return True
    filled = [node.upstream[flow] for flow in waiting]
    for number in step.state.scopes[scope]:
        token = step.state.tokens[number]
        if token.holding == "split" or (token.joined and token.node == node.id):
            continue
        at = token.node
        if any(at in reach for reach in empty) and not any(at in reach for reach in filled):
            return False
    return True
