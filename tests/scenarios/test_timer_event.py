"""Timers: dates, durations and cycles, also across daylight saving, on catch events."""

from __future__ import annotations

import pytest

from procession.testing import VirtualClock, process


def wait(**timer):
    return process("wait").start().catch_timer("nap", **timer).end()


def test_a_duration(scenario):
    story = scenario(wait(duration="PT1H")).start()
    assert story.tokens[0].status_current_node == "WAITING_TIMER_EVENT"
    assert story.advance("PT59M59S").status == "STARTED"
    assert story.advance("PT1S").status == "FINISHED"
    assert story.completed == ["start", "nap", "end"]


def test_a_date(scenario):
    story = scenario(wait(date="2030-01-02T00:00:00Z")).start()
    assert story.advance("PT23H").status == "STARTED"
    assert story.advance("PT1H").status == "FINISHED"


def test_a_date_that_is_over_fires_at_once(scenario):
    story = scenario(wait(date="2029-12-24T00:00:00Z")).start()
    assert story.advance(0).status == "FINISHED"


def test_a_computed_time(scenario):
    story = scenario(wait(duration="=pause")).start({"pause": "PT5M"})
    assert story.advance("PT5M").status == "FINISHED"
    story = scenario(wait(date="=when")).start({"when": "2030-01-01T02:00:00+01:00"})
    assert story.advance("PT1H").status == "FINISHED"


@pytest.mark.parametrize("pause", ["soon", None, 5])
def test_a_time_that_is_none_is_an_exception(scenario, pause):
    story = scenario(wait(duration="=pause")).start({"pause": pause})
    [incident] = story.incidents
    assert incident.node == "nap" and incident.type in ("TimerEvaluation", "ExpressionEvaluation")
    story.set_variables({"pause": "PT1S"}).retry()
    assert story.advance("PT1S").status == "FINISHED"


def test_a_cron_rule_across_daylight_saving(scenario):
    """In Bucharest the clocks went forward in the night to 31 March 2030: nine o'clock came an hour earlier."""
    clock = VirtualClock("2030-03-30T10:00:00Z")
    story = scenario(wait(cycle="0 9 * * *", zone="Europe/Bucharest"), clock=clock).start()
    assert story.advance("PT19H59M").status == "STARTED"
    assert story.advance("PT1M").status == "FINISHED"


def test_a_day_is_24_hours(scenario):
    clock = VirtualClock("2030-03-30T10:00:00Z")
    story = scenario(wait(duration="P1D", zone="Europe/Bucharest"), clock=clock).start()
    assert story.advance("PT23H59M").status == "STARTED"
    assert story.advance("PT1M").status == "FINISHED"


def test_timers_fire_in_the_order_of_their_dates(scenario):
    story = scenario(
        process("order")
        .start()
        .parallel("fork")
        .catch_timer("second", "PT2H")
        .script("b", '=append(seen, "second")', "seen")
        .end()
        .back_to("fork")
        .catch_timer("first", "PT1H")
        .script("a", '=append(seen, "first")', "seen")
        .end()
    ).start({"seen": []})
    story.advance("PT3H")
    assert story.variables["seen"] == ["first", "second"]
