"""Where an answer leads: the links of the OpenAPI document, by the name of the call that answers."""

from __future__ import annotations

from typing import Any


def _to(calls: str, parameters: dict[str, str], body: dict[str, str] | None = None) -> dict[str, Any]:
    """Links to calls, with what they take from the answer: fields of its body by JSON pointers."""
    link: dict[str, Any] = {"parameters": {name: _field(pointer) for name, pointer in parameters.items()}}
    if body is not None:
        link["requestBody"] = {name: _field(pointer) for name, pointer in body.items()}
    return {call: {"operationId": call, **link} for call in calls.split()}


def _field(pointer: str) -> str:
    return f"$response.body#{pointer}"


INSTANCE = "get_instance list_tokens list_history list_instance_audit get_state operate patch_variables"
TASK = "get_task claim_task unclaim_task assign_task complete_task"
JOB = "complete_job fail_job throw_job_error extend_job release_job"
DEFINITION = "get_definition get_definition_file publish_definition deprecate_definition"

LINKS: dict[str, dict[str, Any]] = {
    "start_process": {
        **_to(INSTANCE, {"instance": "/id"}),
        **_to("start_inheriting", {"instance": "/id", "name": "/processDefinitionName"}),
    },
    "list_instances": _to(INSTANCE, {"instance": "/items/0/id"}),
    "list_tasks": {
        **_to(TASK, {"task": "/items/0/id"}),
        **_to("node_data", {"instance": "/items/0/instance", "node": "/items/0/node"}),
    },
    "activate_jobs": _to(JOB, {"job": "/items/0/id"}, {"token": "/items/0/token"}),
    "list_exceptions": _to("retry_token", {"instance": "/items/0/instance", "token": "/items/0/tokenId"}),
    "deploy": {
        **_to(DEFINITION, {"name": "/items/0/name", "version": "/items/0/version"}),
        **_to("start_process", {"name": "/items/0/name"}),
    },
    "list_definitions": _to(DEFINITION, {"name": "/items/0/name", "version": "/items/0/version"}),
}
