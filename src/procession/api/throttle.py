"""Slows down those who guess passwords: for one name, and for one address, a few failures are free, then each costs time.

Kept in memory, by each server for itself: who restarts it gives an attacker a few tries, not an account. An attacker who tries
many names fills a bounded table, from which those with the fewest failures go first; nobody is ever locked out for longer than
the longest delay, and nobody at all because the table is full.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

FREE = {"name": 5, "address": 20}
LONGEST = 900.0
FORGET = 3600.0
MOST = 20_000


class _Key(NamedTuple):
    kind: str
    of: bytes


class _Failures(NamedTuple):
    number: int
    last: float


class Throttle:
    """`now` is seconds of a clock that never goes back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: dict[_Key, _Failures] = {}

    def check(self, name: str, address: str) -> int:
        """Seconds to wait before the next try (0: none)."""
        now = self._now()
        return max(self._wait(key, now) for key in _keys(name, address))

    def failed(self, name: str, address: str) -> None:
        """The password was wrong, or there is no such user."""
        now = self._now()
        for key in _keys(name, address):
            before = self._failures.get(key)
            number = 0 if before is None or now - before.last > FORGET else before.number
            self._failures[key] = _Failures(number + 1, now)
        if len(self._failures) > MOST:
            self._make_room(now)

    def succeeded(self, name: str, address: str) -> None:
        """It was them. Failures of the address stay: others may be behind it, or one who has an account of their own."""
        self._failures.pop(_keys(name, address)[0], None)

    def _wait(self, key: _Key, now: float) -> int:
        failures = self._failures.get(key)
        if failures is None or now - failures.last > FORGET:
            return 0
        beyond = failures.number - FREE[key.kind]
        if beyond < 0:
            return 0
        delay = min(LONGEST, 2.0 ** min(beyond, 30))
        return max(0, math.ceil(failures.last + delay - now))

    def _make_room(self, now: float) -> None:
        """Keep half of the table: who fills it with other names must not free the one that they are after."""
        kept = [item for item in self._failures.items() if now - item[1].last <= FORGET]
        kept.sort(key=lambda item: item[1], reverse=True)
        self._failures = dict(kept[: MOST // 2])


def _keys(name: str, address: str) -> list[_Key]:
    """What failures are counted by. Names are as long as somebody likes; their hashes are not."""
    keys = [_Key("name", blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest())]
    if address:  # a socket of the machine itself has none
        keys.append(_Key("address", _network(address)))
    return keys


def _network(address: str) -> bytes:
    """An address of version 4; of version 6 its first half: the other one is the client's to choose."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100].encode("utf-8", "surrogatepass")
    if isinstance(parsed, IPv6Address):
        return parsed.ipv4_mapped.packed if parsed.ipv4_mapped is not None else parsed.packed[:8]
    return parsed.packed
