"""Data streams: answers of integrations, which come as records on topics for one instance.

A stream is waited for like a message: by a name that its topic makes and the id of the instance as the key. What comes replaces
the variable of the stream as a whole; nothing is left of the answer before.
"""

from __future__ import annotations

from typing import Any

from procession.definition import Activity, DataStream, FlowNode
from procession.engine import events as e
from procession.engine.state import Token
from procession.engine.step import Step
from procession.engine.triggers.message import PlannedSubscription

TOPIC = "topic:"
"""How the name of a subscription begins that waits for answers; the topic follows."""


def plan_streams(step: Step, node: Activity) -> list[PlannedSubscription]:
    """What a token on the activity listens to."""
    key = str(step.state.id)
    return [PlannedSubscription(node.id, TOPIC + stream.topic, key) for stream in node.streams]


def stream_of(node: FlowNode | None, name: str) -> DataStream | None:
    """The stream that a subscription of the node is for; None: it is for a message."""
    if not name.startswith(TOPIC) or not isinstance(node, Activity):
        return None
    topic = name.removeprefix(TOPIC)
    return next((stream for stream in node.streams if stream.topic == topic), None)


def take_in(step: Step, token: Token, node: Activity, stream: DataStream, value: Any) -> None:
    """Keep an answer: for the output mappings to read where there are any, else where its name is declared."""
    if node.outputs:
        step.record(e.LocalsSet(token.id, {stream.key: value}))
    else:
        step.replace(token, stream.key, value)
