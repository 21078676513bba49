"""What can go wrong, sorted by whose problem it is.

    ProcessionError
    ├── CommandRejected     the caller's: nothing was written (HTTP 4xx)
    ├── InvalidDefinition   the modeler's: every problem of a process file at once (HTTP 422)
    ├── ExpressionError     an expression that does not parse (becomes a problem of its file)
    └── StorageError        the store's: busy, full, damaged, too new (HTTP 503)

A process that cannot go on is none of these: it is an incident in its history, and an operator repairs it. Any other
exception is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class ProcessionError(Exception):
    """Root of everything raised on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a process file, where, and what to do about it."""

    file: str
    line: int | None
    element: str | None
    message: str
    hint: str = ""
    severity: str = "error"  # or "warning", which does not refuse the file

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        who = f" [{self.element}]" if self.element else ""
        what = f"{where}:{who} {self.severity}: {self.message}"
        return f"{what} {self.hint}" if self.hint else what


class InvalidDefinition(ProcessionError):
    """The file was refused; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ExpressionError(ProcessionError):
    """An expression that does not parse: the message, and the place (line and column count from 1)."""

    def __init__(self, message: str, text: str, line: int = 1, column: int = 1, hint: str = "") -> None:
        self.message, self.text, self.line, self.column, self.hint = message, text, line, column, hint
        super().__init__(f"{message} (line {line}, column {column} of {text!r})" + (f" {hint}" if hint else ""))


class CommandRejected(ProcessionError):
    """A request that may not be done now, or not by this principal. Nothing was written.

    `status` is the HTTP status that the edge answers with, `title` the exact text of the contract, `key` the stable
    error key, `extra` further fields of the problem document (such as `missing`).
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        key: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.key = key or "error." + title.rstrip(".").lower().replace(" ", "_").replace(",", "")
        self.extra = dict(extra or {})
        super().__init__(f"{title} {detail}" if detail else title)


class StorageError(ProcessionError):
    """The store could not do it; nothing of the batch was written."""


class VersionConflict(StorageError):
    """Somebody else changed `instances` (or took an idempotency key) since they were read: decide again."""

    def __init__(self, message: str, instances: Collection[int] = ()) -> None:
        self.instances = frozenset(instances)
        super().__init__(message)


class StorageBusy(StorageError):
    """Another process holds the store's write lock for too long."""


class StorageFull(StorageError):
    """The disk is full. Nothing acknowledged was lost; free space and try again."""
