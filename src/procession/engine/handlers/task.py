"""What people do with user tasks."""

from __future__ import annotations

from procession.definition import ProcessDefinition
from procession.engine import events as e
from procession.engine.access import Principal, permission, refuse
from procession.engine.behaviors.activity import accept
from procession.engine.commands import AssignTask, ClaimTask, CompleteTask, ReleaseTask
from procession.engine.handlers.common import refuse_held, refuse_masks, refuse_misfit, require, waiting
from procession.engine.state import UserTaskItem, merge
from procession.engine.step import Step
from procession.errors import CommandRejected

GIVING = ("assign", "unassign")


def candidate(principal: Principal, task: UserTaskItem) -> str | None:
    """None where the task is for the principal, else why not. A task that names nobody is for everybody of its lane."""
    if principal.admin or not (task.groups or task.users):
        return None
    if principal.name in task.users or principal.roles & set(task.groups):
        return None
    return f"the task is for {', '.join((*task.groups, *task.users))}"


def may_complete(principal: Principal, definition: ProcessDefinition, task: UserTaskItem) -> str | None:
    """None where the principal may complete the task now, else why not."""
    if task.assignee is not None and task.assignee != principal.name and not principal.admin:
        return f"the task is assigned to {task.assignee}"
    if task.assignee == principal.name:
        return permission(principal, definition, "execute", task.lane or "")
    return permission(principal, definition, "execute", task.lane or "") or candidate(principal, task)


def may_claim(principal: Principal, definition: ProcessDefinition, task: UserTaskItem) -> str | None:
    """None where the principal may take the task, else why not."""
    if task.assignee is not None and task.assignee != principal.name:
        return f"the task is assigned to {task.assignee}"
    reason = permission(principal, definition, "selfAssign", task.lane or "")
    if (
        reason is not None
        and definition.guarded
        and permission(principal, definition, "execute", task.lane or "") is None
    ):
        grants = [lane.access for lane in definition.lanes.values() if lane.id == task.lane or lane.name == task.lane]
        if not any("selfAssign" in access for access in grants):
            reason = None  # a lane that says nothing of selfAssign lets those take a task who may do it
    return reason or candidate(principal, task)


def may_see(principal: Principal, definition: ProcessDefinition, task: UserTaskItem) -> bool:
    """Whether the principal finds the task: it is theirs, theirs to take or to give, or of a lane that they may see.

    One that names somebody is found by those, and by operators.
    """
    if task.assignee == principal.name or may_claim(principal, definition, task) is None:
        return True
    lane = task.lane or ""
    if definition.guarded and any(permission(principal, definition, each, lane) is None for each in GIVING):
        return True
    if permission(principal, definition, "view", lane) is not None:
        return False
    return "operator" in principal.roles or candidate(principal, task) is None


def claim_task(step: Step, command: ClaimTask, principal: Principal) -> None:
    refuse_held(step)
    task = waiting(step, command.task, UserTaskItem, "Task")
    if task.assignee is not None and task.assignee != principal.name:
        raise CommandRejected(
            409, "Task is assigned.", f"It is assigned to {task.assignee}.", key="error.state.task_assigned"
        )
    refuse(principal, may_claim(principal, step.definition, task))
    if task.assignee != principal.name:
        step.record(e.TaskAssigned(task.id, task.token, principal.name))


def release_task(step: Step, command: ReleaseTask, principal: Principal) -> None:
    refuse_held(step)
    task = waiting(step, command.task, UserTaskItem, "Task")
    if task.assignee is None:
        raise CommandRejected(409, "Task is not assigned.", "Nobody has taken it.", key="error.state.task_free")
    if task.assignee != principal.name:
        require(step, principal, "unassign", task.lane or "")
    step.record(e.TaskAssigned(task.id, task.token, None))


def assign_task(step: Step, command: AssignTask, principal: Principal) -> None:
    refuse_held(step)
    task = waiting(step, command.task, UserTaskItem, "Task")
    require(step, principal, "assign" if command.assignee is not None else "unassign", task.lane or "")
    if task.assignee != command.assignee:
        step.record(e.TaskAssigned(task.id, task.token, command.assignee))


def complete_task(step: Step, command: CompleteTask, principal: Principal) -> None:
    refuse_held(step)
    task = waiting(step, command.task, UserTaskItem, "Task")
    refuse(principal, may_complete(principal, step.definition, task))
    refuse_masks(step.definition, command.variables, "/variables")
    token = step.state.tokens[task.token]
    node = step.nodes[token.node]
    form = step.definition.form(node)
    if form is not None:
        view = step.view(token)
        seen = {name: view[name] for name in form.names if name in view}
        refuse_misfit(form, merge(seen, command.variables), "/variables")
    step.record(e.TaskCompleted(task.id, token.id, principal.name))
    accept(step, token, node, command.variables)
    step.ready.append(token)
