"""The server of the test kit: a real one, whose clock the test moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from procession import CommandRejected, Engine, ProcessionError, Worker
from procession.testing import process, server


@pytest.fixture
def reminds():
    return process("reminds").start().catch_timer("hour", duration="PT1H").service_task("pack").end().build()


def test_time_passes_when_the_test_says_so(procession_server, reminds):
    running = procession_server
    running.deploy(("reminds.bpmn", reminds))
    client = running.client()
    started = client.start("reminds", {})
    assert started.date_started == "2030-01-01T00:00:00.000000Z"
    assert running.advance(timedelta(minutes=59)) == "2030-01-01T00:59:00.000000Z"
    assert client.instance(started.id).waiting_at == ["hour"]
    running.advance(60)
    assert client.instance(started.id).waiting_at == ["pack"], "what came due is done when it returns"
    worker = Worker(running.url, user="worker", password=running.password("worker"))
    worker.job("pack")(lambda job: {"packed": True})
    assert worker.run(until_idle=True) == 1
    assert client.instance(started.id).status == "FINISHED"
    assert running.advance("P400D").startswith("2031-02-05"), "and the credentials last"
    assert client.instance(started.id).status == "FINISHED"


def test_users_and_their_rights(reminds):
    with server(("reminds.bpmn", reminds), users={"ana": ["clerk"]}) as running:
        assert running.client("ana").start("reminds", {}).started_by == "ana"
        with pytest.raises(CommandRejected) as refused:
            running.client("ana").deploy(("reminds.bpmn", reminds))
        assert refused.value.status == 403
        running.add_user("eve", "editor")
        assert running.client("eve").deploy(("reminds.bpmn", reminds))[0].version == 1
        with pytest.raises(ProcessionError, match=r"no user 'bob', only admin, ana, eve\."):
            running.client("bob")


def test_it_can_be_killed_and_started_again(procession_server, reminds):
    procession_server.deploy(("reminds.bpmn", reminds))
    started = procession_server.client().start("reminds", {})
    procession_server.kill()
    assert not procession_server.alive
    with Engine(procession_server.store) as engine:
        assert engine.instance(started.id).status == "STARTED"
    procession_server.start()
    assert procession_server.client().instance(started.id).status == "STARTED"
    assert procession_server.stop() == 0


def test_a_server_that_does_not_start_says_why(tmp_path):
    with (
        pytest.raises(ProcessionError, match=r"did not start:\n.*PROCESSION_LOG_LEVEL must be one of"),
        server(folder=tmp_path, settings={"log_level": "loud"}),
    ):
        pytest.fail("it started")
