"""Built-in identity: names, argon2 hashes, roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from procession.engine.access import Principal
from procession.engine.codec import decode, encode
from procession.errors import CommandRejected
from procession.runtime.checks import text
from procession.storage import AuditRow, Storage, UserRow

NAME = re.compile(r"[\w.@+-]{1,100}")
SHORTEST_PASSWORD = 8

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's parameters for argon2id


class Users:
    """The users of one store."""

    def __init__(self, storage: Storage, new_id: Callable[[], int], now: Callable[[], int]) -> None:
        self._storage, self._new_id, self._now = storage, new_id, now

    async def add(self, name: str, password: str, roles: Iterable[str], by: Principal) -> None:
        """Add a user, or give an existing one a new password and roles."""
        self._require_admin(by)
        if not NAME.fullmatch(name):
            raise CommandRejected(
                422, "Not valid.", f"{name!r} is no user name: letters, digits and . _ @ + - (up to 100)."
            )
        if len(text(password, "A password")) < SHORTEST_PASSWORD:
            raise CommandRejected(422, "Not valid.", f"A password has at least {SHORTEST_PASSWORD} characters.")
        wanted = sorted(set(roles))
        if not wanted or not all(NAME.fullmatch(role) for role in wanted):
            raise CommandRejected(422, "Not valid.", "A user needs roles: names of letters, digits and . _ @ + -.")
        row = UserRow(name, _hasher.hash(password), encode(wanted), self._now())
        await self._storage.put_user(row, [self._audit(by, "Create", name, ", ".join(wanted))])

    async def remove(self, name: str, by: Principal) -> None:
        self._require_admin(by)
        if not await self._storage.remove_user(text(name, "The name of a user"), [self._audit(by, "Delete", name, "")]):
            raise CommandRejected(404, "User not found.", f"There is no user {name!r}.")

    async def list(self) -> list[Principal]:
        return [Principal(row.name, frozenset(decode(row.roles))) for row in await self._storage.users()]

    async def verify(self, name: str, password: str) -> Principal | None:
        """The principal, or None. As slow for a name that is not there as for a wrong password."""
        row = next((row for row in await self._storage.users() if row.name == name), None)
        try:
            _hasher.verify(row.password if row is not None else _nobody(), password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return None
        return Principal(row.name, frozenset(decode(row.roles))) if row is not None else None

    def _require_admin(self, by: Principal) -> None:
        if not by.admin:
            raise CommandRejected(
                403, "Forbidden", f"{by.name}: managing users needs the role admin.", key="error.forbidden"
            )

    def _audit(self, by: Principal, event: str, name: str, detail: str) -> AuditRow:
        return AuditRow(self._new_id(), self._now(), by.name, "User", event, name, "success", detail)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
