"""What to say when somebody else was faster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_LISTED = 10


def describe(
    expected: Mapping[int, int | None],
    there: Mapping[int, int],
    keys: Iterable[str],
    fences: Iterable[tuple[int, int]],
    now_fenced: Mapping[int, int],
) -> str:
    """Which instances are not at the position where they were read (None: not there), which keys were taken, and which jobs
    were handed out since."""
    what = []
    for id, position in expected.items():
        now = there.get(id)
        if now != position:
            moved = "is not there" if now is None else f"is at {now}"
            what.append(f"instance {id} {moved}" + ("" if position is None else f", not at {position}"))
    what.extend(f"the key {key!r} is taken" for key in keys)
    what.extend(f"job {job} was handed out again" for job, fence in fences if now_fenced.get(job, fence) != fence)
    listed = "; ".join(what[:_LISTED]) + ("; …" if len(what) > _LISTED else "")
    return f"Somebody else was faster: {listed or 'a key is taken'}. Nothing was written: load again and decide again."
