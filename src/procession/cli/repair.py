"""procession retry, set-variables"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.data import read_object
from procession.cli.operations import Reason
from procession.cli.session import Session, command
from procession.cli.start import show
from procession.cli.status import Instance


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("retry")(retry)
    app.command("set-variables")(set_variables)


@command(acting=True)
def retry(
    session: Session,
    instance: Instance,
    token: Annotated[
        str | None, typer.Option("--token", metavar="T", help="Only this token; all that cannot go on.")
    ] = None,
    retries: Annotated[int, typer.Option("--retries", min=1, help="New tries for a job.")] = 1,
    reason: Reason = "",
) -> None:
    """Try again where an instance could not go on."""
    show(session, session.engine().retry(instance, token, retries=retries, reason=reason))


@command(acting=True)
def set_variables(
    session: Session,
    instance: Instance,
    data: Annotated[
        str, typer.Option("--data", metavar="JSON|@FILE|-", help="A JSON merge patch: null removes a variable.")
    ],
    reason: Reason = "",
) -> None:
    """Change the data of an instance."""
    patch = read_object(data)
    show(session, session.engine().set_variables(instance, patch, reason))
