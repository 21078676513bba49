"""procession status, history"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.session import Session, command, readable
from procession.cli.start import show
from procession.cli.waits import moment

if TYPE_CHECKING:
    from procession.runtime.views import HistoryView

Instance = Annotated[str, typer.Argument(metavar="ID", help="The instance.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status")(status)
    app.command("history")(history)


@command(acting=True)
def status(session: Session, instance: Instance) -> None:
    """Show everything about an instance: status, tokens, what it waits for, data, exceptions."""
    view = session.engine().instance(instance)
    show(session, view)
    if session.json:
        return
    key = f", business key {view.business_key}" if view.business_key else ""
    typer.echo(f"Started {moment(view.date_started)} by {view.started_by}{key}")
    if view.date_ended:
        typer.echo(f"Ended {moment(view.date_ended)}")
    if view.parent:
        typer.echo(f"Called by instance {view.parent}")
    if view.tokens:
        typer.echo("Tokens")
        for token in view.tokens:
            parent = f", child of {token.parent_token_id}" if token.parent_token_id else ""
            typer.echo(f"  {token.id}: {token.state} on {token.current_node_name}{parent}")
    for exception in view.exceptions:
        typer.echo(f"Exception on {exception.node}: {exception.message}")
        if exception.details:
            typer.echo("  " + exception.details.replace("\n", "\n  "))
    typer.echo("Variables " + readable(view.variables))


@command(acting=True)
def history(session: Session, instance: Instance) -> None:
    """Tell what happened to an instance, step by step."""
    engine = session.engine()
    if session.json:
        rows: list[HistoryView] = []
        while more := engine.history(instance, rows[-1].position if rows else 0):
            rows += more
        session.items(rows)
        return
    from procession.cli.live import Chronicle

    for depth, line in Chronicle(engine, instance).news():
        typer.echo("    " * depth + str(line))
