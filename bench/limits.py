"""What the machine can do at most: fdatasync, and SQLite commits (WAL, synchronous=FULL)."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
from workloads import rate, scratch

ROW = ("i-0000000000000001", "w1", 3, "COMPLETED", "x" * 350)


def fdatasync() -> None:
    handle = os.open(Path(scratch()) / "f", os.O_CREAT | os.O_WRONLY)
    block = os.urandom(4096)
    rate("limit.fdatasync.4KiB", lambda: (os.write(handle, block), os.fdatasync(handle)), unit="syncs/s")
    os.close(handle)


def commits(rows: int) -> None:
    connection = apsw.Connection(str(Path(scratch()) / "l.db"))
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE t(id TEXT, def TEXT, ver INTEGER, state TEXT, body TEXT)",
    ):
        connection.execute(statement)

    def transaction() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO t VALUES(?,?,?,?,?)", [ROW] * rows)
        connection.execute("COMMIT")

    rate(f"limit.sqlite.{rows}row", transaction, unit="commits/s")


if __name__ == "__main__":
    fdatasync()
    commits(1)
    commits(1000)
