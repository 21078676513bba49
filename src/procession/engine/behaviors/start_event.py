"""Start events (BPMN 2.0, 10.5.2): the token is made by whoever starts the instance, and goes on."""

from __future__ import annotations

from procession.definition import StartEvent
from procession.engine.behaviors.base import map_outputs
from procession.engine.leave import choose, go, leave
from procession.engine.state import Token
from procession.engine.step import Step


class StartEventBehavior:
    def enter(self, step: Step, token: Token, node: StartEvent) -> Token | None:
        if not node.outputs:
            return leave(step, token, node)
        values = map_outputs(step, token, node.outputs)
        flows = choose(step, node, None, step.preview(token, values, own=False))
        step.close_scope(token)
        step.write(token, values, own=False)
        return go(step, token, flows)

    complete = enter
