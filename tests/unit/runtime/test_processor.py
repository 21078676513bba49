"""The cache of states, and how often a batch is decided again."""

from __future__ import annotations

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.engine.state import ProcessInstance
from procession.errors import VersionConflict
from procession.runtime.asks import Ask, Match, Start
from procession.runtime.processor import CONFLICTS, Cache, subject
from procession.testing import process

TASK = process("task").start().user_task("fill").end().build()


@pytest.fixture
def engine():
    with Engine(clock=VirtualClock()) as found:
        found.deploy(("task.bpmn", TASK), publish=True)
        yield found


def test_the_cache_knows_positions():
    cache = Cache()
    cache.put(ProcessInstance(1, position=7))
    assert (cache.get(1), cache.get(2), cache.get(2, 5)) == (7, -1, 5)
    assert cache.take(1).id == 1
    assert cache.get(1) == -1, "it belongs to the batch now"


def test_the_cache_forgets_what_was_not_used_for_longest():
    cache = Cache(limit=2)
    for number in (1, 2):
        cache.put(ProcessInstance(number))
    cache.put(cache.take(1))
    cache.put(ProcessInstance(3))
    assert [number for number in (1, 2, 3) if cache.get(number) >= 0] == [1, 3]
    cache.clear()
    assert cache.get(3) == -1


def conflicting(engine: Engine, times: int) -> None:
    commit = engine.storage.commit
    left = [None] * times

    async def conflict(batch):
        if left:
            left.pop()
            raise VersionConflict("Somebody else was faster.")
        await commit(batch)

    engine.storage.commit = conflict


def test_a_conflict_is_decided_again(engine):
    conflicting(engine, CONFLICTS - 1)
    order = engine.start("task", {"n": 1})
    assert len(engine.instances().items) == 1
    assert engine.history(order.id)[-1].position == 1


def test_conflicts_without_end_are_told(engine):
    order = engine.start("task", {"n": 1})
    (task,) = engine.tasks().items
    conflicting(engine, CONFLICTS)
    with pytest.raises(VersionConflict):
        engine.complete_task(task.id)
    assert engine.instance(order.id).waiting_at == ["fill"]
    assert engine.complete_task(task.id).state == "FINISHED"


def test_a_start_that_is_refused_twice_is_listed_once(engine):
    conflicting(engine, 3)
    with pytest.raises(CommandRejected):
        engine.start("nothing")
    assert len(engine.failed_starts().items) == 1


def test_a_command_in_a_few_words():
    assert subject(Ask(Start("order", {"secret": "tiger"}))) == "Start order"
    assert subject(Ask(Match("paid", "7"))) == "Match paid"
