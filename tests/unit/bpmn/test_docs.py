"""The pages about elements: one for each, and their examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from procession.bpmn.extensions import procession, zeebe
from procession.bpmn.read_process import READERS
from tests.unit.bpmn.build import file, found, path

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(page for page in (DOCS / "elements").glob("*.md") if page.name != "README.md")


def test_every_executable_element_has_a_page():
    described = {re.search(r"`bpmn:(\w+)`", page.read_text(encoding="utf-8"))[1] for page in PAGES}
    assert described == {*READERS, "multiInstanceLoopCharacteristics", "sequenceFlow"}
    index = (DOCS / "elements" / "README.md").read_text(encoding="utf-8")
    assert all(f"({page.name})" in index for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_a_page_is_sound(page):
    (example,) = re.findall(r"```xml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    whole = "bpmn:startEvent" in example and "bpmn:subProcess" not in example
    assert found(file(example if whole else path(example))) == []


@pytest.mark.parametrize("page", [*PAGES, DOCS / "reference" / "bpmn-files.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("layer", [zeebe, procession])
def test_the_reference_names_every_extension(layer):
    text = (DOCS / "reference" / "bpmn-files.md").read_text(encoding="utf-8")
    for name in [*layer.PLACES, *(name for name in layer.ON_BPMN if layer is procession)]:
        assert f"`{name}`" in text, name
