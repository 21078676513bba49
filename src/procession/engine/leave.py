"""How a token goes on from a node whose work is done: which flows it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from procession.definition import FlowNode, SequenceFlow
from procession.engine.state import Token
from procession.engine.step import Step, Stuck


def choose(
    step: Step,
    node: FlowNode,
    default: SequenceFlow | None,
    variables: Mapping[str, Any],
    source: str = "Node",
) -> list[SequenceFlow]:
    """Every flow whose condition is true or absent; the default flow where there is none (BPMN 2.0, 8.4.13 and 13.2.1)."""
    outgoing = node.outgoing
    if len(outgoing) == 1 and outgoing[0].condition is None:
        return [outgoing[0]]
    taken = [
        flow
        for flow in outgoing
        if flow is not default
        and (flow.condition is None or step.condition(flow.condition, variables, source, f"flow '{flow.id}'"))
    ]
    if taken or not outgoing:
        return taken
    if default is not None:
        return [default]
    raise no_way_out(step, node, outgoing, variables, source)


def no_way_out(
    step: Step,
    node: FlowNode,
    outgoing: Sequence[SequenceFlow],
    variables: Mapping[str, Any],
    source: str,
) -> Stuck:
    """No condition is true and there is no default flow: says with which data."""
    data = step.data({n for flow in outgoing if flow.condition is not None for n in flow.condition.names}, variables)
    return Stuck(
        "GatewayEvaluation" if source == "Gateway" else "ConditionEvaluation",
        f"No condition of '{node.name or node.id}' is true{' for ' + data if data else ''}, and it has no default flow. "
        "Correct the variables or add one.",
        source=source,
    )


def go(step: Step, token: Token, flows: list[SequenceFlow]) -> Token | None:
    """Take the flows that were chosen: none ends the token, one moves it, several split it."""
    if len(flows) == 1:
        return step.take(token, flows[0])
    if flows:
        step.split(token, flows)
    else:
        step.end(token)
    return None


def leave(step: Step, token: Token, node: FlowNode, default: SequenceFlow | None = None) -> Token | None:
    """Go on from a node that is no activity."""
    outgoing = node.outgoing
    if len(outgoing) == 1 and outgoing[0].condition is None:
        return step.take(token, outgoing[0])
    return go(step, token, choose(step, node, default, step.view(token)))
