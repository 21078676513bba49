"""Values that no store and no worker could take become an exception on the token, not a defect."""

from __future__ import annotations

import pytest

from procession.testing import process


def test_a_value_that_grows_deeper_and_deeper_is_stopped(scenario):
    story = scenario(
        process("deep").start().exclusive("again").script("wrap", "=[x]", "x").to("again").build()
    ).start({"x": 1})  # fmt: skip
    [incident] = story.incidents
    assert incident.node == "wrap"
    assert "nested deeper than 200 levels" in incident.message


@pytest.mark.parametrize("retries", [10**30, 0, -1, "many"])
def test_retries_that_are_no_sensible_number(scenario, retries):
    story = scenario(process("p").start().service_task("work", retries="=x").end().build()).start({"x": retries})
    [incident] = story.incidents
    assert "a whole number from 1 to 1,000,000" in incident.message
    story.set_variables({"x": 2}).retry().complete_job("work")
    assert story.status == "FINISHED"


def test_a_name_with_a_character_that_no_store_keeps(scenario):
    story = scenario(process("p").start().throw_message("tell", "=x", '="k"').end().build()).start({"x": "a\0b"})
    [incident] = story.incidents
    assert "a string without the character NUL" in incident.message
    story.terminate()
