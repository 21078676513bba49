"""Rules about data and references. Nothing of it is executed, so a breach is only a warning."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing
from procession.bpmn.names import BPMN, words
from procession.bpmn.rules.registry import Voice, rule
from procession.bpmn.xml import Element, elements_in, name_of, text_of

TO_ELEMENTS = words(
    "messageRef operationRef itemRef itemSubjectRef dataObjectRef dataStoreRef categoryValueRef processRef errorRef "
    "escalationRef signalRef activityRef sourceRef targetRef correlationKeyRef correlationPropertyRef parameterRef"
)
CHECKED_ELSEWHERE = frozenset({"sequenceFlow", "messageFlow", "messageEventDefinition", "errorEventDefinition"})


def references(voice: Voice) -> None:
    """A reference leads to an element of the file, unless the file imports others."""
    root, known = voice.reading.root, voice.reading.by_id
    if root.find(f"{{{BPMN}}}import") is not None:
        return
    for element in root.iter(f"{{{BPMN}}}*"):
        if name_of(element) in CHECKED_ELSEWHERE:
            continue
        for name in TO_ELEMENTS:
            reference = element.get(name)
            if reference and reference not in known and reference.rpartition(":")[2] not in known:
                voice.warn(
                    element,
                    f"The {name} of this '{name_of(element)}' is '{reference}', which is not in the file.",
                    "Correct it.",
                )


@rule("data sets")
def every_input_in_a_set(drawing: Drawing, voice: Voice) -> None:
    """Every data input is in an input set and every data output in an output set (BPMN 2.0, 10.4.1)."""
    for specification in drawing.element.iter(f"{{{BPMN}}}ioSpecification"):
        for kind in ("input", "output"):
            _sets(voice, specification, kind)


@rule("data association")
def one_source(drawing: Drawing, voice: Voice) -> None:
    """A data association with several sources has a transformation (BPMN 2.0, 10.4.2)."""
    for kind in ("dataInputAssociation", "dataOutputAssociation"):
        for association in drawing.element.iter(f"{{{BPMN}}}{kind}"):
            names = [name_of(child) for child in elements_in(association)]
            if names.count("sourceRef") > 1 and "transformation" not in names:
                voice.warn(association, "The data association has several sources and no transformation.", "Add one.")


def _sets(voice: Voice, specification: Element, kind: str) -> None:
    member, optional = (
        f"data{kind.capitalize()}Refs",
        (f"optional{kind.capitalize()}Refs", f"whileExecuting{kind.capitalize()}Refs"),
    )
    in_some: set[str] = set()
    for group in specification.iterchildren(f"{{{BPMN}}}{kind}Set"):
        inside = {text_of(child) for child in group.iterchildren(f"{{{BPMN}}}{member}")}
        in_some |= inside
        for name in optional:
            for child in group.iterchildren(f"{{{BPMN}}}{name}"):
                if text_of(child) not in inside:
                    voice.warn(child, f"'{text_of(child)}' is in {name}, but not in {member} of its set.", "Add it.")
    for item in specification.iterchildren(f"{{{BPMN}}}data{kind.capitalize()}"):
        if item.get("id") not in in_some:
            voice.warn(item, f"The data {kind} '{item.get('id')}' is in no {kind} set.", "Add it to one.")
