"""What several calls share: one command on its way to an instance, and its answer as a view of that instance."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from procession.api.operations import Answer, Call
from procession.api.problems import refusal
from procession.definition import ProcessDefinition
from procession.engine.codec import encode
from procession.engine.commands import Command
from procession.engine.state import ProcessInstance
from procession.runtime import checks
from procession.runtime.asks import Ask, Publish, Start
from procession.runtime.views import Allowed, Id, InstanceView, Page, Seq, instance_after

LONGEST_KEY = 200


class Done(Struct, rename="camel", kw_only=True):
    """Something of an instance is done, at history position `seq`."""

    id: Annotated[Id, Meta(description="Of the job.")]
    instance: Id
    seq: Seq
    allowed: Allowed = {}


async def change(call: Call, command: Command) -> InstanceView:
    """Let an instance decide; everything about it afterwards."""
    return await answered(call, Ask(command, call.principal))


async def answered(call: Call, ask: Ask) -> InstanceView:
    """The instance as the commit left it, as who asks may see it."""
    principal = call.principal

    def render(state: ProcessInstance, definition: ProcessDefinition) -> InstanceView:
        return instance_after(state, definition, principal)

    ask.render = render
    view: InstanceView = await call.ask(ask)
    return view


async def done(call: Call, id: int, command: Command, fence: int | None) -> Done:
    """Let a job's instance decide."""
    ask = Ask(command, call.principal, fence=fence)
    ask.render = lambda state, _: Done(id=str(id), instance=str(state.id), seq=state.position)
    result: Done = await call.ask(ask)
    return result


def idempotency_key(call: Call) -> str | None:
    """By which a repetition of a request is known."""
    key = call.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise refusal(
            422, "Not valid.", f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.", "error.validation"
        )
    return key


def idempotent(call: Call, ask: Ask) -> Ask:
    """The same `Idempotency-Key` of the same user gets the first answer again."""
    command = ask.command
    assert isinstance(command, Start | Publish)
    key = idempotency_key(call)
    if key is not None:
        kind = "start" if isinstance(command, Start) else "publish"
        ask.key = f"{kind}:" + encode([call.principal.name, key]).decode()
    return ask


async def listed(call: Call, question: Any) -> Answer | Page[Any]:
    """A page with the id of the last event before it was read, so that a live subscription can follow it."""
    last = call.edge.hub.last_event_id()
    page: Page[Any] = await call.read(question)
    page.last_event_id = last
    return page


def instance_id(call: Call) -> int:
    """The instance that the path names."""
    return checks.identity(call.path["instance"], "Process instance")
