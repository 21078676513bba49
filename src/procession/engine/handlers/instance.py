"""Steering a whole instance: hold, resume, end, change its data, and what its children tell it."""

from __future__ import annotations

from collections.abc import Iterable

from procession.definition import ProcessDefinition
from procession.engine import events as e
from procession.engine.access import Principal, permission, refuse
from procession.engine.behaviors.activity import accept
from procession.engine.behaviors.multi_instance import arrive_again
from procession.engine.commands import (
    Continue,
    EndInstance,
    FailCall,
    FinishCall,
    HoldInstance,
    SetVariables,
    UnholdInstance,
)
from procession.engine.handlers.common import refuse_ended, refuse_masks, require
from procession.engine.state import DISMISSED, FINISHED, ON_HOLD, TERMINATED, Call, ready
from procession.engine.step import Step, Stuck
from procession.engine.triggers.error import catcher, throw
from procession.errors import CommandRejected


def continue_instance(step: Step, command: Continue, principal: Principal) -> None:
    """Let every token that can go on by itself do so."""
    if step.state.live:
        resume_ready(step)


def ask_joins_again(step: Step) -> None:
    """A transaction that was cut off may have left joins that are open by now, in scopes where nothing moves any more."""
    step.state.touched.update(scope for scope, _ in step.state.joins)


def resume_ready(step: Step) -> None:
    """Take up every token that can go on by itself."""
    ask_joins_again(step)
    step.ready.extend(token for token in step.state.tokens.values() if ready(step.state, token))


def hold(step: Step, command: HoldInstance, principal: Principal) -> None:
    refuse_ended(step)
    refuse(principal, may_steer(principal, step.definition, "hold", _nodes(step)))
    if step.state.status == ON_HOLD:
        raise CommandRejected(409, "Process instance is on hold.", "It is on hold already.", key="error.state.on_hold")
    step.record(e.InstanceHeld())


def unhold(step: Step, command: UnholdInstance, principal: Principal) -> None:
    """Resume. Completions that came in the meantime take effect with it, in their order (`decide`)."""
    refuse_ended(step)
    refuse(principal, may_steer(principal, step.definition, "unhold", _nodes(step)))
    if step.state.status != ON_HOLD:
        raise CommandRejected(
            409, "Process instance is not on hold.", f"It is {step.state.status}.", key="error.state.not_on_hold"
        )
    step.record(e.InstanceResumed())
    resume_ready(step)


def _nodes(step: Step) -> Iterable[str]:
    return (token.node for token in step.state.tokens.values())


def may_steer(principal: Principal, definition: ProcessDefinition, operation: str, nodes: Iterable[str]) -> str | None:
    """None where the principal may hold (or resume) an instance whose tokens are on these nodes, else why not.

    The lane of one of them is enough.
    """
    if not definition.guarded:
        return None
    lanes = dict.fromkeys(definition.nodes[node].lane or "" for node in nodes if node in definition.nodes)
    reasons = [permission(principal, definition, operation, lane) for lane in lanes] or [None]
    return None if None in reasons else reasons[0]


FINAL_TOKEN = {FINISHED: "INACTIVE", "FAILED": TERMINATED}


def end_instance(step: Step, command: EndInstance, principal: Principal) -> None:
    """End everything at once; every token takes the state that the instance ends with."""
    refuse_ended(step)
    refuse(principal, permission(principal, step.definition, "terminate", owner=step.state.started_by))
    if command.status == DISMISSED and step.state.parent is None:
        raise CommandRejected(
            409,
            "Only a subprocess can be dismissed.",
            "This instance was not started by another one; terminate it.",
            key="error.state.not_a_subprocess",
        )
    final = FINAL_TOKEN.get(command.status, command.status)
    for root in [token for token in step.state.tokens.values() if token.parent is None]:
        step.cancel_inside(root, final)
        step.cancel_token(root, final)
    step.finish(command.status)


def set_variables(step: Step, command: SetVariables, principal: Principal) -> None:
    refuse_ended(step)
    require(step, principal, "repair")
    refuse_masks(step.definition, command.patch)
    step.record(e.VariablesPatched(command.patch))


def finish_call(step: Step, command: FinishCall, principal: Principal) -> None:
    """A child ended: the token that called it goes on with its result, or shows why it cannot."""
    call = step.state.waits.get(command.child)
    if not isinstance(call, Call):
        return  # given up in the meantime: an interrupting event, a termination
    token = step.state.tokens[call.token]
    node = step.nodes[token.node]
    if command.error is not None:
        if catcher(step, token, command.error) is not None or step.state.parent is not None:
            step.record(e.CallEnded(call.id, token.id, command.status))
            throw(step, token, command.error, command.message or "", command.variables)
            return
        stuck = Stuck(
            "UncaughtError",
            f"Nothing catches the error {command.error!r} of the called process '{call.process}'. "
            "Add an error boundary event, or retry to call it again.",
            source="Subprocess",
        )
        arrive_again(step, token)
        step.raise_incident(token, stuck)
        return
    if command.status in (FINISHED, DISMISSED):
        step.record(e.CallEnded(call.id, token.id, command.status))
        if command.status == FINISHED and (getattr(node, "propagate_child", True) or getattr(node, "outputs", ())):
            accept(step, token, node, command.variables)
        step.ready.append(token)
        return
    arrive_again(step, token)
    step.raise_incident(
        token,
        Stuck(
            "Subprocess",
            f"The called process '{call.process}' ended as {command.status}. Retry to call it again.",
            source="Subprocess",
        ),
    )


def fail_call(step: Step, command: FailCall, principal: Principal) -> None:
    """The child could not be started: the token stays before the call, with an incident."""
    call = step.state.waits.get(command.child)
    if not isinstance(call, Call):
        return
    token = step.state.tokens[call.token]
    arrive_again(step, token)
    step.raise_incident(token, Stuck("Definition", command.message, source="Subprocess", details=command.details))
