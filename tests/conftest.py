"""Settings for every test, and the servers that many use.

Random tests draw the same cases each time; HYPOTHESIS_PROFILE=explore draws new ones. Where a service cannot be had, its tests
are skipped and say so; in the continuous integration (CI=true) they fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.services.apache_kafka import Kafka, classpath
from tests.services.postgresql import Missing, PostgreSQL, programs

settings.register_profile(
    "ci",
    derandomize=True,
    print_blob=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", print_blob=True, deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server for all tests of this process. It does not flush: what is about durability starts its own."""
    with start_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A broker of Apache Kafka for all tests of this process. What stops or kills one starts its own."""
    with start_kafka() as cluster:
        yield cluster


def start_kafka(**settings: Any) -> Kafka:
    """Brokers of one's own, or a skipped test."""
    try:
        return Kafka(**settings)
    except Missing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def need_postgresql() -> None:
    """Go on only where a server can be had."""
    _need(programs)


def need_kafka() -> None:
    """Go on only where a broker can be had."""
    _need(classpath)


def _need(look: Callable[[], object]) -> None:
    try:
        look()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def start_postgresql(**settings: str | bool) -> PostgreSQL:
    """A server of one's own, or a skipped test."""
    try:
        return PostgreSQL(**settings)
    except Missing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
