"""procession tasks, claim, release, assign, complete"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.data import read_object
from procession.cli.session import Session, command
from procession.cli.start import show
from procession.cli.tables import table
from procession.cli.waits import moment

if TYPE_CHECKING:
    from procession.runtime.views import TaskView

TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The task.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (tasks, claim, release, assign, complete):
        app.command(function.__name__)(function)


@command(acting=True)
def tasks(
    session: Session,
    scope: Annotated[str, typer.Option("--scope", help="all, mine or free.")] = "all",
    instance: Annotated[str | None, typer.Option("--instance", metavar="ID", help="Of this instance.")] = None,
    definition: Annotated[str | None, typer.Option("--definition", metavar="NAME", help="Of this process.")] = None,
) -> None:
    """List the open tasks of people."""
    page = session.engine().tasks(scope=scope, instance=instance, definition=definition)
    if session.json:
        session.items(page.items, page.next)
        return
    table(
        ("id", "name", "process", "instance", "for", "due"),
        [
            (
                t.id,
                " ".join(t.name.split()),
                t.process_definition_name,
                t.instance,
                t.assignee or ", ".join((*t.candidate_users, *t.candidate_roles)),
                moment(t.due),
            )
            for t in page.items
        ],
        "No task is open.",
    )


@command(acting=True)
def claim(session: Session, task: TaskId) -> None:
    """Take a task."""
    _show(session, session.engine().claim(task))


@command(acting=True)
def release(session: Session, task: TaskId) -> None:
    """Give a task back."""
    _show(session, session.engine().release(task))


@command(acting=True)
def assign(session: Session, task: TaskId, assignee: Annotated[str, typer.Argument(metavar="USER")]) -> None:
    """Give a task to somebody."""
    _show(session, session.engine().assign(task, assignee))


@command(acting=True)
def complete(
    session: Session,
    task: TaskId,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON|@FILE|-", help="What was found, a JSON object.")
    ] = None,
) -> None:
    """Complete a task; the instance goes on to its next wait."""
    variables = read_object(data)
    show(session, session.engine().complete_task(task, variables))


def _show(session: Session, task: TaskView) -> None:
    if session.json:
        session.document(task)
    elif task.assignee:
        typer.echo(f"Task {task.id}, {task.name}: {task.assignee} has it")
    else:
        typer.echo(f"Task {task.id}, {task.name}: nobody has it")
