"""Named statements in files: how they are read, and that those of SQLite are all described, right, used and indexed."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from procession.storage import queries, sqlite_file
from procession.storage.queries import asked, parse
from procession.storage.sqlite_file import SQL, SqliteFile

STORAGE = Path(queries.__file__).parent

FILE = """-- About this file.

-- == 1 orders ==

-- name: open_orders
-- The orders that are not paid.
-- Newest first.
SELECT id FROM orders
WHERE paid = 0
    AND customer = :customer    -- if customer
    AND (a = 1                  -- if either
         OR b = 1)              -- if either
ORDER BY id DESC


-- == 2 the rest ==

-- name: nothing
-- It does nothing.
SELECT 1
"""


def test_statements_are_found_by_name_without_what_is_said_about_them():
    statements = parse(FILE)
    assert list(statements) == ["open_orders", "nothing"]
    assert statements["nothing"] == "SELECT 1"
    assert statements["open_orders"].startswith("SELECT id")


def test_optional_lines_stay_when_somebody_asks_for_them():
    statement = parse(FILE)["open_orders"]
    assert asked(statement).split("\n") == ["SELECT id FROM orders", "WHERE paid = 0", "ORDER BY id DESC"]
    assert "AND customer = :customer\n" in asked(statement, "customer")
    assert asked(statement, "either").split("\n")[2:4] == ["    AND (a = 1", "         OR b = 1)"]
    assert asked(statement, "nobody") == asked(statement)


def test_every_statement_has_a_name_and_says_what_it_is_for():
    text = (STORAGE / "sql" / "sqlite.sql").read_text(encoding="utf-8")
    blocks = re.findall(r"^-- name: (\w+)\n(.*)\n", text, re.MULTILINE)
    assert [name for name, _ in blocks] == list(SQL)
    assert [name for name, described in blocks if not re.match(r"-- \S.*", described)] == []


def test_every_statement_is_used():
    code = "\n".join(path.read_text(encoding="utf-8") for path in STORAGE.glob("sqlite*.py"))
    assert [name for name in SQL if f'"{name}"' not in code] == []


def test_every_migration_is_in_the_list():
    assert sorted(path.stem for path in (STORAGE / "sql" / "sqlite").iterdir()) == list(sqlite_file.MIGRATIONS)


# -- plans ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def connection():
    file = SqliteFile(":memory:")
    file.open()
    with file.writer as connection:
        yield connection
    file.close()


def plan(connection: apsw.Connection, statement: str) -> list[str]:
    names = set(re.findall(r":(\w+)", statement))
    numbers = [int(number) for number in re.findall(r"\?(\d+)", statement)] or [statement.count("?")]
    given = dict.fromkeys(names) if names else (None,) * max(numbers)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)]


def scans(steps: list[str]) -> list[str]:
    """Steps that walk through a whole table; a parameter that is a table of its own is no such thing."""
    return [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]


PREFIXES = (
    *(
        "find_",
        "load_",
        "remove_",
        "put_",
        "add_",
        "hold_",
        "release_",
        "resolve_",
        "change_",
        "step_",
        "stand_",
        "move_",
    ),
)
SINGLE = (
    *("lease_jobs", "extend_lease", "due_timers", "due_starts", "next_due", "ready", "expire_messages", "lost_answers"),
    *("letters_due", "positions"),
)
DEPLOYING = ("remove_start_timers", "remove_start_subscriptions")  # now and then, in tables with a row a definition
WHILE_IT_WORKS = [name for name in SQL if name.startswith(PREFIXES) or (name in SINGLE and name not in DEPLOYING)]


@pytest.mark.parametrize("name", [name for name in WHILE_IT_WORKS if name not in DEPLOYING])
def test_nothing_is_looked_for_by_scanning_while_the_engine_works(connection, name):
    assert scans(plan(connection, SQL[name])) == []


def test_jobs_are_handed_out_in_the_order_of_an_index(connection):
    steps = plan(connection, SQL["lease_jobs"])
    assert "SEARCH job USING INDEX job_available (type=? AND available<?)" in steps
    assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize(
    ("words", "index"),
    [
        ("before", "INTEGER PRIMARY KEY (rowid<?)"),
        ("walk_name walk_status walk_unfinished", "instance_name (name=? AND status=?)"),
        ("walk_name walk_status before", "instance_name (name=? AND status=? AND rowid<?)"),
        ("walk_name walk_status node", "instance_name (name=? AND status=?)"),
        ("walk_name walk_status version started_after variables", "instance_name (name=? AND status=?)"),
        ("walk_status walk_unfinished", "instance_status (status=?)"),
        ("business_key check_name check_statuses version", "instance_business_key (business_key=?)"),
        ("parent check_statuses before", "instance_parent (parent=? AND rowid<?)"),
        ("root before", "instance_root (root=? AND rowid<?)"),
        ("incidents walk_incidents before check_name", "instance_incidents (id<?)"),
    ],
)
def test_instances_are_listed_along_an_index(connection, words, index):
    steps = plan(connection, asked(SQL["instances"], *words.split()))
    assert any(index in step for step in steps), steps
    assert scans(steps) == []
    assert "root" in words or not any("ORDER BY" in step for step in steps)


@pytest.mark.parametrize(
    ("name", "words", "index"),
    [
        ("history", "", "sqlite_autoindex_history_1 (instance=? AND position>?)"),
        ("recent_history", "before", "INTEGER PRIMARY KEY (rowid<?)"),
        ("tasks", "instance", "task_instance"),
        ("tasks", "assignee before", "task_assignee"),
        ("tasks", "soonest", "task_due (due>?)"),
        ("tasks", "soonest after free node", "task_due (due>?)"),
        ("incidents", "instance open", "incident_instance"),
        ("incidents", "open before", "incident_open"),
        ("stuck", "", "instance_status"),
        ("letters", "before", "INTEGER PRIMARY KEY (rowid<?)"),
        ("letters", "state before", "letter_state (state=? AND rowid<?)"),
        ("letters_due", "", "letter_due (due<?)"),
        ("lost_answers", "", "message_answer (expires<?)"),
    ],
)
def test_other_lists_too(connection, name, words, index):
    steps = plan(connection, asked(SQL[name], *words.split()))
    assert any(index in step for step in steps), steps
