"""What a URL says of a Kafka, and what it may not say."""

from __future__ import annotations

import pytest

from procession.bus.kafka_settings import read_url
from procession.errors import ProcessionError


def said(url):
    return dict(read_url(url).values)


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("kafka://one", "one:9092"),
        ("kafka://one:9093/", "one:9093"),
        ("kafka://one,two:9094", "one:9092,two:9094"),
        ("kafka://[::1]:9093,[::2]", "[::1]:9093,[::2]:9092"),
    ],
)
def test_hosts(url, servers):
    assert said(url) == {"bootstrap.servers": servers, "security.protocol": "plaintext"}


@pytest.mark.parametrize(
    "url", ["kafka://", "kafka://one,", "kafka://one:port", "kafka://:9092", "kafka://one/topic", "kafka://one#x"]
)
def test_no_hosts(url):
    with pytest.raises(ProcessionError):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "protocol", "mechanism"),
    [
        ("kafka://one", "plaintext", None),
        ("kafkas://one", "ssl", None),
        ("kafka://clerk:secret@one", "sasl_plaintext", "PLAIN"),
        ("kafkas://clerk:secret@one", "sasl_ssl", "PLAIN"),
        ("kafkas://clerk:secret@one?sasl.mechanism=SCRAM-SHA-512", "sasl_ssl", "SCRAM-SHA-512"),
        ("kafkas://one?sasl.mechanism=OAUTHBEARER&sasl.oauthbearer.method=oidc", "sasl_ssl", "OAUTHBEARER"),
        ("kafka://one?security.protocol=ssl", "ssl", None),
    ],
)
def test_how_to_be_let_in_follows(url, protocol, mechanism):
    values = said(url)
    assert (values["security.protocol"], values.get("sasl.mechanism")) == (protocol, mechanism)


def test_user_and_password_may_have_any_sign():
    values = said("kafka://cl%40rk:p%3Aa%2Fss%20w%C3%B6rd@one:9092?client.id=a%20b&ssl.ca.location=/etc/ssl/ours.pem")
    assert (values["sasl.username"], values["sasl.password"]) == ("cl@rk", "p:a/ss wörd")
    assert (values["client.id"], values["ssl.ca.location"]) == ("a b", "/etc/ssl/ours.pem")


@pytest.mark.parametrize(
    "option",
    [
        *("enable.idempotence=false", "acks=1", "isolation.level=read_uncommitted", "enable.auto.commit=true"),
        *(
            "enable.auto.commit=false",
            "transactional.id=x",
            "group.id=x",
            "bootstrap.servers=two",
            "metadata.broker.list=two",
        ),
        *("client.id=a&client.id=b", "group.instance.id=x", "auto.offset.reset=latest"),
    ],
)
def test_what_would_break_a_promise_is_refused(option):
    with pytest.raises(ProcessionError, match=option.partition("=")[0]):
        read_url(f"kafka://one?{option}")


@pytest.mark.parametrize("option", ["enable.idempotence=true", "acks=all", "isolation.level=read_committed"])
def test_what_is_so_anyway_may_be_said(option):
    assert said(f"kafka://one?{option}")[option.partition("=")[0]] == option.partition("=")[2]


@pytest.mark.parametrize(
    "url",
    [
        "kafka://clerk:s3cret@one?sasl.password=s3cret",
        "kafkas://clerk:s3cret@one?security.protocol=plaintext",
        "kafka://clerk:s3cret@one?security.protocol=plaintext",
        "kafka://clerk:s3cret@one:port",
        "kafka://clerk:s3cret@one?group.id=x",
        "kafka://clerk:s3cret@one/s3cret",
        "http://clerk:s3cret@one",
    ],
)
def test_a_password_is_in_no_message(url):
    with pytest.raises(ProcessionError) as caught:
        read_url(url)
    assert "s3cret" not in str(caught.value)


def test_secrets_are_hidden_in_what_others_say():
    settings = read_url("kafkas://clerk:s3cret@one?ssl.key.password=k3y&sasl.oauthbearer.client.secret=cl13nt")
    assert settings.hide("s3cret, k3y and cl13nt of clerk") == "***, *** and *** of clerk"
    assert "s3cret" not in repr(settings)
