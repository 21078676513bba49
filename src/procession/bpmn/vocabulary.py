"""Nothing is ignored silently: every element and attribute is known, or it is a problem that names it.

Walks what is executed: the file's own elements and the executable processes. Diagrams, skipped processes and extension
elements of unknown namespaces are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from procession.bpmn.extensions import procession, vendors, zeebe
from procession.bpmn.names import BPMN, DIAGRAM, LATER, PREFIXES, PROCESSION, VENDORS, WITHOUT_EFFECT, XSI, ZEEBE
from procession.bpmn.reading import Reading
from procession.bpmn.report import nearest
from procession.bpmn.standard import EXECUTED, LATER_VALUES, SHAPES, VALUES
from procession.bpmn.xml import Element, elements_in, name_of, namespace_of, split, text_of

KNOWN = frozenset(SHAPES)
LAYERS = {ZEEBE: zeebe, PROCESSION: procession}


def check(reading: Reading, processes: Sequence[Element]) -> None:
    """Report what is unknown, misspelled, misplaced, without effect or not executable yet."""
    todo, running = [reading.root], set(processes)
    while todo:
        element = todo.pop()
        _attributes(reading, element)
        for child in elements_in(element):
            namespace, name = namespace_of(child), name_of(child)
            if name == "process" and namespace == BPMN and child not in running:
                continue
            if _known_here(reading, element, child, namespace, name):
                todo.append(child)


def _known_here(reading: Reading, parent: Element, child: Element, namespace: str, name: str) -> bool:
    """Whether to look inside a child; says what is wrong with it."""
    extension = name_of(parent) == "extensionElements"
    if namespace == BPMN:
        return not extension and _standard(reading, parent, child, name)
    if extension and namespace in LAYERS:
        _extension(reading, child, parent.getparent(), namespace)
    elif namespace in LAYERS:
        reading.report.error(
            "misplaced",
            child,
            f"'{_called(child)}' stands outside of extensionElements and would be ignored.",
            "Move it into the <bpmn:extensionElements> of its element.",
        )
    elif not namespace and not extension:
        reading.report.error(
            "unknown element", child, f"The element '{name}' has no namespace.", f"Did you mean 'bpmn:{name}'?"
        )
    elif extension and namespace in VENDORS:
        vendors.check_element(reading, child)
    elif namespace not in DIAGRAM and not extension and name_of(parent) in SHAPES:
        reading.report.warn(
            "without effect",
            child,
            f"'{_called(child)}' has no effect here.",
            "Foreign elements belong into extensionElements.",
        )
    return False


def _standard(reading: Reading, parent: Element, child: Element, name: str) -> bool:
    shape = SHAPES.get(name)
    if shape is None:
        reading.report.error(
            "unknown element",
            child,
            f"The element 'bpmn:{name}' is not part of BPMN 2.0.",
            "" if reading.report.full else nearest(name, KNOWN),
        )
        return False
    around = SHAPES.get(name_of(parent))
    if around is not None and name not in around.children:
        reading.report.error(
            "misplaced",
            child,
            f"A 'bpmn:{name}' may not stand inside a 'bpmn:{name_of(parent)}'.",
            "Move it, or remove it.",
        )
        return False
    if name in LATER and not (name.endswith("EventDefinition") and name_of(parent) == "definitions"):
        reading.report.not_yet(child, *LATER[name])
    loop = f"{{{BPMN}}}multiInstanceLoopCharacteristics"
    if name in WITHOUT_EFFECT and parent.find(loop) is None:
        reading.report.warn("without effect", child, f"'bpmn:{name}' has no effect here.", WITHOUT_EFFECT[name])
    return True


def _formal(reading: Reading, element: Element) -> None:
    """What is executed is a formal expression (BPMN 2.0, 8.4.6); a leading `=` says so too."""
    kind = element.get(f"{{{XSI}}}type", "").rpartition(":")[2]
    if kind != "tFormalExpression" and not text_of(element).startswith("="):
        reading.report.warn(
            "formal expression",
            element,
            f"'bpmn:{name_of(element)}' is not marked as a formal expression.",
            "Write xsi:type=\"bpmn:tFormalExpression\" on it, or begin it with '='.",
        )


def _attributes(reading: Reading, element: Element) -> None:
    shape, name = SHAPES.get(name_of(element)), name_of(element)
    if shape is None:
        return
    for key, value in element.attrib.items():
        namespace, attribute = split(key)
        if not namespace and attribute in shape.attributes:
            _value(reading, element, attribute, value)
        elif namespace in ("", BPMN):
            _unknown(reading, element, f"bpmn:{name}", attribute, shape.attributes)
        elif namespace in LAYERS:
            _extension_attribute(reading, element, namespace, attribute)
    vendors.check_attributes(reading, element)
    if name in EXECUTED:
        _formal(reading, element)
    for attribute in sorted(shape.required):
        if not element.get(attribute):
            reading.report.error("attribute", element, f"'bpmn:{name}' has no attribute '{attribute}'.", "Add it.")


def _value(reading: Reading, element: Element, attribute: str, value: str) -> None:
    later = LATER_VALUES.get(attribute)
    if later is not None and later[0](value.strip()):
        reading.report.not_yet(element, *later[1:])
    if attribute in ("startQuantity", "completionQuantity") and not (value.isdecimal() and int(value[:9]) > 0):
        reading.report.error("attribute", element, f"The attribute '{attribute}' is '{value}'.", "Write 1.")
    allowed = VALUES.get(attribute)
    if allowed is not None and value not in allowed:
        hint = nearest(value, allowed) or f"It is one of {', '.join(sorted(allowed))}."
        reading.report.error("attribute", element, f"The attribute '{attribute}' is '{value}'.", hint)


def _extension_attribute(reading: Reading, element: Element, namespace: str, attribute: str) -> None:
    layer, prefix, name = LAYERS[namespace], PREFIXES[namespace], name_of(element)
    kinds = layer.ON_BPMN.get(attribute)
    if kinds is None:
        _unknown(
            reading,
            element,
            f"bpmn:{name}",
            f"{prefix}:{attribute}",
            frozenset(f"{prefix}:{known}" for known in layer.ON_BPMN),
        )
    elif attribute in layer.LATER_ATTRIBUTES:
        reading.report.not_yet(element, *layer.LATER_ATTRIBUTES[attribute])
    elif kinds and name not in kinds:
        reading.report.warn(
            "without effect", element, f"'{prefix}:{attribute}' has no effect on a 'bpmn:{name}'.", "Remove it."
        )


def _extension(reading: Reading, element: Element, holder: Element | None, namespace: str) -> None:
    """A `zeebe:` or `procession:` extension element, and everything inside it."""
    layer, prefix = LAYERS[namespace], PREFIXES[namespace]
    kind = "" if holder is None else name_of(holder)
    places = layer.PLACES.get(name_of(element))
    if places is not None and kind not in places:
        reading.report.warn(
            "without effect", element, f"'{_called(element)}' has no effect in a 'bpmn:{kind}'.", "Remove it."
        )
    if name_of(element) in layer.LATER:
        reading.report.not_yet(element, *layer.LATER[name_of(element)])
    inner: list[tuple[Element, frozenset[str]]] = [(element, frozenset(layer.PLACES))]
    while inner:
        at, allowed = inner.pop()
        name = name_of(at)
        if namespace_of(at) != namespace:
            reading.report.error(
                "unknown element", at, f"'{_called(at)}' may not stand inside '{prefix}:…'.", "Remove it."
            )
            continue
        if name not in allowed:
            what = f"The element '{prefix}:{name}' is not known" + (
                "." if at is element else f" inside '{_called(element)}'."
            )
            reading.report.error("unknown element", at, what, "" if reading.report.full else nearest(name, allowed))
            continue
        for key in at.attrib:
            space, attribute = split(key)
            if space in ("", namespace) and attribute not in layer.ATTRIBUTES[name]:
                _unknown(reading, at, f"{prefix}:{name}", attribute, layer.ATTRIBUTES[name])
        inner.extend((child, layer.INSIDE.get(name, frozenset())) for child in elements_in(at))


def _unknown(reading: Reading, element: Element, where: str, attribute: str, known: frozenset[str]) -> None:
    hint = "" if reading.report.full else nearest(attribute, known)
    reading.report.error(
        "unknown attribute", element, f"The attribute '{attribute}' of '{where}' is not known.", hint or "Remove it."
    )


def _called(element: Element) -> str:
    prefix = PREFIXES.get(namespace_of(element)) or element.prefix
    return f"{prefix}:{name_of(element)}" if prefix else name_of(element)
