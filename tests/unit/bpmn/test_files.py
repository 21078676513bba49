"""Whole files: the ones that are shipped, the public reference models, and files that went wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from procession.bpmn import lint, parse, read_bpmn, write_bpmn
from procession.errors import InvalidDefinition, Problem
from tests.unit.bpmn.build import JOB, extended, file, flow, path, same

ROOT = Path(__file__).parents[3]
SHIPPED = [*sorted((ROOT / "examples").rglob("*.bpmn")), *sorted((ROOT / "tests" / "data").glob("*.bpmn"))]
CONFORMANCE = Path(os.environ.get("PROCESSION_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
REFERENCE = sorted((CONFORMANCE / "models" / "bpmn-miwg+bpmn-miwg-test-suite" / "Reference").glob("*.bpmn"))


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_is_sound(shipped):
    read = read_bpmn(shipped.read_bytes(), shipped.name)
    assert read.processes
    assert [str(warning) for warning in read.warnings if "has no effect" not in warning.message] == []


@pytest.mark.parametrize("model", [*SHIPPED, *REFERENCE], ids=lambda path: path.name)
def test_nothing_is_lost_by_reading_and_writing(model):
    data = model.read_bytes()
    written = write_bpmn(parse(data, model.name))
    same(etree.fromstring(data), etree.fromstring(written))


@pytest.mark.parametrize("model", REFERENCE, ids=lambda path: path.name)
def test_the_reference_models_hold_nothing_unknown(model):
    unknown = [str(p) for p in lint(model.read_bytes(), model.name) if "not part of BPMN" in p.message]
    assert unknown == []


def test_the_reference_models_are_there():
    if not REFERENCE:
        pytest.skip("no folder of conformance data: set PROCESSION_CONFORMANCE")


VALID = file(
    extended('<procession:settings expiry="P30D"/><procession:dataModel>{"a": 1}</procession:dataModel>')
    + '<bpmn:laneSet id="ls"><bpmn:lane id="l"><bpmn:flowNodeRef>x</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>\n'
    + path(
        f'<bpmn:serviceTask id="x">{JOB}<bpmn:multiInstanceLoopCharacteristics>'
        f"{extended('<zeebe:loopCharacteristics inputCollection=' + repr('= items') + '/>')}"
        "</bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>"
    )
    + '<bpmn:boundaryEvent id="b" attachedToRef="x"><bpmn:timerEventDefinition><bpmn:timeDuration>= "PT1H"'
    + f"</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>{flow('b', 'g')}"
    + '<bpmn:exclusiveGateway id="g" default="g-e"/>'
    + flow("g", "e")
    + flow("g", "r", "= a &gt; 1")
    + f'<bpmn:receiveTask id="r" messageRef="paid"/>{flow("r", "c")}<bpmn:callActivity id="c" calledElement="q"/>'
    + flow("c", "e")
)
NAMES = sorted({name for element in etree.fromstring(VALID).iter(etree.Element) for name in element.attrib})


def must_only_refuse(data: bytes) -> None:
    """Nothing but a refusal comes out, and it says the same as the linter."""
    refused: tuple[Problem, ...] = ()
    try:
        read_bpmn(data, "broken.bpmn")
    except InvalidDefinition as refusal:
        refused = refusal.problems
    assert [problem for problem in lint(data, "broken.bpmn") if problem.severity == "error"] == list(refused)
    assert all(isinstance(problem, Problem) and problem.message for problem in refused)


def test_the_file_that_is_broken_here_is_whole():
    assert read_bpmn(VALID).processes


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data):
    must_only_refuse(data)


@given(st.integers(0, len(VALID)), st.integers(0, 40), st.binary(max_size=12))
def test_bytes_may_be_lost_and_added(at, length, added):
    must_only_refuse(VALID[:at] + added + VALID[at + length :])


TEXTS = ["", " ", "=", "= ", "= a", "${a}", "s", "x", "e", "g", "p", "lost", "true", "PT1H", "-1", "a:b", "x" * 300]
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
texts = st.one_of(st.sampled_from(TEXTS), st.text(CHARACTERS, max_size=20))


@given(st.data())
def test_a_tree_may_be_changed_in_any_way(data):
    root = etree.fromstring(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter(etree.Element))
        element = data.draw(st.sampled_from(elements))
        match data.draw(st.sampled_from(["set", "drop", "text", "remove", "copy", "rename"])):
            case "set":
                element.set(data.draw(st.sampled_from(NAMES)), data.draw(texts))
            case "drop" if element.attrib:
                del element.attrib[data.draw(st.sampled_from(sorted(element.attrib)))]
            case "text":
                element.text = data.draw(texts)
            case "remove" if element is not root:
                element.getparent().remove(element)
            case "copy":
                element.append(etree.fromstring(etree.tostring(data.draw(st.sampled_from(elements)))))
            case "rename":
                element.tag = data.draw(st.sampled_from(elements)).tag
    must_only_refuse(etree.tostring(root))
