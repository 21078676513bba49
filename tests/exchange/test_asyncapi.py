"""The description of the topics: it is AsyncAPI, it says all, and what goes over the bus is as it says."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from procession.api.asyncapi import CARRIED, document
from procession.bus import Received
from procession.bus.topics import KINDS, NOTIFY_EXCEPTION, NOTIFY_PROCESS, NOTIFY_TASK, NOTIFY_TOKEN, Kind, Naming
from procession.engine.codec import encode
from procession.runtime.drive import drive
from procession.runtime.exchange import shapes
from procession.runtime.exchange.exchange import Exchange, group_of
from procession.runtime.exchange.notices import GROUP
from procession.testing import process
from tests.exchange.conftest import eventually, headers

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(gzip.decompress((ROOT / "tests" / "data" / "asyncapi-3.0.0.json.gz").read_bytes()))
PAGE = (ROOT / "docs" / "reference" / "topics.md").read_text(encoding="utf-8")
NAMING = Naming()


def made(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(document("0.0.0", NAMING, group_of(NAMING), **more)))
    return found


DOCUMENT = made()
CHANNELS = DOCUMENT["channels"]


def channel_of(kind: Kind) -> str:
    return kind.name.rstrip(".")


def misfits(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    found = jsonschema_rs.Draft7Validator(whole, validate_formats=True).iter_errors(value)
    return [f"{list(error.instance_path)}: {error.message}" for error in found]


def fits_one(channel: str, value: Any) -> bool:
    return any(misfits(message["payload"], value) == [] for message in CHANNELS[channel]["messages"].values())


# -- the document -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [{}, {"url": "kafka://one:9092,two:9092"}, {"url": "kafkas://ana:secret@one:9093?ssl.x=y", "jobs": ["print-card"]}],
)
def test_it_is_asyncapi(given):
    errors = jsonschema_rs.Draft7Validator(SCHEMA).iter_errors(made(**given))
    assert [f"{list(error.instance_path)}: {error.message[:300]}" for error in errors] == []


def test_the_schema_finds_what_is_wrong():
    wrong = made()
    wrong["operations"]["receive.core.trigger.start.process"]["action"] = "reads"
    assert not jsonschema_rs.Draft7Validator(SCHEMA).is_valid(wrong)


def test_every_topic_is_in_it_with_its_full_name_and_direction():
    assert set(CARRIED) == {kind.name for kind in KINDS}
    for kind in KINDS:
        channel = CHANNELS[channel_of(kind)]
        assert channel["address"].startswith(f"procession.dev.{kind.name}") and channel["address"].endswith(".v1")
        assert channel["title"] == kind.title
        names = re.findall(r"\{(\w+)\}", channel["address"])
        assert names == list(channel.get("parameters", {})) and bool(names) == kind.name.endswith(".")
        action = "receive" if kind.direction == "in" else "send"
        assert DOCUMENT["operations"][f"{action}.{channel_of(kind)}"]["action"] == action


def test_every_shape_is_in_it():
    ours = {name for name, part in vars(shapes).items() if isinstance(part, type) and issubclass(part, msgspec.Struct)}
    assert ours - {"Struct"} <= DOCUMENT["components"]["schemas"].keys()
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema["description"], name
        assert jsonschema_rs.Draft7Validator(schema | {"components": DOCUMENT["components"]})


def test_every_reference_leads_somewhere():
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))
    assert len(references) > 50
    for reference in references:
        found: Any = DOCUMENT
        for step in reference.split("/"):
            found = found[step]
        assert found, reference


def test_names_are_those_of_the_installation():
    found = document("0", Naming("bank.", "prod.", ".v2"), "bank.prod.engine")
    assert found["channels"]["core.notify.task"]["address"] == "bank.prod.core.notify.task.v2"
    assert found["channels"]["job"]["address"] == "bank.prod.job.{type}.v2"


def test_where_the_bus_is_stands_in_it_without_secrets():
    found = made(url="kafkas://ana:secret@one:9093,two:9093?sasl.password=secret", jobs=["print-card"])
    assert [(each["host"], each["protocol"]) for each in found["servers"].values()] == [
        ("one:9093", "kafka-secure"),
        ("two:9093", "kafka-secure"),
    ]
    assert "secret" not in json.dumps(found).replace("kafka-secure", "")
    assert found["channels"]["job"]["parameters"]["type"]["enum"] == ["print-card"]
    assert "servers" not in DOCUMENT


# -- the page -----------------------------------------------------------------------------------------------------------

SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_topic_is_on_its_page_with_examples_that_fit(kind):
    examples = re.findall(r"```json\n(.*?)```", SECTIONS[channel_of(kind)], re.DOTALL)
    assert examples
    for text in examples:
        value = json.loads(text)
        assert fits_one(channel_of(kind), value), text
        known = [set(known_fields(name)) for name in CHANNELS[channel_of(kind)]["messages"]]
        assert any(not fields or set(value) <= fields for fields in known), text


def test_results_of_operations_are_on_the_page():
    results = [json.loads(text) for text in re.findall(r"```json result\n(.*?)```", PAGE, re.DOTALL)]
    assert len(results) == 2
    assert all(fits_one("callback", value) for value in results)


def known_fields(name: str) -> Any:
    return DOCUMENT["components"]["schemas"][name].get("properties", ())


# -- real records -------------------------------------------------------------------------------------------------------

WORK = (
    process("work")
    .settings(index="pn amount")
    .start()
    .send("ask_crm", topic="crm.search", body='{"pn": "${pn}"}', headers='{"destinationId": "ask_crm"}')
    .user_task("look")
    .exclusive("which")
    .when("=amount > 0")
    .service_task("pack", job="pack")
    .end()
    .build()
)
NOTIFIED = (
    NOTIFY_PROCESS,
    NOTIFY_TOKEN,
    NOTIFY_TASK,
    NOTIFY_EXCEPTION,
    "core.save.audit",
    "core.index.process",
    "ui.notify",
)


def test_real_records_are_as_it_says(engine, partner):
    """All that an engine publishes while everything happens to an instance; each by the schema of its topic."""
    engine.deploy(("work.bpmn", WORK), publish=True)
    offering = Exchange(engine._machine, engine.exchange.bus, jobs=["pack"])
    offering._offers.start()
    answered = ("core.confirm.start.process", "dead-letter", "results", "crm.search", "job.pack")
    partner.listen(*NOTIFIED, *answered)
    eventually(lambda: drive(engine.storage.positions(GROUP)), "the place from which history is told")
    start = "core.trigger.start.process"
    partner.send(
        start, {"processDefinitionName": "work", "data": {"pn": "1", "amount": 0}}, key="k", ce_id="1", extra="x"
    )
    partner.send(start, {"processDefinitionName": "nothing"}, key="k")
    confirmed = partner.get("core.confirm.start.process", 2)
    instance = json.loads(confirmed[0].value)["instance"]
    operations = {
        "operations": [
            {"operationType": each, "processInstanceUuid": instance["id"]} for each in ("HOLD", "UNHOLD", "X")
        ]
    }
    partner.send("core.trigger.operations.process", operations, callbackTopic="results")
    task = instance["waits"][0]["id"]
    operation = {"operationType": "ASSIGN", "taskId": task, "owner": {"username": "bo"}}
    partner.send("core.trigger.operations.process", operation, callbackTopic="results")
    results = partner.get("results", 2)
    engine.complete_task(task)
    engine.set_variables(instance["id"], {"amount": 1})
    engine.retry(instance["id"])
    [offer] = partner.get("job.pack")
    job = json.loads(offer.value)
    partner.send("engine.receive.job", {"id": job["id"], "token": job["token"]})
    partner.send("engine.receive.crm", {"ok": True}, key="k")
    eventually(lambda: engine.instance(instance["id"]).completed)
    for record in (*confirmed, *results, offer, *partner.get("crm.search"), *partner.get("dead-letter")):
        check(record)
    seen: set[str] = set()
    while "instance-ended" not in seen:
        for topic in NOTIFIED:
            for record in partner._read[topic].poll(1000, 0.05):
                check(record)
                seen.add(json.loads(record.value).get("kind", topic))
    assert {"instance-started", "token-advanced", "task-created", "task-assigned", "incident-raised"} <= seen
    assert {"core.save.audit", "core.index.process", "ui.notify"} <= seen
    offering._offers.stop()


def check(record: Received) -> None:
    """A record against the messages of its channel: value, headers and key."""
    name = NAMING.short(record.topic)
    channel = {"results": "callback", "crm.search": "processes", "job.pack": "job"}.get(name, name)
    value = json.loads(record.value)
    for message in CHANNELS[channel]["messages"].values():
        if misfits(message["payload"], value) == []:
            assert misfits(message["headers"], headers(record)) == [], name
            assert record.key
            fields = set(known_fields(message["payload"]["$ref"].rpartition("/")[2]))
            assert not fields or set(value) <= fields
            return
    pytest.fail(f"{name}: {value} fits no message of {channel}")
