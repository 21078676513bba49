"""Runs the public conformance data against this engine and prints the scores: `make conformance DATA=FOLDER`.

run.py FOLDER [--failures N] [--part visible|heldout|all]

The data is not part of the repository. A suite whose runner is not in the folder is named and left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = "tests.conformance"
NOT_THERE_YET = {"DMN TCK": "DMN is not executable yet; its cases are not run."}


def suites(data: Path, part: str, failures: int) -> Iterator[tuple[str, list[str]]]:
    """The title of each suite, and the command line of its runner."""
    models = ["--repos", str(data / "models")]
    some = ["--part", part, "--failures", str(failures)]
    cases = ["bpmn_cases.py", *models, "--adapter", f"{HERE}.bpmn_adapter:Adapter", *some]
    yield "BPMN execution, models brought to a neutral form", cases
    yield "BPMN execution, models of other engines as they are", [*cases, "--rewrite", "min"]
    yield "FEEL expressions", ["feel_cases.py", "--adapter", f"python:{HERE}.feel_adapter:evaluate", *some]
    yield "BPMN lint", ["bpmn_lint.py", *models, "--adapter", f"{HERE}.bpmn_lint_adapter:problems", *some]
    interchange = ["miwg.py", str(data / "models" / "bpmn-miwg+bpmn-miwg-test-suite"), "--part", part]
    interchange += ["--adapter", f"python:{HERE}.miwg_adapter:round_trip"]
    interchange += ["--inventory", f"python:{HERE}.miwg_adapter:inventory", "--show", str(failures)]
    yield "BPMN interchange (MIWG)", interchange


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path, help="the folder of the data")
    parser.add_argument("--failures", type=int, default=0, metavar="N", help="show so many failures of each suite")
    parser.add_argument("--part", choices=["visible", "heldout", "all"], default="all")
    options = parser.parse_args()
    data = options.data.resolve()
    if not data.is_dir():
        parser.error(f"there is no folder {options.data}")
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    broken = False
    for title, (runner, *arguments) in suites(data, options.part, options.failures):
        print(f"\n== {title} ==", flush=True)
        if not (data / runner).is_file():
            print(f"left out: {runner} is not in the folder")
            continue
        command = [sys.executable, str(data / runner), *arguments]
        broken |= subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}).returncode != 0
    for title, why in NOT_THERE_YET.items():
        print(f"\n== {title} ==\n{why}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
