"""procession exceptions"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.session import Session, command
from procession.cli.tables import table
from procession.cli.waits import moment


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("exceptions")(exceptions)


@command(acting=True)
def exceptions(
    session: Session,
    instance: Annotated[str | None, typer.Argument(metavar="[ID]", help="Of this instance; of all.")] = None,
) -> None:
    """List why tokens could not go on, newest first."""
    found = session.engine().exceptions(instance)
    if session.json:
        session.items(found)
        return
    table(
        ("instance", "token", "node", "date", "resolved", "message"),
        [(x.instance, x.token_id, x.node, moment(x.date), moment(x.resolved), x.message) for x in found],
        "There is no exception.",
    )
