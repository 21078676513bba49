"""What public models do and the other stories do not tell: waits by name only, and ways that are always open."""

from __future__ import annotations

from tests.unit.bpmn.build import NO_KEY, file, flow, path

CATCH = path(
    '<bpmn:intermediateCatchEvent id="x"><bpmn:messageEventDefinition messageRef="news"/></bpmn:intermediateCatchEvent>'
)
BRANCHES = (
    flow("s", "g") + flow("g", "a", "= more", name="f1") + flow("g", "b", name="f2") + flow("a", "j") + flow("b", "j")
    + flow("j", "e") + '<bpmn:startEvent id="s"/><bpmn:inclusiveGateway id="g"/><bpmn:userTask id="a"/>'
    '<bpmn:userTask id="b"/><bpmn:inclusiveGateway id="j"/><bpmn:endEvent id="e"/>'
)  # fmt: skip


def test_a_wait_without_a_key_is_found_by_the_name_of_the_message(scenario):
    story = scenario(file(CATCH, extra=NO_KEY))
    first, second = story.start().id, story.start().id
    assert story.message("other").instances == []
    assert story.message("news", "17", ttl=0).instances == []  # for those who wait for 17
    assert story.message("news", variables={"n": 1}).instances == [first]
    assert story.of(first).status == "FINISHED"
    assert story.of(second).status == "STARTED"
    assert story.message("news").instances == [second]


def test_a_message_that_came_early_is_found_by_its_name(scenario):
    story = scenario(file(CATCH, extra=NO_KEY))
    assert story.message("news", variables={"n": 1}).buffered
    assert story.start().status == "FINISHED"
    assert story.variables == {"n": 1}


def test_an_inclusive_flow_without_a_condition_is_always_taken(scenario):
    story = scenario(file(BRANCHES))
    assert story.start({"more": False}).waiting_at == ["b"]
    assert story.complete_task("b").status == "FINISHED"
    assert story.start({"more": True}).waiting_at == ["a", "b"]
    assert story.complete_task("b").waiting_at == ["a", "j"]
    assert story.complete_task("a").status == "FINISHED"
