"""Who may do what, as a table: roles, operation, lane, and whether that is allowed."""

from __future__ import annotations

import pytest

from procession.engine.access import SYSTEM, WORDS, Principal, permission
from procession.testing import process

OPEN = process("open").start().user_task("fill").end().definition()
LANED = process("laned").start().user_task("fill").end().lane("Front", "start", "fill").definition()
GUARDED = (
    process("guarded")
    .start()
    .user_task("fill")
    .user_task("approve")
    .end()
    .lane("Front", "start", "fill", execute="clerk manager", view="auditor", hold="manager")
    .lane("Back", "approve", execute="manager", selfAssign="manager")
    .definition()
)
FRONT, BACK = GUARDED.lanes

OPERATIONS = ("execute", "view", "selfAssign", "assign", "unassign", "hold", "unhold", "repair", "terminate")


@pytest.mark.parametrize("definition", [OPEN, LANED], ids=["no lanes", "lanes that say nothing"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_process_without_access_is_open_to_everybody(definition, operation):
    assert permission(Principal("eve"), definition, operation, "") is None


@pytest.mark.parametrize("principal", [SYSTEM, Principal("root", frozenset({"admin"}))], ids=["system", "admin"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_administrator_may_do_everything(principal, operation):
    assert permission(principal, GUARDED, operation, BACK) is None
    assert permission(principal, GUARDED, operation, "") is None


@pytest.mark.parametrize(
    ("roles", "operation", "lane", "allowed"),
    [
        ("clerk", "execute", FRONT, True),
        ("manager", "execute", FRONT, True),
        ("clerk", "execute", BACK, False),
        ("manager", "execute", BACK, True),
        ("auditor", "execute", FRONT, False),
        ("auditor", "view", FRONT, True),
        ("auditor", "view", BACK, False),
        ("clerk", "view", FRONT, True),  # who executes sees
        ("clerk", "view", None, True),  # in any lane
        ("auditor", "view", None, True),
        ("", "view", None, False),
        ("clerk", "hold", FRONT, False),
        ("manager", "hold", FRONT, True),
        ("manager", "hold", BACK, False),
        ("manager", "unhold", FRONT, False),
        ("manager", "selfAssign", BACK, True),
        ("clerk", "selfAssign", BACK, False),
        ("manager", "assign", BACK, False),
        ("manager", "execute", "", False),  # outside of the lanes
        ("manager", "execute", "no such lane", False),
        ("clerk manager", "repair", None, False),
        ("clerk manager", "terminate", None, False),
        ("operator", "repair", None, True),
        ("operator", "terminate", None, True),
        ("operator", "view", BACK, True),
        ("operator", "hold", BACK, True),
        ("operator", "unhold", "", True),
        ("operator", "execute", FRONT, False),  # does no work in a lane
        ("operator", "assign", FRONT, False),
    ],
)
def test_a_guarded_process_denies_what_no_lane_allows(roles, operation, lane, allowed):
    reason = permission(Principal("ana", frozenset(roles.split())), GUARDED, operation, lane)
    assert (reason is None) is allowed
    if reason is not None:
        assert WORDS[operation] in reason


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [("view", True), ("terminate", True), ("execute", False), ("hold", False), ("repair", False)],
)
def test_who_started_an_instance_may_see_it_and_give_it_up(operation, allowed):
    reason = permission(Principal("ana"), GUARDED, operation, owner="ana")
    assert (reason is None) is allowed
    assert permission(Principal("bob"), GUARDED, operation, owner="ana") is not None


def test_the_reason_names_the_lane_and_the_roles():
    reason = permission(Principal("ana", frozenset({"clerk"})), GUARDED, "execute", BACK)
    assert reason == "only manager may work in Back"
