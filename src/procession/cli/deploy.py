"""procession deploy, publish, deprecate"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.data import read_file
from procession.cli.session import Session, command
from procession.errors import InvalidDefinition

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
    typed = named(files)
    contents = [(short, read_file(file)) for short, file in typed.items()]
    engine = session.engine()
    with with_typed_names(typed):
        show(session, engine.deploy(*contents, publish=publish))


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


def named(files: Iterable[str]) -> dict[str, str]:
    """The name that the store keeps for each file, without the folders of this machine, and how it was typed."""
    typed: dict[str, str] = {}
    for file in files:
        short = PurePath(file).name
        typed[short if short not in typed else file] = file
    return typed


@contextmanager
def with_typed_names(typed: Mapping[str, str]) -> Iterator[None]:
    """Let problems name the files as they were typed, so that editors find them."""
    try:
        yield
    except InvalidDefinition as error:
        raise InvalidDefinition([replace(p, file=typed.get(p.file, p.file)) for p in error.problems]) from None


def show(session: Session, definitions: list[DefinitionView]) -> None:
    """One line for each definition."""
    if session.json:
        session.items(definitions)
        return
    for definition in definitions:
        typer.echo(f"{definition.name} version {definition.version}: {definition.state}")
