"""procession message"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.data import read_object
from procession.cli.session import Session, command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("message")(message)


@command(acting=True)
def message(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The message's name.")],
    key: Annotated[str | None, typer.Option("--key", metavar="K", help="The correlation key.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON|@FILE|-", help="What it brings, a JSON object.")
    ] = None,
    message_id: Annotated[
        str | None, typer.Option("--message-id", metavar="ID", help="A repetition is dropped.")
    ] = None,
    ttl: Annotated[
        float, typer.Option("--ttl", metavar="SECONDS", help="How long it is kept if nobody waits yet.")
    ] = 3600,
) -> None:
    """Publish a BPMN message."""
    variables = read_object(data)
    view = session.engine().publish_message(name, key, variables, message_id=message_id, ttl=ttl)
    if session.json:
        session.document(view)
    elif view.duplicate:
        typer.echo(f"Message '{name}' {message_id} came before; nothing happened.")
    elif view.instances:
        typer.echo(f"Message '{name}' was received by instance {', '.join(view.instances)}.")
    elif view.buffered:
        typer.echo(f"Nobody waits for the message '{name}' yet; it is kept for {ttl:g} seconds.")
    else:
        typer.echo(f"Nobody waits for the message '{name}', and it is not kept.")
