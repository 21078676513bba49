"""Timer event definitions (BPMN 2.0, 10.5.5): when a timer is due, and what comes after it has fired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from procession.definition import TimerTrigger
from procession.definition.schedule import Kind, Occurrence, Schedule, parse_expiry, parse_schedule
from procession.engine import events as e
from procession.engine.state import Timer, Token
from procession.engine.step import Step, Stuck

EXPIRY = "expiry"


@lru_cache(maxsize=4096)
def schedule(kind: str, text: str, zone: str) -> Schedule:
    """The rule behind a stored timer."""
    if kind == EXPIRY:
        return parse_expiry(text, zone)
    return parse_schedule(kind, text, zone)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PlannedTimer:
    """A timer with its first date, evaluated but not yet recorded."""

    node: str
    kind: Kind | str
    rule: str
    zone: str
    first: Occurrence

    def open(self, step: Step, token: Token, status: str | None = None) -> None:
        first = self.first
        step.record(
            e.TimerScheduled(
                step.new_id(),
                token.id,
                self.node,
                first.due,
                self.kind,
                self.rule,
                self.zone,
                first.number,
                first.anchor,
                status,
            )
        )


def plan_timer(step: Step, node: str, trigger: TimerTrigger, variables: Mapping[str, Any]) -> PlannedTimer:
    """Evaluate a timer; a rule that is not one, or has no date left, is an incident."""
    text = step.required(trigger.value, variables, f"The timer {trigger.kind} of '{step.label(node)}'")
    try:
        first = schedule(trigger.kind, text, trigger.zone).first(step.at)
    except ValueError as error:
        raise Stuck("TimerEvaluation", f"The timer of '{step.label(node)}' is not valid: {error}") from error
    if first is None:
        raise Stuck("TimerEvaluation", f"The timer of '{step.label(node)}' has no date left: {text}")
    return PlannedTimer(node, trigger.kind, text, trigger.zone, first)


def fired(step: Step, timer: Timer, *, repeats: bool) -> None:
    """Record that a timer went off; one that repeats is set to its next date."""
    following = None
    if repeats:
        rule = schedule(timer.kind, timer.rule, timer.zone)
        following = rule.next(Occurrence(timer.due, timer.number, timer.anchor), step.at)
    if following is None:
        step.record(e.TimerFired(timer.id, timer.token, timer.node))
    else:
        step.record(e.TimerFired(timer.id, timer.token, timer.node, following.due, following.number, following.anchor))
