"""The description of the HTTP API: it is OpenAPI 3.1, it says all, and the server does nothing that it does not say."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from procession.api.application import operations
from procession.api.edge import Limits
from procession.api.openapi import document, statuses
from procession.app import open_bus
from procession.engine.codec import encode
from procession.runtime.exchange.exchange import Exchange
from procession.testing import process
from tests.acceptance.running import USERS, Running, running

HERE = Path(__file__).parent
SEED = 20_300_101
TABLE = operations()
DOCUMENT: dict[str, Any] = json.loads(encode(document(TABLE, "0.0.0")))
CALLS = {
    each["operationId"]: (path, method, each)
    for path, item in DOCUMENT["paths"].items()
    for method, each in item.items()
}


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    whole = {**schema, "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def misfits(schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{list(error.instance_path)}: {error.message}" for error in validator(schema).iter_errors(value)]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document, with where it is."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            yield from walk(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}/{index}")


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def said(schema: dict[str, Any]) -> bool:
    """Whether a field is described: itself, by its type, or in each of its forms."""
    if "description" in schema:
        return True
    if "$ref" in schema:
        return "description" in resolved(schema["$ref"])
    return any(said(form) for form in schema.get("anyOf", ()))


# -- the document -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("development", [False, True])
def test_it_is_openapi(development):
    found = json.loads(encode(document(operations(development=development), "0.0.0")))
    assert [f"{list(error.instance_path)}: {error.message}" for error in OPENAPI_31_VALIDATOR.iter_errors(found)] == []
    assert found["openapi"].startswith("3.1")


def test_it_has_every_call_of_the_table_and_no_other():
    assert {(each.path, each.method.lower(), each.name) for each in TABLE} == {
        (path, method, name) for name, (path, method, _) in CALLS.items()
    }
    assert len(CALLS) == len(TABLE), "two calls have one name"


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_described(name):
    path, method, each = CALLS[name]
    assert 3 < len(each["summary"]) < 130
    assert each["description"].strip().endswith(".")
    (tag,) = each["tags"]
    assert tag in {known["name"] for known in DOCUMENT["tags"]}
    parameters = [(parameter["in"], parameter["name"]) for parameter in each.get("parameters", [])]
    assert len(set(parameters)) == len(parameters)
    assert {name for place, name in parameters if place == "path"} == {
        part.strip("{}") for part in path.split("/") if part.startswith("{")
    }
    for parameter in each.get("parameters", []):
        assert parameter["description"], parameter["name"]
        assert parameter["schema"], parameter["name"]
    assert ("requestBody" in each) <= (method not in {"get", "delete"})
    for media, content in each.get("requestBody", {}).get("content", {}).items():
        assert content["schema"], media
        if media not in {"application/zip", "multipart/form-data"} and content["schema"] != {"type": "object"}:
            assert "example" in content, media


@pytest.mark.parametrize("name", CALLS)
def test_every_answer_is_described(name):
    _, method, each = CALLS[name]
    (operation,) = [each for each in TABLE if each.name == name]
    good = {status for status in each["responses"] if status < "300"}
    assert bool(good) == operation.built
    for status in good:
        answer = each["responses"][status]
        assert answer["description"]
        assert status == "204" or all(content["schema"] for content in answer["content"].values())
    wrong = set(each["responses"]) - good
    assert {"405", "422", "500", "503"} <= wrong
    assert ("501" in wrong) >= (not operation.built)
    if not operation.public:
        assert {"401", "403"} <= wrong
    if method in {"post", "put", "patch"} and "requestBody" in each:
        assert {"400", "408", "413", "415"} <= wrong
    for status in wrong - {str(also) for also in operation.also}:
        assert each["responses"][status] == {"$ref": f"#/components/responses/Problem{status}"}
        assert int(status) in statuses(operation)


def test_every_problem_is_described():
    for name, answer in DOCUMENT["components"]["responses"].items():
        (content,) = answer["content"].values()
        assert list(answer["content"]) == ["application/problem+json"]
        assert answer["description"]
        example = content["example"]
        assert misfits(content["schema"], example) == []
        assert name == f"Problem{example['status']}"
        assert example["defaultMessage"] == example["title"]


def test_every_reference_leads_somewhere_and_nothing_lies_about():
    references = {value["$ref"] for _, value in walk(DOCUMENT) if isinstance(value.get("$ref"), str)}
    for reference in references:
        assert resolved(reference), reference
    for kind in ("schemas", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in references, f"nobody needs {name}"
    for _, _, each in CALLS.values():
        for answer in each["responses"].values():
            for link in answer.get("links", {}).values():
                path, _, target = CALLS[link["operationId"]]
                assert set(link["parameters"]) == {
                    part.strip("{}") for part in path.split("/") if part.startswith("{")
                }, target["operationId"]


def test_every_type_and_every_field_says_what_it_is():
    silent = []
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name
        if "description" not in schema:
            silent.append(name)
        for field, what in schema.get("properties", {}).items():
            if not said(what) and (name, field) not in {("Problem", "type"), ("LogIn", "password")}:
                silent.append(f"{name}.{field}")
    assert silent == []


def test_what_is_shown_fits_what_is_said():
    shown = 0
    for path, value in walk(DOCUMENT):
        if "example" in value and "schema" in value:
            assert misfits(value["schema"], value["example"]) == [], path
            shown += 1
        if isinstance(value.get("examples"), list):
            assert [misfits(value, example) for example in value["examples"]] == [[]] * len(value["examples"]), path
            shown += 1
    assert shown > 50


def test_ids_are_texts_and_moments_are_marked():
    schemas = DOCUMENT["components"]["schemas"]
    for name, schema in schemas.items():
        for field, what in schema.get("properties", {}).items():
            if field == "id" and name not in {"NodeView", "LaneView"}:
                assert what["type"] == "string", name
            if field.startswith("date"):
                assert "date-time" in json.dumps(what), f"{name}.{field}"


# -- the server does what it says ---------------------------------------------------------------------------------------

WORK = process("cards").start().service_task("make", job="print-card", retries=5).end().build()
FILL = process("fill").start().user_task("fill_in").end().build()
STUCK = process("stuck").start().exclusive("which").when("=amount > 100").end("big")
FILES = [WORK, FILL, STUCK.back_to("which").when("=amount < 10").end("small").build()]
OWN = ("log_out", "change_password", "put_user", "remove_user")
"""Calls that end what the others log in with."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = Limits(heartbeat=0.05, longest_wait=0.05)

    def on_a_bus(machine, identify):
        return Exchange(machine, open_bus("memory:"), identify=identify)

    with running(tmp_path_factory.mktemp("openapi"), limits=limits, exchange=on_a_bus) as found:
        found.deploy(*FILES)
        yield found


