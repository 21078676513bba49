"""Starting processes, and what a screen needs of an instance."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from procession.api.asking import answered, idempotent, instance_id
from procession.api.fields import Text
from procession.api.operations import IDEMPOTENCY, Body, Call, operation
from procession.api.problems import not_built
from procession.runtime import checks
from procession.runtime.asks import Ask, Inherit, Start
from procession.runtime.views import InstanceView, NodeDataView

START_REFUSALS = (400, 403, 404, 409, 501)


class ParamsToInherit(Body):
    """Which values to take over, by dotted paths."""

    params_to_copy: Annotated[list[str], Meta(description="These; empty: all.")] = []
    without_params: Annotated[list[str], Meta(description="But not these.")] = []


class StartBody(Body, forbid_unknown_fields=False):
    """The data of the new instance: any fields beside these, which are taken out of it."""

    start_condition: Annotated[
        Text | UnsetType | None, Meta(description="Chooses the start node, where there are several.")
    ] = UNSET
    business_key: Annotated[Text | UnsetType | None, Meta(description="What you call it: an order's number.")] = UNSET
    flow_name: Annotated[Text | UnsetType | None, Meta(description="Not built yet: 501.")] = UNSET


class InheritingBody(StartBody, forbid_unknown_fields=False):
    """The same, with what is taken over from the other instance."""

    params_to_inherit: Annotated[
        ParamsToInherit | UnsetType, Meta(description="Which values to take over; without it all.")
    ] = UNSET


@operation(
    "POST", "/api/process/{name}/start", tag="processes", body=dict, documented=StartBody, body_required=False,
    answers=InstanceView, status=201, refusals=START_REFUSALS, headers=IDEMPOTENCY,
)  # fmt: skip
async def start_process(call: Call) -> InstanceView:
    """Start the published version of a process.

    The body is the data of the new instance. Answers after the commit, when the instance waits or has ended. Refusals are
    checked in this order: 401 `Unauthorized`; 404 `Process definition not found.`; 403 `Forbidden`; 400 `Start node for process
    definition not found.`; 400 `Multiple start nodes found, but start condition not specified.`; 400 `Some mandatory params are
    missing.` (listed in `missing`); 422 what has the wrong type, or does not fit the form of the start event. A refused start is
    listed under failed starts.
    """
    return await answered(call, idempotent(call, _start(call, call.body, None)))


@operation(
    "POST", "/api/process/{name}/start/inheritFrom/{instance}", tag="processes", body=dict, documented=InheritingBody,
    body_required=False, answers=InstanceView, status=201, refusals=START_REFUSALS, headers=IDEMPOTENCY,
)  # fmt: skip
async def start_inheriting(call: Call) -> InstanceView:
    """Start a process with values of another instance.

    Needs the right to view the other instance. Values that are sent win over inherited ones, by deep merge.
    """
    data: dict[str, Any] = call.body
    given = checks.converted(data.pop("paramsToInherit", {}), ParamsToInherit, "/paramsToInherit")
    inherit = Inherit(instance_id(call), tuple(given.params_to_copy), tuple(given.without_params))
    return await answered(call, idempotent(call, _start(call, data, inherit)))


def _start(call: Call, data: dict[str, Any], inherit: Inherit | None) -> Ask:
    condition = checks.maybe_text(data.pop("startCondition", None), "startCondition")
    business_key = checks.maybe_text(data.pop("businessKey", None), "businessKey")
    if checks.maybe_text(data.pop("flowName", None), "flowName") is not None:
        raise not_built("Starting with a flowName")
    start = Start(
        checks.text(call.path["name"], "The process"),
        checks.own_document(data),
        start_condition=condition,
        business_key=business_key,
        inherit=inherit,
    )
    return Ask(start, call.principal)


@operation("GET", "/api/process/{instance}/status", tag="processes", answers=InstanceView, refusals=(404,))
async def process_status(call: Call) -> InstanceView:
    """Everything about an instance: status, tokens, variables, subprocesses, exceptions, waits."""
    return await call.read(call.queries.instance(instance_id(call)))


@operation("GET", "/api/process/{instance}/data/{node}", tag="processes", answers=NodeDataView, refusals=(403, 404))
async def node_data(call: Call) -> NodeDataView:
    """What a screen of a node needs: the data that its token sees, and its actions."""
    return await call.read(call.queries.data(instance_id(call), call.path["node"]))


@operation(
    "POST", "/api/process/{instance}/token/{token}/action/{action}/execute", tag="processes", body=dict,
    body_required=False, built=False,
)  # fmt: skip
async def execute_action(call: Call) -> None:
    """Run a manual action of a token's node."""
    raise not_built("Running actions")


@operation(
    "POST", "/api/process/{instance}/token/{token}/action/{action}/upload", tag="processes",
    uploads=("multipart/form-data",), built=False,
)  # fmt: skip
async def upload_to_action(call: Call) -> None:
    """Run a manual action with a file."""
    raise not_built("Uploading files to actions")
