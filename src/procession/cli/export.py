"""procession export"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from procession.cli.failures import Usage
from procession.cli.session import Session, command
from procession.errors import CommandRejected


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


@command(acting=True)
def export(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The process id; all, as a bundle.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Which version; the newest.")] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; stdout.")] = None,
) -> None:
    """Write the file of a process as it was added, or (to FILE.zip, or with no NAME) a bundle of every version."""
    from procession.cli.bundle import pack

    engine = session.engine()
    if name is not None and (version is not None or not (output or "").endswith(".zip")):
        data = engine.definition_file(name, version)
    else:
        found = engine.definitions(name)
        if not found:
            raise CommandRejected(404, "Process definition not found.", "There is nothing to export.")
        data = pack(engine, found)
        if output is None and sys.stdout.isatty():
            raise Usage("A bundle is a zip, which no terminal can show.", "Say where to: -o bundle.zip.")
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise Usage(f"Cannot write '{output}': {error.strerror}.") from None
    if session.json:
        session.document({"file": output, "bytes": len(data)})
    else:
        typer.echo(f"{output}: {len(data):,} bytes")
