"""The SQLite store keeps the contract, in a file and in memory."""

from __future__ import annotations

import pytest

from procession.storage.sqlite import SqliteStorage
from tests.contracts.rows import Driven
from tests.contracts.storage import StorageContract


class TestSqliteFile(StorageContract):
    @pytest.fixture
    def store(self, tmp_path):
        store = Driven(SqliteStorage(tmp_path / "orders.db"))
        store.open()
        yield store
        store.close()


class TestSqliteInMemory(StorageContract):
    @pytest.fixture
    def store(self):
        store = Driven(SqliteStorage(":memory:"))
        store.open()
        yield store
        store.close()
