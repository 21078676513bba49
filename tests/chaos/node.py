"""A node that can be made to fail: `procession serve`, or a program that embeds the engine.

    python node.py serve ARGUMENTS…
    python node.py victim URL SEED FIRST_KEY LAST_KEY

It is told what to do on standard input, and ends when that is closed:

    arm POINT PASSAGES      die there (see traps.py)
    disarm
    clock SECONDS           the clock of the machine is off by so much
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

from procession.runtime import clock
from tests.chaos import traps


class WrongTime:
    """The machine's clock, set by somebody."""

    def __init__(self) -> None:
        self.off = 0
        self.was_off = False

    def time_ns(self) -> int:
        return time.time_ns() + self.off

    def set(self, seconds: float) -> None:
        self.was_off = self.was_off or bool(seconds)
        self.off = round(seconds * 1e9)


WRONG_TIME = WrongTime()


def obey() -> None:
    for line in sys.stdin:
        match line.split():
            case ["arm", point, passages]:
                traps.arm(point, int(passages))
            case ["disarm"]:
                traps.disarm()
            case ["clock", seconds]:
                WRONG_TIME.set(float(seconds))
    os.kill(os.getpid(), signal.SIGKILL)  # whoever started it is gone


def main() -> None:
    traps.install()
    armed = os.environ.get("CHAOS_ARM", "").split()  # for what it does before it can be told
    if armed:
        traps.arm(armed[0], int(armed[1]))
    clock.time = SimpleNamespace(time_ns=WRONG_TIME.time_ns)
    threading.Thread(target=obey, daemon=True).start()
    kind, *arguments = sys.argv[1:]
    if kind == "serve":
        from procession.cli import main as procession

        sys.argv[:] = ["procession", "serve", *arguments]
        procession()
    else:
        from tests.chaos.victim import Victim

        url, seed, first, last = arguments
        Victim(url, int(seed), int(first), int(last), WRONG_TIME).run()


if __name__ == "__main__":
    main()
