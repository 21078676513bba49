"""What every bus does. A new one subclasses `BusContract` and provides the fixture `bus`.

Other tests may use the same bus: topics, groups and publishers have names that nobody else has.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter

import pytest

from procession.bus import BusError, Fenced, Record, TooLarge, TopicSpec
from procession.errors import ProcessionError

PATIENCE = 60.0
"""Seconds for what comes about by itself: a generous limit, not a measure."""


def name(kind="topic"):
    """A name that nobody else has."""
    return f"{kind}.{secrets.token_hex(6)}"


def records(topic, count, *, keys=10, first=0):
    """Numbered ones, each key with several."""
    return [Record(topic, f"k{n % keys}", b"%d" % n, number=n + 1) for n in range(first, first + count)]


def publish(bus, *published):
    publisher = bus.publisher()
    publisher.publish(published)
    publisher.close()


def gather(subscription, count, limit=100):
    """So many records, however many calls it takes."""
    end, read = time.monotonic() + PATIENCE, []
    while len(read) < count:
        read += subscription.poll(min(limit, count - len(read)), 1)
        assert time.monotonic() < end, f"{len(read)} of {count} have come"
    return read


def values(read):
    return [record.value for record in read]


def behind(read):
    """The offsets behind what was read."""
    return {(record.topic, record.partition): record.offset + 1 for record in read}


def eventually(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)


class RecordContract:
    """Records come as they went."""

    def test_what_is_published_is_read(self, bus, topic, group):
        headers = (("trace", b"1"), ("raw", b"\x00\xff"), ("trace", b"2"), ("empty", b""))
        before = time.time_ns() // 1_000 - 2_000_000
        publish(bus, Record(topic, "order-1", '{"größe": 1}'.encode(), headers))
        (read,) = gather(bus.subscribe(group, [topic]), 1)
        assert (read.topic, read.key, read.value, read.headers) == (topic, "order-1", '{"größe": 1}'.encode(), headers)
        assert before < read.at < before + 60_000_000

    def test_a_record_may_have_no_key(self, bus, topic, group):
        publish(bus, *(Record(topic, None, b"%d" % n) for n in range(20)))
        read = gather(bus.subscribe(group, [topic]), 20)
        assert {record.key for record in read} == {None}
        assert sorted(values(read)) == sorted(b"%d" % n for n in range(20))

    def test_a_key_stays_on_its_partition_in_order(self, bus, topic, group):
        publisher = bus.publisher()
        for first in range(0, 200, 50):
            publisher.publish(records(topic, 50, first=first))
        read = gather(bus.subscribe(group, [topic]), 200, limit=7)
        for key in {record.key for record in read}:
            mine = [record for record in read if record.key == key]
            assert len({record.partition for record in mine}) == 1
            assert values(mine) == sorted(values(mine), key=int)
            offsets = [record.offset for record in mine]
            assert offsets == sorted(set(offsets))
        assert len({record.partition for record in read}) > 1

    def test_no_call_brings_more_than_was_asked_for(self, bus, topic, group):
        publish(bus, *records(topic, 20))
        subscription = bus.subscribe(group, [topic])
        gather(subscription, 1)
        assert len(subscription.poll(3, 10)) <= 3
        assert len(subscription.poll(1, 10)) == 1

    def test_many_records_at_once(self, bus, topic, group):
        subscription = bus.subscribe(group, [topic])
        publisher = bus.publisher(name("publisher"))
        publisher.publish(records(topic, 5_000))
        read = gather(subscription, 5_000, limit=1_000)
        assert Counter(values(read)) == Counter(b"%d" % n for n in range(5_000))

    def test_nothing_is_nothing(self, bus, topic, group):
        publisher = bus.publisher(name("publisher"))
        publisher.publish([])
        publisher.publish(records(topic, 1))
        assert values(gather(bus.subscribe(group, [topic]), 1)) == [b"0"]

    def test_a_topic_must_have_a_name_that_kafka_takes(self, bus):
        with pytest.raises(BusError):
            bus.publisher(name("publisher")).publish([Record("not / legal", "k", b"")])


class PublisherContract:
    """Who publishes, and what does not fit."""

    def test_of_two_with_one_name_the_newer_one_publishes(self, bus, topic, group):
        who = name("publisher")
        older = bus.publisher(who)
        older.publish([Record(topic, "k", b"before")])
        newer = bus.publisher(who)
        with pytest.raises(Fenced):
            older.publish([Record(topic, "k", b"zombie")])
        newer.publish([Record(topic, "k", b"after")])
        with pytest.raises(Fenced):
            older.publish([Record(topic, "k", b"zombie again")])
        newer.publish([Record(topic, "k", b"last")])
        assert values(gather(bus.subscribe(group, [topic]), 3)) == [b"before", b"after", b"last"]

    def test_others_are_not_fenced(self, bus, topic, group):
        publishers = [
            bus.publisher(name("publisher")),
            bus.publisher(name("publisher")),
            bus.publisher(),
            bus.publisher(),
        ]
        for publisher in publishers:
            publisher.publish([Record(topic, "k", b"")])
        gather(bus.subscribe(group, [topic]), 4)

    def test_what_is_too_large_is_named_and_nothing_of_it_is_seen(self, bus, topic, group):
        publisher = bus.publisher(name("publisher"))
        giant = Record(topic, "k", b"x" * 1_200_000)
        with pytest.raises(TooLarge) as caught:
            publisher.publish([Record(topic, "k", b"first"), giant, Record(topic, "k", b"third")])
        assert caught.value.record is giant
        assert topic in str(caught.value)
        publisher.publish([Record(topic, "k", b"first"), Record(topic, "k", b"third")])
        assert values(gather(bus.subscribe(group, [topic]), 2)) == [b"first", b"third"]

    def test_nobody_publishes_with_one_that_is_closed(self, bus, topic):
        publisher = bus.publisher(name("publisher"))
        publisher.publish(records(topic, 1))
        publisher.close()
        publisher.close()
        with pytest.raises(BusError, match="closed"):
            publisher.publish(records(topic, 1))

    def test_one_after_the_other_publishes_under_a_name(self, bus, topic, group):
        who = name("publisher")
        for n in range(3):
            publisher = bus.publisher(who)
            publisher.publish([Record(topic, "k", b"%d" % n)])
            publisher.close()
        assert values(gather(bus.subscribe(group, [topic]), 3)) == [b"0", b"1", b"2"]

    def test_what_is_settled_is_named_once(self, bus, topic, group):
        subscription = bus.subscribe(group, [topic])
        publisher = bus.publisher(name("publisher"))
        publisher.publish([*records(topic, 5), Record(topic, "k", b"nobody asks")])
        read = gather(subscription, 6)
        subscription.commit(behind(read))
        settled = []
        eventually(lambda: settled.extend(publisher.settled()) or len(settled) >= 5)
        assert sorted(settled) == [1, 2, 3, 4, 5]
        assert publisher.settled() == []


class GroupContract:
    """Groups share what there is, and know how far they are."""

    def test_each_group_gets_all(self, bus, topic):
        publish(bus, *records(topic, 30))
        for _ in range(2):
            assert len(gather(bus.subscribe(name("group"), [topic]), 30)) == 30

    def test_who_comes_next_begins_at_what_was_committed(self, bus, topic, group):
        publish(bus, *records(topic, 30))
        first = bus.subscribe(group, [topic])
        read = gather(first, 30, limit=4)
        first.commit(behind(read[:12]))
        first.close()
        again = gather(bus.subscribe(group, [topic]), 18)
        assert sorted(values(again)) == sorted(values(read[12:]))

    def test_what_was_committed_last_holds(self, bus, topic, group):
        publish(bus, *records(topic, 10, keys=1))
        first = bus.subscribe(group, [topic])
        read = gather(first, 10)
        first.commit(behind(read[:2]))
        first.commit(behind(read[:7]))
        first.commit({})
        first.close()
        assert values(gather(bus.subscribe(group, [topic]), 3)) == values(read[7:])

    def test_members_share_the_partitions_and_nothing_is_lost(self, bus, topic, group):
        bus.ensure([TopicSpec(topic, partitions=4)])
        members = [bus.subscribe(group, [topic])]
        publisher = bus.publisher()
        publisher.publish(records(topic, 40))
        read = gather(members[0], 40)
        members[0].commit(behind(read))
        members.append(bus.subscribe(group, [topic]))

        def shared():
            for member in members:
                got = member.poll(10, 0.2)
                member.commit(behind(got))
            owned = [set(member.assigned()) for member in members]
            assert not owned[0] & owned[1]
            return [len(each) for each in owned] == [2, 2]

        eventually(shared)
        publisher.publish(records(topic, 200, keys=50, first=40))
        seen = Counter()
        readers = set()

        def all_there():
            for number, member in enumerate(members):
                if got := member.poll(50, 0.2):
                    readers.add(number)
                    seen.update(values(got))
                    member.commit(behind(got))
            return len(seen) == 200

        eventually(all_there)
        assert readers == {0, 1}
        assert set(seen.values()) == {1}

    def test_what_a_member_did_not_commit_others_get(self, bus, topic, group):
        bus.ensure([TopicSpec(topic, partitions=4)])
        publish(bus, *records(topic, 100, keys=50))
        one, two = bus.subscribe(group, [topic]), bus.subscribe(group, [topic])

        def both():
            one.poll(100, 0.2)
            two.poll(100, 0.2)
            return one.assigned() and two.assigned() and len(one.assigned()) + len(two.assigned()) == 4

        eventually(both)  # whatever they have read, nobody has committed any of it
        gone = set(two.assigned())
        two.close()
        got = {}

        def again():
            got.update((record.value, record) for record in one.poll(100, 0.2))
            return gone <= set(one.assigned())

        eventually(again)
        one.close()
        three = bus.subscribe(group, [topic])
        assert sorted(values(gather(three, 100)), key=int) == [b"%d" % n for n in range(100)]

    def test_what_is_not_ones_own_is_left_out_of_a_commit(self, bus, topic, group):
        publish(bus, *records(topic, 10))
        first = bus.subscribe(group, [topic])
        read = gather(first, 10)
        stranger = bus.subscribe(name("group"), [name()])
        stranger.poll(1, 0)
        stranger.commit(behind(read))
        first.commit({**behind(read), (topic, 77): 1, ("elsewhere", 0): 5})
        assert sum(bus.lag(group).values()) == 0

    def test_the_reader_may_know_better_where_to_begin(self, bus, topic, group):
        publish(bus, *records(topic, 10, keys=1))
        first = bus.subscribe(group, [topic])
        read = gather(first, 10)
        first.commit(behind(read[:2]))
        first.close()
        asked = []

        def begin(partitions):
            asked.extend(partitions)
            return {place: offset for place, offset in behind(read[:8]).items() if place in partitions}

        second = bus.subscribe(group, [topic], begin=begin)
        assert values(gather(second, 2)) == [b"8", b"9"]
        assert {place for place in asked if place[0] == topic} == set(second.assigned())
        assert second.poll(1, 0) == []

    def test_whoever_knows_it_may_fail_and_is_asked_again(self, bus, topic, group):
        publish(bus, *records(topic, 6))
        asked = []

        def begin(partitions):
            asked.append(partitions)
            if len(asked) == 1:
                raise ConnectionError("the store is away")
            return {}

        subscription = bus.subscribe(group, [topic], begin=begin)

        def poll():
            try:
                assert subscription.poll(10, 1) == []
            except ConnectionError:
                return True
            return False

        eventually(poll)
        assert len(gather(subscription, 6)) == 6

    def test_latest_begins_behind_the_last_record(self, bus, topic, group):
        publisher = bus.publisher()
        publisher.publish(records(topic, 10))
        subscription = bus.subscribe(group, [topic], latest=True)
        eventually(lambda: subscription.poll(10, 0.2) == [] and len(subscription.assigned()) == 3)
        # A client may need a moment to learn where the end is.
        read = []
        eventually(
            lambda: (
                publisher.publish([Record(topic, f"k{n}", b"new") for n in range(20)])
                or read.extend(subscription.poll(100, 0.5))
                or read
            )
        )
        assert set(values(read)) == {b"new"}

    def test_a_pattern_finds_topics_that_come_to_be(self, bus, group):
        stem = name()
        publish(bus, Record(f"{stem}.one.v1", "k", b"1"), Record(f"{stem}.one.v1.more", "k", b"no"))
        subscription = bus.subscribe(group, [f"{stem}-by-name"], rf"{stem}\..*\.v1")
        assert values(gather(subscription, 1)) == [b"1"]
        publish(bus, Record(f"{stem}.two.v1", "k", b"2"), Record(f"no.{stem}.two.v1", "k", b"no"))
        assert values(gather(subscription, 1)) == [b"2"]
        publish(bus, Record(f"{stem}-by-name", "k", b"3"))
        assert values(gather(subscription, 1)) == [b"3"]
        assert subscription.poll(10, 0) == []

    @pytest.mark.parametrize("pattern", [r"a\d", r"(?:a)b", r"a.*?b", r"(a"])
    def test_a_pattern_means_the_same_everywhere(self, bus, group, pattern):
        with pytest.raises(ProcessionError, match="pattern"):
            bus.subscribe(group, (), pattern)

    def test_nothing_comes_in_time(self, bus, topic, group):
        subscription = bus.subscribe(group, [topic])
        assert subscription.poll(10, 0) == []
        assert subscription.poll(10, 0.1) == []


class TopicContract:
    """What topics there are, and how far groups are behind."""

    def test_missing_topics_are_made(self, bus, topic):
        other = name()
        assert bus.ensure([TopicSpec(topic, partitions=5, retention=3_600_000)]) == [topic]
        assert bus.ensure([TopicSpec(topic, partitions=1), TopicSpec(other, partitions=1)]) == [other]
        assert bus.ensure([TopicSpec(topic)]) == []
        described = {state.name: state for state in bus.describe()}
        assert (described[topic].partitions, described[topic].retention) == (5, 3_600_000)
        assert described[other].partitions == 1
        assert list(described) == sorted(described)

    def test_a_topic_ends_behind_its_last_record(self, bus, topic, group):
        bus.ensure([TopicSpec(topic, partitions=1)])
        (before,) = (state.ends[0] for state in bus.describe() if state.name == topic)
        publish(bus, *records(topic, 3))
        (after,) = (state.ends[0] for state in bus.describe() if state.name == topic)
        read = gather(bus.subscribe(group, [topic]), 3)
        assert after - before == 3
        assert read[-1].offset == after - 1

    def test_lag_is_what_was_not_committed(self, bus, topic, group):
        assert bus.lag(group) == {}
        bus.ensure([TopicSpec(topic, partitions=2)])
        publish(bus, *records(topic, 10, keys=1))
        subscription = bus.subscribe(group, [topic])
        read = gather(subscription, 10)
        eventually(lambda: sum(bus.lag(group).values()) == 10 and len(bus.lag(group)) == 2)
        subscription.commit(behind(read[:4]))
        assert sum(bus.lag(group).values()) == 6

    @pytest.mark.parametrize("named", [True, False])
    def test_who_has_committed_all_lags_behind_nothing(self, bus, topic, group, named):
        publisher = bus.publisher(name("publisher") if named else None)
        subscription = bus.subscribe(group, [topic])
        publisher.publish(records(topic, 10))
        subscription.commit(behind(gather(subscription, 10)))
        eventually(lambda: subscription.poll(1, 0.1) == [] and sum(bus.lag(group).values()) == 0)


class ClosingContract:
    """Whoever waits is told."""

    def test_closing_the_bus_wakes_who_waits(self, own_bus, topic, group):
        subscription = own_bus.subscribe(group, [topic])
        said = []

        def wait():
            try:
                subscription.poll(1, PATIENCE)
            except BusError as error:
                said.append(str(error))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)
        own_bus.close()
        waiting.join(PATIENCE)
        assert not waiting.is_alive()
        assert "closed" in said[0]

    def test_a_bus_that_is_closed_does_nothing(self, own_bus, topic, group):
        publisher, subscription = own_bus.publisher(), own_bus.subscribe(group, [topic])
        own_bus.close()
        own_bus.close()
        subscription.close()
        publisher.close()
        for call in (
            lambda: publisher.publish(records(topic, 1)),
            lambda: subscription.poll(1, 0),
            lambda: own_bus.publisher(),
            lambda: own_bus.subscribe(group, [topic]),
            lambda: own_bus.ensure([TopicSpec(topic)]),
            lambda: own_bus.describe(),
        ):
            with pytest.raises(BusError, match="closed"):
                call()


class BusContract(RecordContract, PublisherContract, GroupContract, TopicContract, ClosingContract):
    """The whole of it. `own_bus` is one that a test may close."""
