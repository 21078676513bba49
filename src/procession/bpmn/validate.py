"""Every rule against every drawing: all problems at once."""

from __future__ import annotations

from collections.abc import Sequence

from procession.bpmn.drawing import Drawing
from procession.bpmn.reading import Reading
from procession.bpmn.rules import boundaries, data, events, gateways, lanes, streams, structure
from procession.bpmn.rules.registry import RULES, Voice
from procession.bpmn.xml import line_of

FAMILIES = (structure, gateways, events, boundaries, streams, lanes, data)  # importing them fills RULES


def check(reading: Reading, drawings: Sequence[Drawing]) -> None:
    """Hold the drawings of a file against the rules."""
    unique_ids(reading)
    lanes.message_flows(Voice(reading, "message flow"))
    data.references(Voice(reading, "reference"))
    for drawing in drawings:
        for rule in RULES.values():
            rule.check(drawing, Voice(reading, rule.name))


def unique_ids(reading: Reading) -> None:
    """Every id is there once in a file."""
    for element in reading.duplicates:
        name = element.get("id", "")
        first = line_of(reading.by_id[name])
        reading.report.error(
            "duplicate id",
            element,
            f"The id '{name}' is there twice (first in line {first}).",
            "Give one of the two another id.",
        )
