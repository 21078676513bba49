"""A standby takes over: nodes that have been told of both servers find the one that may write."""

from __future__ import annotations

import time

import pytest

from procession import Engine, StorageError
from procession.testing import process
from tests.conftest import start_postgresql

AT = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
CHECK = process("check").start().user_task("look").end().build()


@pytest.mark.parametrize("attributes", ["primary", "read-write"])
def test_nodes_go_on_where_a_standby_takes_over(attributes):
    with start_postgresql() as primary, start_postgresql(copy_of=primary) as standby:
        database = primary.url().rpartition("/")[2]
        url = f"postgresql://procession@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/{database}"
        wait_for(lambda: standby.execute(f"SELECT count(*) FROM pg_database WHERE datname = '{database}'") == "1")
        with pytest.raises(StorageError, match="read-only: it is a standby"):
            Engine(url)
        with Engine(f"{url}?target_session_attrs={attributes}") as engine:
            engine.deploy(("check.bpmn", CHECK), publish=True)
            before = engine.start("check").id
            wait_for(lambda: standby.execute(f"SELECT {AT} = '{primary.execute(f'SELECT {AT}')}'") == "t")
            primary.kill()
            with pytest.raises(StorageError, match=r"lost|reached"):
                engine.start("check")
            standby.execute("SELECT pg_promote()")
            after = engine.start("check").id
            assert {instance.id for instance in engine.instances().items} == {before, after}
            assert [entry.position for entry in engine.history(before)] == [1]


def wait_for(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)
