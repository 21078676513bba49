"""The schema of a store on PostgreSQL: its steps, and the tables for the months to come."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import asyncpg

from procession.errors import StorageBusy, StorageError, VersionConflict
from procession.storage import migrations
from procession.storage.migrations import Applied, Migration
from procession.storage.postgres_errors import LOCKED, TRY_AGAIN, sqlstate
from procession.storage.postgres_link import Connection, Link, prepared, query

log = logging.getLogger("procession")

MIGRATIONS = ("0001_initial", "0002_bus")
OLDEST = 13
"""The first major version with what the order of the commits needs."""

TRIES, PAUSE = 10, 0.5
"""How often a step of the schema is tried that others are in the way of, and seconds in between, in which they can commit."""


async def outstanding(link: Link) -> list[Migration]:
    """What `migrate` would do."""
    return await link.run(lambda connection: _pending(link, connection))


async def migrate(link: Link) -> None:
    """Bring the schema up to date; whoever comes second waits, and finds nothing to do."""

    async def work(connection: Connection) -> None:
        _check_version(connection, link.name)
        await query(connection, "lock_schema", schema=link.schema)
        if todo := await _pending(link, connection):
            await query(connection, "hurry")
            await _apply(link, connection, todo)
        await query(connection, "continue_numbers")

    for tries in range(1, TRIES + 1):
        try:
            await link.transaction(work)
            break
        except (VersionConflict, StorageBusy) as error:
            if tries == TRIES:
                raise StorageError(
                    f"The schema of {link.name} cannot be changed ({error}). A long transaction, such as a dump, may hold "
                    "its tables: try again when it is done."
                ) from None
            log.warning("the schema of %s could not be changed (%s); trying again", link.name, error)
            time.sleep(PAUSE)
    await link.run(lambda connection: keep_partitions(connection, link.schema), again=False)


async def keep_partitions(connection: Connection, schema: str) -> None:
    """Make the tables for the coming months of history; tried again tomorrow where somebody reads it for long."""
    try:
        async with connection.transaction():
            await query(connection, "hurry")
            await query(connection, "lock_schema", schema=schema)
            await query(connection, "keep_partitions")
    except asyncpg.PostgresError as error:
        if sqlstate(error) not in (*TRY_AGAIN, LOCKED):
            raise
        log.info("no new parts of history are made now: %s", error)


async def _apply(link: Link, connection: Connection, todo: Sequence[Migration]) -> None:
    # one that was made beforehand asks for no right to make one
    if not await query(connection, "find_schema", schema=link.schema):
        await connection.execute(f"CREATE SCHEMA {link.quoted}")
    await connection.execute(prepared("create_migration")[0])
    for migration in todo:
        await connection.execute(migration.sql)
        await query(
            connection,
            "add_migration",
            version=migration.version,
            name=migration.name,
            checksum=migration.checksum,
        )


async def _pending(link: Link, connection: Connection) -> list[Migration]:
    tables = {row[0] for row in await query(connection, "tables", schema=link.schema)}
    applied: list[Applied] = []
    if "migration" in tables:
        applied = [Applied._make(row) for row in await query(connection, "migrations")]
    elif tables:
        raise StorageError(
            f"{link.name} has tables of another program. Choose another schema: ?schema=NAME at the end of the URL."
        )
    return migrations.pending(migrations.load("postgres", MIGRATIONS), applied, link.name)


def _check_version(connection: Connection, name: str) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise StorageError(f"{name} is PostgreSQL {version.major}, which is too old. Use {OLDEST} or a newer one.")
