"""Schema changes go forward only: numbered SQL files, each remembered with its checksum once it was applied."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from procession.errors import StorageError
from procession.storage.queries import read


class Migration(NamedTuple):
    """One step of the schema: `0001_initial` is version 1."""

    version: int
    name: str
    sql: str
    checksum: str


class Applied(NamedTuple):
    """A migration that a store has been through."""

    version: int
    name: str
    checksum: str


def load(folder: str, names: Sequence[str]) -> list[Migration]:
    """The migrations of a dialect, oldest first."""
    return [_migration(name, read(f"{folder}/{name}.sql")) for name in names]


def _migration(name: str, sql: str) -> Migration:
    text = "\n".join(line.rstrip() for line in sql.splitlines())  # the same on every system
    return Migration(int(name.partition("_")[0]), name, sql, sha256(text.encode()).hexdigest())


def pending(known: Sequence[Migration], applied: Sequence[Applied], store: str) -> list[Migration]:
    """What is still to be done. Refuses a store that is newer than this program, or that went another way.

    Not only what is newer than the newest: a step that was written beside another one may have come after it.
    """
    ours = {migration.version: migration for migration in known}
    for done in applied:
        migration = ours.get(done.version)
        if migration is None:
            raise StorageError(
                f"{store} has the schema {done.name}, which this version of procession does not know "
                f"(it knows up to {known[-1].name}). It was written by a newer version: use that one."
            )
        if migration.checksum != done.checksum:
            raise StorageError(
                f"The migration {done.name} of {store} is not the one that comes with this version of procession: "
                f"its checksum is {done.checksum[:12]}, ours {migration.checksum[:12]}. "
                "A migration is never edited: restore the file, or the backup that was made with it."
            )
    through = {done.version for done in applied}
    return [migration for migration in known if migration.version not in through]
