"""Answers the public lint suite: is a model sound BPMN? What only this engine asks for does not count.

bpmn_lint.py --repos FOLDER --adapter tests.conformance.bpmn_lint_adapter:problems
"""

from __future__ import annotations

from procession.bpmn.compile import examine
from procession.bpmn.report import Report

OURS = frozenset(
    {
        "not executable yet",  # sound, but this engine does not run it
        "not executable",  # skipped on purpose
        "no process",  # nothing to run is not unsound
        "without effect",
        "job type",
        "send task",
        "business rule",
        "script",
        "script language",
        "correlation key",
        "expression",  # another language than FEEL
        "start events",
        "start event",
        "implicit start",
        "condition missing",
        "timer without time",
        "multi-instance",
        "boundary in time",
        "message reference",
        "message name",
        "called process",
    }
)
"""The rules that say what this engine needs or runs, rather than what BPMN 2.0 allows."""


def problems(file: str, data: bytes) -> list[str]:
    """Everything that is wrong with a model by the standard."""
    report = Report(file)
    examine(data, report, every=True)
    return [f"{found.rule}: {found.problem}" for found in report.findings if found.rule not in OURS]
