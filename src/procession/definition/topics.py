"""What a process file may call a topic."""

from __future__ import annotations

import re

RECEIVE = "engine.receive."
"""How the topics begin on which answers come: those that the engine listens to."""

RECEIVE_JOB = "engine.receive.job"
"""Of these the one that has results of jobs, and no answers."""

LEGAL = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes for the name of a topic."""


def legal(topic: str) -> bool:
    """Whether Kafka takes it for the name of a topic."""
    return LEGAL.fullmatch(topic) is not None and topic not in (".", "..")
