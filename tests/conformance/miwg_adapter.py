"""Answers the public interchange suite: what is read is written again, and what of it we know.

miwg.py FOLDER --adapter python:tests.conformance.miwg_adapter:round_trip \\
               --inventory python:tests.conformance.miwg_adapter:inventory
"""

from __future__ import annotations

from procession.bpmn.reading import Reading
from procession.bpmn.report import Report
from procession.bpmn.standard import SHAPES
from procession.bpmn.xml import name_of, parse


def round_trip(data: bytes) -> bytes:
    """Read a file and write it."""
    return parse(data).write()


def inventory(data: bytes) -> dict[str, str]:
    """The BPMN elements that can be referred to, and whose grammar we know, by their ids."""
    reading = Reading(parse(data).root, Report("model.bpmn"))
    return {identity: name for identity, element in reading.by_id.items() if (name := name_of(element)) in SHAPES}
