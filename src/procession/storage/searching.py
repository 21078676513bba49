"""How a search for instances is run: which optional lines of the statement `instances` (see queries.py), and how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from procession.engine import state
from procession.storage import InstanceFilter
from procession.storage.matching import conditions

STATUSES = (
    state.CREATED,
    state.STARTED,
    state.ON_HOLD,
    state.FINISHED,
    state.FAILED,
    state.TERMINATED,
    state.EXPIRED,
    state.DISMISSED,
    state.ABORTED,
)


def searches(where: InstanceFilter, limit: int, before: int | None) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """The parameters and the words of each statement to run. Their rows, newest first and `limit` at most, are the answer.

    Where nothing selects few, the newest of each status are merged, and each costs only its rows.
    """
    given: dict[str, Any] = {
        "before": before,
        "business_key": where.business_key,
        "parent": where.parent,
        "root": where.root,
        "started_by": where.started_by,
        "incidents": where.incidents or None,
        "no_incidents": True if where.incidents is False else None,
        "version": where.version,
        "started_after": where.started_after,
        "started_before": where.started_before,
        "node": where.node,
        "text": None if where.text is None else f"%{escaped(where.text)}%",
        "variables": conditions(where.variables) if where.variables else None,
    }
    chosen = words(**given)
    given.update(limit=limit, definition=where.definition)
    looked_up = where.business_key, where.parent, where.root, where.incidents or None
    if any(value is not None for value in looked_up):
        given["statuses"] = list(where.statuses)
        chosen += words(check_name=where.definition, check_statuses=where.statuses or None)
        if looked_up[:3] == (None, None, None):
            chosen += ("walk_incidents",)
        yield given, chosen
        return
    statuses = dict.fromkeys(where.statuses or STATUSES)
    if where.node is not None:
        statuses = {status: None for status in statuses if status in state.LIVE}  # nobody else has tokens
    elif where.definition is None and not where.statuses:
        yield given, chosen
        return
    for status in statuses:
        walk = words(walk_name=where.definition, walk_status=status)
        if status != state.FINISHED:
            walk += ("walk_unfinished",)
        yield {**given, "status": status}, chosen + walk


def words(**given: Any) -> tuple[str, ...]:
    """Those that are given."""
    return tuple(word for word, value in given.items() if value is not None)


def escaped(text: str) -> str:
    r"""As it is, in a LIKE with `\` as its escape."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
