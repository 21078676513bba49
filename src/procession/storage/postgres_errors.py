"""What PostgreSQL's errors mean, and those of its driver."""

from __future__ import annotations

import asyncpg

from procession.errors import StorageBusy, StorageError, StorageFull, VersionConflict

CONFLICT, DEFINITIONS_CHANGED = "PC001", "PC002"
"""Of ours, see `commit_batch`."""

TRY_AGAIN = ("40001", "40P01")  # serialization failure, deadlock
LOCKED = "55P03"  # waited for as long as `lock_timeout`
UNREACHABLE = ("57P01", "57P02", "57P03")  # shut down by the administrator, crashed, starting up


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code, or nothing."""
    return str(getattr(error, "sqlstate", None) or "")


def is_lost(error: BaseException | None) -> bool:
    """Whether the server went away, or never was there."""
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate(error).startswith("08") or sqlstate(error) in UNREACHABLE
    # an internal error: asked for something while the server's last words are still coming in
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError)


def is_outdated(error: BaseException) -> bool:
    """Whether a statement was planned for a schema that was changed since. It did nothing; asked again, it is planned anew."""
    return isinstance(error, asyncpg.InvalidCachedStatementError)


def is_taken(error: BaseException) -> bool:
    """Whether a key that must be new is there already."""
    return isinstance(error, asyncpg.UniqueViolationError)


def explain(error: BaseException, name: str) -> StorageError | None:
    """What an error of PostgreSQL means to us; None: it is none of its."""
    if is_lost(error):
        return StorageError(f"The connection to {name} was lost ({said(error)}).")
    if not isinstance(error, asyncpg.PostgresError):
        return None
    code = sqlstate(error)
    if code == CONFLICT or code in TRY_AGAIN:
        return VersionConflict(f"Somebody else was faster ({said(error)}). Nothing was written: decide again.")
    if code in ("53100", "53400"):
        return StorageFull(
            f"There is no space left for {name}. Nothing of the batch was written, and nothing that was acknowledged is "
            "lost: free some space and try again."
        )
    if code == LOCKED:
        return StorageBusy(
            f"Somebody holds tables or rows of {name} for long ({said(error)}). Nothing was written; try again."
        )
    if code.startswith("53") or code == "57014":
        return StorageBusy(f"{name} has too much to do ({said(error)}). Nothing was written; try again.")
    if code in ("3D000", "28000", "28P01", "42501", "3F000", "42P01"):  # no table: no right to its schema
        return StorageError(f"{name} lets us not in ({said(error)}). Create the database, or grant the rights.")
    if code == "25006":
        return StorageError(f"{name} is read-only: it is a standby. Name the primary.")
    return StorageError(f"PostgreSQL refuses ({code}: {said(error)}). Nothing of the batch was written to {name}.")


def said(error: BaseException) -> str:
    """The first line of it."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
