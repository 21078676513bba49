"""procession import"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.data import read_file
from procession.cli.deploy import read_files, show, with_typed_names
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
    bundled: dict[str, bytes] = {}  # a file may hold several processes
    plain: list[str] = []
    for number, file in enumerate(files, 1):
        data = read_file(file)
        if data[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
            plain.append(file)
            continue
        found, forms, others = unpack(data, file)
        entries += found
        folder = f"{number}/" if len(files) > 1 else ""  # what is in one file does not mix with what is in others
        bundled.update((folder + entry.file, entry.data) for entry in found)
        bundled.update((folder + name, form) for name, form in forms.items())
        for other in others:
            typer.echo(f"warning: '{other}' in '{file}' is no process file; it was skipped.", err=True)
    named = read_files(plain)
    engine = session.engine()
    with with_typed_names(named):  # all files of all arguments, or none
        added = engine.deploy(*((file.name, file.data) for file in named), *bundled.items())
    states = [_restore(engine, entry, added) for entry in entries if entry.name and entry.state != "draft"]
    changed = {(view.name, view.version): view for view in states if view is not None}
    unique = {(view.name, view.version): changed.get((view.name, view.version), view) for view in added}
    show(session, list(unique.values()))


def _restore(engine: Engine, entry: Entry, added: list[DefinitionView]) -> DefinitionView | None:
    """Give a version the state that it had where it was exported. Entries come oldest first, so the last published one wins."""
    from procession.runtime.definitions import digest_of

    digest = entry.digest or digest_of(entry.data, {})
    for view in added:
        if view.name == entry.name and view.digest == digest:
            if entry.state == "published":
                return engine.publish(view.name, view.version)
            return engine.deprecate(view.name, view.version)
    return None
