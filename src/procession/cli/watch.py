"""Keeps the processes of a folder published while a server runs: for those who draw them, and look at what they do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from procession.cli.failures import problem_line
from procession.errors import CommandRejected, InvalidDefinition, StorageError

if TYPE_CHECKING:
    from procession.api.edge import Edge

log = logging.getLogger("procession.watch")

LOOK = 0.5
ENDINGS = (".bpmn", ".bpmn20.xml")

Stamp = tuple[int, int]
"""When a file was changed, and how big it is."""


class Watch:
    """One folder, with everything in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, Stamp] = {}

    async def keep_published(self, edge: Edge) -> None:
        """Publish what is there, and then what changes, until cancelled."""
        while True:
            for file, stamp in await asyncio.to_thread(lambda: list(changed(self._folder, self._seen))):
                self._seen[file] = stamp
                await self._publish(edge, file)
            await asyncio.sleep(LOOK)

    async def _publish(self, edge: Edge, file: Path) -> None:
        from procession.engine.access import SYSTEM

        node = edge.node
        try:
            data = await asyncio.to_thread(file.read_bytes)
            rows = await node.alone(node.definitions.deploy([(file.name, data)], SYSTEM, publish=True))
            await node.published()
        except InvalidDefinition as error:
            for problem in error.problems:
                log.error("%s", problem_line(problem))
            log.error("%s is not published", file)
        except (CommandRejected, StorageError, OSError) as error:
            log.error("%s is not published: %s", file, error)
        else:
            for row in rows:
                log.info("%s version %d is published, from %s", row.name, row.version, file)


def changed(folder: Path, seen: dict[Path, Stamp]) -> Iterator[tuple[Path, Stamp]]:
    """The process files of a folder that are not as they were seen."""
    for file in sorted(folder.rglob("*")):
        if file.name.endswith(ENDINGS) and not file.name.startswith("."):
            try:
                status = file.stat()
            except OSError:
                continue  # it has just gone
            if seen.get(file) != (stamp := (status.st_mtime_ns, status.st_size)):
                yield file, stamp
