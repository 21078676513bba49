"""A whole process: import, deploy, one durable instance, exit. Run by `whole.py`, which reads its CPU time and peak memory."""

from __future__ import annotations

import sys

from procession import Engine

if __name__ == "__main__":
    with Engine(f"sqlite:///{sys.argv[1]}") as engine:
        engine.deploy(sys.argv[2], publish=True)
        assert engine.start("w1", {"x": 0}).completed
