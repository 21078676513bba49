"""`procession serve`: what it warns of, where it listens, and what it does for developers."""

from __future__ import annotations

import secrets
import socket

import pytest

from procession import Engine
from procession.testing import process
from tests.acceptance.programs import running

GOOD = {"PROCESSION_SECRET": secrets.token_urlsafe(48)}


def test_it_warns_of_what_is_not_meant(tmp_path):
    with running("serve", "--host", "0.0.0.0", "--port", "0", cwd=tmp_path, PROCESSION_PROT="1", **GOOD) as serving:
        assert serving.address().startswith("http://0.0.0.0:")
        serving.said("0.0.0.0 can be reached from elsewhere without TLS")
        serving.said("PROCESSION_PROT is not a setting")
        serving.said("procession users add NAME --roles admin")
        assert serving.stop() == 0


@pytest.mark.parametrize(("host", "shown"), [("localhost", "localhost"), ("::1", "[::1]")])
def test_it_listens_on_every_address_of_its_host(tmp_path, host, shown):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with running("serve", "--host", host, "--port", "0", cwd=tmp_path, **GOOD) as serving:
        address = serving.address()
        assert address.startswith(f"http://{shown}:")
        found = socket.getaddrinfo(host, int(address.rpartition(":")[2]), type=socket.SOCK_STREAM)
        for family, kind, number, _, place in found:
            with socket.socket(family, kind, number) as connection:
                connection.connect(place)
        assert serving.stop() == 0


def test_a_host_that_is_not_of_this_machine(tmp_path):
    with running("serve", "--host", "192.0.2.1", "--port", "0", cwd=tmp_path, **GOOD) as serving:
        serving.said("Cannot listen on 192.0.2.1:0")
        assert serving.ended() == 1


def drawn(*, tasks: int) -> bytes:
    built = process("order").start()
    for number in range(tasks):
        built = built.user_task(f"task{number}")
    return built.end().build()


def test_the_processes_of_a_folder_are_published_and_again_when_they_change(tmp_path):
    folder = tmp_path / "processes"
    folder.mkdir()
    (folder / "order.bpmn").write_bytes(drawn(tasks=1))
    (folder / "notes.txt").write_text("no process")
    with running(
        "serve", "--port", "0", "--watch", "processes", "--log-format", "console", cwd=tmp_path, **GOOD
    ) as serving:
        serving.said("order version 1 is published")
        (folder / "order.bpmn").write_bytes(drawn(tasks=2))
        serving.said("order version 2 is published")
        (folder / "order.bpmn").write_text("<a/>")
        serving.said("is not BPMN 2.0")
        serving.said("order.bpmn is not published")
        (folder / "order.bpmn").write_bytes(drawn(tasks=3))
        serving.said("order version 3 is published")
        assert serving.stop() == 0
    with Engine(f"sqlite:///{tmp_path}/procession.db") as engine:
        states = {each.version: each.state for each in engine.definitions("order")}
        assert states == {1: "deprecated", 2: "deprecated", 3: "published"}


def test_a_folder_that_there_is_not_is_refused(tmp_path):
    with running("serve", "--watch", "gone", cwd=tmp_path, **GOOD) as serving:
        serving.said("There is no folder 'gone' to watch.")
        assert serving.ended() == 2


def test_changed_settings_start_the_server_again(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('log_level = "info"')
    with running("serve", "--reload", "--port", "0", "--config", "settings.toml", cwd=tmp_path, **GOOD) as serving:
        first = serving.address()
        file.write_text('log_level = "nonsense"')
        serving.said("settings.toml changed; the server starts again.")
        serving.said("'log_level' must be one of")
        file.write_text('log_level = "debug"')
        second = serving.address(2)
        assert first.startswith("http://127.0.0.1:")
        assert second.startswith("http://127.0.0.1:")
        assert serving.stop() == 0
