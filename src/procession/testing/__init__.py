"""For people who test their processes: build one, tell its story, move its clock.

from procession.testing import Scenario, process

ORDER = process("order").start().service_task("pack").user_task("check").end().build()

def test_an_order_is_packed_and_checked():
    order = Scenario(ORDER).start({"amount": 500})
    order.complete_job("pack").complete_task("check")
    assert order.status == "FINISHED"
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from procession.runtime.clock import VirtualClock
    from procession.testing.builder import ProcessBuilder, bpmn_file, process
    from procession.testing.guardian import broken_rules
    from procession.testing.running import RunningServer, server
    from procession.testing.scenario import Scenario

__all__ = [
    "ProcessBuilder",
    "RunningServer",
    "Scenario",
    "VirtualClock",
    "bpmn_file",
    "broken_rules",
    "process",
    "server",
]

_HOMES = {
    "ProcessBuilder": "procession.testing.builder",
    "RunningServer": "procession.testing.running",
    "Scenario": "procession.testing.scenario",
    "VirtualClock": "procession.runtime.clock",
    "bpmn_file": "procession.testing.builder",
    "broken_rules": "procession.testing.guardian",
    "process": "procession.testing.builder",
    "server": "procession.testing.running",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for only then: pytest imports this package for its plugin, in every project."""
    if name not in _HOMES:
        raise AttributeError(f"module 'procession.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
