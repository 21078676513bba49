"""Bytes to a tree, safely: no entities, no network, no DTD, and limits on size, depth and number.

Rules: the size is checked before anything is parsed; a DOCTYPE is refused before parsing (in the prolog) and again
after it (whatever the encoding was); a parser is made for each parse, since one may not be shared between threads.
Comments, processing instructions and CDATA sections stay in the tree, so that what is read can be written again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from lxml import etree

from procession.errors import InvalidDefinition, Problem

Element: TypeAlias = Any
"""An element of lxml, which says too little about its types."""

PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
BYTE_ORDER_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
SECRETLY_UTF16 = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read."""

    size: int = 5 * 1024 * 1024
    depth: int = 100
    elements: int = 100_000
    attributes: int = 200  # of one element


class Document:
    """A parsed file: what is written again is all that was read, diagram and unknown extensions included."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    @property
    def root(self) -> Element:
        """The document's outermost element."""
        root: Element = self.tree.getroot()
        return root

    def write(self) -> bytes:
        """The file again: same elements, attributes, prefixes, comments and order, in the encoding it came in."""
        info = self.tree.docinfo
        encoding = info.encoding or "UTF-8"
        written: Any = etree.tostring(self.tree, xml_declaration=True, encoding=encoding, standalone=info.standalone)
        return bytes(written)


def parse(data: bytes, file: str = "process.bpmn", limits: Limits = Limits()) -> Document:
    """Read any XML file within the limits, or raise `InvalidDefinition` with the one problem that stopped it."""
    if not data.strip():
        raise _refused(file, "The file is empty.", "Draw a process and save it.")
    if len(data) > limits.size:
        raise _refused(
            file, f"The file has {len(data):,} bytes; at most {limits.size:,} are read.", "Split it into several files."
        )
    if _has_doctype(data):
        raise _doctype(file)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        strip_cdata=False,
    )
    try:
        tree = etree.ElementTree(etree.fromstring(data, parser))
    except etree.XMLSyntaxError as error:
        raise _refused(file, f"The file is not well-formed XML: {_reason(error)}.", "", error.lineno or None) from None
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise _refused(file, f"The file cannot be read as XML: {error}.", "") from None
    info: Any = tree.docinfo
    if info.internalDTD is not None or info.doctype:
        raise _doctype(file)
    _check_limits(tree.getroot(), file, limits)
    return Document(tree)


def name_of(element: Element) -> str:
    """The local name, without its namespace."""
    return split(element.tag)[1]


def namespace_of(element: Element) -> str:
    """The namespace of an element ("" for none)."""
    return split(element.tag)[0]


def split(name: str) -> tuple[str, str]:
    """The namespace ("" for none) and the local part of a name that is written `{namespace}local`."""
    namespace, _, local = name.rpartition("}")
    return namespace.removeprefix("{"), local


def line_of(element: Element) -> int | None:
    """The line of the file that the element starts on."""
    line: int | None = element.sourceline
    return line


def elements_in(parent: Element) -> Iterator[Element]:
    """The child elements, without comments, processing instructions and entities."""
    return (child for child in parent if isinstance(child.tag, str))


def text_of(element: Element) -> str:
    """The text directly in an element, comments left out, without the white space around it."""
    parts = [element.text or "", *(child.tail or "" for child in element)]
    return "".join(parts).strip()


def _has_doctype(data: bytes) -> bool:
    start = data[:100_000]
    for mark, encoding in (*BYTE_ORDER_MARKS, *SECRETLY_UTF16):
        if start.startswith(mark):
            start = start[: len(start) & ~1].decode(encoding, "replace").encode("utf-8", "replace")
            break
    prolog = PROLOG.match(start)
    return start.startswith(b"<!DOCTYPE", prolog.end() if prolog else 0)


def _check_limits(root: Element, file: str, limits: Limits) -> None:
    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth, count = depth + 1, count + 1
        if depth > limits.depth:
            raise _refused(file, f"Elements are nested more than {limits.depth} deep.", "", line_of(element))
        if len(element.attrib) > limits.attributes:
            message = f"An element has {len(element.attrib):,} attributes; at most {limits.attributes} are read."
            raise _refused(file, message, "", line_of(element))
    if count > limits.elements:
        message = f"The file has {count:,} elements; at most {limits.elements:,} are read."
        raise _refused(file, message, "Split it into several files.")


def _reason(error: etree.XMLSyntaxError) -> str:
    return re.sub(r", line \d+, column \d+$", "", error.msg or "it does not parse").rstrip(". ")


def _doctype(file: str) -> InvalidDefinition:
    return _refused(file, "The file has a DOCTYPE, which is refused.", "Remove the <!DOCTYPE …> declaration.")


def _refused(file: str, message: str, hint: str, line: int | None = None) -> InvalidDefinition:
    return InvalidDefinition([Problem(file, line, None, message, hint)])
