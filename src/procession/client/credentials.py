"""Who asks: an access token that does not change, or a name and a password that fetch one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from procession.errors import ProcessionError

RENEW = 0.8
"""The part of a token's life after which the next one is fetched."""


class LoggedIn(Struct):
    """What a log-in answers."""

    access_token: str
    expires_in: float


LogIn = Callable[[str, str], LoggedIn]
"""Asks the server, with a name and a password."""


class Credentials(Protocol):
    """Where the access tokens come from. Shared by threads."""

    def token(self, log_in: LogIn) -> str | None:
        """The one to send now; None: nobody in particular asks."""

    def refused(self, token: str | None) -> bool:
        """The server did not take this one; whether there may be another."""


class FixedToken:
    """Always the same, or none."""

    def __init__(self, token: str | None) -> None:
        if token is not None and not (token and all("!" <= character <= "~" for character in token)):
            raise ProcessionError(
                "The access token is empty, or has characters that none has: is it a whole line of a file?"
            )
        self._token = token

    def token(self, log_in: LogIn) -> str | None:
        return self._token

    def refused(self, token: str | None) -> bool:
        return False


class Login:
    """Logs in at the first request, again before the token ends, and when the server does not take it any more."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._token: str | None = None
        self._until = 0.0
        self._lock = threading.Lock()

    def token(self, log_in: LogIn) -> str | None:
        with self._lock:
            now = time.monotonic()
            if self._token is None or now >= self._until:
                self._token = None
                answer = log_in(self._user, self._password)
                self._token, self._until = answer.access_token, now + RENEW * answer.expires_in
            return self._token

    def refused(self, token: str | None) -> bool:
        with self._lock:
            if token == self._token:
                self._token = None
            return True


def credentials(token: str | None, user: str | None, password: str | None) -> Credentials:
    """Those that were given, else those of the environment, else none."""
    if token is not None and (user is not None or password is not None):
        raise ProcessionError("Give a token, or a user and a password, not both.")
    if token is None and user is None and password is None:
        token = os.environ.get("PROCESSION_TOKEN") or None
        user = None if token else os.environ.get("PROCESSION_USER") or None
    if token is not None:
        return FixedToken(token)
    if user is None and password is None:
        return FixedToken(None)
    password = password or os.environ.get("PROCESSION_PASSWORD") or None
    if user is None or password is None:
        missing = "user" if user is None else "password"
        raise ProcessionError(f"There is no {missing}: give it with {missing}= or in PROCESSION_{missing.upper()}.")
    return Login(user, password)
