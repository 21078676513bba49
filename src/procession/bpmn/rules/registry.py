"""What a rule is, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from procession.bpmn.drawing import Drawing
from procession.bpmn.reading import Reading
from procession.bpmn.xml import Element


@dataclass(frozen=True, slots=True)
class Voice:
    """How a rule speaks: its findings carry its name."""

    reading: Reading
    rule: str

    def error(self, element: Element, message: str, hint: str = "") -> None:
        """Something that refuses the file."""
        self.reading.report.error(self.rule, element, message, hint)

    def warn(self, element: Element, message: str, hint: str = "") -> None:
        """Something that refuses nothing."""
        self.reading.report.warn(self.rule, element, message, hint)


Check = Callable[[Drawing, Voice], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A validator: its name, the sentence that it enforces, and how."""

    name: str
    sentence: str
    check: Check


RULES: dict[str, Rule] = {}
"""Every rule about one process, by name."""


def rule(name: str) -> Callable[[Check], Check]:
    """Register a function as the rule of that name; its docstring is the sentence."""

    def register(check: Check) -> Check:
        RULES[name] = Rule(name, check.__doc__ or "", check)
        return check

    return register
