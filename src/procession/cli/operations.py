"""procession hold, unhold, terminate, dismiss"""

from __future__ import annotations

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
