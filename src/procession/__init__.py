"""procession runs business processes drawn in BPMN 2.0.

engine = Engine("sqlite:///orders.db")
engine.deploy("order.bpmn", publish=True)
order = engine.start("order", {"amount": 500})
print(order.status, order.waiting_at)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from procession.errors import (
    CommandRejected,
    InvalidDefinition,
    Problem,
    ProcessionError,
    StorageBusy,
    StorageError,
    StorageFull,
)

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.client import Client
    from procession.engine.access import Principal
    from procession.integration import Integration
    from procession.runtime.clock import SystemClock, VirtualClock
    from procession.worker import BpmnError, Worker

__version__ = "0.1.0"

__all__ = [
    "BpmnError",
    "Client",
    "CommandRejected",
    "Engine",
    "Integration",
    "InvalidDefinition",
    "Principal",
    "Problem",
    "ProcessionError",
    "StorageBusy",
    "StorageError",
    "StorageFull",
    "SystemClock",
    "VirtualClock",
    "Worker",
]

_HOMES = {
    "BpmnError": "procession.worker",
    "Client": "procession.client",
    "Engine": "procession.app",
    "Integration": "procession.integration",
    "Principal": "procession.engine.access",
    "SystemClock": "procession.runtime.clock",
    "VirtualClock": "procession.runtime.clock",
    "Worker": "procession.worker",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for only then: a program that only lints opens no database."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'procession' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
