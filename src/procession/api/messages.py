"""BPMN messages and signals."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from procession.api.asking import idempotent
from procession.api.fields import Duration, Text
from procession.api.operations import IDEMPOTENCY, Body, Call, operation
from procession.api.problems import not_built
from procession.engine.access import require_role
from procession.runtime import checks
from procession.runtime.asks import Ask, Publish
from procession.runtime.views import MessageView


class MessageBody(Body):
    """A BPMN message."""

    name: Annotated[Text, Meta(description="As the BPMN file names it.")]
    correlation_key: Annotated[
        Text | int | float | None, Meta(description="Whoever waits for the message with this key gets it.")
    ] = None
    variables: Annotated[dict[str, Any], Meta(description="Merged into the data of who gets it.")] = {}
    message_id: Annotated[Text | None, Meta(description="The same name, key and id again do nothing new.")] = None
    ttl: Annotated[Duration, Meta(description="How long it is kept while nobody waits for it: ISO 8601.")] = "PT1H"


class SignalBody(Body):
    """A BPMN signal."""

    name: Annotated[Text, Meta(description="As the BPMN file names it.")]
    variables: Annotated[dict[str, Any], Meta(description="For whoever waits for it.")] = {}


@operation(
    "POST", "/api/messages", tag="messages", body=MessageBody, answers=MessageView, status=201, refusals=(403,),
    headers=IDEMPOTENCY,
)  # fmt: skip
async def publish_message(call: Call) -> MessageView:
    """Publish a message to those who wait for it. Needs the role `worker` or `operator`."""
    body: MessageBody = call.body
    require_role(call.principal, "publish messages", "worker", "operator")
    message = Publish(
        checks.text(body.name, "The name of a message"),
        checks.correlation(body.correlation_key),
        checks.own_document(body.variables),
        checks.maybe_text(body.message_id, "The id of a message"),
        checks.duration(body.ttl, "ttl"),
    )
    return MessageView(**await call.ask(idempotent(call, Ask(message, call.principal))))


@operation("POST", "/api/signals", tag="messages", body=SignalBody, built=False)
async def broadcast_signal(call: Call) -> None:
    """Broadcast a signal to everybody who waits for it."""
    raise not_built("Broadcasting signals")
