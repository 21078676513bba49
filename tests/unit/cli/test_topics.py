"""procession topics: what the engine needs on its bus."""

from __future__ import annotations

import json
import time

import pytest

from procession.bus import TopicSpec
from procession.bus.kafka import KafkaBus


def test_those_that_are_missing_are_named(line):
    found = line.run("topics", code=1)
    assert "procession.dev.core.trigger.start.process.v1" in found.stdout
    assert "missing" in found.stdout
    assert "Add --create" in found.stderr


def test_names_are_made_of_the_settings(line):
    options = ("--create", "--topic-environment", "test.", "--bus-jobs", "charge")
    found = line.json("topics", *options)["items"]
    assert "procession.test.job.charge.v1" in {each["name"] for each in found}
    assert {each["state"] for each in found} == {"made"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--topic-package", "a b"), 2, "cannot be a part of a topic's name"),
        (("--bus-jobs", "charge card"), 2, "cannot be offered on the bus"),
        (("--bus", "kafka://127.0.0.1:1"), 1, "127.0.0.1:1"),
    ],
)
def test_what_cannot_work_is_said(line, options, code, message):
    assert message in line.error("topics", *options, code=code)


def seen(line, *options):
    """Once the broker knows of all of them: what it has made it may not show at once."""
    end = time.monotonic() + 30
    while True:
        found = json.loads(line._runner.invoke(line._app, ["topics", *options, "--json"]).stdout)["items"]
        if all(each["partitions"] == "3" for each in found) or time.monotonic() > end:
            return found
        time.sleep(0.2)


@pytest.mark.timeout(200)
def test_on_kafka_they_are_made_once_and_then_found(line, kafka):
    where = ("--bus", kafka.url(), "--topic-environment", f"t{time.time_ns()}.")
    made = line.json("topics", *where, "--create")["items"]
    assert {each["state"] for each in made} == {"made"}
    found = seen(line, *where)
    assert {each["state"] for each in found} == {"ok"}
    assert {(each["partitions"], each["retention"]) for each in found if each["name"].endswith("dead-letter.v1")} == {
        ("3", "30 days")
    }
    wanted = json.loads(line.run("topics", *where, "--topic-partitions", "5", "--json", code=1).stdout)["items"]
    assert {each["state"] for each in wanted} == {"fewer than 5 partitions"}


@pytest.mark.timeout(200)
def test_one_that_keeps_records_too_short_is_named(line, kafka):
    environment = f"t{time.time_ns()}."
    bus = KafkaBus(kafka.url())
    bus.ensure([TopicSpec(f"procession.{environment}dead-letter.v1", retention=3_600_000)])
    bus.close()
    where = ("--bus", kafka.url(), "--topic-environment", environment)
    line._runner.invoke(line._app, ["topics", *where, "--create"])
    [short] = [each for each in seen(line, *where) if each["state"] != "ok"]
    assert short["state"] == "kept for less than 30 days"
