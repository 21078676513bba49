"""procession version"""

from __future__ import annotations

import sys

import typer

from procession.cli.session import Session, command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version")(version)


def number_of_version() -> str:
    """Of the package that runs."""
    return str(vars(sys.modules["procession"])["__version__"])


@command()
def version(session: Session) -> None:
    """Show the version."""
    number = number_of_version()
    if session.json:
        session.document({"version": number})
    else:
        typer.echo(f"procession {number}")
