"""Where the settings come from: an option, else the environment, else the file, else what is usual. One table lists them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from procession.cli.failures import Usage

FILE_VARIABLE = "PROCESSION_CONFIG"
TEXT, NUMBER, SPAN, FLAG, LIST = "a text", "a whole number", "an ISO 8601 duration", "true or false", "a list of texts"
METAVARS = {TEXT: "TEXT", NUMBER: "N", SPAN: "PT…", LIST: "A,B"}
LONGEST_SPAN = 36_500 * 86_400_000_000
"""Microseconds of a hundred years."""

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what it is called, of what kind it is, what it usually is, and what it does.

    A secret is never an option of the command line, where everybody on the machine could read it.
    """

    name: str
    kind: str
    usual: Any
    help: str
    secret: bool = False
    choices: tuple[str, ...] = ()
    range: tuple[int, int] = (0, 1 << 31)

    @property
    def variable(self) -> str:
        """The environment variable: store → PROCESSION_STORE."""
        return f"PROCESSION_{self.name.upper()}"

    @property
    def metavar(self) -> str:
        """What stands for its value in the help."""
        return "|".join(self.choices) or METAVARS[self.kind]

    @property
    def option(self) -> str:
        """The option of `serve`: log_level → --log-level."""
        return "--" + self.name.replace("_", "-")


