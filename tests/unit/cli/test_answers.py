"""What people read of data streams: what an instance waits for, and what came."""

from __future__ import annotations

from procession.cli.story import Story
from procession.cli.waits import reason
from procession.testing import Scenario, process

CRM = "engine.receive.crm"

HEAR = process("talk").start().receive("hear", streams={CRM: "crm"}, response_timeout="PT30S").user_task("use").end()


def told(story: Scenario) -> list[str]:
    lines = Story(HEAR.definition()).tell(story.engine.history(story.id))
    return [f"{line.what}: {line.more}" for line in lines if line.what == "receive task hear" or line.sign == "="]


def test_what_an_instance_waits_for():
    with Scenario(HEAR) as story:
        story.start()
        assert sorted(map(reason, story.waits)) == [f"an answer on {CRM}", "the time: 2030-01-01 00:00:30"]


def test_what_came():
    with Scenario(HEAR) as story:
        story.start().answer(CRM, {"score": 7})
        assert told(story) == [
            f"receive task hear: waits for an answer on {CRM}",
            f"receive task hear: answer received ({CRM}/0/0)",
            "crm.score = 7: ",
        ]


def test_that_nothing_came():
    with Scenario(HEAR) as story:
        story.start().advance("PT30S")
        assert told(story) == [
            f"receive task hear: waits for an answer on {CRM}",
            "receive task hear: no answer came in time",
        ]
