"""Starting an instance: which start event, with which data, by whom. The refusals and their order are a contract."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from procession.definition import Parameter, ProcessDefinition, StartEvent
from procession.engine import events as e
from procession.engine.access import Principal, permission, refuse
from procession.engine.commands import StartInstance
from procession.engine.handlers.common import refuse_masks, refuse_misfit
from procession.engine.state import Token
from procession.engine.step import Step
from procession.engine.triggers.timer import EXPIRY, schedule
from procession.errors import CommandRejected

KEY = "error.validation.process_instance."


def start_instance(step: Step, command: StartInstance, principal: Principal) -> None:
    """Check, then make the instance and its root token on the start node."""
    definition = step.definition
    node = _chosen(definition, command, principal)
    variables = command.variables
    step.record(
        e.InstanceStarted(
            command.definition,
            command.name,
            command.version,
            {} if node.outputs else variables,
            principal.name,
            command.business_key,
            command.parent,
            command.parent_token,
            command.root,
            command.inherited_from,
        )
    )
    if definition.settings.expiry is not None:
        first = schedule(EXPIRY, definition.settings.expiry, definition.settings.zone).first(step.at)
        if first is not None:
            step.record(
                e.TimerScheduled(
                    step.new_id(), 0, "", first.due, EXPIRY, definition.settings.expiry, definition.settings.zone
                )
            )
    token: Token = step.create_token(node.id, parent=None, scope=0)
    if node.outputs and variables:
        step.record(e.LocalsSet(token.id, variables))
    step.ready.append(token)


def _chosen(definition: ProcessDefinition, command: StartInstance, principal: Principal) -> StartEvent:
    if command.node is not None:  # a message, a timer or a call has chosen, and a call needs no right of its own
        chosen = definition.nodes[command.node]
        assert isinstance(chosen, StartEvent)
        return chosen
    refuse(principal, may_start(principal, definition))
    node = choose_start(definition, command.start_condition)
    refuse(principal, may_start(principal, definition, node))
    missing, wrong = check_parameters(node, command.variables)
    if missing:
        raise CommandRejected(
            400,
            "Some mandatory params are missing.",
            f"Start event '{node.name or node.id}' needs {', '.join(missing)}.",
            key=KEY + "mandatory_params_missing",
            extra={"missing": missing},
        )
    if wrong:
        raise CommandRejected(
            422,
            "Some params have the wrong type.",
            "; ".join(f"{name} must be a {kind}" for name, kind in wrong),
            key=KEY + "params_wrong_type",
            extra={"errors": [{"pointer": "/" + n.replace(".", "/"), "message": f"must be a {k}"} for n, k in wrong]},
        )
    refuse_masks(definition, command.variables)
    form = definition.form(node)
    if form is not None:
        refuse_misfit(form, command.variables)
    return node


def may_start(principal: Principal, definition: ProcessDefinition, node: StartEvent | None = None) -> str | None:
    """None where the principal may start at the node (None: at any of the start events), else why not."""
    if not definition.guarded:
        return None
    starts = [definition.nodes[number] for number in definition.starts] if node is None else [node]
    lanes = dict.fromkeys(start.lane or "" for start in starts)
    reasons = [permission(principal, definition, "execute", lane) for lane in lanes] or [None]
    return None if None in reasons else reasons[0]


def choose_start(definition: ProcessDefinition, condition: str | None) -> StartEvent:
    """The none start event that a request starts at: by its condition where there are several."""
    requestable = definition.requestable
    if condition is not None:
        matching = tuple(node for node in requestable if node.condition == condition)
        if not matching and len(requestable) == 1 and requestable[0].condition is None:
            matching = requestable
    else:
        matching = requestable
        if len(requestable) > 1:
            raise CommandRejected(
                400,
                "Multiple start nodes found, but start condition not specified.",
                f"Send startCondition, one of {', '.join(sorted(str(node.condition) for node in requestable))}.",
                key=KEY + "multiple_start_nodes",
            )
    if not matching:
        detail = "No start node can be started by request."
        if requestable:
            known = ", ".join(sorted(str(node.condition) for node in requestable if node.condition))
            detail = f"No start node has the condition {condition!r}" + (f"; there are {known}." if known else ".")
        raise CommandRejected(
            400,
            "Start node for process definition not found.",
            detail,
            key=KEY + "start_node_for_process_def_missing",
        )
    return matching[0]


_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, Decimal),
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
}


def check_parameters(node: StartEvent, variables: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of mandatory parameters that are not there (or null), and parameters of the wrong type."""
    missing: list[str] = []
    wrong: list[tuple[str, str]] = []
    for parameter in node.parameters:
        value = _look(variables, parameter.name)
        if value is None:
            if parameter.mandatory:
                missing.append(parameter.name)
        elif not _is(value, parameter):
            wrong.append((parameter.name, str(parameter.type)))
    return missing, wrong


def _look(variables: Any, path: str) -> Any:
    for part in path.split("."):
        variables = variables.get(part) if isinstance(variables, dict) else None
    return variables


def _is(value: Any, parameter: Parameter) -> bool:
    if parameter.type is None or parameter.type not in _TYPES:
        return True
    if isinstance(value, bool):
        return parameter.type == "boolean"
    return isinstance(value, _TYPES[parameter.type])
