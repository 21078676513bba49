"""What the URL of a bus says to those who may see it."""

from __future__ import annotations


def shown(url: str) -> str:
    """Without who somebody is, and without options: both may be secrets."""
    scheme, separator, rest = url.partition("?")[0].partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].partition('/')[0]}"


def kind_of(url: str) -> str:
    """memory or kafka."""
    return "kafka" if url.startswith("kafka") else "memory"


def brokers(url: str) -> list[str]:
    """The addresses in the URL of a Kafka; a bus in this program has none."""
    if kind_of(url) != "kafka":
        return []
    return [host for host in shown(url).partition("://")[2].split(",") if host]
