"""What a URL says of a Kafka: who it is, how to be let in, and settings of librdkafka.

    kafka://host:9092,other:9092            plain
    kafkas://host:9093                      TLS
    kafkas://user:password@host:9093        TLS and SASL (PLAIN, or what `sasl.mechanism` says)
    kafkas://host:9093?ssl.ca.location=/etc/ssl/ours.pem&compression.type=lz4

Everything in the query is a setting of librdkafka, with its name there. What would break a promise of the bus is refused.
Passwords are in no message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from procession.errors import ProcessionError

PORT = 9092

OURS = {
    "auto.offset.reset": "the subscription says where it begins",
    "bootstrap.servers": "the hosts are in the URL",
    "delivery.report.only.error": "the bus counts what was delivered",
    "enable.auto.commit": "offsets are committed once their records have taken effect",
    "enable.auto.offset.store": "offsets are committed once their records have taken effect",
    "enable.partition.eof": "the bus reads it by itself",
    "group.id": "the subscription says which group it is",
    "group.instance.id": "each member of a group would throw out the others",
    "metadata.broker.list": "the hosts are in the URL",
    "partition.assignment.strategy": "the bus hands partitions over one by one",
    "transactional.id": "it is the publisher's name",
}
"""Settings that are the bus's own, and why."""

FIXED = {
    "acks": ("all", "-1"),
    "enable.idempotence": ("true",),
    "isolation.level": ("read_committed",),
    "request.required.acks": ("all", "-1"),
}
"""Settings that have one value here: with another one records are lost, come twice, or are seen although they were taken back."""

SECRET = re.compile(r"password|secret|assertion|private|\.pem$|oauthbearer\.config$")
"""Settings whose values nobody may see."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the URL said. `where` is what messages call it."""

    where: str
    values: Mapping[str, str] = field(repr=False)

    def hide(self, text: str) -> str:
        """Without secrets, whoever wrote it."""
        for name, value in self.values.items():
            if SECRET.search(name) and value:
                text = text.replace(value, "***")
        return text

    def milliseconds(self, name: str, usual: int) -> int:
        """A time that the URL may set."""
        value = self.values.get(name, "")
        return int(value) if value.isdecimal() else usual


def read_url(url: str) -> Settings:
    """What a URL says; `ProcessionError` names what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in ("kafka", "kafkas"):
        raise ProcessionError(f"'{parts.scheme}:' is no Kafka; write kafka://host:9092 or kafkas://host:9093")
    credentials, _, hosts = parts.netloc.rpartition("@")
    servers = ",".join(_server(host) for host in hosts.split(","))
    where = f"{parts.scheme}://{servers}"
    if parts.path not in ("", "/") or parts.fragment:
        raise ProcessionError(
            f"{where} is followed by something that Kafka has no use for. After the hosts comes ?name=value."
        )
    values = _options(parts.query, where)
    if credentials:
        user, _, password = credentials.partition(":")
        for name, value in (("sasl.username", user), ("sasl.password", password)):
            if name in values:
                raise ProcessionError(
                    f"{where}: '{name}' is there twice, before the hosts and behind them. Leave one out."
                )
            values[name] = unquote(value)
        if "sasl.mechanisms" not in values:
            values.setdefault("sasl.mechanism", "PLAIN")
    _secure(values, where, tls=parts.scheme == "kafkas")
    values["bootstrap.servers"] = servers
    return Settings(where, values)


def _server(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, str(PORT)
    if not name or not port.isdecimal():
        raise ProcessionError(
            "The URL of Kafka names no host, or a port that is no number; write kafka://host:9092,other:9092"
        )
    return f"{name}:{port}"


def _options(query: str, where: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in values:
            raise ProcessionError(f"{where}: '{name}' is there twice. Leave one out.")
        if name in OURS:
            raise ProcessionError(f"{where}: '{name}' cannot be set: {OURS[name]}.")
        if name in FIXED and value.lower() not in FIXED[name]:
            raise ProcessionError(
                f"{where}: '{name}' is {FIXED[name][0]} here. With '{value}' records could be lost, come twice, or be read "
                "although they were taken back. Leave it out."
            )
        values[name] = value
    return values


def _secure(values: dict[str, str], where: str, *, tls: bool) -> None:
    """The protocol follows from the scheme, and from whether there is anything to log in with."""
    sasl = "sasl.mechanism" in values or "sasl.mechanisms" in values
    protocol = ("sasl_" if sasl else "") + ("ssl" if tls else "plaintext")
    said = values.setdefault("security.protocol", protocol).lower()
    if tls and not said.endswith("ssl"):
        raise ProcessionError(
            f"{where} means TLS, and 'security.protocol' says {said}. Write kafka:// or leave it out."
        )
    if sasl and not said.startswith("sasl"):
        raise ProcessionError(f"{where}: there is a user or a mechanism of SASL, and 'security.protocol' says {said}.")
