"""What people do: find tasks, take them, hand them on, complete them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from procession.api.asking import answered, listed
from procession.api.fields import Instance, Node, Process, Text
from procession.api.operations import Answer, Body, Call, Many, PageQuery, operation
from procession.engine import commands as c
from procession.runtime import checks
from procession.runtime.asks import Ask
from procession.runtime.views import InstanceView, Page, TaskView
from procession.storage import TaskFilter

REFUSALS = (403, 404, 409)


class TaskQuery(PageQuery):
    """Which tasks."""

    scope: Annotated[
        Literal["mine", "free", "all"], Meta(description="Assigned to me, mine to take, all that I may see.")
    ] = "all"
    instance: Instance | None = None
    definition: Process | None = None
    node: Node | None = None
    sort: Annotated[
        Literal["newest", "due"],
        Meta(description="due: the soonest due date first, then those without one, newest first."),
    ] = "newest"
    q: Annotated[
        Text | None,
        Meta(description="Part of the name, of the process or of the business key, as the reader sees them."),
    ] = None
    cursor: Annotated[
        Annotated[str, Meta(pattern=r"^(-?[0-9]{1,19}\.)?[0-9]{1,19}$")] | None,
        Meta(description="The `next` of the part before, with the same `sort`."),
    ] = None


class Assign(Body):
    """Whose the task is to be."""

    assignee: Annotated[Text | None, Meta(description="The name of a user; null: nobody.")]


class Complete(Body):
    """The result of the work."""

    variables: Annotated[dict[str, Any], Meta(description="Merged into the data of the process.")] = {}


@operation("GET", "/api/tasks", tag="tasks", answers=Many(TaskView), query=TaskQuery, refusals=(404,))
async def list_tasks(call: Call) -> Answer | Page[Any]:
    """Open tasks, newest or most urgent first."""
    query: TaskQuery = call.query
    where = TaskFilter(
        instance=None if query.instance is None else checks.identity(query.instance, "Process instance"),
        definition=checks.maybe_text(query.definition, "definition"),
        node=checks.maybe_text(query.node, "node"),
    )
    text = checks.maybe_text(query.q, "q")
    question = call.queries.tasks(query.scope, where, query.limit, query.cursor, sort=query.sort, text=text)
    return await listed(call, question)


@operation("GET", "/api/tasks/{task}", tag="tasks", answers=TaskView, refusals=(404,))
async def get_task(call: Call) -> TaskView:
    """An open task."""
    return await call.read(call.queries.task(_id(call)))


@operation("POST", "/api/tasks/{task}/claim", tag="tasks", answers=TaskView, refusals=REFUSALS)
async def claim_task(call: Call) -> TaskView:
    """Take a task."""
    return await _then_task(call, c.ClaimTask(_id(call)))


@operation("POST", "/api/tasks/{task}/unclaim", tag="tasks", answers=TaskView, refusals=REFUSALS)
async def unclaim_task(call: Call) -> TaskView:
    """Give a task back."""
    return await _then_task(call, c.ReleaseTask(_id(call)))


@operation("POST", "/api/tasks/{task}/assign", tag="tasks", body=Assign, answers=TaskView, refusals=REFUSALS)
async def assign_task(call: Call) -> TaskView:
    """Give a task to somebody, or to nobody."""
    assignee = checks.maybe_text(call.body.assignee, "The user")
    return await _then_task(call, c.AssignTask(_id(call), assignee))


@operation(
    "POST", "/api/tasks/{task}/complete", tag="tasks", body=Complete, body_required=False, answers=InstanceView,
    refusals=REFUSALS,
)  # fmt: skip
async def complete_task(call: Call) -> InstanceView:
    """Finish a task with its result.

    Answers after the commit, when the instance waits again or has ended. A task that is done already is 404.
    """
    variables = checks.own_document(call.body.variables)
    return await answered(call, Ask(c.CompleteTask(_id(call), variables), call.principal))


async def _then_task(call: Call, command: c.Command) -> TaskView:
    await call.node.ask(Ask(command, call.principal))
    return await call.read(call.queries.task_after(_id(call)))


def _id(call: Call) -> int:
    return checks.identity(call.path["task"], "Task")