@pytest.fixture
def settings(server, tmp_path):
    """The settings of Schemathesis, with ids of what there is."""
    made: dict[str, list[str]] = {"name": ["cards", "fill", "stuck", "credit_card"], "node": ["fill_in", "which"]}
    for name in ("cards", "fill", "stuck"):  # whoever was here before may have deprecated them
        assert server.client().post(f"/api/definitions/{name}/versions/1/publish").status_code == 200
    made["instance"] = [server.start(name)["id"] for name in ("cards", "fill", "stuck") for _ in range(10)]
    admin = server.client()
    made["task"] = [task["id"] for task in admin.get("/api/tasks?definition=fill").json()["items"]]
    jobs = admin.post("/api/jobs/activate", json={"type": "print-card", "maxJobs": 10}).json()["items"]
    made["job"] = [job["id"] for job in jobs]
    text = (HERE / "schemathesis.toml").read_text(encoding="utf-8")
    text += "".join(f"\n[dictionaries.{name}]\nvalues = {json.dumps(values)}\n" for name, values in made.items())
    text += "\n[parameters]\n"
    text += "".join(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.6 }}\n' for name in made)
    file = tmp_path / "schemathesis.toml"
    file.write_text(text, encoding="utf-8")
    return file


def schemathesis(server: Running, settings: Path, user: str | None, *arguments: str) -> str:
    """What it says about the server; it fails the test where it finds something."""
    headers = [] if user is None else ["--header", f"Authorization: Bearer {server.log_in(user)}"]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"]
    command += [f"{server.url}/api/openapi.json", "--seed", str(SEED), "--no-color", *headers, *arguments]
    found = subprocess.run(
        command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=280, encoding="utf-8", check=False
    )
    assert found.returncode == 0, f"seed {SEED}:\n{found.stdout[-20_000:]}\n{found.stderr[-5_000:]}"
    return found.stdout


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.timeout(300)
def test_an_administrator_finds_nothing_that_is_not_said(server, settings, caplog):
    without = [argument for name in OWN for argument in ("--exclude-operation-id", name)]
    said = schemathesis(server, settings, "admin", "--max-examples", "10", *without)
    assert f"{len(TABLE) - len(OWN) - 1} selected" in said, "all but the description itself, which it has read"
    assert faults(caplog) == []
    assert server.client().get("/health/ready").json()["status"] == "ready"


@pytest.mark.timeout(300)
def test_a_clerk_finds_nothing_that_is_not_said(server, settings, caplog):
    without = ["--exclude-operation-id", "change_password", "--phases", "examples,coverage,fuzzing"]
    schemathesis(server, settings, "clerk", "--max-examples", "6", *without)
    assert faults(caplog) == []


@pytest.mark.timeout(300)
def test_nobody_finds_nothing_that_is_not_said(server, settings, caplog):
    schemathesis(server, settings, None, "--max-examples", "2", "--phases", "examples,coverage,fuzzing")
    assert faults(caplog) == []


@pytest.mark.timeout(300)
def test_what_ends_the_logins_of_others(tmp_path, settings, caplog):
    """Users come and go, the administrator too."""
    with running(tmp_path) as other:
        only = [argument for name in (*OWN, "list_users", "who_am_i") for argument in ("--include-operation-id", name)]
        schemathesis(other, settings, "admin", "--max-examples", "10", *only)
        assert other.client(None).get("/health/ready").json()["status"] == "ready"
    assert faults(caplog) == []


def test_the_server_shows_the_document(server):
    answer = server.client(None).get("/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert {**answer.json(), "info": {}} == {**DOCUMENT, "info": {}}
    assert set(USERS) >= {"admin", "clerk"}
