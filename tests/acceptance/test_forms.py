"""Forms and drafts over HTTP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from procession.runtime.drive import drive
from procession.testing import process
from tests.acceptance.running import Running, running

KEY = "forms/a b.schema.json"
FORM = b"""{
  "properties": {"amount": {"type": "number", "multipleOf": 0.10, "exclusiveMinimum": 0}, "pin": {"type": "string"}},
  "required": ["amount"]
}\n"""
MODEL = '{"properties": {"pin": {"sensitive": true}}}'
ORDER = process("order").start("s", form=KEY).user_task("fill", form=KEY).end().data_model(MODEL)
ORDER = ORDER.lane(
    "Front", "s", "fill", execute="clerk manager", view="clerk manager", assign="clerk", unassign="clerk"
)
PATH = "/api/definitions/order/versions/{}/forms/forms%2Fa%20b.schema.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("forms")) as found:
        found.deploy(ORDER.build(), forms={KEY: FORM})
        yield found


def begun(server: Running) -> str:
    order = server.start("order", {"amount": 1, "pin": "8526417"}, user="clerk")
    task: str = order["waits"][0]["id"]
    return f"/api/tasks/{task}"


def draft_of(server: Running, task: str, name: str) -> tuple[Any, Any]:
    found = server.client(name).get(task + "/form").json()
    return found["draft"], found["draftDate"]


def zipped(files: dict[str, bytes]) -> dict[str, Any]:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return {"content": target.getvalue(), "headers": {"content-type": "application/zip"}}


def test_a_form_comes_back_as_it_was_added(server):
    answer = server.client("clerk").get(PATH.format(1))
    assert (answer.status_code, answer.content) == (200, FORM)
    assert answer.headers["content-type"] == "application/schema+json"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert server.client("clerk").get("/api/definitions/order/versions/1").json()["forms"] == [
        {"key": KEY, "nodes": ["s", "fill"]}
    ]
    for path in (
        PATH.format(9),
        "/api/definitions/order/versions/1/forms/no",
        "/api/definitions/no/versions/1/forms/no",
    ):
        assert server.client("clerk").get(path).status_code == 404
    assert server.client("outsider").get(PATH.format(1)).status_code == 404


@pytest.mark.parametrize(
    "files",
    [
        {"order.bpmn": ORDER.build(), "a b.schema.json": FORM},
        {"x/order.bpmn": ORDER.build(), f"x/{KEY}": FORM, "manifest.json": b"of somebody"},
        {KEY: FORM, "x/order.bpmn": ORDER.build()},
    ],
)
def test_the_same_bytes_are_the_same_version_however_they_come(server, files):
    editor = server.client("editor")
    answer = editor.post("/api/definitions", **zipped(files))
    assert (answer.status_code, answer.json()["items"][0]["version"]) == (200, 1), answer.text
    files.pop("manifest.json", None)
    answer = editor.post("/api/definitions", files=[("file", part) for part in files.items()])
    assert (answer.status_code, answer.json()["items"][0]["version"]) == (200, 1), answer.text


def test_what_is_wrong_with_a_form_is_told(server):
    editor = server.client("editor")
    broken = ORDER.build().replace(b'"order"', b'"broken"')
    answer = editor.post("/api/definitions", **zipped({"b.bpmn": broken, KEY: b"{", "more.json": b"{}"}))
    assert answer.status_code == 422
    assert [(p["file"], p["severity"]) for p in answer.json()["problems"]] == [(KEY, "error"), ("more.json", "error")]
    assert all(p["message"] and p["hint"] for p in answer.json()["problems"])
    for name in ("a.form", "a.dmn"):
        assert editor.post("/api/definitions", **zipped({"b.bpmn": broken, name: b"{}"})).status_code == 501
    assert editor.get("/api/definitions?name=broken").json()["items"] == []


def test_starts_and_completions_are_held_against_the_form(server):
    clerk = server.client("clerk")
    refused = clerk.post("/api/process/order/start", json={"amount": 0.15, "pin": 8526417})
    assert (refused.status_code, refused.json()["title"]) == (422, "Not valid.")
    assert refused.json()["errors"] == [
        {"pointer": "/amount", "message": "must be a multiple of 0.1"},
        {"pointer": "/pin", "message": "must be a string"},
    ]
    task = begun(server)
    for name in ("clerk", "admin"):
        refused = server.client(name).post(task + "/complete", json={"variables": {"amount": 0.15, "pin": 8526417}})
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/variables/amount", "/variables/pin"]
        assert "8526417" not in refused.text and "0.15" not in refused.text
    done = clerk.post(task + "/complete", json={"variables": {"amount": 0.3}})
    assert done.json()["state"] == "FINISHED"


def test_what_a_screen_gets(server):
    task = begun(server)
    found = server.client("clerk").get(task + "/form").json()
    assert found["task"] == server.client("clerk").get(task).json()
    assert (found["source"], found["schema"]["required"]) == ("form", ["amount"])
    assert found["data"] == {"amount": 1, "pin": "***"}
    assert (found["draft"], found["draftDate"]) == (None, None)


def test_a_draft_is_ones_own(server):
    task = begun(server)
    clerk, manager = server.client("clerk"), server.client("manager")
    typed = {"amount": 1.10, "pin": "typed", "not": ["in", "the", "form"]}
    kept = clerk.put(task + "/draft", json={"variables": typed})
    assert kept.status_code == 200 and list(kept.json()) == ["draftDate"]
    assert draft_of(server, task, "clerk") == (typed, kept.json()["draftDate"])
    assert '"amount":1.1' in clerk.get(task + "/form").text
    for name in ("manager", "admin", "operator"):
        assert draft_of(server, task, name) == (None, None)
    manager.put(task + "/draft", json={"variables": {}})
    assert draft_of(server, task, "manager")[0] == {}
    clerk.put(task + "/draft", json={"variables": {"amount": 2}})
    assert draft_of(server, task, "clerk")[0] == {"amount": 2}
    assert clerk.post(task + "/assign", json={"assignee": "manager"}).status_code == 200
    assert draft_of(server, task, "clerk")[0] == {"amount": 2}, "it stays when somebody else has the task"
    assert clerk.delete(task + "/draft").status_code == 204
    assert clerk.delete(task + "/draft").status_code == 204
    assert draft_of(server, task, "clerk") == (None, None)
    assert draft_of(server, task, "manager")[0] == {}


def test_a_draft_leaves_no_trace(server):
    task = begun(server)
    storage = server.app.state.edge.node.storage
    before = drive(storage.last_history()), drive(storage.audit(1000))
    server.client("clerk").put(task + "/draft", json={"variables": {"pin": "typed-and-not-sent"}})
    server.client("clerk").delete(task + "/draft")
    assert (drive(storage.last_history()), drive(storage.audit(1000))) == before


def test_a_draft_goes_with_its_task_and_its_user(server):
    storage = server.app.state.edge.node.storage
    before = drive(storage.counts())["draft"]
    task = begun(server)
    body = {"roles": ["clerk"], "password": "correct horse battery"}
    assert server.client("admin").put("/api/users/guest", json=body).status_code == 201
    for name in ("clerk", "guest"):
        assert server.client(name).put(task + "/draft", json={"variables": {}}).status_code == 200
    server.client("admin").delete("/api/users/guest")
    assert drive(storage.counts())["draft"] == before + 1
    server.client("clerk").post(task + "/complete", json={})
    assert drive(storage.counts())["draft"] == before
    for method in ("GET", "PUT", "DELETE"):
        path = task + ("/form" if method == "GET" else "/draft")
        body = {"json": {"variables": {}}} if method == "PUT" else {}
        assert server.client("clerk").request(method, path, **body).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"variables": None}, 422),
        ({"variables": []}, 422),
        ({"variables": {}, "more": 1}, 422),
        ({"variables": {"a": "x" * 1_000_000}}, 413),
    ],
)
def test_what_is_no_draft(server, body, status):
    task = begun(server)
    assert server.client("clerk").put(task + "/draft", json=body).status_code == status
    assert draft_of(server, task, "clerk") == (None, None)
