"""Exclusive gateways (BPMN 2.0, 13.4.2): the first flow whose condition is true, else the default flow."""

from __future__ import annotations

from procession.definition import ExclusiveGateway
from procession.engine.leave import no_way_out
from procession.engine.state import Token
from procession.engine.step import Step


class ExclusiveGatewayBehavior:
    """Merges by passing every token on. Conditions are evaluated in the order of the file, and not beyond the first true one."""

    def enter(self, step: Step, token: Token, node: ExclusiveGateway) -> Token | None:
        outgoing, default = node.outgoing, node.default
        if not outgoing:
            step.end(token)
            return None
        variables = step.view(token)
        for flow in outgoing:
            if flow is default:
                continue
            condition = flow.condition
            if condition is None:
                return step.take(token, flow)
            result = condition.fn(variables, step.env)
            if result is True or (
                result is not False and step.condition(condition, variables, "Gateway", f"flow '{flow.id}'")
            ):
                return step.take(token, flow)
        if default is None:
            raise no_way_out(step, node, outgoing, variables, "Gateway")
        return step.take(token, default)

    complete = enter
