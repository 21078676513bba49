"""What to say when somebody else was faster."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from procession.errors import VersionConflict
from procession.storage import Batch, DefinitionRow

_LISTED = 10


def expected(batch: Batch) -> dict[int, int | None]:
    """At which positions the instances of a batch have to be (None: not there) for it to be written."""
    positions: dict[int, int | None] = {row.id: position for row, position in batch.changed}
    positions.update((row.id, None) for row in batch.new)
    return positions


def refused(
    batch: Batch,
    there: Mapping[int, int],
    taken: Collection[str],
    fences: Mapping[int, int],
    positions: Mapping[tuple[str, str, int], int],
) -> VersionConflict:
    """Say which instances of a batch are elsewhere, which of its keys are taken, which of its jobs were handed out since, and
    which records others have taken."""
    what, moved = [], []
    for id, position in expected(batch).items():
        now = there.get(id)
        if now != position:
            stands = "is not there" if now is None else f"is at {now}"
            what.append(f"instance {id} {stands}" + ("" if position is None else f", not at {position}"))
            moved.append(id)
    what += [f"the key {row.key!r} is taken" for row in batch.inbox if row.key in taken]
    what += [f"job {job} was handed out again" for job, fence in batch.fences if fences.get(job, fence) != fence]
    for row, read in batch.positions:
        next = positions.get(row[:3])
        if next != read:
            reached = "at the beginning" if next is None else f"at {next}"
            was = "the beginning" if read is None else read
            what.append(f"group {row.group!r} is {reached} of {row.topic}/{row.partition}, not at {was}")
    listed = "; ".join(what[:_LISTED]) + ("; …" if len(what) > _LISTED else "")
    return VersionConflict(
        f"Somebody else was faster: {listed or 'a key is taken'}. Nothing was written: load again and decide again.",
        moved,
    )


def numbered(rows: Sequence[DefinitionRow]) -> VersionConflict:
    """Say that another version has the number of one of these."""
    listed = ", ".join(f"{row.name} version {row.version}" for row in rows)
    return VersionConflict(f"Somebody else was faster: of {listed}, one is there already.")
