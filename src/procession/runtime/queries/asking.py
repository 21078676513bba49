"""What every question needs: the store, who asks, and what they may see."""

from __future__ import annotations

from procession.bus.topics import Naming
from procession.engine.access import Principal, permission
from procession.engine.state import ProcessInstance
from procession.errors import CommandRejected
from procession.runtime.definitions import Definitions
from procession.storage import Storage
from procession.storage.rows import restore


class Asking:
    """One principal before one store."""

    def __init__(
        self, storage: Storage, definitions: Definitions, principal: Principal, naming: Naming | None = None
    ) -> None:
        self._storage, self._definitions, self._principal = storage, definitions, principal
        self._naming = naming or Naming()

    async def _state(self, instance: int) -> ProcessInstance:
        """An instance that the principal may see; 404 if there is none."""
        rows = await self._storage.instance(instance)
        if rows is not None:
            state = restore(rows)
            definition = await self._definitions.compiled(state.definition)
            if permission(self._principal, definition, "view", owner=state.started_by) is None:
                return state
        raise CommandRejected(404, "Process instance not found.", f"There is no instance {instance}.")
