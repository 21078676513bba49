"""The store in memory keeps the contract."""

from __future__ import annotations

import pytest

from procession.storage.memory import MemoryStorage
from tests.contracts.rows import Driven
from tests.contracts.storage import StorageContract


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def store(self):
        store = Driven(MemoryStorage())
        store.open()
        yield store
        store.close()

    @pytest.fixture
    def other(self, store):
        return store
