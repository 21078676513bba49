"""Programs that a test starts, listens to, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Program:
    """`procession …` in a process of its own; what it says on stdout and stderr is collected."""

    def __init__(self, *arguments: str, cwd, **variables: str) -> None:
        usual = {name: value for name, value in os.environ.items() if not name.startswith("PROCESSION_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "procession.cli", *arguments],
            cwd=cwd,
            env={**usual, "PYTHONUNBUFFERED": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        pairs = ((self.process.stdout, self.out), (self.process.stderr, self.err))
        self._readers = [threading.Thread(target=_collect, args=pair) for pair in pairs]
        for reader in self._readers:
            reader.start()

    def said(self, text: str, times: int = 1, seconds: float = 30.0) -> list[str]:
        """The lines with this text, once there are so many."""
        end = time.monotonic() + seconds
        while len(found := [line for line in (*self.out, *self.err) if text in line]) < times:
            assert time.monotonic() < end, f"it never said {text!r}, but:\n{''.join(self.out)}{''.join(self.err)}"
            time.sleep(0.02)
        return found

    def address(self, times: int = 1) -> str:
        """Where it listens."""
        return self.said("listening on ", times)[-1].removeprefix("listening on ").strip()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code, after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            for reader in self._readers:
                reader.join(20)
            for stream in (self.process.stdout, self.process.stderr):
                stream.close()
        return code


def _collect(stream, lines: list[str]) -> None:
    lines.extend(iter(stream.readline, ""))


@contextmanager
def running(*arguments: str, cwd, **variables: str) -> Iterator[Program]:
    """Ended at the end, whatever happens."""
    program = Program(*arguments, cwd=cwd, **variables)
    try:
        yield program
    finally:
        if program.process.returncode is None:
            program.stop()
