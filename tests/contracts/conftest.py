"""Names for tests of a bus: other tests may use the same one."""

from __future__ import annotations

import pytest

from tests.contracts.bus import name


@pytest.fixture
def topic():
    return name()


@pytest.fixture
def group():
    return name("group")
