"""What is asked of people: the JSON schema that a screen is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from procession.definition import Parameter, ProcessDefinition, StartEvent, UserTask
from procession.definition.forms import DRAFT, referred
from procession.engine.state import merge

FORM, DATA_MODEL = "form", "dataModel"
PARTS = ("$defs", "definitions")
"""Where a schema keeps what it refers to."""


def task_schema(definition: ProcessDefinition, node: UserTask) -> tuple[str | None, dict[str, Any] | None]:
    """The schema of a task and where it is from: its form, else the data model."""
    form = definition.form(node)
    if form is not None:
        return FORM, dict(form.schema)
    model = definition.data_model
    return (None, None) if model is None else (DATA_MODEL, dict(model))


def start_schema(definition: ProcessDefinition, node: StartEvent) -> dict[str, Any] | None:
    """The schema of a start by request: its form, else made of its parameters, else the data model."""
    form = definition.form(node)
    if form is not None:
        return dict(form.schema)
    if node.trigger is not None:
        return None
    model = definition.data_model
    if node.parameters:
        return _of_parameters(node.parameters, model or {})
    return None if model is None else dict(model)


def _of_parameters(parameters: tuple[Parameter, ...], model: Mapping[str, Any]) -> dict[str, Any]:
    """An object for each part of a dotted name; what the data model says of a place is said here too."""
    schema: dict[str, Any] = {"$schema": DRAFT, "type": "object", "properties": {}}
    for parameter in parameters:
        *folders, last = parameter.name.split(".")
        at, told = schema, model
        for name in folders:
            told = _property(model, told, name)
            inner = at["properties"].setdefault(name, {**_about(told), "type": "object"})
            inner.setdefault("properties", {})
            _need(at, name, parameter.mandatory)
            at = inner
        leaf = deepcopy(dict(_property(model, told, last)))  # parts of it may be changed below, the model may not
        if parameter.type is not None:
            leaf["type"] = parameter.type
        at["properties"][last] = merge(leaf, at["properties"].get(last, {}))
        _need(at, last, parameter.mandatory)
    schema.update((part, model[part]) for part in PARTS if part in model)
    return schema


def _property(model: Mapping[str, Any], told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What the data model says of a property; nothing where it does not know it."""
    properties = told.get("properties")
    found = properties.get(name) if isinstance(properties, Mapping) else None
    if isinstance(found, Mapping) and "$ref" in found:
        beside = {key: value for key, value in found.items() if key != "$ref"}
        found = {**(referred(model, found) or {}), **beside}
    return found if isinstance(found, Mapping) else {}


def _about(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of an object itself, and not of what is in it."""
    return {key: told[key] for key in ("title", "description") if key in told}


def _need(schema: dict[str, Any], name: str, mandatory: bool) -> None:
    if mandatory and name not in schema.setdefault("required", []):
        schema["required"].append(name)
