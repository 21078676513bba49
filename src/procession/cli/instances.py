"""procession instances"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.session import Session, command
from procession.cli.tables import table
from procession.cli.waits import moment


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("instances")(instances)


@command(acting=True)
def instances(
    session: Session,
    definition: Annotated[str | None, typer.Option("--definition", metavar="NAME", help="Of this process.")] = None,
    status: Annotated[str | None, typer.Option("--status", metavar="STATUS", help="With this status.")] = None,
    business_key: Annotated[str | None, typer.Option("--business-key", metavar="K", help="With this key.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on after the last list ('next').")] = None,
) -> None:
    """List instances, newest first."""
    page = session.engine().instances(
        definition=definition, status=status or (), business_key=business_key, limit=limit, cursor=cursor
    )
    if session.json:
        session.items(page.items, page.next)
        return
    table(
        ("id", "process", "status", "business key", "started", "ended"),
        [
            (
                i.id,
                f"{i.process_definition_name} v{i.version}",
                i.state + (" !" if i.exceptions else ""),
                i.business_key or "",
                moment(i.date_started),
                moment(i.date_ended),
            )
            for i in page.items
        ],
        "No instance is like that.",
    )
    if page.next:
        typer.echo(f"There are more: --cursor {page.next}")
