"""Who may do what: `permission` decides it inside of a process, `lacks_role` for what is done outside of one.

A process in which no lane sets access is open to every logged-in user. One that sets any access denies what no lane allows.
The role `admin` may do everything; `operator` may see and repair everything, but does no work in a lane. `editor` changes
definitions, `worker` does jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

from procession.definition import ProcessDefinition
from procession.errors import CommandRejected

REPAIR = frozenset({"repair", "terminate"})
"""Operations that no lane grants: changing data, retrying, ending."""

WORDS = {
    "view": "look",
    "execute": "work",
    "selfAssign": "take tasks",
    "assign": "give tasks to people",
    "unassign": "take tasks back",
    "hold": "put work on hold",
    "unhold": "resume work",
    "repair": "repair",
    "terminate": "end",
}
"""What people call the operations."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a name and roles. `system` is the engine itself or the program that embeds it."""

    name: str
    roles: frozenset[str] = frozenset()
    system: bool = False

    @property
    def admin(self) -> bool:
        """Whether everything is allowed."""
        return self.system or "admin" in self.roles


SYSTEM = Principal("system", frozenset({"admin"}), system=True)


def permission(
    principal: Principal,
    definition: ProcessDefinition,
    operation: str,
    lane: str | None = None,
    *,
    owner: str | None = None,
) -> str | None:
    """None where the principal may do the operation, else the reason why not.

    `lane` is the swimlane of the node that it is done on; None asks whether any lane allows it. `owner` is who started the
    instance: they may see it, and give it up.
    """
    if principal.admin or not definition.guarded:
        return None
    if "operator" in principal.roles and operation in (*REPAIR, "view", "hold", "unhold"):
        return None
    if owner is not None and owner == principal.name and operation in ("view", "terminate"):
        return None
    if operation in REPAIR:
        return f"only operator or admin may {WORDS[operation]} an instance"
    lanes = [definition.lanes[lane]] if lane is not None and lane in definition.lanes else definition.lanes.values()
    wanted = ("view", "execute") if operation == "view" else (operation,)
    if lane is not None and lane not in definition.lanes:
        return f"only admin may {WORDS[operation]} outside of the lanes"
    for candidate in lanes:
        for granted in wanted:
            if principal.roles & candidate.access.get(granted, frozenset()):
                return None
    where = definition.lanes[lane].name if lane is not None else "this process"
    return f"only {_roles(definition, operation, lane)} may {WORDS[operation]} in {where}"


OPERATIONS = ("view", "execute", "selfAssign", "assign", "unassign", "hold", "unhold")
"""What a lane grants."""


def knows(principal: Principal, definition: ProcessDefinition, *, owner: str) -> bool:
    """Whether the principal may learn that an instance is there: by any right in any lane, or as its owner.

    For everybody else it answers as if it were not.
    """
    return any(permission(principal, definition, operation, owner=owner) is None for operation in OPERATIONS)


def granted(definition: ProcessDefinition) -> frozenset[str] | None:
    """The roles by which one `knows` every instance, whoever started it; None: everybody does."""
    if not definition.guarded:
        return None
    accesses = [lane.access for lane in definition.lanes.values()]
    return frozenset(
        role for access in accesses for operation in OPERATIONS for role in access.get(operation, frozenset())
    )


def lacks_role(principal: Principal, what: str, *roles: str) -> str | None:
    """None where the principal has one of the roles or is an administrator, else the reason why `what` is not allowed."""
    if principal.admin or not principal.roles.isdisjoint(roles):
        return None
    return f"only {_either([*roles, 'admin'])} may {what}"


def require_role(principal: Principal, what: str, *roles: str) -> None:
    """Refuse what only these roles, and administrators, may do."""
    refuse(principal, lacks_role(principal, what, *roles))


def refuse(principal: Principal, reason: str | None) -> None:
    """403 with the reason why not, where there is one."""
    if reason is not None:
        raise CommandRejected(403, "Forbidden", f"{principal.name}: {reason}.", key="error.forbidden")


def _roles(definition: ProcessDefinition, operation: str, lane: str | None) -> str:
    lanes = [definition.lanes[lane]] if lane is not None else list(definition.lanes.values())
    return _either(sorted({role for candidate in lanes for role in candidate.access.get(operation, ())}) or ["admin"])


def _either(roles: list[str]) -> str:
    return " or ".join([", ".join(roles[:-1]), roles[-1]] if len(roles) > 1 else roles)
