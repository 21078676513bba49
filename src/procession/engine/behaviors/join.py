"""How tokens meet: a join consumes one token from each of some flows, oldest first, and one goes on.

If the consumed tokens are exactly the live children of one split parent, they become inactive and the parent goes on from
the join: merged back into the parent, no third token. Otherwise (unstructured graphs) the one nearest to the root survives,
the oldest of equals. Every other consumed token counts as finished in its own parent.
"""

from __future__ import annotations

from procession.engine import events as e
from procession.engine.state import Token
from procession.engine.step import Step


def fire(step: Step, scope: int, node: str, consumed: list[int]) -> Token:
    """Consume the tokens; the one that goes on stands on the join, executed."""
    tokens = step.state.tokens
    first = tokens[consumed[0]]
    parent = tokens.get(first.parent) if first.parent is not None else None
    merged = (
        parent is not None
        and parent.holding == "split"
        and parent.count - parent.finished == len(consumed)
        and all(tokens[number].parent == parent.id for number in consumed)
    )
    survivor = parent.id if merged and parent is not None else min(consumed, key=lambda n: (_depth(step, n), n))
    parents = [p for number in consumed if number != survivor and (p := tokens[number].parent) is not None]
    step.record(e.JoinFired(node, scope, consumed, survivor))
    if not merged:
        step.settle_parents(parents)
    return tokens[survivor]


def _depth(step: Step, number: int) -> int:
    depth, parent = 0, step.state.tokens[number].parent
    while parent is not None:
        depth, parent = depth + 1, step.state.tokens[parent].parent
    return depth
