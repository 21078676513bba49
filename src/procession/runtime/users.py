"""Built-in identity: names, argon2 hashes, roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple
from unicodedata import name as character_name
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from procession.engine.access import Principal
from procession.engine.codec import decode, encode
from procession.errors import CommandRejected
from procession.runtime.checks import text
from procession.storage import AuditRow, Storage, UserRow

NAME = re.compile(r"[\w.@+-]{1,100}")
RESERVED = frozenset({"system"})
"""What the engine itself is called in the history, and as the owner of what it started."""

ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "COPTIC", "CHEROKEE"})
"""Scripts that have letters which look the same: a name is written in one of them."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 500

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's parameters for argon2id

_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$NZmHCaEQT102IQ1Jxa16tA$bmtdbzUhKG5sFv46eD+UPt6yJilf+PgZvCJVaGP+XnU"
"""What is compared where there is no such user, to take as long: a hash by the same parameters. Nobody has the password."""


class Credentials(NamedTuple):
    """Who a user is now, and the stamp by which it is known that a password is still the one they logged in with."""

    principal: Principal
    stamp: str


class Hashed(str):
    """A password as the store keeps it: hashed before, where nobody had to wait for it."""

    __slots__ = ()


class Users:
    """The users of one store."""

    def __init__(self, storage: Storage, new_id: Callable[[], int], now: Callable[[], int]) -> None:
        self._storage, self._new_id, self._now = storage, new_id, now

    async def add(self, name: str, password: str | Hashed, roles: Iterable[str], by: Principal) -> bool:
        """Add a user, or give an existing one a new password and roles. Whether it is a new one."""
        self._require_admin(by)
        row = UserRow(name, hash_password(password), _roles(roles), self._now())
        before = await self.find(name)
        if before is None:
            await self._check_name(name)
        else:
            await self._keep_an_admin(before, row, by)
        event = "Create" if before is None else "Update password and roles"
        await self._storage.put_user(row, [self._audit(by, event, name, _listed(row))])
        return before is None

    async def set_roles(self, name: str, roles: Iterable[str], by: Principal) -> None:
        """Give a user other roles; the password stays, and so does whoever is logged in with it."""
        self._require_admin(by)
        before = await self._existing(name)
        row = before._replace(roles=_roles(roles))
        await self._keep_an_admin(before, row, by)
        await self._storage.put_user(row, [self._audit(by, "Update roles", name, _listed(row))])

    async def set_password(self, name: str, password: str | Hashed, by: Principal, stamp: str) -> UserRow:
        """Give oneself a new password, in place of the one with this stamp. Whoever is logged in with that one is so no more."""
        if by.name != name:
            self._require_admin(by)
        before = await self._existing(name)
        if before.stamp != stamp:
            detail = "Somebody has changed it in the meantime. Log in again."
            raise CommandRejected(409, "The password has changed.", detail, key="error.state.password")
        row = before._replace(password=hash_password(password), created=self._now())
        await self._storage.put_user(row, [self._audit(by, "Update password", name, "")])
        return row

    async def remove(self, name: str, by: Principal) -> None:
        """Remove a user: their sessions and access tokens end."""
        self._require_admin(by)
        await self._keep_an_admin(await self._existing(name), None, by)
        await self._storage.remove_user(name, [self._audit(by, "Delete", name, "")])

    async def list(self) -> list[Principal]:
        return [_principal(row) for row in await self._storage.users()]

    async def credentials(self, names: Collection[str]) -> dict[str, Credentials]:
        """Those of these names that are there."""
        return {row.name: Credentials(_principal(row), row.stamp) for row in await self._storage.users(names)}

    async def find(self, name: str) -> UserRow | None:
        """The user, if there is one. The name may be anything."""
        return await self._storage.user(name) if NAME.fullmatch(name) else None

    async def verify(self, name: str, password: str) -> Principal | None:
        """The principal, or None. As slow for a name that is not there as for a wrong password."""
        row = await self.find(name)
        right = has_password(row, password)
        return _principal(row) if row is not None and right else None

    async def _existing(self, name: str) -> UserRow:
        row = await self.find(text(name, "The name of a user"))
        if row is None:
            raise CommandRejected(404, "User not found.", f"There is no user {name!r}.", key="error.user_not_found")
        return row

    async def _check_name(self, name: str) -> None:
        """A name for a new user: one that people can tell from those that are there."""
        if reason := why_no_name(name):
            raise CommandRejected(422, "Not valid.", f"{ascii(name)[:50]} is no user name: {reason}.")
        for row in await self._storage.users():
            if _folded(row.name) == _folded(name):
                detail = f"There is a user {row.name!r} already, who looks the same."
                raise CommandRejected(409, "User name is taken.", detail, key="error.state.user_name")

    async def _keep_an_admin(self, before: UserRow, after: UserRow | None, by: Principal) -> None:
        """The last administrator stays, or nobody could make another one but with a shell."""
        if by.system or not _principal(before).admin or (after is not None and _principal(after).admin):
            return
        if not any(each.admin for each in await self.list() if each.name != before.name):
            detail = f"{before.name} is the only user with the role admin. Give it to somebody else first."
            raise CommandRejected(409, "The last administrator stays.", detail, key="error.state.last_admin")

    def _require_admin(self, by: Principal) -> None:
        if not by.admin:
            raise CommandRejected(403, "Forbidden", f"{by.name}: only admin may manage users.", key="error.forbidden")

    def _audit(self, by: Principal, event: str, name: str, detail: str) -> AuditRow:
        return AuditRow(self._new_id(), self._now(), by.name, "User", event, name, "success", detail)


def hash_password(password: str | Hashed) -> Hashed:
    """What the store keeps of a password. Takes long."""
    if isinstance(password, Hashed):
        return password
    length = len(text(password, "A password"))
    if not SHORTEST_PASSWORD <= length <= LONGEST_PASSWORD:
        bound = f"least {SHORTEST_PASSWORD}" if length < SHORTEST_PASSWORD else f"most {LONGEST_PASSWORD}"
        raise CommandRejected(422, "Not valid.", f"A password has at {bound} characters.", key="error.validation")
    return Hashed(_hasher.hash(password))


def why_no_name(name: str) -> str | None:
    """None where somebody may be called that, else why not."""
    if not NAME.fullmatch(name):
        return "letters, digits and . _ @ + - (up to 100)"
    if _folded(name) in RESERVED:
        return "the engine itself is called that"
    if normalize("NFKC", name) != name:
        return "it has characters that are another way to write usual ones"
    scripts = {character_name(each, "").partition(" ")[0] for each in name if each.isalpha()} & ALIKE
    if len(scripts) > 1:
        return f"its letters are of several scripts ({', '.join(sorted(scripts)).lower()}), some of which look alike"
    return None


def _folded(name: str) -> str:
    """Names with the same one are hard to tell apart."""
    return normalize("NFKC", name).casefold()


def has_password(user: UserRow | None, password: str) -> bool:
    """Whether it is theirs. Takes long, also where there is no such user."""
    try:
        _hasher.verify(_NOBODY if user is None else user.password, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return user is not None


def _principal(row: UserRow) -> Principal:
    return Principal(row.name, frozenset(decode(row.roles)))


def _roles(roles: Iterable[str]) -> bytes:
    wanted = sorted(set(roles))
    if not wanted or not all(NAME.fullmatch(role) for role in wanted):
        raise CommandRejected(422, "Not valid.", "A user needs roles: names of letters, digits and . _ @ + -.")
    return encode(wanted)


def _listed(row: UserRow) -> str:
    return ", ".join(decode(row.roles))
