"""procession hold, unhold, terminate, dismiss, clean-up"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from procession.cli.session import Session, command
from procession.cli.start import show
from procession.cli.status import Instance

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the history.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (hold, unhold, terminate, dismiss):
        app.command(function.__name__)(function)
    app.command("clean-up")(clean_up)


@command(acting=True)
def hold(session: Session, instance: Instance, reason: Reason = "") -> None:
    """Pause an instance and what it called."""
    show(session, session.engine().hold(instance, reason))


@command(acting=True)
def unhold(session: Session, instance: Instance, reason: Reason = "") -> None:
    """Let a paused instance go on."""
    show(session, session.engine().unhold(instance, reason))


@command(acting=True)
def terminate(session: Session, instance: Instance, reason: Reason = "") -> None:
    """End an instance at once."""
    show(session, session.engine().terminate(instance, reason))


@command(acting=True)
def dismiss(session: Session, instance: Instance, reason: Reason = "") -> None:
    """End a called instance; its caller goes on without a result."""
    show(session, session.engine().dismiss(instance, reason))


@command(acting=True)
def clean_up(
    session: Session,
    days: Annotated[float, typer.Option("--days", min=0, help="Started longer ago than this.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 1000,
) -> None:
    """End forgotten instances as FAILED: all that were started so long ago and still run."""
    count = session.engine().clean_up(timedelta(days=days), limit)
    if session.json:
        session.document({"failed": count})
    else:
        typer.echo(f"{count} ended as FAILED.")
