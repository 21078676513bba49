"""What every reader needs: the ids of the file, its extension elements, its expressions and their errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from procession.bpmn.names import BPMN, LATER, PROCESSION, VENDORS, ZEEBE
from procession.bpmn.report import Report
from procession.bpmn.standard import VALUES
from procession.bpmn.xml import Element, elements_in, name_of, namespace_of, text_of
from procession.definition import Expression, Value
from procession.errors import ExpressionError
from procession.feel import compile_expression

JUEL = re.compile(r"[$#]\{([^{}]*)\}")
PLAIN = re.compile(r"[$#]\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\}", re.ASCII)
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)', re.DOTALL)
OPERATORS = ((r"&&", " and "), (r"\|\|", " or "), (r"==", "="), (r"!(?!=)\s*(\w+)", r"not(\1)"))


class Reading:
    """One file while it is read."""

    def __init__(self, root: Element, report: Report) -> None:
        self.root = root
        self.report = report
        self.language = root.get("expressionLanguage", "")
        self.by_id: dict[str, Element] = {}
        self.duplicates: list[Element] = []
        for element in root.iter(f"{{{BPMN}}}*"):
            if identity := element.get("id"):
                if identity in self.by_id:
                    self.duplicates.append(element)
                else:
                    self.by_id[identity] = element

    # -- structure ------------------------------------------------------------------------------------------------

    def child(self, element: Element, name: str) -> Element | None:
        """The first child of that name in the BPMN namespace."""
        return element.find(f"{{{BPMN}}}{name}")

    def documentation(self, element: Element) -> str:
        """What is written about an element for people."""
        texts = (text_of(child) for child in element.iterchildren(f"{{{BPMN}}}documentation"))
        return "\n\n".join(text for text in texts if text)

    def refer(self, reference: str | None, kind: str) -> Element | None:
        """What a reference (perhaps with a prefix) leads to, when it is of that kind."""
        if not reference:
            return None
        found = self.by_id.get(reference)
        if found is None:
            found = self.by_id.get(reference.rpartition(":")[2])
        return found if found is not None and name_of(found) == kind else None

    def extensions(self, element: Element, namespace: str, name: str = "*") -> Iterator[Element]:
        """The extension elements of that name that stand directly in an element."""
        for container in element.iterchildren(f"{{{BPMN}}}extensionElements"):
            yield from container.iterchildren(f"{{{namespace}}}{name}")

    def zeebe(self, element: Element, name: str) -> Element | None:
        """The first `zeebe:` extension element of that name."""
        return next(self.extensions(element, ZEEBE, name), None)

    def own(self, element: Element, name: str) -> Element | None:
        """The first `procession:` extension element of that name."""
        return next(self.extensions(element, PROCESSION, name), None)

    def own_attribute(self, element: Element, name: str) -> str | None:
        """A `procession:` attribute of a BPMN element."""
        found: str | None = element.get(f"{{{PROCESSION}}}{name}")
        return found

    def vendor(self, element: Element, name: str) -> str | None:
        """A `camunda:`, `operaton:`, `flowable:` or `activiti:` attribute with a plain meaning."""
        found: list[str] = [value for ns in VENDORS if (value := element.get(f"{{{ns}}}{name}")) is not None]
        return found[0] if found else None

    def event_definitions(self, element: Element) -> list[Element]:
        """The event definitions in an event, those that are not executable yet included."""
        return [
            child
            for child in elements_in(element)
            if namespace_of(child) == BPMN and name_of(child).endswith(("EventDefinition", "eventDefinitionRef"))
        ]

    def is_later(self, element: Element) -> bool:
        """Whether an element is known and was already reported as not executable yet."""
        return name_of(element) in LATER

    def flag(self, element: Element, name: str, default: bool) -> bool:
        """An attribute that is true or false."""
        text = element.get(name)
        if text is None:
            return default
        if text.strip() in ("true", "1", "false", "0"):
            return text.strip() in ("true", "1")
        if name not in VALUES:  # those of the standard are checked with the vocabulary
            self.report.error(
                "attribute", element, f"The attribute '{_short(name)}' is '{text}'.", "It is either 'true' or 'false'."
            )
        return default

    # -- expressions ----------------------------------------------------------------------------------------------

    def compile(self, element: Element, text: str, what: str) -> Expression | None:
        """A FEEL text (without its `=`) compiled; what does not parse becomes a problem."""
        if JUEL.search(text) and self._juel(element, text, what):
            return None
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            where = f"line {error.line}, column {error.column} of '{text}'"
            message = f"{what} does not parse: {error.message.rstrip('.')} ({where})."
            self.report.error("expression", element, message, error.hint)
            return None
        for reason in expression.warnings:  # known to be null whatever the data: it would be found at night
            where = f"line {reason.line}, column {reason.column} of '{text}'"
            message = f"{what} can never have a value: {reason.message.rstrip('.')} ({where})."
            self.report.error(
                "expression", element, message, "Call a function of FEEL with the arguments that it takes."
            )
        return expression

    def expression(self, element: Element, text: str | None, what: str) -> Expression | None:
        """An attribute or text that is always FEEL, with or without its `=`."""
        if text is None or not text.strip():
            return None
        return self.compile(element, text.strip().removeprefix("=").strip(), what)

    def value(self, element: Element, text: str | None, what: str) -> Value | None:
        """An attribute that is FEEL with a leading `=` and a fixed text without it."""
        if text is None or not text.strip():
            return None
        if text.lstrip().startswith("="):
            return self.expression(element, text, what)
        if JUEL.search(text) and self._juel(element, text, what):
            return None
        return text.strip()

    def translated(self, element: Element, text: str | None, what: str) -> Value | None:
        """An attribute of another engine: `${order.owner}`, also within a text, has a plain meaning; other code has none."""
        if text and PLAIN.search(text) and "{" not in PLAIN.sub("", text):
            return self.expression(element, in_feel(PLAIN.sub(_counted_from_one, text)), what)
        return self.value(element, text, what)

    def literal(self, element: Element, text: str, what: str) -> Expression | None:
        """A value as an expression: a fixed text becomes a FEEL string."""
        found = self.value(element, text, what)
        if isinstance(found, str) or not text.strip():
            return compile_expression(json.dumps(text.strip(), ensure_ascii=False))
        return found

    def formal(self, element: Element, what: str) -> Expression | None:
        """A BPMN expression element (`conditionExpression` and its like)."""
        text = text_of(element)
        language = element.get("language", "")
        if not text.removeprefix("=").strip():
            self.report.error("expression", element, f"{what} is empty.", "Write a FEEL expression, or remove it.")
            return None
        if not text.startswith("=") and language and not is_feel(language):
            self.report.error(
                "expression",
                element,
                f"{what} is written in '{language}'; only FEEL is executed.",
                f"Translate it to FEEL and write it with a leading '=': {in_feel(text)}",
            )
            return None
        return self.expression(element, text, what)

    def _juel(self, element: Element, text: str, what: str) -> bool:
        """Report a `${…}` text, unless the marks stand inside a FEEL string."""
        if '"' in text and not JUEL.search(STRINGS.sub("", text)):
            return False
        self.report.error("expression", element, f"{what} is not FEEL: '{text}'.", f"Write it as FEEL: {in_feel(text)}")
        return True


def is_feel(language: str) -> bool:
    """Whether the name or address of a language means FEEL."""
    return "feel" in language.lower()


def in_feel(text: str) -> str:
    """How a `${…}` expression would probably read in FEEL."""
    text = text.strip()
    texts_and_codes = JUEL.split(text)
    if len(texts_and_codes) == 1 or text.startswith("="):
        return "= " + _code(JUEL.sub(r"\1", text)).lstrip("= ")
    if texts_and_codes[0] == texts_and_codes[-1] == "" and len(texts_and_codes) == 3:
        return "= " + _code(texts_and_codes[1])
    return "= " + " + ".join(
        f"string({_code(part)})" if number % 2 else json.dumps(part, ensure_ascii=False)
        for number, part in enumerate(texts_and_codes)
        if part
    )


def _code(text: str) -> str:
    for pattern, replacement in OPERATORS:
        text = re.sub(pattern, replacement, text)
    return " ".join(text.split())


def _counted_from_one(name: re.Match[str]) -> str:
    """Other engines count the instances of a loop from 0."""
    return "${(loopCounter - 1)}" if name[1] == "loopCounter" else name[0]


def _short(name: str) -> str:
    return name.rpartition("}")[2]
