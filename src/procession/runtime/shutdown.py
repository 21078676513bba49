"""The operating system asks a program to shut down: SIGTERM and SIGINT."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

log = logging.getLogger("procession")

PATIENCE = 0.2
"""Seconds until the main thread sees a signal."""


def attend(
    thread: threading.Thread, ask_to_stop: Callable[[float], object], grace: float, *, noted: bool = True
) -> None:
    """Wait for the end of a thread, and let SIGTERM and SIGINT (if they are `noted`) stop it after `grace` seconds at most.

    A second signal does not wait.
    """
    received: list[int] = []
    restore = noted_shutdown(received.append) if noted else {}
    try:
        asked = 0
        while thread.is_alive():
            thread.join(PATIENCE)
            if len(received) > asked:
                asked = len(received)
                log.info("%s: shutting down", thread.name)
                ask_to_stop(grace if asked == 1 else 0.0)
    except BaseException:  # a KeyboardInterrupt where no handler could be installed
        ask_to_stop(0.0)
        thread.join(grace)
        raise
    finally:
        for number, handler in restore.items():
            signal.signal(number, handler)


def noted_shutdown(receive: Callable[[int], None]) -> dict[int, Any]:
    """Let SIGTERM and SIGINT be noted; the handlers that were there before. Only the main thread may do this."""
    if threading.current_thread() is not threading.main_thread():
        return {}

    def note(number: int, frame: FrameType | None) -> None:
        receive(number)

    return {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
