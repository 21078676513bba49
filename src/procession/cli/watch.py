"""Keeps the processes of a folder published while a server runs: for those who draw them, and look at what they do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from procession.cli.failures import problem_line
from procession.errors import CommandRejected, InvalidDefinition, StorageError

if TYPE_CHECKING:
    from procession.api.edge import Edge

log = logging.getLogger("procession.watch")

LOOK = 0.5
ENDINGS = (".bpmn", ".bpmn20.xml")

Changed = tuple[int, int]
"""When a file was changed, and how big it is."""


class Stamp(NamedTuple):
    """How a process file and its forms were, when they were seen; a form that may come is None."""

    own: Changed
    forms: dict[Path, Changed | None]


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
        from procession.runtime.files import gathered

        node = edge.node
        try:
            bundle = await asyncio.to_thread(gathered, [file])
            files = [(each.name, each.data) for each in bundle]
            rows = await node.alone(node.definitions.deploy(files, SYSTEM, publish=True))
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
    """The process files of a folder that are not as they were seen, or whose forms are not."""
    for file in sorted(folder.rglob("*")):
        if file.name.endswith(ENDINGS) and not file.name.startswith("."):
            before = seen.get(file)
            try:
                own = _stamp(file)
                if before is None or before.own != own:
                    yield file, Stamp(own, _places(file))
                elif before.forms != (forms := {place: _stamp_if_there(place) for place in before.forms}):
                    yield file, Stamp(own, forms)
            except OSError:
                continue  # it has just gone


def _places(file: Path) -> dict[Path, Changed | None]:
    """Where the forms of a process file may lie, and how they are now."""
    from procession.bpmn import form_references
    from procession.runtime.files import place_beside

    places = (place_beside(file, key) for key in form_references(file.read_bytes()))
    return {place: _stamp_if_there(place) for place in places if place is not None}


def _stamp(file: Path) -> Changed:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


def _stamp_if_there(file: Path) -> Changed | None:
    try:
        return _stamp(file)
    except OSError:
        return None
