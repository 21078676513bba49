"""No list of a batch, no part of an instance and no column of a row is forgotten."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from procession import storage
from procession.storage import Batch, InstanceRows, memory_batch, postgres_batch, sqlite_batch
from procession.storage.sqlite_file import SQL
from tests.contracts import rows as make

ROWS = {
    "add_instance": storage.InstanceRow,
    "add_history": storage.HistoryRow,
    "put_token": storage.TokenRow,
    "put_variable": storage.VariableRow,
    "put_loop": storage.LoopRow,
    "put_output": storage.OutputRow,
    "put_kept": storage.KeptRow,
    "put_job": storage.JobRow,
    "put_task": storage.TaskRow,
    "put_timer": storage.TimerRow,
    "put_subscription": storage.SubscriptionRow,
    "put_call": storage.CallRow,
    "put_incident": storage.IncidentRow,
    "put_message": storage.MessageRow,
    "add_outbox": storage.OutboxRow,
    "add_position": storage.PositionRow,
    "put_letter": storage.LetterRow,
    "add_inbox": storage.InboxRow,
    "add_failed_start": storage.FailedStartRow,
    "add_audit": storage.AuditRow,
    "add_definition": storage.DefinitionRow,
    "put_start_timer": storage.StartTimerRow,
    "add_start_subscription": storage.StartSubscriptionRow,
    "put_user": storage.UserRow,
}
CHECKED = {"fences"}  # and not written
LISTS = {field.name for field in fields(Batch)} - CHECKED


def test_sqlite_writes_every_list():
    assert {name for name, _ in sqlite_batch._WRITES} | {"changed", "positions"} == LISTS


def test_memory_writes_every_list():
    guarded = {*memory_batch._gone.__reduce__()[1], *memory_batch._put.__reduce__()[1]}
    assert guarded | {"new", "changed", "history", "variables"} == LISTS


def test_postgresql_writes_every_list():
    assert set(postgres_batch._ALL_PARAMETERS[1:]) == LISTS | CHECKED


def test_what_only_the_second_function_of_postgresql_knows_is_given_to_it():
    rows = {
        "messages": make.message(),  # whose type has more columns there
        "positions": make.advance(1),
        "letters": make.letter(),
        "letters_gone": (1,),
        "outbox_gone": (1,),
    }
    assert rows.keys() == {"messages"} | set(postgres_batch._ALL_PARAMETERS) - set(postgres_batch._PARAMETERS)
    for name, row in rows.items():
        assert postgres_batch.call(Batch(**{name: [row]}), 0)[0] == postgres_batch.COMMIT_ALL, name
    assert postgres_batch.call(Batch(outbox=[make.record(1)]), 0)[0] == postgres_batch.COMMIT


def test_sqlite_reads_every_part_of_an_instance():
    read = {name for name, *_ in sqlite_batch._LIVE + sqlite_batch._LASTING}
    assert read | {"instance"} == {field.name for field in fields(InstanceRows)}


@pytest.mark.parametrize("statement", ROWS)
def test_columns_stand_in_the_order_of_the_row(statement):
    columns = re.search(r"INTO \w+\s*\(([^)]*)\)", SQL[statement])
    assert columns is not None
    assert tuple(re.findall(r"\w+", columns[1])) == ROWS[statement]._fields


def test_a_changed_instance_is_written_as_it_was_added():
    numbered = dict(re.findall(r"(\w+) = \?(\d+)", SQL["change_instance"]))
    assert {name: int(number) - 1 for name, number in numbered.items()} == {
        name: index for index, name in enumerate(storage.InstanceRow._fields)
    }
    step = dict(re.findall(r"(\w+) = \?(\d+)", SQL["step_instance"]))
    assert step.items() <= numbered.items()
    assert numbered.keys() - step.keys() == {"name", "status", "business_key", "parent", "root"}
