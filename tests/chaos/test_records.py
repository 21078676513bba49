"""A short siege of the bus: `make chaos-records` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos.records import Plan, Siege
from tests.conftest import need_kafka, need_postgresql


@pytest.mark.timeout(420)
def test_records_in_and_out_while_nodes_and_the_broker_fail(tmp_path):
    need_postgresql()
    need_kafka()
    report = Siege(Plan(records=1_000, seed=5, brokers=1, pause=1.0), tmp_path).run()
    assert report.counted["orders"] == 1_000
    assert report.counted["records of chaos.said"] == 2_000
    assert sum(report.faults.values()) > 0
