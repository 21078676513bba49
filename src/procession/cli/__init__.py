"""The command line: one module per command, and nothing here that takes long to import.

What is heavy (the engine, BPMN, rich) is imported inside the commands, so that `procession --help` is there at once.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the arguments name, and exit with 0, 1 (refused or failed) or 2 (usage)."""
    from procession.cli.application import build
    from procession.cli.failures import guarded

    sys.exit(guarded(build()))


__all__ = ["main"]
