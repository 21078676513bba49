"""What a client subscribes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from procession.errors import CommandRejected
from procession.runtime import checks
from procession.runtime.checks import LARGEST_ID, not_valid
from procession.storage import InstanceRow

KINDS = ("progress", "status", "data", "action", "task", "exception", "access")
"""The events of the channel, but for `resync`, which everybody gets."""

NAMES = ("instance", "definition", "tasks", "kinds")


class Filter(Struct, frozen=True):
    """`instance`: it, and every instance whose root it is. `mine`: only tasks that concern the listener."""

    instance: int | None = None
    definition: str | None = None
    mine: bool = False
    kinds: frozenset[str] = frozenset(KINDS)

    def takes(self, head: InstanceRow) -> bool:
        """Whether what happens in an instance is wanted."""
        if self.instance is not None and self.instance not in (head.id, head.root):
            return False
        return self.definition is None or self.definition == head.name

    @property
    def tasks_only(self) -> bool:
        """Whether nothing but tasks is wanted."""
        return self.kinds == {"task"}


def parse_filter(given: Mapping[str, Any]) -> Filter:
    """A subscription as a client sends it: `{"instance", "definition", "tasks": "mine", "kinds": […]}`, each of them or none."""
    for name in given:
        if name not in NAMES:
            named = ascii(name)
            raise not_valid(f"{named[:50]} is no filter; there are {', '.join(NAMES)}.", f"/{named[1:-1][:50]}")
    kinds = _kinds(given.get("kinds"))
    mine = _mine(given.get("tasks"))
    if mine and "task" not in kinds:
        raise not_valid("tasks=mine gives messages of the kind task only; kinds must have it.", "/kinds")
    return Filter(
        _instance(given.get("instance")),
        _definition(given.get("definition")),
        mine,
        frozenset({"task"}) if mine else kinds,
    )


def _instance(value: Any) -> int | None:
    if value is None:
        return None
    text = str(value) if isinstance(value, str) or type(value) is int else ""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) and int(text) <= LARGEST_ID:
        return int(text)
    raise not_valid(f"instance must be the id of a process instance, not {ascii(value)[:50]}.", "/instance")


def _definition(value: Any) -> str | None:
    try:
        return checks.maybe_text(value, "definition")
    except CommandRejected as error:
        raise not_valid(error.detail, "/definition") from None


def _mine(value: Any) -> bool:
    if value not in (None, "mine"):
        raise not_valid(f"tasks must be mine, not {ascii(value)[:50]}.", "/tasks")
    return value is not None


def _kinds(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset(KINDS)
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise not_valid(f"kinds must be a list of events: some of {', '.join(KINDS)}.", "/kinds")
    for name in names:
        if name not in KINDS:
            raise not_valid(f"{ascii(name)[:50]} is no kind of event; there are {', '.join(KINDS)}.", "/kinds")
    return frozenset(names)
