"""Multi-instance activities (BPMN 2.0, 10.3.8 and 13.3.7): one child of the token for each item.

The token on the activity is the body: it is held, counts its children, and goes on when the last is done or the completion
condition is true. Each child owns a scope with its item and `loopCounter` (from 1). Results keep the order of the input,
whatever the order in which the children finish; a child that was not needed leaves null.
"""

from __future__ import annotations

from typing import Any

from procession.definition import Activity, MultiInstance
from procession.engine import events as e
from procession.engine.behaviors.boundary_event import plan_boundary
from procession.engine.state import ABORTED, Token
from procession.engine.step import Step
from procession.feel import to_json

LIMIT = 1_000_000


def start_loop(step: Step, token: Token, node: Activity) -> Token | None:
    """Evaluate the collection once and start: every child, or the first one. An empty collection is done at once."""
    loop = node.loop
    assert loop is not None
    variables = step.view(token)
    items = _items(step, node, loop, token)
    boundary = plan_boundary(step, node, variables)
    if not items:
        step.record(e.TokenExecuted(token.id))
        if loop.output_collection:
            step.write(token, {loop.output_collection: []})
        return token
    for wait in boundary:
        wait.open(step, token)
    step.record(e.LoopStarted(token.id, items))
    declared = _declared(step, token, loop)
    for index in range(1 if loop.sequential else len(items)):
        _start_item(step, token, loop, index, declared)
    return None


def finish_item(step: Step, child: Token, node: Activity, values: dict[str, Any]) -> Token | None:
    """One child is done: collect its output, then finish the loop, or start the next one, or wait for the others."""
    loop, state = node.loop, step.state
    assert loop is not None
    assert child.parent is not None
    assert child.item is not None
    body = state.tokens[child.parent]
    output = None
    if loop.output_element is not None:
        output = to_json(loop.output_element.fn(step.preview(child, values), step.env))
    done = body.finished + 1 >= body.count
    if not done and loop.completion is not None:
        counters = {
            "numberOfInstances": body.count,
            "numberOfActiveInstances": 0 if loop.sequential else body.count - body.finished - 1,
            "numberOfCompletedInstances": body.finished + 1,
            "numberOfTerminatedInstances": 0,
        }
        seen = step.view(child, {**counters, **values})
        done = step.condition(loop.completion, seen, "Node", f"the completion of '{step.label(node.id)}'")
    step.write(child, values)
    if loop.output_collection and output is not None:
        step.record(e.ItemFinished(body.id, child.item, output))
    step.cancel_waits(child)
    step.close_scope(child)
    step.record(e.TokenEnded(child.id))
    if done:
        _finish(step, body, loop)
    elif loop.sequential:
        _start_item(step, body, loop, body.finished, _declared(step, body, loop))
    return None


def _finish(step: Step, body: Token, loop: MultiInstance) -> None:
    running = step.state.loops[body.id]
    outputs = [running.outputs.get(index) for index in range(len(running.items))]
    for number in list(body.children):
        child = step.state.tokens[number]
        step.cancel_inside(child, ABORTED)
        step.cancel_token(child, ABORTED)
    step.record(e.LoopEnded(body.id))
    if loop.output_collection:
        step.write(body, {loop.output_collection: outputs})
    step.ready.append(body)


def _items(step: Step, node: Activity, loop: MultiInstance, token: Token) -> list[Any]:
    variables = step.view(token)
    expression = loop.collection if loop.collection is not None else loop.cardinality
    assert expression is not None
    value = to_json(expression.fn(variables, step.env))
    label = step.label(node.id)
    if loop.collection is not None:
        if value.__class__ is not list:
            step.stuck_value(expression, variables, value, f"The collection of '{label}'", "a list")
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LIMIT:
        wanted = f"a whole number from 0 to {LIMIT:,}"
        step.stuck_value(expression, variables, value, f"The cardinality of '{label}'", wanted)
    return [None] * value


def _declared(step: Step, body: Token, loop: MultiInstance) -> dict[str, Any]:
    """Names that the output element reads and nobody declares: local to each child, so that no child overwrites another."""
    if loop.output_element is None:
        return {}
    around = step.view(body)
    return {name: None for name in loop.output_element.names if name != loop.element and name not in around}


def _start_item(step: Step, body: Token, loop: MultiInstance, index: int, declared: dict[str, Any]) -> None:
    child = step.create_token(body.node, parent=body.id, scope=body.id, item=index)
    step.record(e.LocalsSet(child.id, _values(step, body, loop, index, declared)))
    step.ready.append(child)


def _values(step: Step, body: Token, loop: MultiInstance, index: int, declared: dict[str, Any]) -> dict[str, Any]:
    """What a child has of its own: its item and number, and the names that it declares."""
    values = {**declared, "loopCounter": index + 1}
    if loop.element:
        values[loop.element] = step.state.loops[body.id].items[index]
    return values


def arrive_again(step: Step, token: Token) -> None:
    """Back to before the work of the node began, so that it can be tried again; a child of a loop keeps its item."""
    step.cancel_waits(token)
    step.close_scope(token)
    step.record(e.TokenAdvanced(token.id, None, token.node))
    loop = getattr(step.nodes[token.node], "loop", None)
    if token.item is not None and token.parent is not None and loop is not None:
        body = step.state.tokens[token.parent]
        values = _values(step, body, loop, token.item, _declared(step, body, loop))
        step.record(e.LocalsSet(token.id, values))
