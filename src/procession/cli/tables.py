"""Lists for people: columns as wide as they need to be, no lines, fit for grep."""

from __future__ import annotations

from collections.abc import Sequence

import typer


def table(head: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Print rows under a heading, or say that there are none."""
    if not rows:
        typer.echo(nothing)
        return
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (tuple(title.upper() for title in head), *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
