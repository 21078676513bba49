"""Message event definitions (BPMN 2.0, 10.5.1): what is waited for, and what is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procession.definition import MessageThrow, MessageTrigger, Value
from procession.definition.iso8601 import parse_duration
from procession.engine import events as e
from procession.engine.state import Token
from procession.engine.step import Step, Stuck
from procession.feel import to_json

DEFAULT_TTL = 3_600_000_000
"""How long a message that nobody waits for is kept (microseconds), if nothing else is said: one hour."""


def correlation_key(value: Any) -> str | None:
    """The text that keys are compared by: 7, 7.0 and "7" are the same key. None: no key can be made of it."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return format(Decimal(value).normalize(), "f")
    return value if isinstance(value, str) and "\0" not in value else None


@dataclass(frozen=True, slots=True)
class PlannedSubscription:
    """A message to wait for, evaluated but not yet recorded."""

    node: str
    name: str
    key: str

    def open(self, step: Step, token: Token, status: str | None = None) -> None:
        step.record(e.SubscriptionOpened(step.new_id(), token.id, self.node, self.name, self.key, status))


def plan_subscription(
    step: Step, node: str, trigger: MessageTrigger, variables: Mapping[str, Any]
) -> PlannedSubscription:
    """Evaluate name and correlation key; both must be there before anything can be waited for."""
    name = step.required(trigger.name, variables, f"The message name of '{step.label(node)}'")
    if trigger.key is None:
        return PlannedSubscription(node, name, "")
    return PlannedSubscription(node, name, _key(step, node, trigger.key, variables))


def _key(step: Step, node: str, expression: Value, variables: Mapping[str, Any]) -> str:
    value = step.value(expression, variables)
    key = correlation_key(value)
    if key is None:
        what = f"The correlation key of '{step.label(node)}'"
        step.stuck_value(expression, variables, value, what, "a string or a number")
    return key


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """A message to publish, evaluated but not yet recorded."""

    name: str
    key: str | None
    variables: dict[str, Any]
    ttl: int
    message_id: str | None

    def publish(self, step: Step, token: Token) -> None:
        step.record(
            e.MessagePublished(step.new_id(), token.id, self.name, self.key, self.variables, self.ttl, self.message_id)
        )


def plan_message(step: Step, node: str, throw: MessageThrow, variables: Mapping[str, Any]) -> PlannedMessage:
    """Evaluate what is to be published. With no variables of its own the message carries what the node sees."""
    label = step.label(node)
    name = step.required(throw.name, variables, f"The message name of '{label}'")
    key = _key(step, node, throw.key, variables) if throw.key is not None else None
    payload: Any = dict(variables.items())
    if throw.variables is not None:
        payload = to_json(throw.variables.fn(variables, step.env))
        if payload.__class__ is not dict:
            step.stuck_value(throw.variables, variables, payload, f"The variables of message '{name}'", "a context")
    ttl = DEFAULT_TTL
    text = step.text(throw.ttl, variables, f"The time to live of message '{name}'")
    if text is not None:
        try:
            duration = parse_duration(text)
        except ValueError as error:
            raise Stuck("ExpressionEvaluation", f"The time to live of message '{name}': {error}") from error
        ttl = duration.months * 30 * 86_400_000_000 + duration.microseconds
    return PlannedMessage(
        name, key, payload, ttl, step.text(throw.message_id, variables, f"The id of message '{name}'")
    )
