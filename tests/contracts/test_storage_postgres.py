"""The PostgreSQL store keeps the contract; and what only a server and many nodes can do to it."""

from __future__ import annotations

import secrets

import pytest

from procession.storage.postgres import PostgresStorage
from tests.contracts.rows import Driven
from tests.contracts.storage import StorageContract


@pytest.fixture(scope="session")
def database(postgresql):
    return postgresql.url()


@pytest.fixture
def url(database):
    """A schema of its own for each test."""
    return f"{database}?schema=s{secrets.token_hex(6)}"


def opened(url) -> Driven:
    store = Driven(PostgresStorage(url))
    store.open()
    return store


class TestPostgres(StorageContract):
    @pytest.fixture
    def store(self, url):
        store = opened(url)
        yield store
        store.close()
