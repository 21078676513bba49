"""The public BPMN cases: what is executable passes, what is not yet says so.

The data is not part of the repository: it is looked for in PROCESSION_CONFORMANCE, else in ../shared/conformance.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from procession.bpmn.compile import examine
from procession.bpmn.report import NOT_YET, Report
from tests.conformance.bpmn_adapter import Adapter

DATA = Path(os.environ.get("PROCESSION_CONFORMANCE") or Path(__file__).resolve().parents[3] / "shared" / "conformance")

LATER = frozenset(
    {
        "A cancel event",
        "A compensation activity",
        "A compensation event",
        "A completionQuantity other than 1",
        "A complex gateway",
        "A conditional event",
        "A global task",
        "A link event",
        "A multi-instance behavior other than All",
        "A multiple event",
        "A parallel multiple event",
        "A shared event definition",
        "A signal event",
        "A standard loop",
        "A startQuantity other than 1",
        "A task or gateway that starts the process",
        "A transaction",
        "An ad-hoc sub-process",
        "An escalation event",
        "An event sub-process",
        "Complex multi-instance behavior",
    }
)
"""What the cases use and this engine does not run yet. Whatever begins to run must leave this list."""

DIFFERENT = {
    "betsy-parallelgateway-conditions": "conditions behind a parallel gateway are refused (BPMN 2.0, 8.4.13)",
    "betsy-timer-intermediatetimecycleevent": "of a cycle an intermediate event takes the first date",
}
"""Cases in which this engine does something else on purpose."""


def load(name: str) -> ModuleType:
    """A runner of the data folder."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@cache
def cases() -> list[dict[str, Any]]:
    """The cases of the data folder; none where it is not there."""
    file = DATA / "bpmn_cases.yaml"
    if not file.is_file():
        return []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, Any]] = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
    return found


@cache
def sources() -> Any:
    """Where the runner finds the models."""
    return load("bpmn_cases").Sources(str(DATA / "models"))


def later(case: dict[str, Any]) -> set[str]:
    """What the models of a case use that is not executable yet."""
    found = set()
    for name, data in load("bpmn_cases").models_of(case, sources(), "full"):
        report = Report(name)
        examine(data, report)
        found |= {
            finding.problem.message.removesuffix(" is not executable yet.")
            for finding in report.findings
            if finding.rule == NOT_YET
        }
    return found


needs_data = pytest.mark.skipif(
    not cases(), reason=f"no conformance data in {DATA.name}; set PROCESSION_CONFORMANCE to its folder"
)


@needs_data
@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_a_public_case(case):
    runner = load("bpmn_cases")
    results = [runner.run_one(Adapter, case, run, sources(), "full") for run in case["runs"]]
    failed = [
        f"run {number}: {status}: {detail}" for number, (status, detail) in enumerate(results) if status != "pass"
    ]
    missing = later(case)
    assert missing <= LATER, "not executable, and not expected to be so"
    if case["id"] in DIFFERENT:
        assert failed, f"it passes now; take it off the list: {DIFFERENT[case['id']]}"
    elif missing and not all(run["expect"].get("state", "").startswith("rejected") for run in case["runs"]):
        assert failed, f"it passes now, without {', '.join(sorted(missing))}"
    else:
        assert not failed, "\n".join(failed)


@needs_data
def test_nothing_on_the_list_is_executable():
    used = set().union(*map(later, cases()))
    assert used == LATER, "a part of the standard became executable: take it off the list"


@needs_data
def test_models_of_other_tools_are_written_as_they_were_read(capsys):
    runner = load("miwg")
    adapter = "python:tests.conformance.miwg_adapter:"
    folder = str(DATA / "models" / "bpmn-miwg+bpmn-miwg-test-suite")
    assert runner.main([folder, "--adapter", adapter + "round_trip", "--inventory", adapter + "inventory"]) == 0
    *_, whole, known = capsys.readouterr().out.splitlines()
    kept, models = whole.split("whole (semantic + DI): ")[1].split()[0].split("/")
    assert kept == models != "0"
    assert "failed: 0" in whole
    seen, elements = known.rpartition(": ")[2].split("/")
    assert seen == elements != "0"
