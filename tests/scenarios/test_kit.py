"""The test kit itself: what a builder draws, what a scenario notices, and the pytest plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

import procession
from procession.bpmn import lint
from procession.testing import Scenario, VirtualClock, bpmn_file, process

INNER = process("inner").start().user_task("check").end()
EVERYTHING = (
    process("everything", "Everything")
    .start(mandatory=["id"])
    .parallel("fork")
    .sub_process("sub", INNER)
    .boundary_error("sub", "BAD")
    .end()
    .back_to("sub")
    .parallel("join")
    .exclusive("again")
    .when("=more", flow="more")
    .to("fork_again")
    .back_to("again")
    .otherwise()
    .end()
    .back_to("fork")
    .service_task("work", job="work", headers={"a": "b"})
    .to("join")
    .back_to("fork")
    .exclusive("fork_again")
    .event_based("either")
    .catch_timer("late", "PT1H")
    .end_terminate()
    .back_to("either")
    .catch_message("came", "news", "=id")
    .throw_message("tell", "news", "=id")
    .call("call", "other")
    .receive("wait", "news", "=id")
    .send("send", job="mail")
    .business_rule("rule", "=1", "r")
    .end_error("BAD")
    .lane("Front", "start", "fork", "sub", "join", "again", execute="clerk", view="clerk auditor")
    .lane("Back", "work", "fork_again", "either", "late", "came", execute="manager")
)


def test_what_is_built_has_no_problems():
    assert [str(problem) for problem in lint(EVERYTHING.build())] == []


def test_building_twice_gives_the_same_bytes():
    assert EVERYTHING.build() == EVERYTHING.build()


def test_everything_that_is_drawn_has_its_place_in_the_diagram():
    root = etree.fromstring(EVERYTHING.build())
    drawn = {e.get("bpmnElement") for e in root.iter("{*}BPMNShape", "{*}BPMNEdge")}
    process_element = root.find("{*}process")
    wanted = {
        e.get("id")
        for e in process_element.iter("{http://www.omg.org/spec/BPMN/20100524/MODEL}*")
        if etree.QName(e).localname not in ("process", "laneSet") and e.get("id")
    }
    assert wanted <= drawn
    boxes = {}
    for shape in root.iter("{*}BPMNShape"):
        bounds = shape.find("{*}Bounds")
        boxes[shape.get("bpmnElement")] = [int(bounds.get(name)) for name in ("x", "y", "width", "height")]
    nodes = ("start", "fork", "sub", "join", "work", "either", "late", "call", "send")
    for one in nodes:
        for other in nodes:
            if one < other:
                (ax, ay, aw, ah), (bx, by, bw, bh) = boxes[one], boxes[other]
                apart = ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
                assert apart, f"{one} and {other} overlap"


def test_ids_of_a_sub_process_that_nobody_chose_get_its_own_in_front():
    nodes = process("p").start().sub_process("a", INNER).end().definition().nodes
    assert {"start", "a", "a_start", "check", "a_end", "end"} == set(nodes)


def test_several_processes_in_one_file():
    data = bpmn_file(process("one").start().call("c", "two").end(), process("two").start("begin").end("over"))
    with Scenario(data) as story:
        assert story.start().status == "FINISHED"
        assert [d.name for d in story.engine.definitions()] == ["one", "two"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: process("p").user_task("a"), "nothing to go on from"),
        (lambda: process("p").start().end().user_task("a"), "nothing to go on from"),
        (lambda: process("p").start().back_to("b"), "there is no node 'b'"),
        (lambda: process("p").start().user_task("a").user_task("a"), "'a' is taken"),
        (lambda: process("p").start().user_task("p"), "'p' is taken"),
        (lambda: process("p").start().boundary_timer("start", duration="PT1H"), "not an activity"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_process_may_come_from_a_file(tmp_path):
    path = tmp_path / "form.bpmn"
    path.write_bytes(process("form").start().user_task("fill").end().build())
    with Scenario(path) as story:
        assert story.start().complete_task("fill").status == "FINISHED"


def test_a_scenario_says_what_there_is_where_a_job_or_task_is_not(scenario):
    story = scenario(process("p").start().user_task("fill").end()).start()
    with pytest.raises(AssertionError, match="no job 'pack' to take; the instance waits for task on fill"):
        story.complete_job("pack")
    with pytest.raises(AssertionError, match="no open task 'check'"):
        story.complete_task("check")
    with pytest.raises(AssertionError, match="no exception on 'fill'"):
        story.retry("fill")
    with pytest.raises(AssertionError, match="no child 0"):
        story.child()


def test_a_scenario_notices_what_is_not_in_history():
    with Scenario(process("p").start().user_task("a").user_task("b").end()) as story:
        story.start()
        state = story.engine._intake.processor.cache._states[int(story.id)]
        state.variables["smuggled"] = True
        with pytest.raises(AssertionError, match=r"variables: .*smuggled"):
            story.complete_task("a")


def test_the_clock_is_the_tests():
    clock = VirtualClock("2031-05-05T00:00:00Z")
    with Scenario(process("p").start().user_task("a").end(), clock=clock) as story:
        assert story.start().view.date_started == "2031-05-05T00:00:00.000000Z"


PLUGIN = """
from procession.testing import process

FORM = process("form").start().catch_timer("nap", "PT1H").user_task("fill").end()

def test_scenario(scenario):
    story = scenario(FORM).start()
    story.advance("PT1H").complete_task("fill")
    assert story.status == "FINISHED"

def test_engine(engine, clock):
    engine.deploy(("form.bpmn", FORM.build()), publish=True)
    form = engine.start("form")
    clock.advance("PT1H")
    assert engine.run_due() == 1
    assert engine.instance(form.id).waiting_at == ["fill"]

def test_one_clock_for_both(scenario, clock):
    story = scenario(FORM).start()
    clock.advance("PT1H")
    assert story.advance(0).waiting_at == ["fill"]
"""


def test_the_plugin(tmp_path):
    (tmp_path / "test_form.py").write_text(PLUGIN)
    source = str(Path(procession.__file__).parent.parent)
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "procession.testing.plugin",
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": source, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in run.stdout, run.stdout + run.stderr


def test_importing_the_plugin_costs_nothing():
    source = str(Path(procession.__file__).parent.parent)
    code = (
        "import sys, pytest; before = set(sys.modules); import procession.testing.plugin;"
        "new = {name for name in set(sys.modules) - before};"
        "print(sorted(name for name in new if name.split('.')[0] in ('lxml', 'msgspec', 'apsw')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
