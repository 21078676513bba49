"""procession deploy, publish, deprecate"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.failures import Usage
from procession.cli.session import Session, command
from procession.errors import InvalidDefinition

if TYPE_CHECKING:
    from procession.runtime.files import Bundled
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
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="BPMN files; forms beside them are taken along.")
    ],
    publish: Annotated[bool, typer.Option("--publish", help="Publish them too, so that they can be started.")] = False,
) -> None:
    """Add process files: all of them, or none when one has problems. The same files again make no new version."""
    bundle = read_files(files)
    engine = session.engine()
    with with_typed_names(bundle):
        show(session, engine.deploy(*((file.name, file.data) for file in bundle), publish=publish))


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


def read_files(files: Iterable[str]) -> list[Bundled]:
    """Files that were named on the command line, with the forms beside them."""
    from procession.runtime.files import gathered

    try:
        return gathered(dict.fromkeys(files))
    except OSError as error:
        raise Usage(f"Cannot read '{error.filename}': {error.strerror}.") from None


@contextmanager
def with_typed_names(bundle: Iterable[Bundled]) -> Iterator[None]:
    """Let problems name the files by where they were read, so that editors find them."""
    typed = {file.name: str(file.path) for file in bundle if file.path is not None}
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
