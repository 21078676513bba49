"""procession migrate-db"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.session import Session, command
from procession.cli.settings import without_password


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate-db")(migrate_db)


@command(creates=True)
def migrate_db(
    session: Session,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Create the store, or bring its schema up to date. (Every command that opens a store does this too.)"""
    todo = session.migrate(dry_run)
    if session.json:
        names = [migration.name for migration in todo]
        session.document({"dryRun": dry_run, "migrations": names})
    elif not todo:
        typer.echo(f"{without_password(session.settings.store)} is up to date.")
    else:
        for migration in todo:
            typer.echo(f"{'would apply' if dry_run else 'applied'} {migration.name}")
