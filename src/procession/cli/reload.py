"""Runs a server in a process of its own, and again when the program or its settings change: for developers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import typer

LOOK = 0.5
PACKAGE = Path(__file__).parent.parent


def run_again_and_again(arguments: list[str], files: Iterable[Path]) -> int:
    """Run `procession ARGUMENTS` until somebody stops it; the exit code of the last run."""
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        files = list(files)
        while True:
            seen = stamps(files)
            server = subprocess.Popen([sys.executable, "-m", "procession.cli", *arguments])
            while not stopping and (now := stamps(files)) == seen:
                time.sleep(LOOK)
            if server.poll() is None and stopping != [signal.SIGINT]:  # the terminal sends Ctrl-C to both
                server.terminate()
            code = server.wait()
            if stopping:
                return code
            names = ", ".join(sorted(path.name for path in now.keys() | seen.keys() if now.get(path) != seen.get(path)))
            typer.echo(f"{names} changed; the server starts again.", err=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stamps(files: Iterable[Path]) -> dict[Path, int]:
    """When the package's files and these were changed."""
    found = {}
    for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml"), *files):
        try:
            found[path] = path.stat().st_mtime_ns
        except OSError:
            continue  # it has just gone
    return found
