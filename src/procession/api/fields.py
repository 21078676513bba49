"""What fields of bodies and query strings have in common: bounds, and what the OpenAPI document says of them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from procession.runtime.checks import LARGEST_ID, LONGEST_SPAN

Text = Annotated[str, Meta(extra_json_schema={"pattern": r"^[^\x00]*$"})]
"""No store keeps the character NUL; `checks.text` says so to who sends it."""

Id = Annotated[str, Meta(pattern="^[0-9]{1,19}$")]
Instance = Annotated[Id, Meta(description="The id of a process instance.")]
Token = Annotated[Id, Meta(description="The id of a token: it counts within the instance.")]
Process = Annotated[Text, Meta(description="The name of a process definition.")]
Node = Annotated[Text, Meta(description="The id of a flow node in the BPMN file.")]

Instant = Annotated[str, Meta(examples=["2030-01-31T12:00:00Z"], extra_json_schema={"format": "date-time"})]
Duration = Annotated[str, Meta(examples=["PT1H"], extra_json_schema={"format": "duration"})]

Reason = Annotated[str, Meta(description="Why; it is kept in the history.")]
Fence = Annotated[int, Meta(description="The fencing number that the job was handed out with.", ge=0, le=LARGEST_ID)]
Retries = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Lock = Annotated[
    int, Meta(description="For how many milliseconds the jobs are the worker's.", ge=1, le=LONGEST_SPAN // 1000)
]
Limit = Annotated[int, Meta(description="So many items at most.", ge=1, le=1000)]
Cursor = Annotated[str, Meta(description="The `next` of the part before.", pattern="^[0-9]{1,19}$")]
