"""Every story of the whole is told on both stores."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["memory", "sqlite"])
def url(request, tmp_path):
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
