"""The rules that scenarios watch: each of them notices what it is there for."""

from __future__ import annotations

import pytest

from procession.engine.apply import fold
from procession.engine.state import Incident, Job, ProcessInstance, Token
from procession.testing import broken_rules
from procession.testing.guardian import differences


def split() -> ProcessInstance:
    """A parent with two children that wait for jobs."""
    state = ProcessInstance(1, status="STARTED")
    parent = Token(1, None, 0, "fork", "start", state="ON_HOLD", status="EXECUTING", holding="split", count=2)
    state.tokens[1] = parent
    for number in (2, 3):
        state.tokens[number] = Token(number, 1, 0, f"n{number}", f"n{number}", status="EXECUTING")
        state.waits[number * 10] = Job(number * 10, number, f"n{number}", "t", 3, {}, 0)
        state.tokens[number].waits[number * 10] = None
        parent.children[number] = None
    return state


def test_nothing_is_wrong_with_a_sound_state():
    assert broken_rules(split()) == []


def lost_count(state):
    state.tokens[1].count = 3


def lost_parent(state):
    del state.tokens[1]


def lost_child(state):
    del state.tokens[1].children[2]


def no_reason(state):
    state.tokens[2].waits.clear()


def stopped(state):
    state.tokens[2].status = "EXECUTED_COMPLETE"


def stray_variables(state):
    state.locals[9] = {"a": 1}


def stray_loop(state):
    state.loops[9] = None


def stray_wait(state):
    state.waits[99] = Incident(99, 9, "x", "", "", "", "", "", 0)


def wrong_scope(state):
    state.tokens[2].scope = 3


def held_for_nothing(state):
    state.tokens[2].state = "ON_HOLD"


def without_a_token(state):
    state.tokens.clear()
    state.waits.clear()


def over_but_not_clean(state):
    state.status = "FINISHED"


DAMAGE = [
    lost_count,
    lost_parent,
    lost_child,
    no_reason,
    stopped,
    stray_variables,
    stray_loop,
    stray_wait,
    wrong_scope,
    held_for_nothing,
    without_a_token,
    over_but_not_clean,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_what_is_wrong_is_noticed(damage):
    state = split()
    damage(state)
    assert broken_rules(state)


def test_a_difference_is_named():
    one, other = split(), split()
    assert differences(one, other) == []
    other.tokens[2].version = 5
    other.variables["a"] = 1
    assert differences(one, other) == ["variables: {} is not {'a': 1}", "token 2.version: 1 is not 5"]


def test_an_empty_history_is_an_empty_state():
    state = ProcessInstance(1)
    fold(state, [], 5)
    assert (state.position, state.tokens) == (1, {})
