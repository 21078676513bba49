"""A store's file is its owner's: it holds people's data and the hashes of passwords."""

from __future__ import annotations

import os
import stat

from procession import Engine


def test_a_new_file_is_for_its_owner_only(tmp_path):
    before = os.umask(0o022)
    try:
        with Engine(f"sqlite:///{tmp_path}/orders.db") as engine:
            engine.users.add("ana", "a long password", ["clerk"])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes


def test_a_file_that_is_there_keeps_its_mode(tmp_path):
    path = tmp_path / "orders.db"
    Engine(f"sqlite:///{path}").close()
    path.chmod(0o640)
    Engine(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
