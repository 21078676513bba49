"""procession definitions"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.session import Session, command
from procession.cli.tables import table
from procession.cli.waits import moment


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("definitions")(definitions)


@command(acting=True)
def definitions(session: Session, name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None) -> None:
    """List the processes in the store, with their versions."""
    found = session.engine().definitions(name)
    if session.json:
        session.items(found)
        return
    table(
        ("name", "version", "state", "title", "deployed"),
        [(d.name, str(d.version), d.state, d.title, moment(d.date_deployed)) for d in found],
        "No process was deployed yet.",
    )
