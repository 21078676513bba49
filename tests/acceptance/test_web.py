"""The web application beside the API, on one server: each address belongs to one of them."""

from __future__ import annotations

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.acceptance.programs import running as program
from tests.acceptance.raw import Raw, decent, request
from tests.acceptance.running import SECRET, running
from tests.unit.web.build import SCRIPT, write_build


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with running(folder, web=write_build(folder / "static")) as found:
        yield found


@pytest.fixture
def ask(server):
    def send(method, path, **headers):
        with Raw(server) as raw:
            return raw.send(request(method, path, headers=headers)).reply()

    return send


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/apis/tasks", "/API/TASKS", "/healthy", "/metrics-of-mine", "/nothing?a=b"]
)
def test_what_is_not_of_the_api_is_of_the_web_application(ask, path):
    reply = ask("GET", path)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    decent(ask("POST", path), 405, path)


@pytest.mark.parametrize(
    "path",
    [
        "/api", "/api/", "/api/nothing", "/api/assets/index-1a2b3c.js", "/api%2ftasks", "/%61pi/tasks", "/health",
        "/health/", "/health/index.html", "/metrics/x", "/api/../sw.js",
    ],
)  # fmt: skip
def test_an_address_of_the_api_that_is_not_there_is_a_problem(ask, path):
    for method in ("GET", "POST"):
        decent(ask(method, path), 404, path)


@pytest.mark.parametrize(
    "path", ["/assets/missing.js", "/../outside.txt", "/assets/%2e%2e/%2e%2e/outside.txt", "/.env", "/sw.js%00"]
)
def test_a_file_that_is_not_there_is_a_problem(ask, path):
    decent(ask("GET", path), 404, path)


def test_the_api_is_as_it_was(server, ask):
    assert ask("GET", "/health/live").status == 200
    assert ask("GET", "/api/openapi.json").headers["content-type"] == "application/json"
    decent(ask("GET", "/api/tasks"), 401, "/api/tasks")
    assert server.client("clerk").get("/api/tasks").status_code == 200


def test_many_requests_on_one_connection(server):
    with Raw(server) as raw:
        for _ in range(3):
            raw.send(request("GET", "/assets/index-1a2b3c.js"))
            reply = raw.reply()
            assert (reply.status, reply.body) == (200, SCRIPT)
            raw.send(request("GET", "/assets/index-1a2b3c.js", headers={"If-None-Match": reply.headers["etag"]}))
            assert raw.reply().status == 304
            raw.send(request("GET", "/tasks"))
            assert raw.reply().status == 200


def test_it_has_no_sockets(server):
    for path in ("/", "/tasks", "/ws"):
        with pytest.raises(InvalidStatus) as refused, connect(f"ws://{server.host}:{server.port}{path}"):
            pass
        assert refused.value.response.status_code in (403, 404)


def test_it_can_be_left_out(tmp_path):
    with program(
        "serve", "--port", "0", "--store", "memory:", "--no-ui", cwd=tmp_path, PROCESSION_SECRET=SECRET
    ) as served:
        for path in ("/", "/tasks"):
            answer = httpx2.get(served.address() + path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        served.stop()
        assert "web application" not in "".join(served.err)
