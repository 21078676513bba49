"""A node of the next version: its schema has one more step, and its commits call a function of that step.

    python next_version.py FOLDER PROGRAM ARGUMENTS…

FOLDER has the step, `0003_next.sql`; PROGRAM is run as if it came with that version.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from procession.storage import migrations, postgres_batch, postgres_schema

NEXT = "0003_next"


def become(folder: Path) -> None:
    read = migrations.read

    def find(name: str) -> str:
        found = folder / name.rpartition("/")[2]
        return found.read_text() if found.exists() else read(name)

    migrations.read = find
    postgres_schema.MIGRATIONS = (*postgres_schema.MIGRATIONS, NEXT)
    postgres_batch.COMMIT = postgres_batch.COMMIT.replace("SELECT commit_batch(", "SELECT commit_batch_3(")
    assert "commit_batch_3" in postgres_batch.COMMIT


if __name__ == "__main__":
    become(Path(sys.argv[1]))
    program = sys.argv[2]
    sys.argv = sys.argv[2:]
    runpy.run_path(program, run_name="__main__")
