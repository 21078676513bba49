"""The embedded bus keeps the contract; and what it forgets, and when it says so."""

from __future__ import annotations

import threading
import time

import pytest

from procession.bus import Record, TopicSpec
from procession.bus.memory import MemoryBus
from tests.contracts.bus import BusContract, behind, gather, publish, records, values


class TestMemoryBus(BusContract):
    @pytest.fixture
    def bus(self):
        bus = MemoryBus()
        yield bus
        bus.close()

    @pytest.fixture
    def own_bus(self, bus):
        return bus


@pytest.fixture
def bus():
    return MemoryBus(kept=10)


def kept(bus, topic):
    return sum(log.end - log.first for log in (bus.log((topic, number)) for number in range(3)))


def test_it_ends_with_its_process(bus):
    assert not bus.durable


def test_offsets_of_a_later_bus_are_higher(bus, topic):
    bus.ensure([TopicSpec(topic, partitions=1)])
    publish(bus, *records(topic, 5))
    time.sleep(0.001)
    later = MemoryBus()
    later.ensure([TopicSpec(topic, partitions=1)])
    assert later.describe()[0].ends[0] > bus.describe()[0].ends[0]


def test_an_offset_of_another_life_is_no_reason_to_miss_anything(bus, topic, group):
    publish(bus, *records(topic, 5, keys=1))
    for offset in (3, 2**62):
        subscription = bus.subscribe(
            f"{group}{offset}", [topic], begin=lambda places, to=offset: dict.fromkeys(places, to)
        )
        assert len(gather(subscription, 5)) == 5


def test_records_are_settled_once_all_who_read_them_have_committed(bus, topic):
    one, two = bus.subscribe("one", [topic]), bus.subscribe("two", (), r"topic\..*")
    publisher = bus.publisher("outbox")
    publisher.publish(records(topic, 6, keys=1))
    read = gather(one, 6)
    one.commit(behind(read))
    assert publisher.settled() == []
    two.commit(behind(gather(two, 6)[:4]))
    assert publisher.settled() == [1, 2, 3, 4]
    assert kept(bus, topic) == 2
    two.close()
    assert publisher.settled() == [5, 6]


def test_what_nobody_reads_is_kept_a_while_and_never_settled(bus, topic):
    publisher = bus.publisher("outbox")
    publisher.publish(records(topic, 500))
    assert kept(bus, topic) <= 30
    assert publisher.settled() == []


def test_who_comes_later_gets_what_is_still_there(bus, topic, group):
    publish(bus, *records(topic, 25, keys=1))
    assert values(gather(bus.subscribe(group, [topic]), 10)) == [b"%d" % n for n in range(15, 25)]


def test_for_a_group_without_members_no_more_is_kept_than_for_nobody(bus, topic, group):
    bus.subscribe(group, [topic]).close()
    publish(bus, *records(topic, 500))
    assert kept(bus, topic) <= 30
    reader = bus.subscribe("another", [topic])
    reader.commit(behind(gather(reader, kept(bus, topic))))
    assert 0 < kept(bus, topic) <= 30


def test_what_is_unread_is_kept_however_much_it_is(bus, topic, group):
    subscription = bus.subscribe(group, [topic])
    publish(bus, *records(topic, 500))
    assert kept(bus, topic) == 500
    subscription.commit(behind(gather(subscription, 500)))
    assert kept(bus, topic) == 0


def test_it_says_what_somebody_reads(bus, topic, group):
    publisher = bus.publisher("outbox")
    publish(bus, Record(topic, "k", b""), Record("nobody", "k", b""), Record("of.pattern", "k", b""))
    assert publisher.topics() == []
    subscription = bus.subscribe(group, [topic], r"of\..*")
    assert sorted(publisher.topics()) == ["of.pattern", topic]
    subscription.close()
    assert publisher.topics() == []


def test_a_reader_is_woken_by_a_record(bus, topic, group):
    subscription = bus.subscribe(group, [topic])
    read = []
    waiting = threading.Thread(target=lambda: read.extend(subscription.poll(10, 60)))
    waiting.start()
    publish(bus, Record(topic, "k", b"now"))
    waiting.join(60)
    assert values(read) == [b"now"]


def test_a_partition_is_given_away_when_its_reader_asks_for_more(bus, topic, group):
    first = bus.subscribe(group, [topic])
    first.poll(1, 0)
    second = bus.subscribe(group, [topic])
    second.poll(1, 0)
    assert (len(first.assigned()), len(second.assigned())) == (3, 0)
    first.poll(1, 0)
    second.poll(1, 0)
    assert (len(first.assigned()), len(second.assigned())) == (2, 1)


def test_many_threads_publish_and_read(bus, topic, group):
    members = [bus.subscribe(group, [topic]) for _ in range(3)]
    seen, done = [], threading.Event()

    def read(member):
        while not done.is_set():
            got = member.poll(50, 0.05)
            member.commit(behind(got))
            seen.extend(values(got))

    threads = [threading.Thread(target=read, args=(member,)) for member in members]
    threads += [
        threading.Thread(target=publish, args=(bus, *records(topic, 1_000, first=1_000 * n, keys=50))) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    while len(seen) < 4_000 and time.monotonic() < end:
        time.sleep(0.01)
    done.set()
    for thread in threads:
        thread.join(60)
    assert sorted(seen, key=int) == [b"%d" % n for n in range(4_000)]
