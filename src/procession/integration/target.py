"""What an integration is connected to: Kafka, a server's bus, an engine in this program, or a bus."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from procession.bus import Bus
from procession.bus.topics import Naming
from procession.errors import ProcessionError
from procession.integration.http_bus import HttpBus

SERVER, KAFKA = ("http://", "https://"), ("kafka://", "kafkas://")
AS_THEY_ARE = Naming("", "", "")
"""A server says names as process files do: it knows what they are called on its bus."""


class ExchangeLike(Protocol):
    """What an engine has with its bus."""

    @property
    def bus(self) -> Bus: ...

    @property
    def naming(self) -> Naming: ...


class EngineLike(Protocol):
    """An engine, as far as its bus goes."""

    @property
    def exchange(self) -> ExchangeLike: ...


Target = str | EngineLike | Bus
"""A URL, an engine, or a bus."""


class Opened(NamedTuple):
    """A bus, what topics are called there, and whether it is closed with the integration."""

    bus: Bus
    naming: Naming
    ours: bool


def open_target(
    target: Target, naming: Naming | None, *, token: str | None, user: str | None, password: str | None
) -> Opened:
    """The bus that the target stands for."""
    if isinstance(target, str):
        if target.startswith(SERVER):
            return Opened(HttpBus(target, token=token, user=user, password=password), naming or AS_THEY_ARE, True)
        if target.startswith(KAFKA):
            return Opened(_kafka(target), naming or Naming(), True)
        scheme = target.partition(":")[0]  # the rest may hold a password
        raise ProcessionError(
            f"'{scheme}:' is nothing that an integration could be connected to; write kafka://HOST:PORT, http://HOST:PORT, or "
            "give it an Engine."
        )
    if hasattr(target, "exchange"):
        exchange = cast(EngineLike, target).exchange
        return Opened(exchange.bus, naming or exchange.naming, False)
    return Opened(target, naming or Naming(), False)


def _kafka(url: str) -> Bus:
    try:  # found by name: whoever goes over HTTP needs no client of Kafka
        module: Any = import_module("procession.bus.kafka")
    except ImportError as error:
        raise ProcessionError(
            f"Kafka takes confluent-kafka, which cannot be loaded ({error}). Install it: pip install confluent-kafka"
        ) from error
    bus: Bus = module.KafkaBus(url)
    return bus
