"""What a principal may do with what is shown: for each action true, or the reason why not.

Every answer comes of the functions that refuse the commands, so that what is shown as allowed is not refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from procession.definition import ProcessDefinition, StartEvent
from procession.engine.access import Principal, lacks_role, permission
from procession.engine.handlers.instance import may_steer
from procession.engine.handlers.start import may_start
from procession.engine.handlers.task import may_claim, may_complete
from procession.engine.state import LIVE, ON_HOLD, UserTaskItem
from procession.runtime.definitions import DEPRECATED, DRAFT, PUBLISHED
from procession.runtime.views.shapes import Allowed

ON_INSTANCE = ("hold", "unhold", "terminate", "dismiss", "setVariables", "retry")
ON_TASK = ("complete", "claim", "release", "assign")
HELD = "the instance is on hold"


def on_instance(
    principal: Principal,
    definition: ProcessDefinition,
    *,
    status: str,
    started_by: str,
    child: bool,
    stuck: bool,
    nodes: Iterable[str],
) -> Allowed:
    """On a process instance. `stuck`: it has an exception. `nodes` have its tokens."""
    if status not in LIVE:
        return dict.fromkeys(ON_INSTANCE, f"the instance is {status}")
    held = status == ON_HOLD

    def steer(operation: str, other: str | None) -> bool | str:
        return other or may_steer(principal, definition, operation, nodes) or True

    def may(operation: str, other: str | None = None) -> bool | str:
        return other or permission(principal, definition, operation, owner=started_by) or True

    return {
        "hold": steer("hold", "the instance is on hold already" if held else None),
        "unhold": steer("unhold", None if held else "the instance is not on hold"),
        "terminate": may("terminate"),
        "dismiss": may("terminate", None if child else "only a subprocess can be dismissed"),
        "setVariables": may("repair"),
        "retry": may("repair", HELD if held else None if stuck else "no token has an exception"),
    }


def on_past() -> Allowed:
    """On an instance as it was."""
    return dict.fromkeys(ON_INSTANCE, "this is how it was, not how it is")


def on_exception(principal: Principal, definition: ProcessDefinition | None, *, status: str, resolved: bool) -> Allowed:
    """On an exception. No definition: the principal may repair whatever it is."""
    if resolved:
        return {"retry": "it is resolved"}
    if status not in LIVE:
        return {"retry": f"the instance is {status}"}
    if status == ON_HOLD:
        return {"retry": HELD}
    return {"retry": (definition is not None and permission(principal, definition, "repair")) or True}


def on_task(principal: Principal, definition: ProcessDefinition, item: UserTaskItem, *, status: str) -> Allowed:
    """On an open user task of an instance with this status."""
    if status == ON_HOLD:
        return dict.fromkeys(ON_TASK, HELD)
    taken = item.assignee is None or "the task is yours already"
    return {
        "complete": may_complete(principal, definition, item) or True,
        "claim": may_claim(principal, definition, item) or taken,
        "release": _release(principal, definition, item),
        "assign": permission(principal, definition, "assign", item.lane or "") or True,
    }


def _release(principal: Principal, definition: ProcessDefinition, item: UserTaskItem) -> bool | str:
    if item.assignee is None:
        return "nobody has taken it"
    if item.assignee == principal.name:
        return True
    return permission(principal, definition, "unassign", item.lane or "") or True


def on_definition(principal: Principal, definition: ProcessDefinition | None, state: str) -> Allowed:
    """On a version of a process. The definition is needed of a published one only: no other can be started."""
    editing = lacks_role(principal, "change definitions", "editor")
    return {
        "start": _start(principal, definition, state),
        "publish": editing or (state != PUBLISHED or "it is published already"),
        "deprecate": editing or (state != DEPRECATED or "it is deprecated already"),
    }


def _start(principal: Principal, definition: ProcessDefinition | None, state: str) -> bool | str:
    if definition is None or state != PUBLISHED:
        return f"it is {'a draft' if state == DRAFT else state}; only the published version can be started"
    reason = may_start(principal, definition)
    if reason is not None:
        return reason
    answers = [on_start(principal, definition, node, state) for node in definition.requestable]
    return next((True for answer in answers if answer is True), answers[0] if answers else NO_REQUEST)


NO_REQUEST = "no start node can be started by request"


def on_start(principal: Principal, definition: ProcessDefinition, node: StartEvent, state: str) -> bool | str:
    """At one start event of a version."""
    if state != PUBLISHED:
        return _start(principal, None, state)
    if node.trigger is not None:
        return "it is started by its event, not by request"
    return may_start(principal, definition) or may_start(principal, definition, node) or True


def on_letter(principal: Principal, state: str) -> Allowed:
    """On a record that could not be handled."""
    settled = state not in ("waiting", "dead") and f"it was {state} already"
    return dict.fromkeys(
        ("replay", "dismiss"), lacks_role(principal, "replay and dismiss letters", "operator") or settled or True
    )


def outside(principal: Principal, *, watches: bool) -> Allowed:
    """What is done outside of a process. `watches`: there is one that the principal may see or do something in."""
    return {
        "deploy": lacks_role(principal, "change definitions", "editor") or True,
        "operate": lacks_role(principal, "operate the platform", "operator") or True,
        "work": lacks_role(principal, "take jobs", "worker") or True,
        "admin": lacks_role(principal, "manage users") or True,
        "monitor": watches or "none of the processes is yours to watch",
    }
