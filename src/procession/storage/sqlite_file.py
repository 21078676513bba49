"""One SQLite file: the connection that writes, those that read beside it, its schema, and what its errors mean.

Everything runs in the thread that calls. One thread at a time has a connection; SQLite's write-ahead log lets readers
go on while a batch is committed, here and in other processes.
"""

from __future__ import annotations

import errno
import os
from threading import Lock
from time import monotonic, sleep
from types import TracebackType
from typing import Any, cast

import apsw

from procession.errors import StorageBusy, StorageError, StorageFull
from procession.storage import migrations
from procession.storage.matching import matches
from procession.storage.migrations import Applied, Migration
from procession.storage.queries import load
from procession.storage.waiting import Elsewhere

SQL = load("sqlite.sql")
MIGRATIONS = ("0001_initial", "0002_edge", "0003_forms", "0004_tasks_by_due_date", "0005_failed_starts", "0006_bus")
MEMORY = ":memory:"
READ_WRITE = apsw.SQLITE_OPEN_READWRITE
BUSY_TIMEOUT = 5_000  # milliseconds
STATEMENTS = 256  # prepared and kept for each connection: all of ours, and the filters that people combine
OLDEST = (3, 51, 3)  # before it, two connections that write or checkpoint at one moment can damage a file
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Access:
    """A connection for one thread at a time: `with access as connection`. SQLite's errors become ours."""

    __slots__ = ("_lock", "connection", "file")

    def __init__(self, file: SqliteFile, connection: apsw.Connection) -> None:
        self.file = file
        self.connection = connection
        self._lock = Lock()

    def __enter__(self) -> apsw.Connection:
        self._lock.acquire()
        return self.connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self._give_up(error)
        finally:
            self._lock.release()
            self._done()

    def _give_up(self, error: BaseException) -> None:
        ours = explain(error, self.connection, self.file.path) if isinstance(error, apsw.Error) else None
        roll_back(self.connection)
        if ours is not None:
            raise ours from None

    def _done(self) -> None:
        """The writer is always the same."""


class Reader(Access):
    """Goes back to the idle ones."""

    __slots__ = ()

    def _done(self) -> None:
        if self.file.is_open:
            self.file.idle.append(self)
        else:
            self.connection.close()


