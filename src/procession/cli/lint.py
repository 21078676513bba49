"""procession lint"""

from __future__ import annotations

from typing import Annotated

import typer

from procession.cli.data import read_file
from procession.cli.failures import REFUSED, problem_document, problem_line
from procession.cli.session import Session, command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint")(lint)


@command()
def lint(session: Session, files: Annotated[list[str], typer.Argument(metavar="FILE...")]) -> None:
    """Say everything that is wrong with BPMN files. Exit code 1 if they would be refused."""
    from procession.bpmn import lint as check

    problems = [problem for file in files for problem in check(read_file(file), file)]
    errors = sum(problem.severity == "error" for problem in problems)
    if session.json:
        session.document({"problems": [problem_document(problem) for problem in problems]})
    else:
        for problem in problems:
            typer.echo(problem_line(problem))
        typer.echo(_summary(len(files), errors, len(problems) - errors))
    if errors:
        raise typer.Exit(REFUSED)


def _summary(files: int, errors: int, warnings: int) -> str:
    def count(number: int, word: str) -> str:
        return f"{number} {word}" if number == 1 else f"{number} {word}s"

    return f"{count(files, 'file')}: {count(errors, 'error')}, {count(warnings, 'warning')}"
