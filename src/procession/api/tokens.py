"""Access tokens: short-lived, signed, and with nothing in them but who they are for. Roles are looked up (RFC 7519, RFC 8725)."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import jwt

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "procession"
SHORTEST_SECRET = 32
REMEMBERED = 10_000
LONGEST = 4_000
"""Characters of a token that are looked at: one for the longest name has half of them."""


class BadCredentials(Exception):
    """A token that lets nobody in; the text may be shown."""


class Claims(NamedTuple):
    """Who a token is for, and the stamp of the password that it was given for. Times in microseconds since the epoch."""

    name: str
    stamp: str
    issued: int
    expires: int


class AccessTokens:
    """Issues and checks. The time is the engine's, so that a virtual clock ends tokens too. Lifetimes in seconds."""

    def __init__(self, secret: str | bytes, lifetime: float, now: Callable[[], int]) -> None:
        self._key = secret.encode() if isinstance(secret, str) else secret
        if len(self._key) < SHORTEST_SECRET:
            raise ValueError(
                f"The secret that signs access tokens must have {SHORTEST_SECRET} bytes at least, and be random; "
                f"this one has {len(self._key)}. `openssl rand -hex 32` makes one."
            )
        self._lifetime, self._now = lifetime, now
        self._checked: OrderedDict[bytes, Claims] = OrderedDict()
        try:
            self.issue("", "")
        except jwt.InvalidKeyError as error:
            raise ValueError(f"The secret that signs access tokens cannot be used. {error}") from None

    def issue(self, name: str, stamp: str, lifetime: float | None = None) -> tuple[str, int]:
        """A token for a user whose password has this stamp, and the seconds until it ends."""
        now, seconds = self._now(), self._lifetime if lifetime is None else lifetime
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": name,
            "stamp": stamp,
            "iat": now / 1_000_000,
            "exp": (now + int(seconds * 1_000_000)) / 1_000_000,
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, self._key, ALGORITHM), int(seconds)

    def verify(self, token: str) -> Claims:
        """Who it is for; `BadCredentials` where it is not ours, was changed, or is over."""
        claims = self.known(token)
        if claims is not None:
            return claims
        claims = self._decode(token)
        if claims.expires <= self._now():
            raise BadCredentials("The access token has expired. Log in again.")
        self._checked[_digest(token)] = claims
        if len(self._checked) > REMEMBERED:
            self._checked.popitem(last=False)
        return claims

    def known(self, token: str) -> Claims | None:
        """The same, for one that was checked before and is not over."""
        if len(token) > LONGEST:
            return None
        claims = self._checked.get(_digest(token))
        return claims if claims is not None and claims.expires > self._now() else None

    def _decode(self, token: str) -> Claims:
        if len(token) > LONGEST:
            raise BadCredentials("This is no access token.")
        try:
            found = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": ["iss", "aud", "sub", "stamp", "iat", "exp"],
                    "strict_aud": True,
                    "verify_exp": False,  # by the engine's clock, in `verify`
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            issued, expires = _microseconds(found["iat"]), _microseconds(found["exp"])
        except (jwt.PyJWTError, ValueError, OverflowError, TypeError):
            raise BadCredentials("The access token is not valid. Log in again.") from None
        return Claims(found["sub"], str(found["stamp"]), issued, expires)


def _microseconds(claim: object) -> int:
    """A time in a token: seconds, and parts of them. A double has room for microseconds until the year 2242."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise TypeError("a time must be a number")
    return round(claim * 1_000_000)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
