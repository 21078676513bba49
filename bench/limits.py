"""What the machine can do at most: fdatasync, commits of SQLite (WAL, synchronous=FULL), commits of PostgreSQL.

python limits.py [sqlite] [postgres]
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import asyncpg
from workloads import POSTGRES, emit, missing, rate, scratch

ROW = ("i-0000000000000001", "w1", 3, "COMPLETED", "x" * 350)
TABLE = "CREATE TABLE t(id TEXT, def TEXT, ver INTEGER, state TEXT, body TEXT)"
MANY = 1_000
"""Rows of a large transaction."""
CLIENTS = 8


def fdatasync() -> None:
    handle = os.open(Path(scratch()) / "f", os.O_CREAT | os.O_WRONLY)
    block = os.urandom(4096)
    rate("limit.fdatasync.4KiB", lambda: (os.write(handle, block), os.fdatasync(handle)), unit="syncs/s")
    os.close(handle)


def commits(rows: int) -> None:
    connection = apsw.Connection(str(Path(scratch()) / "l.db"))
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", TABLE):
        connection.execute(statement)

    def transaction() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO t VALUES(?,?,?,?,?)", [ROW] * rows)
        connection.execute("COMMIT")

    rate(f"limit.sqlite.{rows}row", transaction, unit="commits/s")


def sqlite() -> None:
    fdatasync()
    commits(1)
    commits(MANY)


Client = asyncpg.Connection


async def asked(
    name: str, clients: list[Client], work: Callable[[Client], Awaitable[object]], units: int, unit: str
) -> None:
    """Every client works for a second; print units per second and the CPU time of this process for one unit."""
    await asyncio.gather(*map(work, clients))
    cpu, begin = time.process_time(), time.perf_counter()

    async def calls(client: Client) -> int:
        done = 0
        while time.perf_counter() - begin < 1.0:
            await work(client)
            done += units
        return done

    done = sum(await asyncio.gather(*map(calls, clients)))
    wall = time.perf_counter() - begin
    emit(name, done / wall, unit, cpu_us=round((time.process_time() - cpu) / done * 1e6, 2))


async def answered() -> None:
    """One row, and 1,000 rows, in a transaction of their own: a statement is one where nothing else is said."""
    clients = [await asyncpg.connect(POSTGRES) for _ in range(CLIENTS)]
    await clients[0].execute(TABLE)
    columns = [list(column) for column in zip(*[ROW] * MANY, strict=True)]
    insert = "INSERT INTO t VALUES($1, $2, $3, $4, $5)"
    unnest = "INSERT INTO t SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[])"
    first = clients[:1]
    await asked("limit.postgres.1row", first, lambda client: client.execute(insert, *ROW), 1, "commits/s")
    await asked(f"limit.postgres.1row.{CLIENTS}", clients, lambda client: client.execute(insert, *ROW), 1, "commits/s")
    await asked(
        "limit.postgres.copy",
        first,
        lambda client: client.copy_records_to_table("t", records=[ROW] * MANY),
        MANY,
        "rows/s",
    )
    await asked("limit.postgres.unnest", first, lambda client: client.execute(unnest, *columns), MANY, "rows/s")
    for client in clients:
        await client.close()


def postgres() -> None:
    if POSTGRES:
        asyncio.run(answered())
    else:
        missing("limit.postgres", "no PostgreSQL")


if __name__ == "__main__":
    for part in sys.argv[1:] or ("sqlite", "postgres"):
        {"sqlite": sqlite, "postgres": postgres}[part]()
