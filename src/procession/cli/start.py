"""procession start, follow"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.data import read_object
from procession.cli.failures import REFUSED
from procession.cli.session import Session, command
from procession.cli.waits import reason

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.runtime.views import InstanceView


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("start")(start)
    app.command("follow")(follow)


@command(acting=True)
def start(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The process id.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON|@FILE|-", help="The first variables, a JSON object.")
    ] = None,
    start_condition: Annotated[
        str | None, typer.Option("--start-condition", metavar="X", help="Which of several start events.")
    ] = None,
    business_key: Annotated[
        str | None, typer.Option("--business-key", metavar="K", help="The business's name for it.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="K", help="The same key again starts nothing new.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show what happens until it ends (Ctrl-C leaves).")] = False,
) -> None:
    """Start an instance of a published process; it runs to its first wait."""
    variables = read_object(data)
    engine = session.engine()
    view = engine.start(
        name,
        variables,
        start_condition=start_condition,
        business_key=business_key,
        idempotency_key=idempotency_key,
    )
    if follow:
        _follow(session, engine, view)
    else:
        show(session, view)


@command(acting=True)
def follow(session: Session, instance: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show what an instance did and does, until it ends (Ctrl-C leaves)."""
    engine = session.engine()
    _follow(session, engine, engine.instance(instance))


def _follow(session: Session, engine: Engine, view: InstanceView) -> None:
    from procession.cli import live
    from procession.engine.state import FINISHED, LIVE

    if session.json:  # one document, so only the end of it
        import time

        while view.state in LIVE:
            time.sleep(live.LOOK_EVERY)
            view = engine.instance(view.id)
        session.document(view)
    else:
        view = live.follow(engine, view.id)
        if view.state in LIVE:
            typer.echo(f"Instance {view.id} goes on without you. Look again: procession follow {view.id}")
    if view.state not in LIVE and view.state != FINISHED:
        raise typer.Exit(REFUSED)


def show(session: Session, view: InstanceView) -> None:
    """The instance in a few lines: its status, and what it waits for."""
    if session.json:
        session.document(view)
        return
    typer.echo(f"{view.process_definition_name} version {view.version}, instance {view.id}: {view.state}")
    names = {token.id: token.current_node_name for token in view.tokens}
    for wait in view.waits:
        node = names.get(str(wait.get("token"))) or wait.get("node") or "the instance"
        if wait.get("kind") != "expiry":
            typer.echo(f"  {node} waits for {reason(wait)}")
