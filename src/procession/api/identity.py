"""Who asks: credentials of a request to a principal, logging in and out.

What people may do is looked up, not carried by them: a changed role, a new password or a removed user counts from the next
request on (another process's change after a second at most). Tokens and sessions carry the stamp of the password that they were
given for, and count as long as it is the user's: no clock is asked which of them is older.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from procession.api.origins import check_origin
from procession.api.problems import refusal
from procession.api.recent import Recent
from procession.api.throttle import Throttle
from procession.api.tokens import AccessTokens, BadCredentials
from procession.engine.access import Principal
from procession.errors import CommandRejected
from procession.runtime.node import Node
from procession.runtime.sessions import Opened, Sessions, session_id
from procession.runtime.users import Credentials, Hashed, Users, has_password
from procession.runtime.views import MeView
from procession.storage import AuditRow, Batch, SessionRow, UserRow

COOKIE = "procession_session"
SECRET = re.compile(r"[\w-]{43}", re.ASCII)
"""What such a cookie says: 256 random bits."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing: they need no CSRF token."""

CHECKS_AT_ONCE, QUEUE = 2, 50
"""Passwords that are checked at once (each takes 19 MiB and a core), and log-ins that wait for it."""

SHOWN = 100
"""Characters of a name or address that go into the audit log, whatever somebody tried to log in with."""


