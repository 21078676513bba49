"""Collects everything that is wrong with a file, so that people see all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from procession.bpmn.xml import Element, line_of
from procession.errors import Problem

MOST = 500
"""More problems than these help nobody; the rest are only counted."""

NOT_YET = "not executable yet"
"""The rule of everything that is sound BPMN which this engine does not run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and the name of the rule that found it."""

    rule: str
    problem: Problem


class Report:
    """The findings of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.failed = False  # whether anything refuses the file
        self._more = 0
        self._seen: set[Problem] = set()

    def error(self, rule: str, element: Element | None, message: str, hint: str = "") -> None:
        """Something that refuses the file."""
        self._add(rule, element, message, hint, "error")

    def warn(self, rule: str, element: Element | None, message: str, hint: str = "") -> None:
        """Something that people should know, and that refuses nothing."""
        self._add(rule, element, message, hint, "warning")

    def not_yet(self, element: Element, what: str, hint: str) -> None:
        """Sound BPMN that this engine does not run."""
        self.error(NOT_YET, element, f"{what} is not executable yet.", hint)

    @property
    def full(self) -> bool:
        """Whether further problems are only counted."""
        return len(self.findings) >= MOST

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything found, errors and warnings, in the order of the file."""
        found = sorted((finding.problem for finding in self.findings), key=lambda problem: problem.line or 0)
        if self._more:
            found.append(Problem(self.file, None, None, f"{self._more:,} more problems are not listed."))
        return tuple(found)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What refuses the file."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What does not."""
        return tuple(problem for problem in self.problems if problem.severity != "error")

    def _add(self, rule: str, element: Element | None, message: str, hint: str, severity: str) -> None:
        line = line_of(element) if element is not None else None
        self.failed = self.failed or severity == "error"
        problem = Problem(self.file, line, _id_near(element), message, hint, severity)
        if problem in self._seen:
            return
        if self.full:
            self._more += 1
            return
        self._seen.add(problem)
        self.findings.append(Finding(rule, problem))


@lru_cache(maxsize=1_000)
def nearest(name: str, known: frozenset[str]) -> str:
    """`Did you mean 'x'?`, or nothing when no known name comes near."""
    if len(name) > 100:
        return ""
    names = {candidate.lower(): candidate for candidate in sorted(known)}
    found = get_close_matches(name.lower(), names, n=1)
    return f"Did you mean '{names[found[0]]}'?" if found else ""


def _id_near(element: Element | None) -> str | None:
    """The id of the element, or of the nearest one around it that has one."""
    while element is not None:
        if found := element.get("id"):
            return str(found)
        element = element.getparent()
    return None
