"""What went wrong, told on stderr: one line that begins with `error:`, or a problem document for machines. Exit codes."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from procession.bus import BusError
from procession.errors import CommandRejected, InvalidDefinition, Problem, ProcessionError, StorageError

REFUSED, USAGE, INTERRUPTED = 1, 2, 130
DEBUG = "PROCESSION_DEBUG"


class Usage(ProcessionError):
    """The command was called in a way that cannot work; nothing was tried."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}" if hint else message)


class NotBuiltYet(ProcessionError):
    """A command of the contract that is still to come."""


def exit_code(error: BaseException) -> int:
    """2 for a usage that cannot work, else 1."""
    return USAGE if isinstance(error, Usage) else REFUSED


def document(error: BaseException) -> dict[str, Any]:
    """The problem document of an error (RFC 9457, with the fields of the contract)."""
    if isinstance(error, CommandRejected):
        status, title, detail, key, extra = error.status, error.title, error.detail, error.key, error.extra
    elif isinstance(error, InvalidDefinition):
        status, title, detail, key = 422, "The definition is not valid.", "", "error.definition_not_valid"
        extra = {"problems": [problem_document(problem) for problem in error.problems]}
    elif isinstance(error, StorageError):
        status, title, detail, key, extra = 503, "The store could not do it.", str(error), "error.storage", {}
    elif isinstance(error, BusError):
        status, title, detail, key, extra = 503, "The bus could not do it.", str(error), "error.bus", {}
    elif isinstance(error, Usage):
        status, title, detail, key, extra = 400, "The command cannot work.", str(error), "error.usage", {}
    elif isinstance(error, NotBuiltYet):
        status, title, detail, key, extra = 501, "Not built yet.", str(error), "error.not_built_yet", {}
    else:
        status, title, detail, key, extra = 500, "The command failed.", describe(error), "error.failed", {}
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errorKey": key,
        "defaultMessage": title,
        **extra,
    }


def describe(error: BaseException) -> str:
    """What a person reads after `error:`."""
    if isinstance(error, CommandRejected):
        text = f"{error.title} {error.detail}".strip()
        missing = error.extra.get("missing")
        return f"{text} Missing: {', '.join(map(str, missing))}." if missing and str(missing[0]) not in text else text
    if isinstance(error, InvalidDefinition):
        errors = sum(problem.severity == "error" for problem in error.problems)
        return f"Refused because of {errors} {'problem' if errors == 1 else 'problems'}; nothing was added."
    if isinstance(error, ProcessionError):
        return str(error)
    if isinstance(error, OSError):
        where = f"'{error.filename}': " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return f"{type(error).__name__}: {error} (a defect of procession; set {DEBUG}=1 to see where)"


def problem_document(problem: Problem) -> dict[str, Any]:
    """One problem of a process file, as in the answer 422."""
    return {
        "file": problem.file,
        "line": problem.line,
        "element": problem.element,
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity,
    }


def problem_line(problem: Problem) -> str:
    """`file:line: [element] message hint`, as compilers write it."""
    where = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
    who = f" [{problem.element}]" if problem.element else ""
    word = "warning: " if problem.severity == "warning" else ""
    return f"{where}:{who} {word}{problem.message}" + (f" {problem.hint}" if problem.hint else "")


def tell(error: BaseException, *, machine: bool) -> None:
    """Say on stderr what went wrong."""
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if machine:
        import json

        typer.echo(json.dumps(document(error), ensure_ascii=False), err=True)
        return
    if isinstance(error, InvalidDefinition):
        for problem in error.problems:
            typer.echo(problem_line(problem), err=True)
    typer.echo(f"error: {describe(error)}", err=True)


def guarded(app: typer.Typer) -> int:
    """Run the application, whatever happens; the exit code."""
    try:
        app(standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else (0 if end.code is None else REFUSED)
    except BrokenPipeError:  # `procession instances | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (lives until exit)
        return REFUSED
    return 0
