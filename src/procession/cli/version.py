"""procession version"""

from __future__ import annotations

import typer

from procession.cli.session import Session, command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version")(version)


@command()
def version(session: Session) -> None:
    """Show the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        number = installed("procession")
    except PackageNotFoundError:  # run from a checkout that is not installed
        number = "unknown"
    if session.json:
        session.document({"version": number})
    else:
        typer.echo(f"procession {number}")
