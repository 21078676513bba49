"""What every activity does: loop, map its inputs, open its boundary, work, map its outputs, leave (BPMN 2.0, 13.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import Activity
from procession.engine import events as e
from procession.engine.behaviors.base import map_inputs, map_outputs
from procession.engine.behaviors.boundary_event import plan_boundary
from procession.engine.behaviors.multi_instance import finish_item, start_loop
from procession.engine.leave import choose, go
from procession.engine.state import Token
from procession.engine.step import Step
from procession.engine.triggers.stream import plan_streams


class ActivityBehavior:
    """A kind of activity says what it needs (`prepare`: may be stuck) and what it does (`perform`: may not)."""

    listening: str | None = None
    """The status of a token that waits for nothing but an answer on a data stream."""

    def automatic(self, node: Any) -> bool:
        """Done within the transaction: nothing can interrupt it, so its boundary and its streams are not opened."""
        return False

    def prepare(self, step: Step, token: Token, node: Any, variables: Mapping[str, Any]) -> Any:
        """Evaluate everything that the work needs."""
        return None

    def perform(self, step: Step, token: Token, node: Any, plan: Any) -> Token | None:
        """Do it, or begin to wait for it."""
        raise NotImplementedError

    def enter(self, step: Step, token: Token, node: Any) -> Token | None:
        if node.plain:
            return self.perform(step, token, node, self.prepare(step, token, node, step.view(token)))
        if node.loop is not None and token.item is None:
            return start_loop(step, token, node)
        inputs = map_inputs(step, token, node.inputs)
        variables = step.view(token, inputs)
        plan = self.prepare(step, token, node, variables)
        boundary = () if self.automatic(node) or token.item is not None else plan_boundary(step, node, variables)
        if inputs:
            step.record(e.LocalsSet(token.id, inputs))
        for wait in boundary:
            wait.open(step, token)
        if node.streams and not self.automatic(node):
            for stream in plan_streams(step, node):
                stream.open(step, token, self.listening)
        return self.perform(step, token, node, plan)

    def complete(self, step: Step, token: Token, node: Any) -> Token | None:
        if node.plain and not token.waits and token.id not in step.state.locals:
            return step.take(token, node.outgoing[0])
        body = node.loop is not None and token.item is None
        values = {} if body else map_outputs(step, token, node.outputs)
        if token.item is not None:
            return finish_item(step, token, node, values)
        flows = choose(step, node, node.default, step.preview(token, values, own=False))
        step.cancel_waits(token)
        step.close_scope(token)
        step.write(token, values, own=False)
        return go(step, token, flows)


def executed(step: Step, token: Token, node: Activity) -> Token:
    """The work is done: leave at once where nothing is in the way, else in a step of its own."""
    if node.plain:
        return step.take(token, node.outgoing[0])
    step.record(e.TokenExecuted(token.id))
    return token


def accept(step: Step, token: Token, node: Any, variables: dict[str, Any]) -> None:
    """Take in a result: for the output mappings to read where there are any, else merged outward."""
    if not variables:
        return
    if node.outputs:
        step.record(e.LocalsSet(token.id, variables))
    else:
        step.write(token, variables)
