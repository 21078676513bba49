"""The pytest plugin: a clock that the test moves, an engine on it, scenarios that close themselves, and a real server.

pytest finds it by its entry point wherever procession is installed, so importing it must cost nothing: the rest is loaded by
the fixtures that need it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.runtime.clock import VirtualClock
    from procession.testing.running import RunningServer
    from procession.testing.scenario import Process, Scenario


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that moves only when the test says so."""
    made: VirtualClock = importlib.import_module("procession.runtime.clock").VirtualClock()
    return made


@pytest.fixture
def engine(clock: VirtualClock) -> Iterator[Engine]:
    """An engine in memory, on the test's clock."""
    with importlib.import_module("procession.app").Engine("memory:", clock=clock) as made:
        yield made


@pytest.fixture
def scenario(clock: VirtualClock) -> Iterator[Callable[..., Scenario]]:
    """Makes scenarios: `order = scenario(ORDER).start()`. They are closed after the test."""
    kind = importlib.import_module("procession.testing.scenario").Scenario
    made: list[Scenario] = []

    def make(*processes: Process, **options: Any) -> Scenario:
        options.setdefault("clock", clock)
        made.append(kind(*processes, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def procession_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A real server in a process of its own, with the users `admin` and `worker`, on a clock that the test moves."""
    with importlib.import_module("procession.testing.running").server(folder=tmp_path) as running:
        yield running
