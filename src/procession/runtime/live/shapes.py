"""What the messages of the live channel say. Attributes are snake_case here and camelCase in JSON; ids are strings."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from procession.runtime.views.shapes import Id, Instant, Node, Process, Seq, Stage, Status, Title, Version


class Told(Struct, rename="camel", kw_only=True):
    """What every message says: which instance, when, and at which position of its history (`seq`)."""

    instance: Id
    root_instance: Annotated[Id, Meta(description="The instance that it goes back to: itself, where it has no parent.")]
    process_definition_name: Process
    version: Version
    at: Instant
    seq: Seq


class Progress(Told, kw_only=True):
    """Where a token is, and how far it is there."""

    token: Id
    parent_token: Id | None
    node: Node
    state: Annotated[str, Meta(description="As in a token.")]
    status_current_node: Annotated[str, Meta(description="As in a token.")]


class StatusChange(Told, kw_only=True):
    """The instance was started, held, resumed, or is over."""

    status: Status


class DataChange(Told, kw_only=True):
    """A root variable has this value now; null where it was removed."""

    key: Annotated[str, Meta(description="The name of the variable.")]
    value: Annotated[Any, Meta(description="What is sensitive reads ***.")]


class TaskChange(Told, kw_only=True):
    """A user task was created, assigned (given back, where `assignee` is null), completed or cancelled."""

    process_title: Title
    business_key: Annotated[str | None, Meta(description="Of the instance; null for who may not see it.")]
    task: Annotated[Id, Meta(description="The id of the user task.")]
    change: Annotated[str, Meta(description="created, assigned, completed or cancelled.")]
    token: Id
    node: Node
    stage: Stage
    name: Annotated[str, Meta(description="As in a task.")]
    lane: Annotated[str | None, Meta(description="The name of the swimlane.")]
    assignee: Annotated[str | None, Meta(description="Whose it is now.")]
    candidate_roles: Annotated[list[str], Meta(description="Who may take it.")]
    candidate_users: Annotated[list[str], Meta(description="Who may take it.")]
    date_created: Instant
    due: Instant | None
    follow_up: Instant | None
    priority: Annotated[int, Meta(description="As in a task.")]
    form: Annotated[str | None, Meta(description="As in a task.")]


class ExceptionChange(Told, kw_only=True):
    """An exception was raised or resolved."""

    exception: Annotated[Id, Meta(description="The id of the exception.")]
    change: Annotated[str, Meta(description="raised or resolved.")]
    token: Id
    node: Node
    type: Annotated[str, Meta(description="As in an exception.")]
    message: Annotated[str, Meta(description="As in an exception.")]


class AccessChange(Told, kw_only=True):
    """A token went to another swimlane, where the reader has other rights than before: these."""

    token: Id
    node: Node
    lane: Annotated[str | None, Meta(description="The name of the swimlane.")]
    execute: Annotated[bool, Meta(description="Whether the reader may do its tasks.")]
    view: Annotated[bool, Meta(description="Whether the reader may see the instance.")]


class Resync(Struct, rename="camel"):
    """What happened up to this event was not sent: whatever is shown must be read again."""

    last_event_id: Annotated[str, Meta(description="Go on after it.")]


MESSAGES = (Progress, StatusChange, DataChange, TaskChange, ExceptionChange, AccessChange, Resync)
"""The data of every event of the channel."""
