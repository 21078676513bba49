"""Migrations go forward only."""

from __future__ import annotations

import pytest

from procession.errors import StorageError
from procession.storage import migrations
from procession.storage.migrations import Applied, Migration

ONE = Migration(1, "0001_initial", "CREATE TABLE a (id INTEGER)", "aaaa")
TWO = Migration(2, "0002_more", "CREATE TABLE b (id INTEGER)", "bbbb")


def applied(*steps):
    return [Applied(step.version, step.name, step.checksum) for step in steps]


def test_what_was_not_done_yet_is_pending():
    assert migrations.pending([ONE, TWO], [], "orders.db") == [ONE, TWO]
    assert migrations.pending([ONE, TWO], applied(ONE), "orders.db") == [TWO]
    assert migrations.pending([ONE, TWO], applied(ONE, TWO), "orders.db") == []


def test_a_step_that_was_passed_over_is_pending():
    three = Migration(3, "0003_most", "CREATE TABLE c (id INTEGER)", "cccc")
    assert migrations.pending([ONE, TWO, three], applied(ONE, three), "orders.db") == [TWO]


def test_a_newer_store_is_refused_by_name():
    with pytest.raises(
        StorageError, match=r"orders\.db has the schema 0002_more.*knows up to 0001_initial.*newer version"
    ):
        migrations.pending([ONE], applied(ONE, TWO), "orders.db")


def test_a_migration_that_was_edited_is_refused():
    with pytest.raises(StorageError, match=r"0001_initial of orders\.db is not the one.*never edited"):
        migrations.pending([ONE._replace(checksum="cccc")], applied(ONE), "orders.db")


def test_a_checksum_does_not_depend_on_line_ends_or_trailing_spaces():
    unix, windows = (
        migrations._migration("0001_x", sql) for sql in ("SELECT 1;\nSELECT 2;\n", "SELECT 1; \r\nSELECT 2;\r\n")
    )
    assert unix.checksum == windows.checksum
    assert unix.checksum != migrations._migration("0001_x", "SELECT 1;\nSELECT 3;\n").checksum


def test_a_released_migration_is_never_edited():
    released = {"0001_initial": "94da8d3a46d0dc3ba36c062eb298dfe0149df5120c3563509f1c24f90b17fad1"}
    assert {step.name: step.checksum for step in migrations.load("sqlite", list(released))} == released


def test_files_are_loaded_with_their_version():
    (initial,) = migrations.load("sqlite", ["0001_initial"])
    assert (initial.version, initial.name) == (1, "0001_initial")
    assert "CREATE TABLE instance" in initial.sql
