"""Two versions on one PostgreSQL database: the schema is changed while a node of the old version works, and goes on working.

The next version is this one with one more step of its schema, of the kinds that docs/howto/upgrade.md allows: a new column with a
default, a new table, a new index, and a new function beside `commit_batch` that its commits call.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from procession import Engine, StorageError
from procession.storage.postgres_schema import MIGRATIONS
from tests.acceptance.programs import running
from tests.acceptance.test_cluster import GOOD
from tests.chaos import evidence
from tests.chaos.processes import FILES

ROOT = Path(__file__).parents[2]
HERE = ROOT / "tests" / "acceptance"
KEYS = 2_000
"""Orders that each of them would start if it had the time."""

STEP = """
ALTER TABLE task ADD COLUMN effort bigint NOT NULL DEFAULT 7;
CREATE TABLE seen (instance bigint PRIMARY KEY, commits bigint NOT NULL DEFAULT 1);
CREATE INDEX task_effort ON task (effort, id) WHERE effort <> 7;
DO $$
BEGIN
    EXECUTE format('
        CREATE FUNCTION commit_batch_3(%s) RETURNS void LANGUAGE plpgsql AS $body$
        BEGIN
            PERFORM commit_batch(%s);
            INSERT INTO seen (instance) SELECT DISTINCT u.instance FROM unnest(happened) AS u
            ON CONFLICT (instance) DO UPDATE SET commits = seen.commits + 1;
        END
        $body$',
        (SELECT pg_get_function_arguments(p.oid) FROM pg_proc AS p
         WHERE p.proname = 'commit_batch' AND p.pronamespace = current_schema()::regnamespace),
        (SELECT string_agg('$' || n, ', ' ORDER BY n) FROM pg_proc AS p, generate_series(1, p.pronargs) AS n
         WHERE p.proname = 'commit_batch' AND p.pronamespace = current_schema()::regnamespace));
END
$$;
"""

CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'procession' AND datname = '{}'
"""


class Node:
    """A process that is busy (`busy_node.py`), and what it was told was done."""

    def __init__(self, path: Path, *command: str) -> None:
        self.path = path
        with path.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=out,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
            )

    def facts(self, *kinds: str) -> list[list[str]]:
        lines = self.path.read_text().splitlines(keepends=True)
        said = [line.split() for line in lines if line.endswith("\n")]
        return [words for words in said if words[0] in kinds]

    def has_done(self, more: int, than: int = 0, seconds: float = 60.0) -> None:
        """Wait until it has done so many jobs and tasks since it had done `than`."""
        end = time.monotonic() + seconds
        while len(self.facts("job", "task")) < than + more:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}"
            assert time.monotonic() < end, "it does nothing"
            time.sleep(0.05)

    def goes_on(self) -> None:
        """Now, and not only before."""
        self.has_done(10, len(self.facts("job", "task")))

    def end(self) -> None:
        self.process.kill()
        self.process.wait(30)


@contextmanager
def node(path: Path, *command: str) -> Iterator[Node]:
    running = Node(path, *command)
    try:
        yield running
    finally:
        running.end()


@pytest.mark.timeout(300)
def test_nodes_of_two_versions_work_on_one_database(postgresql, tmp_path):
    url = postgresql.url()
    database = url.rpartition("/")[2]
    (tmp_path / "0003_next.sql").write_text(STEP)
    work = (str(HERE / "busy_node.py"), url)
    later = (str(HERE / "next_version.py"), str(tmp_path), *work)

    with ExitStack() as stack:
        here = stack.enter_context(Engine(url))  # a node of the old version that was there before
        here.deploy(*FILES, publish=True)
        old = stack.enter_context(node(tmp_path / "old", *work, "0", str(KEYS)))
        old.has_done(20)

        new = stack.enter_context(node(tmp_path / "new", *later, str(KEYS // 2), str(KEYS + KEYS // 2)))
        new.has_done(20)
        assert postgresql.execute("SELECT count(*) FROM procession.migration", database=database) == "3"
        old.goes_on()

        faults = [line for each in (old, new) for line in each.facts("fault")]
        assert faults == [], "neither has noticed anything of the other"
        # a connection that is lost and made anew is no new node
        assert int(postgresql.execute(CUT.format(database), database=database)) > 2
        old.goes_on()
        new.goes_on()

        with pytest.raises(StorageError, match=r"0003_next, which this version .* does not know .* use that one"):
            Engine(url)
        with running("serve", "--store", url, "--port", "0", cwd=tmp_path, **GOOD) as refused:
            refused.said("It was written by a newer version: use that one")
            assert refused.ended() == 1
        old.goes_on()

        old.end()
        new.end()
        started = {each: {words[1]: words[2] for words in each.facts("start")} for each in (old, new)}
        done = {each: {words[1] for words in each.facts("job", "task")} for each in (old, new)}
        assert started[old].keys() & done[new], "the new node went on with what the old one had started"
        assert started[new].keys() & done[old], "and the other way round"
        assert evidence.check_live(here) > 0
        evidence.drive_to_the_end(here, ("charge", "pack"), "paid")
        ended = {str(row.id): row for row in evidence.rows(here)}
        for instance, key in (started[old] | started[new]).items():
            assert (ended[instance].business_key, ended[instance].status) == (key, "FINISHED")
        keys = [row.business_key for row in ended.values() if row.name == "order"]
        assert len(keys) == len(set(keys)), "none was started twice"
        for row in ended.values():
            evidence.check_state(here, row.id)
        evidence.check_outbox(here)
        evidence.check_nothing_left(here)
    seen = int(postgresql.execute("SELECT count(*) FROM procession.seen", database=database))
    assert seen > 0, "the new version did what only it can do"


def test_the_step_before_the_next_is_the_newest_here():
    """`next_version.py` adds the step after it."""
    assert [name.partition("_")[0] for name in MIGRATIONS] == ["0001", "0002"]
