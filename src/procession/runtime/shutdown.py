"""The operating system asks a program to shut down: SIGTERM and SIGINT."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


def noted_shutdown(receive: Callable[[int], None]) -> dict[int, Any]:
    """Let SIGTERM and SIGINT be noted; the handlers that were there before. Only the main thread may do this."""
    if threading.current_thread() is not threading.main_thread():
        return {}

    def note(number: int, frame: FrameType | None) -> None:
        receive(number)

    return {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
