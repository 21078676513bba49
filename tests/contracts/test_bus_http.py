"""The bus of a server keeps the contract over HTTP, as far as it is a partner's.

Who publishes by a name, makes topics, lists them, or knows better where to begin is the server.
"""

from __future__ import annotations

import threading

import pytest

from procession.app import open_bus
from procession.errors import ProcessionError
from procession.integration import HttpBus
from procession.runtime.exchange.exchange import Exchange
from tests.acceptance.running import running
from tests.contracts.bus import ClosingContract, GroupContract, PublisherContract, RecordContract, gather, name, publish

NOT_HERE = "There is no such thing over HTTP"


def on_a_bus(machine, identify):
    return Exchange(machine, open_bus("memory:"), identify=identify)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bus"), exchange=on_a_bus) as found:
        yield found


@pytest.fixture(scope="module")
def bus(server):
    made = PartnersBus(server)
    yield made
    made.close()


@pytest.fixture
def own_bus(server):
    made = PartnersBus(server)
    yield made
    made.close()


class PartnersBus(HttpBus):
    """As a worker sees it; what only the server may is done by the server."""

    def __init__(self, server):
        super().__init__(server.url, token=server.log_in("worker"))
        self._exchange = server.app.state.edge.exchange

    def publisher(self, name=None):
        return super().publisher()

    def ensure(self, topics):
        super().ensure(topics)
        return self._exchange.bus.ensure(topics)

    def lag(self, group):
        return self._exchange.bus.lag(f"procession.dev.partner.{group}")


class TestRecords(RecordContract): ...


class TestGroups(GroupContract):
    test_the_reader_may_know_better_where_to_begin = None
    test_whoever_knows_it_may_fail_and_is_asked_again = None
    test_a_pattern_means_the_same_everywhere = None


class TestPublishers(PublisherContract):
    test_of_two_with_one_name_the_newer_one_publishes = None
    test_what_is_too_large_is_named_and_nothing_of_it_is_seen = None


class TestClosing(ClosingContract): ...


@pytest.mark.parametrize(
    "ask",
    [
        lambda bus: HttpBus.publisher(bus, "name"),
        lambda bus: bus.subscribe("g", ["t"], begin=lambda places: {}),
        lambda bus: bus.describe(),
        lambda bus: HttpBus.lag(bus, "g"),
    ],
)
def test_what_is_the_servers_is_refused(bus, ask):
    with pytest.raises(ProcessionError, match=NOT_HERE):
        ask(bus)


def test_a_member_that_leaves_while_it_waits_does_not_keep_anybody(bus, topic, group):
    first = bus.subscribe(group, [topic])
    first.commit({})
    waiting = threading.Thread(target=lambda: first.poll(1, 30.0))
    waiting.start()
    first.close()
    waiting.join(10.0)
    assert not waiting.is_alive()
    publish(bus, *[])
    second = bus.subscribe(group, [topic])
    publish(bus, *records_of(topic, 3))
    assert len(gather(second, 3)) == 3


def records_of(topic, count):
    from procession.bus import Record

    return [Record(topic, name(), b"%d" % number) for number in range(count)]
