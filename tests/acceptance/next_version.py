"""A node of the next version: its schema has one more step, and its commits call a function of that step.

    python next_version.py FOLDER PROGRAM ARGUMENTS…

FOLDER has the step, `0002_next.sql`; PROGRAM is run as if it came with that version.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from procession.storage import migrations, postgres, postgres_schema

NEXT = "0002_next"


def become(folder: Path) -> None:
    read = migrations.read

    def find(name: str) -> str:
        found = folder / name.rpartition("/")[2]
        return found.read_text() if found.exists() else read(name)

    migrations.read = find
    postgres_schema.MIGRATIONS = (*postgres_schema.MIGRATIONS, NEXT)
    postgres.COMMIT = postgres.COMMIT.replace("SELECT commit_batch(", "SELECT commit_batch_2(")
    assert "commit_batch_2" in postgres.COMMIT


if __name__ == "__main__":
    become(Path(sys.argv[1]))
    program = sys.argv[2]
    sys.argv = sys.argv[2:]
    runpy.run_path(program, run_name="__main__")
