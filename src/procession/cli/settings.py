"""Where the settings come from: an option, else the environment, else the file, else what is usual."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from procession.cli.failures import NotBuiltYet, Usage

USUAL = {"store": "sqlite:///procession.db", "bus": "memory:"}
FILE_VARIABLE = "PROCESSION_CONFIG"


def variable(name: str) -> str:
    """The environment variable of a setting: store → PROCESSION_STORE."""
    return f"PROCESSION_{name.upper()}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the data is, and where records go."""

    store: str
    bus: str

    @property
    def path(self) -> Path | None:
        """The file of the store, where it is one."""
        if not self.store.startswith("sqlite:///"):
            return None
        return Path(unquote(urlsplit(self.store).path)[1:])


def settings(options: Mapping[str, str | None], config: str | None = None) -> Settings:
    """The settings of this run; what cannot work is refused here."""
    environment = {name: os.environ.get(variable(name)) or None for name in USUAL}
    file = _read(config or os.environ.get(FILE_VARIABLE) or None)
    found = {name: options.get(name) or environment[name] or file.get(name) or usual for name, usual in USUAL.items()}
    if found["bus"] != "memory:":
        raise NotBuiltYet(f"The bus '{found['bus']}' is not built yet. The only one so far is 'memory:'.")
    _check_store(found["store"])
    return Settings(**found)


def _check_store(url: str) -> None:
    if url == "memory:" or (url.startswith("sqlite:///") and len(url) > len("sqlite:///")):
        return
    if url.startswith(("postgres://", "postgresql://")):
        raise NotBuiltYet(f"The store '{_without_password(url)}' is not built yet: PostgreSQL comes later. Use SQLite.")
    raise Usage(
        f"The store '{_without_password(url)}' is not known.",
        "Write sqlite:///FILE.db (sqlite:////FILE.db for a path from the root), or memory:.",
    )


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}…@{rest.rpartition('@')[2]}" if "@" in rest else url


def _read(file: str | None) -> dict[str, str]:
    if file is None:
        return {}
    import tomllib

    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Usage(f"Cannot read the settings file '{file}': {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Usage(f"The settings file '{file}' is not TOML: {error}.") from None
    for name, value in content.items():
        if name not in USUAL:
            known = ", ".join(sorted(USUAL))
            raise Usage(f"The settings file '{file}' has '{name}', which is not a setting.", f"There are: {known}.")
        if not isinstance(value, str):
            raise Usage(f"The settings file '{file}': '{name}' must be a text.", f'Write {name} = "{USUAL[name]}".')
    return content
