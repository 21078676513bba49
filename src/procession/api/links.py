"""Where an answer leads: the links of the OpenAPI document, by the name of the call that answers."""

from __future__ import annotations

from typing import Any


def _to(calls: str, **parameters: str) -> dict[str, Any]:
    """Links to calls, with what they take from the body of the answer: JSON pointers."""
    given = {name: f"$response.body#{pointer}" for name, pointer in parameters.items()}
    return {call: {"operationId": call, "parameters": given} for call in calls.split()}


LINKS: dict[str, dict[str, Any]] = {
    "start_process": {
        **_to(
            "get_instance get_state list_tokens list_history list_records list_instance_audit list_instance_exceptions operate "
            "patch_variables process_status",
            instance="/id",
        ),
        **_to("start_inheriting", instance="/id", name="/processDefinitionName"),
    },
    "deploy": {
        **_to(
            "get_definition get_definition_file publish_definition deprecate_definition",
            name="/items/0/name",
            version="/items/0/version",
        ),
        **_to("start_process", name="/items/0/name"),
    },
}
