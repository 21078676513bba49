"""One real server for all tests of a module; each test sees only what it made itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from procession.testing import server as running_server

EXAMPLES = Path(__file__).parents[3] / "examples"
ROLES = {"ana": ["clerk"], "mary": ["manager"], "wally": ["worker"], "otto": ["operator"], "edith": ["editor"]}


@pytest.fixture(scope="module")
def server():
    files = sorted(EXAMPLES.glob("*/*.bpmn"))
    with running_server(*files, users=ROLES) as running:
        yield running


@pytest.fixture
def client(server):
    """Asked by an administrator."""
    with server.client("admin") as client:
        yield client
