"""The whole way from bytes to process definitions, with every problem on it."""

from __future__ import annotations

from dataclasses import dataclass

from procession.bpmn import read_process, validate, vocabulary
from procession.bpmn.drawing import Drawing, draw
from procession.bpmn.extensions import zeebe
from procession.bpmn.names import BPMN
from procession.bpmn.reading import Reading
from procession.bpmn.report import Finding, Report
from procession.bpmn.xml import Element, elements_in, name_of, namespace_of, parse
from procession.definition import ProcessDefinition
from procession.errors import InvalidDefinition, Problem


@dataclass(frozen=True, slots=True)
class BpmnFile:
    """What a file holds: every executable process, what people should know about it, and the bytes as they came."""

    processes: tuple[ProcessDefinition, ...]
    warnings: tuple[Problem, ...]
    data: bytes


def read_bpmn(data: bytes, file: str = "process.bpmn") -> BpmnFile:
    """Compile every executable process of a file, or raise `InvalidDefinition` with all that is wrong with it."""
    report = Report(file)
    processes = examine(data, report)
    if report.errors:
        raise InvalidDefinition(report.errors)
    return BpmnFile(tuple(processes), report.warnings, data)


def lint(data: bytes, file: str = "process.bpmn") -> list[Problem]:
    """Everything that is wrong or doubtful about a file: errors and warnings, in its order."""
    report = Report(file)
    examine(data, report)
    return list(report.problems)


def form_references(data: bytes) -> list[str]:
    """What the nodes of a file call their forms; nothing of a file that is refused anyway."""
    try:
        root = parse(data).root
    except InvalidDefinition:
        return []
    reading = Reading(root, Report(""))
    elements = (e for name in ("userTask", "startEvent") for e in root.iter(f"{{{BPMN}}}{name}"))
    keys = (zeebe.process_form(reading, e) or reading.vendor(e, "formKey") for e in elements)
    return list(dict.fromkeys(key for key in keys if key))


def examine(data: bytes, report: Report, *, every: bool = False) -> list[ProcessDefinition]:
    """Read, check and compile. There are processes only where the report has no errors.

    With `every` the processes that are not executable are held against the rules too, as if they were.
    """
    try:
        root = parse(data, report.file).root
    except InvalidDefinition as error:
        report.findings.extend(Finding("xml", problem) for problem in error.problems)
        return []
    if root.tag != f"{{{BPMN}}}definitions":
        report.error(
            "not BPMN", root, f"The file is not BPMN 2.0: its outermost element is '{name_of(root)[:100]}'"
            + (f" of '{namespace_of(root)[:200]}'." if namespace_of(root) else "."),
            f'It must be <bpmn:definitions xmlns:bpmn="{BPMN}">.',
        )  # fmt: skip
        return []
    reading = Reading(root, report)
    drawings = [draw(process) for process in executable(reading, every)]
    vocabulary.check(reading, [drawing.element for drawing in drawings])
    validate.check(reading, drawings)
    read = [read_process.process(reading, drawing) for drawing in drawings]
    return [process for process in read if process is not None] if not report.failed else []


def executable(reading: Reading, every: bool = False) -> list[Element]:
    """The processes that are to run; the others are named in warnings."""
    found = []
    processes = list(reading.root.iterchildren(f"{{{BPMN}}}process"))
    if every:
        return processes
    for process in processes:
        name = process.get("id", "")
        if process.get("isExecutable") is None and (process.get("processType") == "Public" or _is_empty(process)):
            reading.report.warn("not executable", process, f"The process '{name}' is empty or public and is skipped.")
        elif not reading.flag(process, "isExecutable", default=True):
            reading.report.warn(
                "not executable", process, f"The process '{name}' is not executable and is skipped.",
                'Write isExecutable="true" on it if it should run.',
            )  # fmt: skip
        else:
            found.append(process)
    if not found:
        message = "No process in the file is executable." if processes else "There is no process in the file."
        reading.report.error("no process", reading.root, message, 'Draw a process with isExecutable="true".')
    return found


def _is_empty(process: Element) -> bool:
    return all(
        name_of(child) in ("documentation", "extensionElements", "laneSet", "ioSpecification", "property")
        for child in elements_in(process)
    )


__all__ = ["BpmnFile", "Drawing", "examine", "form_references", "lint", "read_bpmn"]
