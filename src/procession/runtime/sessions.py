"""People in a browser: who a cookie is of. The store has only hashes, so that reading it lets nobody in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import NamedTuple

from procession.storage import SessionRow, Storage, UserRow


class Opened(NamedTuple):
    """A new session: what the cookie says, what unsafe requests must carry, and when it is over."""

    secret: str
    csrf: str
    expires: int


class Sessions:
    """The sessions of one store. Their ids are hashes of what the cookies say; lifetimes are microseconds."""

    def __init__(self, storage: Storage, now: Callable[[], int]) -> None:
        self._storage, self._now = storage, now

    async def open(self, user: UserRow, lifetime: int) -> Opened:
        """Somebody logged in with the password of this row. If it is another one by now, the session does not count."""
        await self.expire()
        now = self._now()
        opened = Opened(secrets.token_urlsafe(32), secrets.token_urlsafe(32), now + lifetime)
        row = SessionRow(session_id(opened.secret), user.name, user.stamp, opened.csrf, now, opened.expires)
        await self._storage.put_session(row)
        return opened

    async def find(self, ids: Collection[str]) -> dict[str, SessionRow]:
        """Those of these ids that are not over."""
        now = self._now()
        return {row.id: row for row in await self._storage.sessions(ids) if row.expires > now}

    async def close(self, id: str) -> bool:
        """End one; False: there is none."""
        return await self._storage.remove_session(id)

    async def expire(self) -> int:
        """Clear away those that are over; how many there were."""
        return await self._storage.expire_sessions(self._now())


def session_id(secret: str) -> str:
    """What the store knows of a cookie."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
