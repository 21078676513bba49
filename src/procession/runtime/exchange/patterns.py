"""Patterns for names of topics, as people write them: of the platform's topics by their short names."""

from __future__ import annotations

import re

from procession.bus.topics import OURS, Naming

_OURS = re.compile(rf"({'|'.join(name.rstrip('.') for name in OURS)})\\?\.")
"""How a pattern begins that is for topics of the platform: core. or core\\."""


def full_pattern(naming: Naming, pattern: str) -> str:
    """The regular expression of the full names: plugin\\..* becomes procession\\.dev\\.plugin\\..*\\.v1."""
    if _OURS.match(pattern) is None:
        return pattern
    return f"{re.escape(naming.package + naming.environment)}{pattern}{re.escape(naming.version)}"
