"""What every flow node does: it is entered, and once its work is done it is left. Waiting is not leaving yet."""

from __future__ import annotations

from typing import Any, Protocol

from procession.definition import IoMapping
from procession.engine.leave import leave
from procession.engine.state import Token
from procession.engine.step import Step
from procession.feel import to_json


class Behavior(Protocol):
    """Both methods return the token if it goes on at once, None if it waits, split or ended.

    They raise `Stuck` before they record anything; then the token stays where it is until somebody retries.
    """

    def enter(self, step: Step, token: Token, node: Any) -> Token | None:
        """The token arrived."""

    def complete(self, step: Step, token: Token, node: Any) -> Token | None:
        """The work of the node is done (`EXECUTED_COMPLETE`)."""


class Passing:
    """Goes on at once."""

    def enter(self, step: Step, token: Token, node: Any) -> Token | None:
        return leave(step, token, node)

    def complete(self, step: Step, token: Token, node: Any) -> Token | None:
        return leave(step, token, node)


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a dotted path; objects on the way are made."""
    *outer, last = path.split(".")
    for name in outer:
        inner = target.get(name)
        target[name] = inner = dict(inner) if isinstance(inner, dict) else {}
        target = inner
    target[last] = value


def map_inputs(step: Step, token: Token, inputs: tuple[IoMapping, ...]) -> dict[str, Any] | None:
    """The local variables that input mappings declare; each mapping sees those before it."""
    if not inputs:
        return None
    values: dict[str, Any] = {}
    for mapping in inputs:
        put(values, mapping.target, to_json(mapping.source.fn(step.view(token, values), step.env)))
    return values


def map_outputs(step: Step, token: Token, outputs: tuple[IoMapping, ...]) -> dict[str, Any]:
    """What output mappings hand to the scope around."""
    values: dict[str, Any] = {}
    for mapping in outputs:
        put(values, mapping.target, to_json(mapping.source.fn(step.view(token), step.env)))
    return values
