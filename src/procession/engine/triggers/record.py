"""Records that go out to topics (`kafkaSend` actions): evaluated here, in the outbox with the transaction that sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procession.definition import FlowNode, RecordSpec
from procession.definition.topics import legal
from procession.engine import events as e
from procession.engine.codec import encode
from procession.engine.placeholders import Placeholders, roots
from procession.engine.state import Token
from procession.engine.step import Step, Stuck


def plan_records(
    step: Step, token: Token, node: FlowNode, specs: tuple[RecordSpec, ...], variables: Mapping[str, Any]
) -> list[e.RecordSent]:
    """Evaluate what a node sends, in its order. It is in the headers which instance asks, unless the process says otherwise."""
    return [_plan(step, token, node, spec, variables) for spec in specs]


def _plan(step: Step, token: Token, node: FlowNode, spec: RecordSpec, variables: Mapping[str, Any]) -> e.RecordSent:
    instance = str(step.state.id)
    names = {"processInstanceId": instance, "processInstanceUuid": instance}
    placeholders = Placeholders(variables, names)
    of = f"action '{spec.name}' of '{step.label(node.id)}'" if spec.name else f"'{step.label(node.id)}'"
    headers = {"processInstanceId": instance, **placeholders.texts(spec.headers, f"headers of {of}")}
    body = placeholders.document(spec.message, f"message of {of}")
    topic = placeholders.text(spec.topic)
    if not legal(topic):
        data = step.data(roots(spec.topic) - names.keys(), variables)
        raise Stuck(
            "ActionEvaluation",
            f"The topic of {of}, '{spec.topic}', is none that Kafka takes{' for ' + data if data else ''}: it must have 1 to "
            "249 letters, digits, '.', '_' and '-'. Correct the variables, or the process, and retry.",
            source="Action",
            cause=spec.topic,
        )
    key = step.text(spec.key, variables, f"The record key of {of}") or instance
    return e.RecordSent(step.new_id(), token.id, topic, key, encode(body).decode(), headers, node.id)