class SqliteFile:
    """The connections to one file. In memory there is one only, for everything."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.idle: list[Reader] = []
        self._writer: Access | None = None

    def open(self) -> None:
        """Connect, and bring the schema up to date. A file that is refused is left as it is."""
        if self._writer is not None:
            return
        access = Access(self, self._connect(READ_WRITE | apsw.SQLITE_OPEN_CREATE))
        try:
            with access as connection:
                todo = pending(connection, self.path)
                enter_wal(connection)
                if todo:
                    migrate(connection, self.path)
        except BaseException:
            access.connection.close()
            raise
        self._writer = access

    def close(self) -> None:
        """Close every connection; the last one of all processes folds the log into the file."""
        writer, self._writer = self._writer, None
        while self.idle:
            self.idle.pop().connection.close()
        if writer is not None:
            with writer as connection:
                connection.close()

    @property
    def is_open(self) -> bool:
        return self._writer is not None

    @property
    def writer(self) -> Access:
        """The one connection that writes."""
        if self._writer is None:
            raise StorageError(f"The store {self.path} is not open.")
        return self._writer

    @property
    def reader(self) -> Access:
        """A connection for queries, beside the one that writes."""
        try:
            return self.idle.pop()
        except IndexError:
            return self._new_reader()

    def _new_reader(self) -> Access:
        writer = self.writer
        if self.path == MEMORY:
            return writer
        reader = Reader(self, self._connect(READ_WRITE))
        reader.connection.execute(SQL["connect_reader"]).fetchall()
        return reader

    def migrations(self) -> list[Migration]:
        """What `open` would do to the schema."""
        if self.path == MEMORY or not os.path.exists(self.path):
            return migrations.load("sqlite", MIGRATIONS)
        with Access(self, self._connect(READ_WRITE)) as connection:
            todo = pending(connection, self.path)
        connection.close()
        return todo

    def _connect(self, flags: int) -> apsw.Connection:
        check_version(apsw.sqlite_lib_version())
        folder = os.path.dirname(self.path)
        if folder and not os.path.isdir(folder):
            raise StorageError(f"The folder of {self.path} does not exist. Create it, or choose another place.")
        if self.path != MEMORY and flags & apsw.SQLITE_OPEN_CREATE:
            _owned(self.path)
        try:
            connection = apsw.Connection(self.path, flags, statementcachesize=STATEMENTS)
        except apsw.Error as error:
            raise explain(error, None, self.path) from None
        connection.set_busy_timeout(BUSY_TIMEOUT)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # a plan is made once, and not for each parameter
        connection.create_scalar_function("matches", cast(Any, matches), 2, deterministic=True)
        return connection


def check_version(version: str) -> None:
    """Refuse a SQLite that can damage its files."""
    if tuple(int(part) for part in version.split(".")) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise StorageError(
            f"SQLite {version} is too old: before {oldest} it can damage a database that two processes use. "
            "Update the package apsw."
        )


def pending(connection: apsw.Connection, path: str) -> list[Migration]:
    """The migrations that the file still needs. Refuses what is not ours, too new, or changed."""
    applied: list[Applied] = []
    tables = {name for (name,) in connection.execute(SQL["tables"])}
    if "migration" in tables:
        applied = [Applied._make(row) for row in connection.execute(SQL["migrations"])]
    elif tables:
        raise StorageError(f"{path} is a database of another program: it has tables, but none of procession's.")
    return migrations.pending(migrations.load("sqlite", MIGRATIONS), applied, path)


def enter_wal(connection: apsw.Connection) -> None:
    """Turn the log on, and set what a writer needs.

    When several openers of a new file do so at one moment, SQLite tells all but one at once that they cannot, without
    the wait that it has for other locks.
    """
    last = monotonic() + BUSY_TIMEOUT / 1000
    while True:
        try:
            connection.execute(SQL["connect_writer"]).fetchall()  # reading the answers runs all of it
        except apsw.BusyError:
            if monotonic() > last:
                raise
            sleep(0.01)
        else:
            return


def migrate(connection: apsw.Connection, path: str) -> None:
    """Bring the schema up to date; whoever comes second waits, and finds nothing to do."""
    connection.execute(SQL["begin_exclusive"])
    todo = pending(connection, path)
    connection.execute(SQL["create_migration"])
    for migration in todo:
        connection.execute(migration.sql).fetchall()
        connection.execute(SQL["add_migration"], (migration.version, migration.name, migration.checksum))
    connection.execute(SQL["commit"])


async def begin(connection: apsw.Connection, elsewhere: Elsewhere | None) -> None:
    """Take the write lock. An event loop tries at once, and waits for another process elsewhere."""
    if elsewhere is None:
        connection.execute(SQL["begin"])
        return
    connection.set_busy_timeout(0)
    try:
        connection.execute(SQL["begin"])
        return
    except apsw.BusyError:
        pass
    finally:
        connection.set_busy_timeout(BUSY_TIMEOUT)
    await elsewhere(lambda: _run(connection, SQL["begin"]))


async def commit(connection: apsw.Connection, elsewhere: Elsewhere | None) -> None:
    """Wait until the transaction is on the disk."""
    if elsewhere is None:
        connection.execute(SQL["commit"])
    else:
        await elsewhere(lambda: _run(connection, SQL["commit"]))


def _run(connection: apsw.Connection, statement: str) -> None:
    connection.execute(statement)


def roll_back(connection: apsw.Connection) -> None:
    """End a transaction that went wrong, unless SQLite has done so already."""
    if connection.in_transaction:
        try:
            connection.execute(SQL["rollback"])
        except apsw.Error:
            return  # it is rolled back when the connection closes, or by whoever opens the file next


def is_taken(error: apsw.ConstraintError) -> bool:
    """Whether a key that must be new is there already."""
    code: int = error.extendedresult  # type: ignore[attr-defined]
    return code in (apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE)


def is_null(error: apsw.ConstraintError) -> bool:
    """Whether a column has no value that must have one."""
    code: int = error.extendedresult  # type: ignore[attr-defined]
    return code == apsw.SQLITE_CONSTRAINT_NOTNULL


def _owned(path: str) -> None:
    """A new file is for its owner only: it holds people's data and the hashes of passwords. SQLite's side files follow it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return  # whoever made it has chosen who may read it
    except OSError:
        return  # SQLite says what is wrong with the place, in words that `explain` knows


def explain(error: apsw.Error, connection: apsw.Connection | None, path: str) -> StorageError:
    """What an error of SQLite means to us."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return StorageBusy(
                f"Another process holds the write lock of {path}, for more than {BUSY_TIMEOUT // 1000} s. "
                "Nothing was written. Try again when it is done, or end it."
            )
        case apsw.FullError():
            return _full(path)
        case apsw.IOError():
            if connection is not None and connection.system_errno in NO_SPACE:
                return _full(path)
            return StorageError(f"The disk of {path} fails ({error}). Nothing of the batch was written.")
        case apsw.NotADBError():
            return StorageError(f"{path} is not a SQLite database, or it is damaged. Restore it from a backup.")
        case apsw.CorruptError():
            return StorageError(f"The database {path} is damaged ({error}). Restore it from a backup.")
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            return StorageError(f"{path} cannot be written: the file or its folder is read-only.")
        case apsw.CantOpenError():
            return StorageError(f"{path} cannot be opened: is it a file, and may this user read and write it?")
        case _:
            return StorageError(f"SQLite refuses ({error}). Nothing of the batch was written to {path}.")


def _full(path: str) -> StorageFull:
    return StorageFull(
        f"There is no space left for {path}. Nothing of the batch was written, and nothing that was acknowledged is "
        "lost: free some space and try again."
    )
