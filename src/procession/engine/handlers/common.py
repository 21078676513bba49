"""Checks that several handlers make before they record anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from procession.definition import MASK, Form, ProcessDefinition
from procession.engine.access import Principal, permission, refuse
from procession.engine.state import ON_HOLD, Incident, Job, Subscription, Timer, UserTaskItem
from procession.engine.step import Step
from procession.errors import CommandRejected

W = TypeVar("W", Job, UserTaskItem, Timer, Subscription, Incident)


def refuse_ended(step: Step) -> None:
    """Nothing can be done to an instance that is over."""
    if not step.state.live:
        raise CommandRejected(
            409,
            f"Process instance is {step.state.status}.",
            f"Instance {step.state.id} is over; it cannot be changed.",
            key="error.state.ended",
            extra={"state": step.state.status},
        )


def refuse_held(step: Step) -> None:
    """People cannot work on an instance that is on hold."""
    refuse_ended(step)
    if step.state.status == ON_HOLD:
        raise CommandRejected(
            409,
            "Process instance is on hold.",
            "Nothing can be done in it until it is resumed.",
            key="error.state.on_hold",
            extra={"state": ON_HOLD},
        )


def require(step: Step, principal: Principal, operation: str, lane: str | None = None) -> None:
    """Refuse what the principal may not do."""
    refuse(principal, permission(principal, step.definition, operation, lane))


def waiting(step: Step, number: int, kind: type[W], what: str) -> W:
    """The wait of that id, or 404."""
    found = step.state.waits.get(number)
    if not isinstance(found, kind):
        raise CommandRejected(
            404, f"{what} not found.", f"There is no open {what.lower()} {number}; it may be done already."
        )
    return found


def refuse_misfit(form: Form, data: Mapping[str, Any], within: str = "") -> None:
    """Refuse data that does not fit a form; `within` is where it stands in what the caller sent."""
    wrong = form.check(data)
    if wrong:
        raise CommandRejected(
            422,
            "Not valid.",
            "; ".join(f"{pointer or 'the data'} {message}" for pointer, message in wrong) + ".",
            key="error.validation",
            extra={"errors": [{"pointer": within + pointer, "message": message} for pointer, message in wrong]},
        )


def refuse_masks(definition: ProcessDefinition, values: Any, within: str = "") -> None:
    """Refuse the mask where something sensitive stands: who read it and sends it back would overwrite what is there."""
    for path in definition.sensitive:
        if _has_mask(values, path.split(".")):
            pointer = f"{within}/{path.replace('.', '/')}"
            message = f"is the mask {MASK}; leave it out, then it stays as it is"
            raise CommandRejected(
                422,
                "Not valid.",
                f"{pointer} {message}.",
                key="error.validation",
                extra={"errors": [{"pointer": pointer, "message": message}]},
            )


def _has_mask(value: Any, path: list[str]) -> bool:
    if isinstance(value, list):
        return any(_has_mask(item, path) for item in value)
    if not path:
        return bool(value == MASK)
    return isinstance(value, dict) and path[0] in value and _has_mask(value[path[0]], path[1:])
