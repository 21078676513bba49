"""The headers of records, as the AsyncAPI document describes them: schemas of objects whose values are texts."""

from __future__ import annotations

from typing import Any


def text(said: str, **more: Any) -> dict[str, Any]:
    """A header."""
    return {"type": "string", "description": said, **more}


CLOUD_EVENT: dict[str, Any] = {
    "ce_specversion": text("Of CloudEvents.", const="1.0"),
    "ce_id": text("Of the record: the same when it comes again, so that a reader can drop repetitions."),
    "ce_type": text("procession., and the name of the topic without package, environment and version."),
    "ce_source": text("The installation that sends it.", examples=["/procession.dev"]),
    "ce_subject": text("The id of the process instance that it is about."),
    "ce_time": text("When it was made: ISO 8601, UTC, microseconds.", format="date-time"),
    "content-type": text("What the value is.", const="application/json"),
}
INSTANCE = text("The id of the process instance that the record is about.", pattern="^[0-9]{1,19}$")
DESTINATION = text("The id of the flow node that waits for the answer. Without it whoever waits on the topic gets it.")
ACTIONS = text("What the answer is for, as the process says it.")
TRACE = text("The trace that it belongs to, as W3C says it.")
JWT = text(
    "An access token of whoever asks. Without it the record counts as asked for by whoever may write to the topic."
)

CORRELATION: dict[str, Any] = {
    "processInstanceId": INSTANCE,
    "destinationId": DESTINATION,
    "callbacksForAction": ACTIONS,
    "traceparent": TRACE,
}
MADE = [name for name in CLOUD_EVENT if name != "ce_subject"]


def headers(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """An object of texts; there may be others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": {"type": "string"},
    }


OWN = headers(CLOUD_EVENT, MADE)
"""Of what the engine tells: a CloudEvent in binary mode."""

OFFER = headers({"processInstanceId": INSTANCE, **CLOUD_EVENT}, ["processInstanceId", *MADE])
REQUEST = headers({**CORRELATION, **CLOUD_EVENT}, ["processInstanceId", *MADE])
ECHOED = headers({**CORRELATION, **CLOUD_EVENT}, MADE)
"""Of what answers a record: all headers that came with it, but credentials."""

EVENT = {
    "ce_id": text("Yours. With the same source and the same value it is the same event, and takes effect once."),
    "ce_source": text("You, where you give ids."),
}
ASKING: dict[str, Any] = {**EVENT, "jwt": JWT, "traceparent": TRACE}

ORDER = headers(ASKING, [])
OPERATION = headers({"callbackTopic": text("The topic on which the results are wanted."), **ASKING}, [])
ANSWER = headers({**CORRELATION, **EVENT, "jwt": JWT}, ["processInstanceId"])
"""Of what a partner says, who returns all headers that he received."""
