"""What is sent again and what is not, and what failures look like."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest

from procession import Client, CommandRejected, InvalidDefinition, ProcessionError, StorageError, StorageFull
from procession.client import AnswerLost
from tests.unit.client.scripted import CUT, Answer, problem, scripted

ME = Answer(200, {"name": "ana", "roles": [], "expires": None, "allowed": {}})
AWAY = problem(503, "Service unavailable.", detail="The store could not do it; try again.", errorKey="error.storage")
INSTANCE = {
    "id": "7", "processDefinitionName": "order", "processTitle": "Order", "version": 1, "state": "STARTED",
    "businessKey": None, "startedBy": "ana",
    "dateStarted": "", "dateEnded": None, "parent": None, "root": "7", "tokens": [], "variables": {}, "generalData": None,
    "subProcesses": [], "exceptions": [], "waits": [], "seq": 1, "allowed": {},
}  # fmt: skip
MESSAGE = {"id": "1", "duplicate": False, "instances": [], "buffered": True}


def client_of(server, **options):
    return Client(server.url, token="t0ken", **options)


# -- again ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [AWAY, CUT, Answer(200, {}, cut="middle"), problem(502), problem(504)])
def test_reading_is_tried_again_until_it_works(failure):
    with scripted(failure, failure, ME) as server, client_of(server) as client:
        assert client.me().name == "ana"
        assert len(server.asked) == 3


def test_a_start_whose_answer_is_lost_is_sent_again_with_the_same_key():
    with scripted(CUT, AWAY, Answer(201, INSTANCE)) as server, client_of(server) as client:
        assert client.start("order").id == "7"
        keys = {asked.headers["idempotency-key"] for asked in server.asked}
        assert len(server.asked) == 3 and len(keys) == 1
        client.start("order")
        assert server.asked[-1].headers["idempotency-key"] not in keys


def test_a_message_is_sent_again_with_the_same_key():
    with scripted(CUT, Answer(201, MESSAGE)) as server, client_of(server) as client:
        client.publish_message("paid", "o-1", idempotency_key="mine")
        assert [asked.headers["idempotency-key"] for asked in server.asked] == ["mine", "mine"]


def test_deploying_is_sent_again_for_the_same_bytes_keep_their_version():
    with scripted(CUT, Answer(200, {"items": []})) as server, client_of(server) as client:
        client.deploy(("a.bpmn", b"<a/>"))
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.complete_task(1),
        lambda client: client.claim(1),
        lambda client: client.hold(1),
        lambda client: client.set_variables(1, {"a": 1}),
        lambda client: client.activate_jobs("pack"),
        lambda client: client.complete_job(1, 1),
    ],
    ids=["complete_task", "claim", "hold", "set_variables", "activate_jobs", "complete_job"],
)
def test_what_could_happen_twice_is_not_sent_again(call):
    with scripted(CUT, Answer(200, INSTANCE)) as server, client_of(server) as client:
        with pytest.raises(AnswerLost, match="Whether it was done is not known: look before you try again"):
            call(client)
        assert len(server.asked) == 1
    with scripted(AWAY, Answer(200, INSTANCE)) as server, client_of(server) as client:
        with pytest.raises(StorageError, match="The store could not do it; try again"):
            call(client)
        assert len(server.asked) == 1


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_what_never_left_is_sent_again_whatever_it_is():
    port = free_port()

    def listen_late():
        time.sleep(0.5)
        with socket.create_server(("127.0.0.1", port)) as listening:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno")

    late = threading.Thread(target=listen_late)
    late.start()
    with Client(f"http://127.0.0.1:{port}", token="t") as client, pytest.raises(CommandRejected, match="Not Found"):
        client.complete_task(1)
    late.join()


def test_it_gives_up_when_the_time_is_over_and_says_what_to_do():
    with Client(f"http://127.0.0.1:{free_port()}", token="t", timeout=0.5) as client:
        begun = time.monotonic()
        with pytest.raises(StorageError, match=r"cannot be reached: .*refused. Nothing was done. Does the server run"):
            client.me()
        assert 0.1 < time.monotonic() - begun < 5
    with scripted(AWAY) as server, client_of(server, timeout=0.5) as client:
        with pytest.raises(StorageError, match="The store could not do it"):
            client.me()
        assert len(server.asked) > 1


def test_a_server_that_does_not_answer_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with Client(url, token="t", timeout=0.3) as client:
            with pytest.raises(AnswerLost, match=r"did not answer: .*timed out"):
                client.me()
            with pytest.raises(AnswerLost, match="Whether it was done is not known"):
                client.complete_task(1)


def test_too_many_requests_wait_as_long_as_they_are_told():
    busy = Answer(429, {"title": "Too many requests."}, {"Retry-After": "1"}, "application/problem+json")
    with scripted(busy, Answer(200, INSTANCE)) as server, client_of(server) as client:
        begun = time.monotonic()
        client.complete_task(1)  # it was not done, so it may be sent again
        assert time.monotonic() - begun >= 1
        assert len(server.asked) == 2


def test_too_many_requests_for_longer_than_there_is_time_are_an_error_at_once():
    busy = Answer(429, {"title": "Too many requests."}, {"Retry-After": "3600"}, "application/problem+json")
    with scripted(busy) as server, client_of(server) as client:
        with pytest.raises(CommandRejected) as refused:
            client.me()
        assert refused.value.status == 429
        assert len(server.asked) == 1


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_problem_is_the_exception_that_the_engine_raises():
    detail = {"errorKey": "error.validation.x", "detail": "Send it.", "missing": ["a.b"], "requestId": "r", "type": "t"}
    with scripted(problem(400, "Some mandatory params are missing.", **detail)) as server, client_of(server) as client:
        with pytest.raises(CommandRejected) as refused:
            client.start("order")
        error = refused.value
        assert (error.status, error.title, error.detail) == (400, "Some mandatory params are missing.", "Send it.")
        assert (error.key, error.extra) == ("error.validation.x", {"missing": ["a.b"]})


def test_problems_of_a_file_are_all_listed():
    found = [{"file": "a.bpmn", "line": 3, "element": "x", "message": "No.", "hint": "Do.", "severity": "error"}]
    with scripted(problem(422, "Not valid.", problems=found)) as server, client_of(server) as client:
        with pytest.raises(InvalidDefinition) as refused:
            client.deploy(("a.bpmn", b"<a/>"))
        assert str(refused.value) == "a.bpmn:3: [x] error: No. Do."


def test_a_full_store_is_said():
    with scripted(problem(507, "Insufficient storage.")) as server, client_of(server) as client:
        with pytest.raises(StorageFull, match="Free space on the server and try again"):
            client.start("order")
        assert len(server.asked) == 1


def test_what_is_not_built_yet_is_a_refusal():
    with scripted(problem(501, "Not built yet.")) as server, client_of(server) as client:
        with pytest.raises(CommandRejected) as refused:
            client.me()
        assert refused.value.status == 501


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>hello</html>", media="text/html"),
        Answer(200, {"name": 5}),
        Answer(200, b"\xff\xfe"),
        Answer(200, b"no gzip", {"Content-Encoding": "gzip"}),
    ],
)
def test_another_kind_of_server_is_found_out(answer):
    said = r"does not answer as a procession server would .* Is the address right"
    with scripted(answer) as server, client_of(server) as client, pytest.raises(ProcessionError, match=said):
        client.me()


def test_a_refusal_of_another_kind_of_server_is_one_too():
    with scripted(Answer(403, b"<html>no</html>", media="text/html")) as server, client_of(server) as client:
        with pytest.raises(CommandRejected, match=r"Forbidden.") as refused:
            client.me()
        assert refused.value.status == 403
    with scripted(Answer(418, b"{not json", media="application/json")) as server, client_of(server) as client:
        with pytest.raises(CommandRejected) as refused:
            client.me()
        assert refused.value.status == 418


def test_a_redirect_is_not_followed_so_that_credentials_stay_here():
    with scripted(ME) as elsewhere:
        answer = Answer(307, b"", {"Location": elsewhere.url + "/api/auth/me"})
        said = f"sends to {elsewhere.url}/api/auth/me. Use the address"
        with scripted(answer) as server, client_of(server) as client, pytest.raises(CommandRejected, match=said):
            client.me()
        assert elsewhere.asked == []


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_nothing_secret_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    login = Answer(200, {"access_token": "t0ken-t0ken", "token_type": "Bearer", "expires_in": 60})
    with scripted(login, AWAY, ME) as server, Client(server.url, user="ana", password="s3cret-pw") as client:
        client.me()
    assert "/api/auth/me" in caplog.text
    assert "s3cret-pw" not in caplog.text
    assert "t0ken-t0ken" not in caplog.text


def test_a_path_before_the_api_is_kept():
    with scripted(ME) as server, Client(server.url + "/processes/", token="t") as client:
        client.me()
        assert server.paths == ["GET /processes/api/auth/me"]


def test_whatever_is_in_a_name_arrives_as_it_was():
    with scripted(Answer(201, INSTANCE)) as server, client_of(server) as client:
        client.start("a/b ü?#%2e")
        client.start("..")
        assert server.paths == ["POST /api/process/a%2Fb%20%C3%BC%3F%23%252e/start", "POST /api/process/%2E%2E/start"]


@pytest.mark.parametrize("key", ["", " a", "a\nb", "ä"])
def test_an_idempotency_key_that_no_header_can_have_is_refused(key):
    with scripted(Answer(201, INSTANCE)) as server, client_of(server) as client:
        with pytest.raises(CommandRejected, match="visible ASCII"):
            client.start("order", idempotency_key=key)
        assert server.asked == []


def test_data_that_a_start_would_take_for_something_else_is_refused():
    with Client("http://localhost:1", token="t") as client:
        for name in ("startCondition", "businessKey", "flowName", "paramsToInherit"):
            with pytest.raises(CommandRejected, match=f"'{name}' has a meaning of its own"):
                client.start("order", {name: 1})


def test_too_much_data_for_a_start_is_not_sent():
    with scripted(Answer(201, INSTANCE)) as server, client_of(server) as client:
        with pytest.raises(CommandRejected) as refused:
            client.start("order", {"data": "x" * 1_000_000})
        assert (refused.value.status, server.asked) == (413, [])


def test_a_closed_client_says_so():
    with scripted(ME) as server:
        client = client_of(server)
        client.close()
        with pytest.raises(StorageError, match=r"is closed. Nothing was done."):
            client.me()
        client.close()


def test_closing_wakes_who_waits_for_an_answer():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        client = Client(f"http://127.0.0.1:{deaf.getsockname()[1]}", token="t")
        said: list[str] = []

        def ask():
            try:
                client.me()
            except StorageError as error:
                said.append(str(error))

        asking = threading.Thread(target=ask)
        asking.start()
        connection, _ = deaf.accept()
        with connection:
            connection.recv(65536)
            client.close()
            asking.join(5)
        assert not asking.is_alive()
        assert "was closed before the answer came" in said[0]


def test_hanging_up_ends_what_waits_but_not_an_answer_that_is_on_its_way():
    """The server hears that nothing more comes, ends the long poll, and what it had sent by then is received."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = Client(f"http://127.0.0.1:{listening.getsockname()[1]}", token="t")
        jobs: list[list[object]] = []
        polling = threading.Thread(target=lambda: jobs.append(client.activate_jobs("pack", wait=20)))
        polling.start()
        connection, _ = listening.accept()
        with connection:
            while b"waitMs" not in connection.recv(65536):
                pass
            client.hang_up()
            assert connection.recv(65536) == b""
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n")
            connection.sendall(b'{"items":[]}')
            polling.join(5)
        assert jobs == [[]]
        with pytest.raises(StorageError, match="is closed"):
            client.me()
        client.close()


def test_threads_share_a_client():
    with scripted(ME) as server, client_of(server) as client:
        done: list[str] = []
        threads = [
            threading.Thread(target=lambda: [done.append(client.me().name) for _ in range(20)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert done == ["ana"] * 160
