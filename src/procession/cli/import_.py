"""procession import"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.data import read_file
from procession.cli.deploy import named, show, with_typed_names
from procession.cli.session import Session, command

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.cli.bundle import Entry
    from procession.runtime.views import DefinitionView


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


@command(acting=True, creates=True)
def import_(
    session: Session, files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Bundles or BPMN files.")]
) -> None:
    """Add what 'export' wrote: BPMN files as drafts, bundles with the state of every version."""
    from procession.cli.bundle import unpack

    entries: list[Entry] = []
    plain: list[tuple[str, bytes]] = []
    for file in files:
        data = read_file(file)
        if data[:4] == b"PK\x03\x04" or data[:4] == b"PK\x05\x06":
            found, others = unpack(data, file)
            entries += found
            for other in others:
                typer.echo(f"warning: '{other}' in '{file}' is no process file; it was skipped.", err=True)
        else:
            plain.append((file, data))
    typed = named(file for file, _ in plain)
    contents = [(short, data) for short, (_, data) in zip(typed, plain, strict=True)]
    engine = session.engine()
    bundled = {entry.data: PurePosixPath(entry.file).name for entry in entries}  # a file may hold several processes
    with with_typed_names(typed):  # all files of all arguments, or none
        added = engine.deploy(*contents, *((file, data) for data, file in bundled.items()))
    states = [_restore(engine, entry, added) for entry in entries if entry.name and entry.state != "draft"]
    changed = {(view.name, view.version): view for view in states if view is not None}
    show(session, [changed.get((view.name, view.version), view) for view in added])


def _restore(engine: Engine, entry: Entry, added: list[DefinitionView]) -> DefinitionView | None:
    """Give a version the state that it had where it was exported. Entries come oldest first, so the last published one wins."""
    import hashlib

    digest = hashlib.sha256(entry.data).hexdigest()
    for view in added:
        if view.name == entry.name and view.digest == digest:
            if entry.state == "published":
                return engine.publish(view.name, view.version)
            return engine.deprecate(view.name, view.version)
    return None
