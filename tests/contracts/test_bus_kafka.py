"""Kafka keeps the contract; and what only brokers, and what lies between them and us, can do to it."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections import Counter

import pytest
from confluent_kafka.admin import NewTopic, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from procession.app import open_bus
from procession.bus import BusError, Fenced, Record, TooLarge, TopicSpec, kafka_publisher
from procession.bus import kafka as kafka_module
from procession.bus.kafka import KafkaBus
from procession.errors import ProcessionError
from tests.conftest import start_kafka
from tests.contracts.bus import PATIENCE, BusContract, behind, eventually, gather, name, publish, records, values
from tests.services.postgresql import free_port

pytestmark = pytest.mark.timeout(300)


def opened(url):
    bus = open_bus(url)
    assert isinstance(bus, KafkaBus)
    return bus


@pytest.fixture
def bus(kafka):
    bus = opened(kafka.url())
    yield bus
    bus.close()


class TestKafkaBus(BusContract):
    @pytest.fixture
    def bus(self, kafka):
        bus = opened(f"{kafka.url()}?heartbeat.interval.ms=300")  # members hear of each other sooner
        yield bus
        bus.close()

    @pytest.fixture
    def own_bus(self, bus):
        return bus


def test_what_was_published_outlives_the_process(bus):
    assert bus.durable


# -- publishers -------------------------------------------------------------------------------------------------------


def test_what_a_publisher_left_open_is_taken_back_by_the_next_one(bus, topic, group):
    who = name("publisher")
    older = bus.publisher(who)
    older._producer.begin_transaction()
    older._producer.produce(topic, b"half", "k")
    older._producer.flush(PATIENCE)
    newer = bus.publisher(who)
    newer.publish([Record(topic, "k", b"whole")])
    older._ending = "commit"
    with pytest.raises(Fenced, match=who):
        older.publish([Record(topic, "k", b"zombie")])
    assert values(gather(bus.subscribe(group, [topic]), 1)) == [b"whole"]


def test_readers_see_a_transaction_when_it_is_committed(bus, topic, group):
    publisher = bus.publisher(name("publisher"))
    subscription = bus.subscribe(group, [topic])
    publisher._producer.begin_transaction()
    publisher._producer.produce(topic, b"first", "k")
    publisher._producer.flush(PATIENCE)
    eventually(lambda: subscription.poll(1, 0.5) == [] and subscription.assigned())
    assert subscription.poll(1, 2) == []
    publisher._producer.commit_transaction(PATIENCE)
    assert values(gather(subscription, 1)) == [b"first"]


def make_topic(kafka, topic, **config):
    admin = kafka.admin()  # it has to live until it is answered
    admin.create_topics([NewTopic(topic, 1, config=config)])[topic].result(PATIENCE)


@pytest.mark.parametrize("who", ["publisher", None])
def test_small_records_that_are_too_large_together_are_published(kafka, bus, topic, group, who):
    make_topic(kafka, topic, **{"max.message.bytes": "2000"})
    publisher = bus.publisher(who and name(who))
    publisher.publish([Record(topic, "k", b"%d" % n * 500) for n in range(10)])
    assert len(gather(bus.subscribe(group, [topic]), 10)) == 10


def test_the_one_that_the_topic_does_not_take_is_named(kafka, bus, topic, group):
    make_topic(kafka, topic, **{"max.message.bytes": "2000"})
    publisher = bus.publisher(name("publisher"))
    giant = Record(topic, "k", b"x" * 3_000)
    small = [Record(topic, "k", b"%d" % n) for n in range(4)]
    with pytest.raises(TooLarge, match=r"max\.message\.bytes") as caught:
        publisher.publish([*small[:2], giant, *small[2:]])
    assert caught.value.record is giant
    publisher.publish(small)
    assert values(gather(bus.subscribe(group, [topic]), 4)) == values(small)


# -- a broker that dies -----------------------------------------------------------------------------------------------


@pytest.fixture
def mortal():
    """One that makes no topics by itself."""
    with start_kafka(settings={"auto.create.topics.enable": "false"}) as cluster:
        yield cluster


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(mortal, topic, group):
    bus = opened(f"{mortal.url()}?message.timeout.ms=5000")
    bus.ensure([TopicSpec(topic)])
    subscription = bus.subscribe(group, [topic])
    publisher = bus.publisher(name("publisher"))
    batches, failed, gate = [], [], threading.Lock()

    def publish_all():
        for first in range(0, 2_000, 100):
            with gate:
                while True:
                    try:
                        publisher.publish(records(topic, 100, first=first))
                        break
                    except Fenced:
                        raise
                    except BusError as error:
                        failed.append(str(error))
                batches.append(first)
            time.sleep(0.05)

    publishing = threading.Thread(target=publish_all)
    publishing.start()
    seen = Counter()

    def read_until(count):
        end = time.monotonic() + 2 * PATIENCE
        while len(seen) < count:
            seen.update(values(subscription.poll(100, 1)))
            assert time.monotonic() < end, f"{len(seen)} of {count} were read; {failed[-3:]}"

    for batch, pause in ((3, 1), (9, 8)):  # the second time longer than the publisher's patience
        eventually(lambda at=batch: len(batches) >= at)
        with gate:
            # Killed between a commit and its mark, a lone broker may lose what it has confirmed.
            read_until(100 * len(batches))
            mortal.kill()
        time.sleep(pause)
        mortal.start()
    read_until(2_000)
    publishing.join(PATIENCE)
    assert set(seen) == {b"%d" % n for n in range(2_000)}
    bus.close()


def test_who_publishes_while_nobody_is_there_is_told_and_tries_again(mortal, topic, group):
    bus = opened(f"{mortal.url()}?message.timeout.ms=2000")
    bus.ensure([TopicSpec(topic)])
    named, nameless = bus.publisher(name("publisher")), bus.publisher()
    named.publish([Record(topic, "k", b"before")])
    gather(bus.subscribe(name("group"), [topic]), 1)  # killed sooner, a lone broker may lose what it has confirmed
    mortal.kill()
    for publisher in (named, nameless):
        with pytest.raises(BusError, match=r"kafka://127.0.0.1:\d+ does not answer") as caught:
            publisher.publish([Record(topic, "k", b"during")])
        assert not isinstance(caught.value, Fenced)
    mortal.start()
    for publisher in (named, nameless):
        eventually(lambda each=publisher: published(each, Record(topic, "k", b"after")))
    assert values(gather(bus.subscribe(group, [topic]), 3)) == [b"before", b"after", b"after"]
    bus.close()


def published(publisher, record):
    try:
        publisher.publish([record])
    except BusError:
        return False
    return True


def test_a_commit_waits_no_longer_than_it_takes(mortal, topic, group):
    bus = opened(f"{mortal.url()}?session.timeout.ms=3000&heartbeat.interval.ms=300")
    bus.ensure([TopicSpec(topic)])
    publish(bus, *records(topic, 10))
    subscription = bus.subscribe(group, [topic])
    read = gather(subscription, 10)
    mortal.kill()
    with pytest.raises(BusError, match=r"127\.0\.0\.1"):
        subscription.commit(behind(read))
    mortal.start()

    def committed():  # it may be somebody else's by now, and come again
        try:
            subscription.commit(behind([*read, *subscription.poll(10, 0.5)]))
            return sum(bus.lag(group).values()) == 0
        except BusError:
            return False

    eventually(committed)
    bus.close()


def test_a_topic_that_is_not_there_is_missed_in_plain_words(mortal, topic, group, caplog):
    bus = opened(f"{mortal.url()}?topic.metadata.propagation.max.ms=500&message.timeout.ms=3000")
    publisher = bus.publisher(name("publisher"))
    with pytest.raises(BusError, match=r"publish.*no such topic.*auto\.create\.topics\.enable"):
        publisher.publish([Record(topic, "k", b"lost")])
    with caplog.at_level(logging.WARNING, "procession.bus"):
        subscription = bus.subscribe(group, [topic])
        eventually(lambda: subscription.poll(1, 0.5) == [] and topic in caplog.text)
    bus.ensure([TopicSpec(topic)])
    eventually(lambda: published(publisher, Record(topic, "k", b"found")))
    assert values(gather(subscription, 1)) == [b"found"]
    bus.close()


def test_a_cluster_goes_on_without_one_of_its_brokers(topic, group):
    with start_kafka(brokers=3) as cluster:
        bus = opened(cluster.url())
        bus.ensure([TopicSpec(topic)])
        publisher, subscription = bus.publisher(name("publisher")), bus.subscribe(group, [topic])
        publisher.publish(records(topic, 100))
        read = gather(subscription, 100)
        subscription.commit(behind(read))
        cluster.kill(2)
        eventually(lambda: all(published(publisher, record) for record in records(topic, 1, first=100)))
        for first in range(101, 200):
            eventually(lambda at=first: published(publisher, *records(topic, 1, first=at)))
        assert set(values(gather(subscription, 100))) == {b"%d" % n for n in range(100, 200)}
        bus.close()


# -- how to be let in -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, signed by itself; with its key, as the broker wants it."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    both = (folder / "key.pem").read_text() + (folder / "certificate.pem").read_text()
    (folder / "both.pem").write_text(both)
    return folder


@pytest.fixture(scope="module")
def guarded(certificate):
    """One that lets nobody in without a password, or speaks TLS."""
    plain, scram = (
        f"org.apache.kafka.common.security.{each}LoginModule required" for each in ("plain.Plain", "scram.Scram")
    )
    settings = {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
        "listener.name.sasl.plain.sasl.jaas.config": f'{plain} user_clerk="correct horse";',
        "listener.name.sasl.scram-sha-256.sasl.jaas.config": f"{scram};",
        "listener.name.tls.ssl.keystore.type": "PEM",
        "listener.name.tls.ssl.keystore.location": str(certificate / "both.pem"),
    }
    with start_kafka(listeners=("SASL", "TLS"), settings=settings) as cluster:
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        wanted = UserScramCredentialUpsertion("scram", credential, b"battery staple")
        admin = cluster.admin()
        for future in admin.alter_user_scram_credentials([wanted]).values():
            future.result(PATIENCE)
        yield cluster


def exchange(url, topic):
    bus = opened(url)
    bus.ensure([TopicSpec(topic)])
    bus.publisher(name("publisher")).publish([Record(topic, "k", b"let in")])
    assert values(gather(bus.subscribe(name("group"), [topic]), 1)) == [b"let in"]
    bus.close()


@pytest.mark.parametrize(
    ("user", "options"),
    [
        ("clerk:correct%20horse", ""),
        ("scram:battery%20staple", "?sasl.mechanism=SCRAM-SHA-256"),
        ("", "?sasl.mechanism=PLAIN&sasl.username=clerk&sasl.password=correct+horse"),
    ],
    ids=["PLAIN", "SCRAM", "in the query"],
)
def test_a_password_lets_in(guarded, topic, user, options):
    exchange(guarded.url("SASL", user=user) + options, topic)


def test_tls_with_a_certificate_of_ones_own(guarded, certificate, topic):
    exchange(f"{guarded.url('TLS')}?ssl.ca.location={certificate}/certificate.pem", topic)


def test_a_wrong_password_is_said_to_be_wrong_and_not_shown(guarded, caplog):
    with caplog.at_level(logging.DEBUG, "procession.bus"):
        bus = opened(guarded.url("SASL", user="clerk:wr0ng%20horse"))
        with pytest.raises(BusError, match="does not let us in") as listed:
            bus.describe()
        with pytest.raises(BusError, match="does not let us in") as began:
            bus.publisher(name("publisher"))
        bus.close()
    assert "wr0ng" not in f"{listed.value}{began.value}{caplog.text}"


def test_a_certificate_that_nobody_knows_is_not_trusted(guarded):
    bus = opened(guarded.url("TLS"))
    with pytest.raises(BusError, match="TLS"):
        bus.describe()
    bus.close()


def test_nobody_is_there(monkeypatch):
    monkeypatch.setattr(kafka_module, "ANSWER", 2.0)
    monkeypatch.setattr(kafka_publisher, "BEGIN", 2.0)
    bus = opened(f"kafka://127.0.0.1:{free_port()}?socket.connection.setup.timeout.ms=1000")
    with pytest.raises(
        BusError, match=r"Kafka at kafka://127.0.0.1:\d+ does not answer, asked to list topics \(.*refused"
    ):
        bus.describe()
    with pytest.raises(BusError, match="does not answer"):
        bus.publisher("somebody")
    bus.close()


# -- what a URL may say -----------------------------------------------------------------------------------------------


def test_settings_reach_librdkafka(kafka, topic):
    bus = opened(f"{kafka.url()}?message.max.bytes=2000&client.id=ours")
    with pytest.raises(TooLarge):
        bus.publisher().publish([Record(topic, "k", b"x" * 3_000)])
    bus.close()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("no.such.setting=1", "no.such.setting"),
        ("socket.timeout.ms=soon", "socket.timeout.ms"),
        ("security.protocol=morse", "security.protocol"),
    ],
)
def test_what_librdkafka_does_not_take_is_refused(options, why):
    with pytest.raises(ProcessionError, match=why):
        open_bus(f"kafka://clerk:s3cret@127.0.0.1:9092?{options}")


def test_a_bus_must_be_one():
    with pytest.raises(ProcessionError, match="'amqp:' is no bus") as caught:
        open_bus("amqp://clerk:s3cret@127.0.0.1")
    assert "s3cret" not in str(caught.value)
