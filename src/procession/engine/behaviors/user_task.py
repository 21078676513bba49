"""User tasks (BPMN 2.0, 10.3.4.1): work for a person of the lane, or for those that the task names."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from procession.definition import UserTask, Value
from procession.definition.iso8601 import parse_instant
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior
from procession.engine.state import Token
from procession.engine.step import Step, Stuck


class UserTaskBehavior(ActivityBehavior):
    def prepare(self, step: Step, token: Token, node: UserTask, variables: Mapping[str, Any]) -> dict[str, Any]:
        label = f"of '{step.label(node.id)}'"
        return {
            "assignee": step.text(node.assignee, variables, f"The assignee {label}") or None,
            "groups": _names(step, node.candidate_groups, variables, f"The candidate groups {label}"),
            "users": _names(step, node.candidate_users, variables, f"The candidate users {label}"),
            "due": _instant(step, node.due, variables, f"The due date {label}"),
            "follow_up": _instant(step, node.follow_up, variables, f"The follow-up date {label}"),
            "priority": _priority(step, node.priority, variables, f"The priority {label}"),
        }

    def perform(self, step: Step, token: Token, node: UserTask, plan: dict[str, Any]) -> Token | None:
        step.record(e.TaskCreated(step.new_id(), token.id, node.name or node.id, node.lane, form=node.form, **plan))
        return None


def _names(step: Step, value: Value | None, variables: Mapping[str, Any], what: str) -> tuple[str, ...]:
    result = step.value(value, variables)
    if result is None:
        return ()
    if isinstance(result, str):
        return tuple(name.strip() for name in result.split(",") if name.strip())
    if isinstance(result, list) and all(isinstance(name, str) for name in result):
        return tuple(result)
    step.stuck_value(value, variables, result, what, "a list of names")


def _instant(step: Step, value: Value | None, variables: Mapping[str, Any], what: str) -> int | None:
    text = step.text(value, variables, what)
    if text is None:
        return None
    try:
        return parse_instant(text, step.definition.settings.zone)
    except ValueError as error:
        raise Stuck("ExpressionEvaluation", f"{what}: {error}") from error


def _priority(step: Step, value: Value | None, variables: Mapping[str, Any], what: str) -> int:
    result = step.value(value, variables)
    if result is None:
        return 50
    try:
        number = int(result) if isinstance(result, str | int | Decimal) and not isinstance(result, bool) else -1
    except (ValueError, OverflowError):
        number = -1
    if not 0 <= number <= 100:
        step.stuck_value(value, variables, result, what, "a whole number from 0 to 100")
    return number
