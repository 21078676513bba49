"""Nodes as processes of their own (node.py): started, told to fail, killed, and started again; what they said is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SECRET = "a secret for one test, which nobody has to guess"
KILLED = -signal.SIGKILL


class Node:
    """One process at a time; `lines` are what all of them said. `arguments` are those of the first, second, … process."""

    def __init__(self, name: str, arguments: Callable[[int], list[str]], log: Path) -> None:
        self.name, self.arguments, self.log = name, arguments, log
        self.lines: list[str] = []
        self.starts = self.failed_starts = 0
        self.trapped: Counter[str] = Counter()  # points at which it died
        self.deaths: list[str] = []  # ends that nobody brought about
        self.address: int | None = None  # its port, once it listens
        self.was_off = False  # its clock
        self.arm = ""  # the point at which its next life ends, and the passage
        self.ready = threading.Event()
        self.served = False  # this process came so far
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PROCESSION_")},
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "PROCESSION_SECRET": SECRET,
            "CHAOS_ARM": self.arm,
        }
        self.ready.clear()
        self.was_off = self.served = False
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.node", *self.arguments(self.starts)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                cwd=ROOT,
            )
        self.starts += 1
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            if kind == "listening":
                self.address = int(rest.rpartition(":")[2])
            elif kind == "trap":
                self.trapped[rest.strip()] += 1
            self.lines.append(line)
            if kind in ("listening", "ready\n"):
                self.served = True
                self.ready.set()
        self.ready.set()  # nobody need wait any longer

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tell(self, command: str) -> None:
        """Say something to it, if it still hears."""
        process = self.process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(command + "\n")
            process.stdin.flush()
        except (OSError, ValueError):
            return  # it is dead, or was buried meanwhile

    def clock(self, seconds: float) -> None:
        """Set its clock off."""
        self.was_off = True  # until it is started again: it never goes back by itself
        self.tell(f"clock {seconds}")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def bury(self) -> None:
        """Take in what a process that is dead has said. It must have been killed, or never have come so far as to work."""
        with self._lock:
            process, self.process = self.process, None
            if process is None:
                return
            code = process.wait(30)
            assert self._reader is not None
            self._reader.join(30)
            if code != KILLED:
                if self.served:
                    self.deaths.append(f"{self.name} ended with {code}; see {self.log}")
                else:
                    self.failed_starts += 1
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                try:
                    pipe.close()
                except OSError:
                    continue  # what was not sent any more

    def end(self) -> list[str]:
        """Kill it; everything that was said."""
        self.kill()
        self.bury()
        return self.lines
