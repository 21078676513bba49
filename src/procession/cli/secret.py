"""The secret that access tokens are signed with: where it comes from, which ones are none, and tokens for programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from procession.cli.failures import Usage
from procession.cli.settings import Settings
from procession.errors import CommandRejected

if TYPE_CHECKING:
    from procession.app import Engine

SHORTEST = 32
"""Bytes: as many as the hash of the signature has."""

FEWEST = 10
"""Different characters: fewer are not chance."""

EXAMPLE = re.compile(
    r"(?:a|change|default|demo|example|here|insert|jwt|key|long|me|my|password|please|procession|random|replace|secret|some|"
    r"string|test|the|this|to|token|value|very|with|your|[\W\d_])+"
)
"""What stands in examples, in their own words; and nothing but digits and signs."""

MAKE_ONE = 'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def secret_of(settings: Settings) -> str:
    """The secret of the settings. A server does not start without one, or with one that others know."""
    secret, where = settings.secret, "The secret"
    if settings.secret_file is not None:
        if secret is not None:
            raise Usage("There are two secrets: secret and secret_file.", "Leave one of them out.")
        where = f"The secret in '{settings.secret_file}'"
        secret = _read(settings.secret_file)
    if not secret:
        raise Usage(
            "A server needs a secret, which access tokens are signed with.",
            f"Set PROCESSION_SECRET, or secret_file in the settings. {MAKE_ONE}",
        )
    if len(secret.encode()) < SHORTEST:
        raise Usage(f"{where} is too short: at least {SHORTEST} bytes are needed.", MAKE_ONE)
    if can_be_guessed(secret):
        raise Usage(f"{where} can be guessed.", MAKE_ONE)
    return secret


def can_be_guessed(secret: str) -> bool:
    """Few characters, something over and over, or the words of an example."""
    repeats = (secret + secret).find(secret, 1) < len(secret)
    return repeats or len(set(secret)) < FEWEST or EXAMPLE.fullmatch(secret.lower()) is not None


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Usage(f"Cannot read the secret in '{file}': {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Usage(f"The secret in '{file}' is not text.", MAKE_ONE) from None


def token_for(engine: Engine, name: str, secret: str, lifetime: float) -> tuple[str, int]:
    """An access token for a user of the store, and the seconds that it is good."""
    from procession.api.tokens import AccessTokens
    from procession.runtime.drive import drive
    from procession.runtime.users import Users

    users = Users(engine.storage, _no_id, engine.clock.now)
    found = drive(users.credentials([name])).get(name)
    if found is None:
        raise CommandRejected(404, "User not found.", f"There is no user '{name}'.")
    return AccessTokens(secret, lifetime, engine.clock.now).issue(name, found.stamp)


def _no_id() -> int:
    raise AssertionError("looking somebody up makes nothing new")
