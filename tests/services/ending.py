"""How a server that a test has started is ended."""

from __future__ import annotations

import subprocess


def end(process: subprocess.Popen[bytes] | None, number: int) -> None:
    """Send it a signal, if it is there, and see that it is gone."""
    if process is None:
        return
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
