"""kill -9 at every named point of the commit path, of one node beside another that goes on: nothing is lost or done twice."""

from __future__ import annotations

import time

import pytest

from procession import Engine
from tests.chaos.evidence import Facts
from tests.chaos.nodes import Node
from tests.chaos.orders import check
from tests.chaos.processes import FILES
from tests.chaos.traps import POINTS

KEYS = 40
AT_ONCE = ("opened", "refused", "written", "due")
"""Points that are passed once, or seldom, or that matter most where there is little else yet."""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """The kind of a store, and its URL."""
    if request.param == "sqlite":
        return request.param, f"sqlite:///{tmp_path}/orders.db"
    return request.param, request.getfixturevalue("postgresql").url()


def dies(node: Node) -> bool:
    end = time.monotonic() + 30
    while node.alive and time.monotonic() < end:
        time.sleep(0.02)
    return not node.alive


@pytest.mark.timeout(300)
def test_a_node_that_dies_at_each_point(store, tmp_path):
    kind, url = store
    with Engine(url) as engine:
        engine.deploy(*FILES, publish=True)
    log = tmp_path / "nodes.log"

    def arguments(life: int) -> list[str]:
        return ["victim", url, str(50 + life), str(life * KEYS), str((life + 2) * KEYS)]

    other = Node("other", lambda life: ["victim", url, "1", "0", str(KEYS * len(POINTS[kind]))], log)
    node = Node("node", arguments, log)
    other.start()
    try:
        for number, point in enumerate(POINTS[kind]):
            node.arm = f"{point} {1 if point in AT_ONCE else 1 + number * 2}"
            node.start()
            died = dies(node)
            node.end()
            assert died, f"it never came to {point}"
            assert node.trapped[point] == 1
    finally:
        node.end()
        other.end()
    facts = Facts()
    for each in (node, other):
        assert each.deaths == []
        facts.read(each.lines)
    assert not facts.faults + facts.broken
    check(url, facts)
