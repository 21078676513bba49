"""What follows from a command: the events, until every token waits for the outside world.

`decide` reads only its arguments. Time and ids come in as arguments; the state that is passed in is moved on in place and
must be thrown away when an exception leaves.
"""

from __future__ import annotations

from collections.abc import Callable

from procession.definition import ProcessDefinition
from procession.engine import events as e
from procession.engine.access import SYSTEM, Principal
from procession.engine.behaviors.inclusive_gateway import fire_enabled
from procession.engine.behaviors.registry import BEHAVIORS
from procession.engine.codec import decode_command, encode
from procession.engine.commands import Command, Continue, UnholdInstance
from procession.engine.handlers import HANDLERS, KEPT
from procession.engine.handlers.instance import resume_ready
from procession.engine.handlers.job import check_report
from procession.engine.state import ARRIVED, FINISHED, ON_HOLD, ProcessInstance, Token, ready
from procession.engine.step import Step, Stuck
from procession.feel import FeelLimitExceeded

STEPS_PER_TRANSACTION = 10_000
"""Nodes visited before the rest is left to a follow-up command, so that no loop blocks a node."""

STEPS_WITHOUT_WAIT = 1_000_000
"""Nodes visited without waiting for anything, after which a loop is taken for endless."""

LIVE_TOKENS = 100_000
"""Live tokens outside of multi-instance loops, after which a process that goes on splitting is taken for endless."""


def decide(
    definition: ProcessDefinition,
    state: ProcessInstance,
    command: Command,
    *,
    at: int,
    new_id: Callable[[], int],
    principal: Principal,
    steps: int = STEPS_PER_TRANSACTION,
    endless: int = STEPS_WITHOUT_WAIT,
    outward: list[e.Event] | None = None,
) -> list[e.Event]:
    """The events that follow from a command, already applied to `state`; `CommandRejected` if it may not be done.

    Those that may concern other instances are added to `outward` as well.
    """
    step = Step(definition, state, at, new_id, principal.name, [] if outward is None else outward)
    if state.status == ON_HOLD and command.__class__ in KEPT:
        check_report(command, principal)
        step.record(e.CommandKept(encode(command).decode()))
        return step.events
    kept = state.kept if isinstance(command, UnholdInstance) else []
    HANDLERS[command.__class__](step, command, principal)
    for raw in kept:
        late = decode_command(raw)
        if _wanted(state, late):
            HANDLERS[late.__class__](step, late, SYSTEM)  # whoever resumes is not who was asked when it was kept
    if state.steps and command.__class__ is not Continue:
        resume_ready(step)  # an earlier command has not run to its end yet; this one takes its tokens along
    if (step.ready or state.steps) and state.live and state.status != ON_HOLD:
        settle(step, steps, endless, state.steps if command.__class__ is Continue else 0)
    if state.live and not state.tokens:
        step.finish(FINISHED)
    return step.events


def _wanted(state: ProcessInstance, command: Command) -> bool:
    """What a kept command is about may have been given up since."""
    wait: int | None = getattr(command, "job", None) or getattr(command, "child", None)
    return wait in state.waits


def settle(step: Step, steps: int, endless: int, before: int) -> None:
    """Let every token run until all of them wait, or the bound of one transaction is reached.

    `before`: nodes that were visited since the last wait in earlier transactions of the same run.
    """
    state, nodes, ready_tokens, events = step.state, step.nodes, step.ready, step.events
    tokens, budget = state.tokens, steps
    while True:
        while ready_tokens:
            token = ready_tokens.popleft()
            if token.id not in tokens or not ready(state, token):
                continue  # ended or moved by another token of this decision
            state.touched.add(token.scope)
            while True:
                budget -= 1
                if budget < 0:
                    ready_tokens.appendleft(token)
                    _bound(step, before, steps, endless)
                    return
                node = nodes[token.node]
                behavior = BEHAVIORS[node.__class__]
                mark = len(events)
                try:
                    if token.status == ARRIVED:
                        goes_on = behavior.enter(step, token, node)
                    else:
                        goes_on = behavior.complete(step, token, node)
                except (Stuck, FeelLimitExceeded) as error:
                    if len(events) != mark:
                        raise RuntimeError(f"{node.id} recorded events before it got stuck: {error}") from error
                    stuck = error if isinstance(error, Stuck) else Stuck("ExpressionEvaluation", str(error))
                    step.raise_incident(token, stuck)
                    break
                if goes_on is None:
                    break
                token = goes_on
        if not (state.joins and fire_enabled(step)):
            break
    if state.steps:
        step.record(e.StepsCounted(0))


def _bound(step: Step, before: int, steps: int, endless: int) -> None:
    """The bound of one transaction: go on in the next one, or stop a loop that waits for nothing.

    The token that ran is stopped first, so that others can come to their waits. If that does not help within one more
    transaction (a loop that makes new tokens), all are stopped.
    """
    state, total = step.state, before + steps
    flood = len(state.tokens) > LIVE_TOKENS and not state.loops
    if total < endless and not flood:
        step.record(e.StepsCounted(total))
        return
    running = list(
        {token.id: token for token in step.ready if token.id in state.tokens and ready(state, token)}.values()
    )
    stopped = running if flood or before >= endless else running[:1]
    goes_on = not flood and before < endless and (len(running) > 1 or state.joins)
    step.record(e.StepsCounted(total if goes_on else 0))
    cycles = _cycles(step, stopped)
    for token in stopped:
        step.raise_incident(
            token,
            Stuck(
                "EndlessLoop",
                f"{total:,} nodes were visited without waiting for anything, in the cycle {cycles[token.id]}. "
                "Correct the data or the process, then retry or terminate.",
            ),
        )


def _cycles(step: Step, stopped: list[Token]) -> dict[int, str]:
    """For each token the nodes that it went through, back to the one that it stands on."""
    trails: dict[int, list[str]] = {token.id: [] for token in stopped}
    closed: set[int] = set()
    for event in reversed(step.events):
        if isinstance(event, e.TokenAdvanced) and event.token in trails and event.token not in closed:
            trail, name = trails[event.token], step.label(event.node)
            if trail and name == trail[0]:
                closed.add(event.token)
            else:
                trail.append(name)
    return {token.id: " → ".join(reversed(trails[token.id])) or step.label(token.node) for token in stopped}
