"""procession lint"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from procession.cli.data import read_file
from procession.cli.failures import REFUSED, problem_document, problem_line
from procession.cli.session import Session, command
from procession.errors import Problem


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint")(lint)


@command()
def lint(session: Session, files: Annotated[list[str], typer.Argument(metavar="FILE...")]) -> None:
    """Say everything that is wrong with BPMN files, and the forms beside them. Exit code 1 if they would be refused."""
    problems = [problem for file in files for problem in _problems(file)]
    errors = sum(problem.severity == "error" for problem in problems)
    if session.json:
        session.document({"problems": [problem_document(problem) for problem in problems]})
    else:
        for problem in problems:
            typer.echo(problem_line(problem))
        typer.echo(_summary(len(files), errors, len(problems) - errors))
    if errors:
        raise typer.Exit(REFUSED)


def _problems(file: str) -> Iterator[Problem]:
    """Of a process file, and of the forms beside it."""
    from procession.bpmn import form_references, lint
    from procession.definition.forms import FormError, read_form, valid
    from procession.runtime.files import forms_beside

    data, path = read_file(file), Path(file)
    yield from lint(data, file)
    beside = forms_beside(path, data)
    for key in form_references(data):
        if key not in beside:
            message = f"The form '{key}' is not beside the file: nothing is checked, and screens are drawn from the data model."
            yield Problem(file, None, None, message, "Put it there, or add it with the process.", "warning")
            continue
        try:
            valid(read_form(key, read_file(str(beside[key]))))
        except FormError as error:
            yield Problem(str(beside[key]), None, None, error.message, error.hint)


def _summary(files: int, errors: int, warnings: int) -> str:
    def count(number: int, word: str) -> str:
        return f"{number} {word}" if number == 1 else f"{number} {word}s"

    return f"{count(files, 'file')}: {count(errors, 'error')}, {count(warnings, 'warning')}"
