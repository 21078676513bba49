"""Error event definitions (BPMN 2.0, 10.5.3): an error goes outward until a boundary event catches it."""

from __future__ import annotations

from typing import Any

from procession.definition import Activity, BoundaryEvent, ErrorTrigger
from procession.engine.behaviors.boundary_event import interrupt
from procession.engine.state import ABORTED, TERMINATED, Token
from procession.engine.step import Step


def catcher(step: Step, token: Token, code: str) -> tuple[Token, BoundaryEvent] | None:
    """The nearest boundary that catches the code, else the nearest that catches every code, scope by scope outward."""
    current: Token | None = token
    while current is not None:
        node = step.nodes[current.node]
        if isinstance(node, Activity) and current.item is None:
            every: BoundaryEvent | None = None
            for number in node.boundaries:
                boundary = step.nodes[number]
                assert isinstance(boundary, BoundaryEvent)
                if isinstance(boundary.trigger, ErrorTrigger):
                    if boundary.trigger.code == code:
                        return current, boundary
                    if boundary.trigger.code is None:
                        every = boundary
            if every is not None:
                return current, every
        current = step.state.tokens.get(current.scope) if current.scope else None
    return None


def throw(step: Step, token: Token, code: str, message: str, variables: dict[str, Any]) -> bool:
    """Let a boundary event catch the error; a child instance that does not hands it to its parent. False: nobody did."""
    caught = catcher(step, token, code)
    if caught is not None:
        host, boundary = caught
        assert isinstance(boundary.trigger, ErrorTrigger)
        values = dict(variables)
        if boundary.trigger.variable:
            values[boundary.trigger.variable] = {"code": code, "message": message}
        interrupt(step, host, boundary, values)
        return True
    if step.state.parent is not None:
        for root in [t for t in step.state.tokens.values() if t.parent is None]:
            step.cancel_inside(root, ABORTED)
            step.cancel_token(root, ABORTED)
        if variables:
            step.set_root(variables)
        step.finish(TERMINATED, code, message)
        return True
    return False
