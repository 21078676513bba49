"""Rules about data streams."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing
from procession.bpmn.rules.boundaries import by_a_worker, done_at_once
from procession.bpmn.rules.registry import Voice, rule


@rule("data stream in time")
def time_to_answer(drawing: Drawing, voice: Voice) -> None:
    """An answer is taken while a token is on the activity: what is done at once takes none."""
    for node in drawing.nodes():
        stream = voice.reading.own(node.element, "dataStream")
        sends = node.kind == "sendTask" and not by_a_worker(voice, node)
        if stream is not None and (sends or done_at_once(voice, node)):
            voice.warn(
                stream,
                f"The {node.label} never takes an answer: it is done at once.",
                "Put the data stream on a receive task behind it.",
            )
