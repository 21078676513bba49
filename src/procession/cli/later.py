"""Commands that are agreed on and still to come."""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.failures import NotBuiltYet
from procession.cli.session import Session, command


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("test")(test)
    app.command("bench")(bench)


@command()
def test(session: Session, folder: Annotated[str, typer.Argument(metavar="DIR")]) -> None:
    """Run the scenarios of a folder (not built yet)."""
    raise NotBuiltYet(f"'test {folder}' is not built yet. Run pytest, with procession.testing.")


@command()
def bench(session: Session) -> None:
    """Measure this machine (not built yet)."""
    raise NotBuiltYet("'bench' is not built yet. Run 'make bench' in a checkout.")