SETTINGS = (
    Setting("store", TEXT, "sqlite:///procession.db", "Where the data is."),
    Setting("bus", TEXT, "memory:", "Where records go: memory: or kafka://HOST:PORT,…"),
    Setting("topic_package", TEXT, "procession.", "How the names of topics begin."),
    Setting("topic_environment", TEXT, "dev.", "What follows: one for each environment on one broker."),
    Setting("topic_version", TEXT, ".v1", "How the names of topics end."),
    Setting("topic_partitions", NUMBER, 3, "Partitions of topics that are made.", range=(1, 10_000)),
    Setting("topic_replication", NUMBER, 0, "Replicas of topics that are made; 0: as the broker does.", range=(0, 100)),
    Setting("create_topics", FLAG, True, "Make topics that are missing."),
    Setting("bus_jobs", LIST, (), "Types of jobs that are offered on the bus."),
    Setting("host", TEXT, "127.0.0.1", "The address to listen on; 0.0.0.0 for all of the machine."),
    Setting("port", NUMBER, 8080, "The port to listen on; 0 finds a free one.", range=(0, 65_535)),
    Setting(
        "workers", NUMBER, 1, "Nodes on this machine that share the port; several need PostgreSQL.", range=(1, 256)
    ),
    Setting(
        "worker_ports",
        NUMBER,
        0,
        "The first of the ports by which each worker is reached alone, for its metrics; 0: none.",
        range=(0, 65_535),
    ),
    Setting("secret", TEXT, None, "Signs access tokens: at least 32 bytes that nobody can guess.", secret=True),
    Setting("secret_file", TEXT, None, "A file with the secret."),
    Setting("token_lifetime", SPAN, "PT1H", "How long an access token is good."),
    Setting("session_lifetime", SPAN, "PT12H", "How long a session of a browser is good."),
    Setting("ui", FLAG, True, "Serve the web application."),
    Setting("origins", LIST, (), "Other sites whose pages may use the API with a session."),
    Setting("metrics_token", TEXT, None, "Whoever has it may read /metrics.", secret=True),
    Setting("max_connections", NUMBER, 10_000, "Connections at once.", range=(1, 1_000_000)),
    Setting("max_listeners", NUMBER, 20_000, "Live streams at once.", range=(0, 1_000_000)),
    Setting("forwarded_allow_ips", LIST, (), "Proxies that may say whom they forward: addresses or networks."),
    Setting("grace", SPAN, "PT10S", "How long accepted requests may go on when the server is stopped."),
    Setting("log_level", TEXT, "info", "From which level on it logs.", choices=("debug", "info", "warning", "error")),
    Setting(
        "log_format", TEXT, "auto", "How it logs; auto: for a terminal, or JSON.", choices=("auto", "console", "json")
    ),
    Setting("access_log", FLAG, False, "Log a line for each request."),
    Setting("otlp_endpoint", TEXT, None, "The OpenTelemetry collector that gets traces: http://HOST:4318."),
    Setting("virtual_clock", FLAG, False, "For development: time stands still until it is moved."),
)
KNOWN = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run. Spans are seconds."""

    store: str
    bus: str
    topic_package: str
    topic_environment: str
    topic_version: str
    topic_partitions: int
    topic_replication: int
    create_topics: bool
    bus_jobs: tuple[str, ...]
    host: str
    port: int
    workers: int
    worker_ports: int
    secret: str | None
    secret_file: str | None
    token_lifetime: float
    session_lifetime: float
    ui: bool
    origins: tuple[str, ...]
    metrics_token: str | None
    max_connections: int
    max_listeners: int
    forwarded_allow_ips: tuple[str, ...]
    grace: float
    log_level: str
    log_format: str
    access_log: bool
    otlp_endpoint: str | None
    virtual_clock: bool

    @property
    def path(self) -> Path | None:
        """The file of the store, where it is one."""
        if not self.store.startswith("sqlite:///"):
            return None
        return Path(unquote(urlsplit(self.store).path)[1:])


assert [field.name for field in fields(Settings)] == list(KNOWN)


def settings(options: Mapping[str, Any], config: str | None = None) -> Settings:
    """The settings of this run; what cannot work is refused here."""
    name_of_file = config or os.environ.get(FILE_VARIABLE) or None
    file = _read(name_of_file)
    found = {}
    for setting in SETTINGS:
        name = setting.name
        if (option := options.get(name)) is not None:
            found[name] = _parsed(setting, option, setting.option)
        elif given := os.environ.get(setting.variable):
            found[name] = _parsed(setting, given, setting.variable)
        elif name in file:
            where = f"The settings file '{name_of_file}': '{name}'"
            found[name] = _checked(setting, file[name], where)
        else:
            found[name] = _checked(setting, setting.usual, name) if setting.usual is not None else None
    _check_store(found["store"])
    _check_bus(found["bus"])
    _check_topics(found)
    return Settings(**found)


def unknown_variables() -> list[str]:
    """Environment variables that look like settings and are none."""
    others = {"CONFIG", "DEBUG", "URL", "USER", "PASSWORD", "TOKEN", "DEMO_PASSWORD", "CHAOS_SEED", "WITHOUT_UI"}
    names = {name.removeprefix("PROCESSION_") for name in os.environ if name.startswith("PROCESSION_")}
    return sorted(f"PROCESSION_{name}" for name in names - others - {name.upper() for name in KNOWN})


def _parsed(setting: Setting, value: str | bool, where: str) -> Any:
    """What the command line or the environment says: always a text, but for flags of the command line."""
    if isinstance(value, bool):
        return value
    if setting.kind == NUMBER:
        digits = value.strip()
        return _checked(setting, int(digits) if digits.isascii() and digits.isdecimal() else value, where)
    if setting.kind == LIST:
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if setting.kind == FLAG:
        word = value.strip().lower()
        return _checked(setting, word in YES if word in YES + NO else value, where)
    return _checked(setting, value, where)


def _checked(setting: Setting, value: Any, where: str) -> Any:
    kind, choices = setting.kind, setting.choices
    if kind == SPAN:
        return seconds(value, where)
    fits = {
        TEXT: isinstance(value, str),
        NUMBER: isinstance(value, int) and not isinstance(value, bool),
        FLAG: isinstance(value, bool),
        LIST: isinstance(value, list | tuple) and all(isinstance(item, str) for item in value),
    }
    if not fits[kind]:
        raise Usage(f"{where} must be {kind}.", f"Write {setting.name} = {_example(setting)}.")
    if choices and value not in choices:
        raise Usage(f"{where} must be one of {', '.join(choices)}.")
    if kind == NUMBER and not setting.range[0] <= value <= setting.range[1]:
        raise Usage(f"{where} must be from {setting.range[0]:,} to {setting.range[1]:,}.")
    return tuple(value) if kind == LIST else value


def seconds(value: Any, where: str) -> float:
    """A span of time, as ISO 8601 says it."""
    from procession.definition.iso8601 import parse_duration

    try:
        span = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        span = None
    if span is None or span.months or not 0 < span.microseconds <= LONGEST_SPAN:
        raise Usage(
            f"{where} must be {SPAN} in days, hours, minutes or seconds.", "Write PT30S, PT1H or P7D, for example."
        )
    return span.microseconds / 1_000_000


def _example(setting: Setting) -> str:
    """As TOML has it."""
    if setting.kind == LIST:
        return '["…", "…"]'
    if setting.kind in (NUMBER, FLAG):
        return str(setting.usual).lower()
    return f'"{setting.usual or "…"}"'


def _check_store(url: str) -> None:
    if url == "memory:" or (url.startswith("sqlite:///") and len(url) > len("sqlite:///")):
        return
    if url.startswith(("postgres://", "postgresql://")):
        return
    raise Usage(
        f"The store '{without_password(url)}' is not known.",
        "Write sqlite:///FILE.db (sqlite:////FILE.db for a path from the root), postgresql://USER@HOST/DATABASE, or memory:.",
    )


def _check_bus(url: str) -> None:
    if url == "memory:" or (url.startswith(("kafka://", "kafkas://")) and len(url) > len("kafkas://")):
        return
    raise Usage(
        f"The bus '{without_password(url)}' is not known.", "Write kafka://HOST:PORT, kafkas://HOST:PORT, or memory:."
    )


def _check_topics(found: Mapping[str, Any]) -> None:
    from procession.bus.topics import legal

    for name in ("topic_package", "topic_environment", "topic_version"):
        if found[name] and not legal(found[name]):
            raise Usage(
                f"{name} is '{found[name]}', which cannot be a part of a topic's name.",
                "Write letters, digits, '.', '_' and '-'.",
            )
    for type in found["bus_jobs"]:
        if not legal(f"job.{type}"):
            raise Usage(
                f"Jobs of the type '{type}' cannot be offered on the bus: no topic can be called so.",
                "Leave it out of bus_jobs, or give the jobs another type.",
            )


def without_password(url: str) -> str:
    """Fit to be shown: who somebody is, and options such as their password, are left out."""
    scheme, separator, rest = url.partition("?")[0].partition("://")
    return f"{scheme}{separator}…@{rest.rpartition('@')[2]}" if "@" in rest else f"{scheme}{separator}{rest}"


def _read(file: str | None) -> dict[str, Any]:
    if file is None:
        return {}
    import tomllib

    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Usage(f"Cannot read the settings file '{file}': {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Usage(f"The settings file '{file}' is not TOML: {error}.") from None
    for name in content:
        if name not in KNOWN:
            raise Usage(
                f"The settings file '{file}' has '{name}', which is not a setting.",
                f"There are: {', '.join(sorted(KNOWN))}.",
            )
    return content
