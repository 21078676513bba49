"""What an operation would do: the engine decides it of the real state, and what it decided is looked at and thrown away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from procession.engine import commands as c
from procession.engine.access import Principal
from procession.engine.codec import decode
from procession.engine.handlers.task import may_see
from procession.engine.state import Call, Job, ProcessInstance, Subscription, Timer, UserTaskItem, Wait
from procession.runtime import checks
from procession.runtime.asks import Ask
from procession.runtime.live.filters import Filter
from procession.runtime.live.messages import Message
from procession.runtime.live.news import Report
from procession.runtime.live.unfold import unfold
from procession.runtime.processor import Processor
from procession.runtime.views import EndedWait, PreviewEvent, PreviewView, instance_after
from procession.runtime.work import Unit, Work
from procession.storage.rows import instance_row, restore

OPERATIONS = ("HOLD", "UNHOLD", "TERMINATE", "DISMISS", "RETRY", "SET_VARIABLES")

MOST = 1_000
"""So many events, and so many things that end, are listed."""

TOLD = Filter(kinds=frozenset({"status", "progress", "data", "task", "exception"}))

ENDED: dict[type[Wait], str] = {
    UserTaskItem: "task",
    Job: "job",
    Timer: "timer",
    Subscription: "message",
    Call: "child",
}


def operation(
    instance: int,
    name: str,
    *,
    token: str | int | None = None,
    retries: int | None = None,
    variables: Mapping[str, Any] | None = None,
) -> c.Command:
    """The command that an operation is; what does not belong to it is refused."""
    if name not in OPERATIONS:
        raise checks.not_valid(f"{str(name)[:50]!r} is no operation; there are {', '.join(OPERATIONS)}.", "/operation")
    for field, value, owner in (
        ("token", token, "RETRY"),
        ("retries", retries, "RETRY"),
        ("variables", variables, "SET_VARIABLES"),
    ):
        if value is not None and name != owner:
            raise checks.not_valid(f"'{field}' belongs to {owner}; leave it out of {name}.", f"/{field}")
        if value is None and name == owner and field != "retries":
            raise checks.not_valid(f"{name} needs '{field}'.", f"/{field}")
    match name:
        case "HOLD":
            return c.HoldInstance(instance)
        case "UNHOLD":
            return c.UnholdInstance(instance)
        case "TERMINATE":
            return c.EndInstance(instance, "TERMINATED")
        case "DISMISS":
            return c.EndInstance(instance, "DISMISSED")
        case "RETRY":
            tries = checks.number(1 if retries is None else retries, "retries", 1)
            return c.RetryToken(instance, checks.identity(token, "Token"), tries)
        case _:
            return c.SetVariables(instance, checks.document(variables))


async def preview(processor: Processor, command: c.Command, principal: Principal) -> PreviewView:
    """What a command would do, as the principal would see it. Whoever asks has the lock of the processor."""
    ask = Ask(command, principal)
    work = await processor.rehearse(ask)
    reports = _reports(work)
    messages = [message for report in reports for message in report.messages(report.news, TOLD, principal)]
    ended = list(_ended(work, {report.head.id: report for report in reports}, principal))
    unit = work.asked[id(ask)]
    unit.state.position = unit.position  # where it was decided: no history goes on from what was thrown away
    return PreviewView(
        instance=instance_after(unit.state, unit.definition, principal),
        events=[_event(message) for message in messages[:MOST]],
        events_more=max(len(messages) - MOST, 0),
        ended=ended[:MOST],
        ended_more=max(len(ended) - MOST, 0),
    )


def _reports(work: Work) -> list[Report]:
    """The news of each row of history that would be written, in their order."""
    states: dict[int, ProcessInstance] = {}
    reports: list[Report] = []
    for number, row in enumerate(work.batch.history, 1):
        unit = work.units[row.instance]
        if row.instance not in states:
            states[row.instance] = _before(work, unit)
        reports.append(unfold(number, row, instance_row(unit.state), unit.definition, states[row.instance]))
    return reports


def _before(work: Work, unit: Unit) -> ProcessInstance:
    """The instance as the store has it."""
    rows = work.found.instances.get(unit.state.id)
    return ProcessInstance(unit.state.id) if rows is None else restore(rows)


def _ended(work: Work, reports: Mapping[int, Report], principal: Principal) -> Iterator[EndedWait]:
    """What those who may see it would find waiting no more."""
    for instance, report in reports.items():
        unit = work.units[instance]
        seen = report.visible_to(principal)
        for wait in _before(work, unit).waits.values():
            kind = ENDED.get(wait.__class__)
            if kind is None or not wait.token or wait.id in unit.state.waits:
                continue
            if seen or (isinstance(wait, UserTaskItem) and may_see(principal, unit.definition, wait)):
                node = unit.definition.nodes.get(wait.node)
                name = node.label if node is not None else wait.node
                yield EndedWait(kind=kind, node=wait.node, name=name, instance=str(instance))


def _event(message: Message) -> PreviewEvent:
    return PreviewEvent(event=message.event, data=decode(message.data))
