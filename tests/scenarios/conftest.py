"""Every story is told three times: in memory, on SQLite, and with a save and a load between any two commands."""

from __future__ import annotations

import pytest

from procession.testing import Scenario


@pytest.fixture(params=["memory", "sqlite", "reload"])
def scenario(request, tmp_path):
    """Makes scenarios on the store of this round; they are closed after the test."""
    made = []

    def make(*processes, **options):
        if request.param == "sqlite":
            options.setdefault("store", f"sqlite:///{tmp_path}/{len(made)}.db")
        options.setdefault("reload", request.param == "reload")
        made.append(Scenario(*processes, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
