"""BPMN 2.0 files: read, check, compile, and write again.

`read_bpmn` gives the process definitions of a file or every problem at once; `lint` only the problems; `parse` the
document itself, which writes all that it read; `form_references` what it calls the forms that it needs.
"""

from procession.bpmn.compile import BpmnFile, form_references, lint, read_bpmn
from procession.bpmn.xml import Document, Limits, parse


def write_bpmn(document: Document) -> bytes:
    """The bytes of a parsed file: diagram, unknown extensions, comments, prefixes and order as they were read."""
    return document.write()


__all__ = ["BpmnFile", "Document", "Limits", "form_references", "lint", "parse", "read_bpmn", "write_bpmn"]
