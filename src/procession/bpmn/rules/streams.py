"""Rules about data streams."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing, Node
from procession.bpmn.rules.boundaries import done_at_once
from procession.bpmn.rules.registry import Voice, rule


@rule("data stream in time")
def time_to_answer(drawing: Drawing, voice: Voice) -> None:
    """An answer is taken while a token is on the activity: what is done at once takes none."""
    for node in drawing.nodes():
        stream = voice.reading.own(node.element, "dataStream")
        if stream is not None and (done_at_once(voice, node) or _sends_and_goes_on(voice, node)):
            voice.warn(
                stream,
                f"The {node.label} never takes an answer: it is done at once.",
                "Put the data stream on a receive task behind it.",
            )


def _sends_and_goes_on(voice: Voice, node: Node) -> bool:
    """Whether it is a send task that no job worker does."""
    return node.kind == "sendTask" and voice.reading.zeebe(node.element, "taskDefinition") is None
