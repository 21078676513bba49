"""procession deploy, publish, deprecate"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.data import read_file
from procession.cli.session import Session, command

if TYPE_CHECKING:
    from procession.runtime.views import DefinitionView

Name = Annotated[str, typer.Argument(metavar="NAME", help="The process id.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("deploy")(deploy)
    app.command("publish")(publish)
    app.command("deprecate")(deprecate)


@command(acting=True, creates=True)
def deploy(
    session: Session,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="BPMN files.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish them too, so that they can be started.")] = False,
) -> None:
    """Add process files: all of them, or none when one has problems. The same file again makes no new version."""
    contents = [(file, read_file(file)) for file in files]
    show(session, session.engine().deploy(*contents, publish=publish))


@command(acting=True)
def publish(
    session: Session,
    name: Name,
    version: Annotated[int | None, typer.Option("--version", help="Which version; the newest.")] = None,
) -> None:
    """Make a version the one that is started."""
    show(session, [session.engine().publish(name, version)])


@command(acting=True)
def deprecate(
    session: Session, name: Name, version: Annotated[int, typer.Option("--version", help="Which version.")]
) -> None:
    """Let a version be started no more; its instances go on."""
    show(session, [session.engine().deprecate(name, version)])


def show(session: Session, definitions: list[DefinitionView]) -> None:
    """One line for each definition."""
    if session.json:
        session.items(definitions)
        return
    for definition in definitions:
        typer.echo(f"{definition.name} version {definition.version}: {definition.state}")