@dataclass(frozen=True, slots=True)
class Who:
    """A principal with the credentials that say so. `expires`: microseconds since the epoch."""

    principal: Principal
    stamp: str
    expires: int
    session: str | None = None  # the id of its row
    csrf: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What a log-in gives."""

    access_token: str
    expires_in: int
    secret: str | None = None  # of the session's cookie
    csrf: str | None = None
    lifetime: int = 0  # of the session, in seconds

    def cookies(self, *, secure: bool) -> list[str]:
        """`Set-Cookie`, where a session was opened."""
        return [] if self.secret is None else [_cookie(self.secret, self.lifetime, secure=secure)]


class Identity:
    """The built-in identity of one server. Lifetimes in seconds; `origins` are other sites whose pages may use a session."""

    def __init__(
        self, node: Node, *, secret: str, token_lifetime: float, session_lifetime: float, origins: Sequence[str] = ()
    ) -> None:
        self._node, self._lifetime, self._origins = node, session_lifetime, origins
        self.tokens = AccessTokens(secret, token_lifetime, node.clock.now)
        self.users = Users(node.storage, node.new_id, node.clock.now)
        self._sessions = Sessions(node.storage, node.clock.now)
        self._people: Recent[Credentials] = Recent(
            lambda names: node.read(self.users.credentials(names)), time.monotonic
        )
        self._opened: Recent[SessionRow] = Recent(lambda ids: node.read(self._sessions.find(ids)), time.monotonic)
        self._throttle = Throttle(time.monotonic)
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._logging_in = 0

    # -- who asks -----------------------------------------------------------------------------------------------------

    def known(self, authorization: str) -> Who | None:
        """Who a request is of, if that can be told at once; else ask `principal`."""
        if not authorization.startswith("Bearer "):
            return None
        claims = self.tokens.known(authorization[7:])
        if claims is None:
            return None
        user = self._people.get(claims.name)
        if user is None or user.stamp != claims.stamp:
            return None
        return Who(user.principal, claims.stamp, claims.expires)

    async def principal(self, headers: Mapping[str, str], method: str) -> Who:
        """Who a request is of: by its header, else by its cookie. Names of headers are in lower case.

        401 for nobody. By cookie, what may change something is refused with 403 if it comes from another site's page, or
        without the session's CSRF token.
        """
        authorization = headers.get("authorization")
        if authorization is not None:
            return await self._by_header(authorization)
        return await self._by_cookie(headers, method)

    async def _by_header(self, authorization: str) -> Who:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized("Send 'Authorization: Bearer …' with an access token.")
        try:
            claims = self.tokens.verify(token.strip())
        except BadCredentials as error:
            raise unauthorized(str(error)) from None
        return Who(await self._holder(claims.name, claims.stamp), claims.stamp, claims.expires)

    async def _by_cookie(self, headers: Mapping[str, str], method: str) -> Who:
        secret = session_cookie(headers.get("cookie", ""))
        if secret is None:
            raise unauthorized("Log in first: POST /api/auth/login.")
        row = await self._opened.find(session_id(secret))
        if row is None or row.expires <= self._node.clock.now():
            raise unauthorized("The session is over. Log in again.")
        principal = await self._holder(row.user, row.stamp)
        if method not in SAFE:
            check_origin(headers, self._origins)
            if not hmac.compare_digest(headers.get("x-csrf-token", "").encode(), row.csrf.encode()):
                detail = "A request by session that changes something needs X-CSRF-Token, as /api/auth/me gives it."
                raise refusal(403, "Forbidden", detail, "error.csrf")
        return Who(principal, row.stamp, row.expires, row.id, row.csrf)

    async def _holder(self, name: str, stamp: str) -> Principal:
        """The user whose password still has this stamp."""
        user = await self._people.find(name)
        if user is None or user.stamp != stamp:
            raise unauthorized("These credentials do not count any more. Log in again.")
        return user.principal

    async def still(self, who: Who) -> Who:
        """The same person as they are now, for what goes on after the request that they came with; 401: it is over."""
        over = who.expires <= self._node.clock.now()
        if over or (who.session is not None and await self._opened.find(who.session) is None):
            raise unauthorized("These credentials do not count any more. Log in again.")
        principal = await self._holder(who.principal.name, who.stamp)
        return who if principal == who.principal else replace(who, principal=principal)

    # -- those who stay ------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Look again at everybody who was here lately; then `current` knows."""
        await self._people.refresh()
        await self._opened.refresh()

    def current(self, who: Who) -> Who | None:
        """The same person as they were at the last `refresh`; None: the credentials are over."""
        user = self._people.last(who.principal.name)
        if user is None or user.stamp != who.stamp or who.expires <= self._node.clock.now():
            return None
        if who.session is not None and self._opened.last(who.session) is None:
            return None
        return who if user.principal == who.principal else replace(who, principal=user.principal)

    def forget(self) -> None:
        """Users or sessions have changed here: look again before the next answer."""
        self._people.forget()
        self._opened.forget()

    async def me(self, who: Who) -> MeView:
        """Who one is, until when, and what one may do outside of a process."""
        view = await self._node.read(self._node.queries(who.principal).me(who.expires))
        if who.csrf is not None:
            view.csrf_token = who.csrf
        return view

    # -- logging in and out -------------------------------------------------------------------------------------------

    async def login(self, name: str, password: str, address: str, *, session: bool) -> LoggedIn:
        """Check a password; 401 where it is wrong, 429 after too many failures or while too many log in."""
        user = await self._with_password(name, password, address)
        if user is None:
            await self._node.alone(self._note(name, "Login", "failure", address))
            raise unauthorized("The name or the password is wrong.")
        return self._in(user, await self._node.alone(self._open(user, address, session=session)))

    async def change_password(self, who: Who, old: str, new: Hashed, address: str) -> LoggedIn:
        """A new password for who asks; 403 where the old one is wrong. They stay logged in, by what is answered."""
        name = who.principal.name
        user = await self._with_password(name, old, address)
        if user is None:
            await self._node.alone(self._note(name, "Update password", "failure", address))
            raise refusal(403, "Forbidden", "The old password is wrong.", "error.password")
        renewed, opened = await self._node.alone(self._renew(who, new, user.stamp))
        self.forget()
        return self._in(renewed, opened)

    async def logout(self, who: Who, *, secure: bool) -> list[str]:
        """End the session of a request, if it has one: the cookies to take back."""
        if who.session is None:
            return []
        await self._node.alone(self._close(who.principal.name, who.session))
        self._opened.forget()
        return [_cookie("", 0, secure=secure)]

    check_origin = staticmethod(check_origin)

    async def _with_password(self, name: str, password: str, address: str) -> UserRow | None:
        """The user of this name and password; 429 after too many failures or while too many log in."""
        self._slow_down(name, address)
        if self._logging_in >= CHECKS_AT_ONCE + QUEUE:
            raise _too_many("Too many people log in at this moment. Try again.", "error.busy", 1)
        self._logging_in += 1
        try:
            async with self._checking:
                self._slow_down(name, address)  # others may have tried the same while this one waited
                user = await self._node.read(self.users.find(name))
                right = await asyncio.to_thread(has_password, user, password)
                (self._throttle.succeeded if right else self._throttle.failed)(name, address)
        finally:
            self._logging_in -= 1
        return user if right else None

    def _in(self, user: UserRow, opened: Opened | None) -> LoggedIn:
        token, seconds = self.tokens.issue(user.name, user.stamp)
        if opened is None:
            return LoggedIn(token, seconds)
        return LoggedIn(token, seconds, opened.secret, opened.csrf, int(self._lifetime))

    def _slow_down(self, name: str, address: str) -> None:
        if wait := self._throttle.check(name, address):
            raise _too_many("Too many log-ins have failed. Try later.", "error.throttled", wait)

    async def _open(self, user: UserRow, address: str, *, session: bool) -> Opened | None:
        await self._note(user.name, "Login", "success", address)
        return await self._sessions.open(user, int(self._lifetime * 1_000_000)) if session else None

    async def _renew(self, who: Who, new: Hashed, stamp: str) -> tuple[UserRow, Opened | None]:
        user = await self.users.set_password(who.principal.name, new, who.principal, stamp)
        if who.session is None:
            return user, None
        return user, await self._sessions.open(user, int(self._lifetime * 1_000_000))

    async def _close(self, name: str, session: str) -> None:
        if await self._sessions.close(session):
            await self._note(name, "Logout", "success")

    async def _note(self, name: str, event: str, status: str, address: str = "") -> None:
        who, where = _shown(name), f"from {_shown(address)}" if address else ""
        row = AuditRow(self._node.new_id(), self._node.clock.now(), who, "User", event, who, status, where)
        await self._node.storage.commit(Batch(audit=[row]))


def unauthorized(detail: str) -> CommandRejected:
    """401."""
    return refusal(401, "Unauthorized", detail, "error.unauthorized")


def session_cookie(header: str) -> str | None:
    """What our cookie says, among those that a browser sends. Others on the same host may write theirs as they like."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and SECRET.fullmatch(value):
            return value
    return None


def _too_many(detail: str, key: str, wait: int) -> CommandRejected:
    return refusal(429, "Too many requests.", detail, key, retryAfter=wait)


def _shown(text: str) -> str:
    """What somebody sent, fit for a log: no more than a line, and nothing that a terminal takes for a command."""
    return "".join(character if character.isprintable() else "?" for character in text[:SHOWN])


def _cookie(secret: str, lifetime: int, *, secure: bool) -> str:
    """For the whole site, not for scripts, and not sent along by other sites."""
    text = f"{COOKIE}={secret}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Strict"
    return f"{text}; Secure" if secure else text
