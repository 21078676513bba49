"""What people do: find tasks, take them, hand them on, complete them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from procession.api.asking import answered, listed
from procession.api.fields import Instance, Node, Process, Text
from procession.api.operations import Answer, Body, Call, Many, PageQuery, operation
from procession.definition.iso8601 import format_instant
from procession.engine import commands as c
from procession.engine.codec import encode
from procession.runtime import checks
from procession.runtime.asks import Ask
from procession.runtime.views import DraftView, InstanceView, Page, TaskFormView, TaskView
from procession.storage import DraftRow, TaskFilter

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


class Draft(Body):
    """What somebody has typed."""

    variables: Annotated[dict[str, Any], Meta(description="As far as it goes: as the body of a completion.")]


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


@operation("GET", "/api/tasks/{task}/form", tag="tasks", answers=TaskFormView, refusals=(403, 404))
async def get_task_form(call: Call) -> TaskFormView:
    """What a screen of an open task needs: its form, the data that it sees, and one's own draft.

    The schema is the task's form, else the data model. The server holds a completion against the form, whoever sends it.
    """
    return await call.read(call.queries.task_form(_id(call)))


@operation("PUT", "/api/tasks/{task}/draft", tag="tasks", body=Draft, answers=DraftView, refusals=(403, 404))
async def put_draft(call: Call) -> DraftView:
    """Keep what one has typed for an open task and not sent yet.

    One draft for each task and user, theirs alone: it is not checked, is not data of the process, stays when the task is given to
    somebody else, and goes with the task.
    """
    task, data = _id(call), checks.own_document(call.body.variables)
    await call.read(call.queries.check_task(task))
    draft = DraftRow(task, call.principal.name, encode(data), call.node.clock.now())
    if not await call.node.alone(call.node.storage.put_draft(draft)):
        await call.read(call.queries.check_task(task))  # it was done meanwhile
    return DraftView(draft_date=format_instant(draft.saved))


@operation("DELETE", "/api/tasks/{task}/draft", tag="tasks", status=204, refusals=(403, 404))
async def remove_draft(call: Call) -> Answer:
    """Throw away what one has typed for an open task, if there is anything."""
    task = _id(call)
    await call.read(call.queries.check_task(task))
    await call.node.alone(call.node.storage.remove_draft(task, call.principal.name))
    return Answer(None, 204)


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

    Where the task has a form, what it sees and what is sent must fit together: 422, with a pointer to everything that does not.
    Answers after the commit, when the instance waits again or has ended. A task that is done already is 404.
    """
    variables = checks.own_document(call.body.variables)
    return await answered(call, Ask(c.CompleteTask(_id(call), variables), call.principal))


async def _then_task(call: Call, command: c.Command) -> TaskView:
    await call.ask(Ask(command, call.principal))
    return await call.read(call.queries.task_after(_id(call)))


def _id(call: Call) -> int:
    return checks.identity(call.path["task"], "Task")
