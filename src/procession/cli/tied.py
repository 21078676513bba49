"""Runs a program that ends with whoever started it, however that ends: its stdin is a pipe that nobody writes to.

python -m procession.cli.tied FILE [ARGUMENT…]
python -m procession.cli.tied -m MODULE [ARGUMENT…]
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from runpy import run_module, run_path


def main() -> None:
    """Run what the arguments name."""
    threading.Thread(target=_follow, name="tied", daemon=True).start()
    if sys.argv[1] == "-m":
        sys.argv[:] = sys.argv[2:]
        run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = sys.argv[1:]
        run_path(sys.argv[0], run_name="__main__")


def _follow() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
