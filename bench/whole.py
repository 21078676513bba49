"""The whole process of `cold.py` from outside: its CPU time and its peak memory.

It does not import the engine: the peak of a new process begins with what the old one had.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workloads import emit, feel, scratch


def main() -> None:
    folder = Path(scratch())
    (folder / "w1.bpmn").write_bytes(feel("w1_straight.bpmn"))
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for number in range(2):  # the first run writes the byte code that an installed package has
        command = [sys.executable, "cold.py", str(folder / f"{number}.db"), str(folder / "w1.bpmn")]
        process = subprocess.Popen(command, cwd=Path(__file__).parent, env=compiled)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit("cold.py failed")
    emit("ours.cold.cpu", usage.ru_utime + usage.ru_stime, "s")
    emit("ours.cold.memory", usage.ru_maxrss / 1024, "MiB")


if __name__ == "__main__":
    main()
