"""What public models use that BPMN 2.0 allows: messages without a key, ways that are always open, names in texts."""

from __future__ import annotations

import pytest

from procession.bpmn.reading import in_feel
from tests.unit.bpmn.build import file, flow, line, one, only, path

CAUGHT = '<bpmn:messageEventDefinition id="d" messageRef="news"/>'


@pytest.mark.parametrize(
    ("body", "label", "element"),
    [
        (
            f'<bpmn:intermediateCatchEvent id="x">\n{CAUGHT}</bpmn:intermediateCatchEvent>',
            "intermediate catch event",
            "d",
        ),
        ('<bpmn:receiveTask id="x" messageRef="news"/>', "receive task", "x"),
    ],
)
def test_a_message_without_a_key_is_found_by_its_name(body, label, element):
    data = file(path(body))
    trigger = only(data).nodes["x"].trigger
    assert (trigger.name, trigger.key) == ("news", None)
    problem = one(data, "warning")
    assert problem.message.startswith(f"The {label} 'x' waits for the message 'news', which has no correlation key")
    assert (problem.element, problem.line) == (element, line(data, f'id="{element}"'))
    assert "correlationKey" in problem.hint


def test_an_inclusive_flow_without_a_condition_is_always_taken():
    ways = flow("g", "e", "= a", name="f1") + flow("g", "e", name="f2")
    data = file(
        f'<bpmn:startEvent id="s"/>{flow("s", "g")}<bpmn:inclusiveGateway id="g"/>\n<bpmn:endEvent id="e"/>\n{ways}'
    )
    assert [bool(way.condition) for way in only(data).nodes["g"].outgoing] == [True, False]
    assert one(data, "warning").message.endswith("has no condition: it is always taken.")


@pytest.mark.parametrize(
    ("text", "feel"),
    [
        ("${owner}", "owner"),
        ("#{ order.owner }", "order.owner"),
        ("clerk_${order.region}", '"clerk_" + string(order.region)'),
        ("${a}${b}", "string(a) + string(b)"),
        ("clerk_${loopCounter}", '"clerk_" + string((loopCounter - 1))'),
        ('the "${a}"', '"the \\"" + string(a) + "\\""'),
    ],
)
def test_names_in_attributes_of_another_engine_are_translated(text, feel):
    data = file(path(f"<bpmn:userTask id='x' camunda:assignee='{text}'/>"))
    assert only(data).nodes["x"].assignee.text == feel


@pytest.mark.parametrize("text", ["${order.owner()}", "${a} and ${b + 1}", "${users[0]}", "${${a}}"])
def test_other_code_is_refused(text):
    assert one(file(path(f'<bpmn:userTask id="x" camunda:assignee="{text}"/>'))).message.startswith("The assignee")


@pytest.mark.parametrize(
    ("text", "feel"),
    [
        ("${a == 1 && !b}", "= a = 1 and not(b)"),
        ("PT${n}S", '= "PT" + string(n) + "S"'),
        ("= ${a}", "= a"),
        ("a == b", "= a = b"),
    ],
)
def test_hints_are_feel_that_means_the_same(text, feel):
    assert in_feel(text) == feel
