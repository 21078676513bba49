"""What every store does. A new one subclasses `StorageContract` and provides the fixture `store`, open and empty, and `other`,
another opener of it (or the same one).

`store` is a `Driven` store: its methods are called without `await`, and one that never suspends needs no event loop.
"""

from __future__ import annotations

from tests.contracts.storage_batches import AtomicityContract, BatchContract
from tests.contracts.storage_bus import BusContract
from tests.contracts.storage_definitions import DefinitionContract, UserContract
from tests.contracts.storage_leases import LeaseContract
from tests.contracts.storage_needs import NeedContract, TimeContract
from tests.contracts.storage_queries import QueryContract


class StorageContract(
    BatchContract,
    AtomicityContract,
    NeedContract,
    LeaseContract,
    TimeContract,
    DefinitionContract,
    QueryContract,
    UserContract,
    BusContract,
):
    """The whole of it."""
