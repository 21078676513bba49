"""Rounds of limits, peer and engine, one after the other; then the ratios, pair by pair within a round.

python bench/run.py [ROUNDS] [--json FILE]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from workloads import feel, scratch

HERE = Path(__file__).parent
Round = dict[str, dict[str, float]]

RATIOS = [
    ("W1, the engine alone / SpiffWorkflow in memory", "ours.w1.engine", "spiff.w1.memory", "≥ 50"),
    ("W2, the engine alone / SpiffWorkflow in memory", "ours.w2.engine", "spiff.w2.memory", ""),
    ("W1, with the memory store / SpiffWorkflow in memory", "ours.w1.memory", "spiff.w1.memory", ""),
    (
        "W1, SQLite FULL, 100 in flight / SpiffWorkflow, one commit each",
        "ours.w1.sqlite.100",
        "spiff.w1.sqlite",
        "≥ 40",
    ),
    ("W1, SQLite FULL, one caller / raw one-row commits", "ours.w1.sqlite.1", "limit.sqlite.1row", "≥ 0.4"),
    ("W5, durable steps / raw one-row commits", "ours.w5.sqlite.100", "limit.sqlite.1row", ""),
    ("loop turn, 100,000 / 10", "ours.w3.100000", "ours.w3.10", "≤ 1.3"),
    ("loop turn on SQLite, 100,000 / 10", "ours.w3.sqlite.100000", "ours.w3.sqlite.10", "≤ 1.3"),
    ("parallel item, 10,000 / 10", "ours.w4.parallel.10000", "ours.w4.parallel.10", "≤ 1.3"),
    ("sequential item, 10,000 / 10", "ours.w4.sequential.10000", "ours.w4.sequential.10", "≤ 1.3"),
    ("durable job of a parallel item, 10,000 / 10", "ours.jobs.sqlite.10000", "ours.jobs.sqlite.10", "≤ 1.3"),
    ("durable step beside 100 KB / beside nothing", "ours.step.vars_100KB", "ours.step.vars_0KB", "≤ 1.2"),
]


def case(*command: str) -> Round:
    """Run one script; its JSON lines by name."""
    done = subprocess.run([sys.executable, *command], cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: line for line in lines}


def cold() -> Round:
    """CPU seconds and peak MiB of a whole process."""
    folder = Path(scratch())
    (folder / "w1.bpmn").write_bytes(feel("w1_straight.bpmn"))
    command = [sys.executable, str(HERE / "cold.py"), "", str(folder / "w1.bpmn")]
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for number in range(2):  # the first run writes the byte code that an installed package has
        command[2] = str(folder / f"{number}.db")
        process = subprocess.Popen(command, env=compiled)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit("cold.py failed")
    return {
        "ours.cold.cpu": {"value": usage.ru_utime + usage.ru_stime, "unit": "s"},
        "ours.cold.memory": {"value": usage.ru_maxrss / 1024, "unit": "MiB"},
    }


def main() -> None:
    arguments = sys.argv[1:]
    out = arguments.pop(arguments.index("--json") + 1) if "--json" in arguments else None
    numbers = [argument for argument in arguments if argument.isdecimal()]
    rounds: list[Round] = []
    for number in range(int(numbers[0]) if numbers else 3):
        print(f"round {number + 1} …", file=sys.stderr, flush=True)
        os.sync()
        rounds.append(case("limits.py") | case("spiff.py") | case("ours.py") | cold())
    if out:
        Path(out).write_text(json.dumps(rounds, indent=1))
    print(f"{'figure':28} {'unit':10} {'min':>12} {'median':>12} {'max':>12}   CPU µs")
    for name in rounds[0]:
        values = sorted(each[name]["value"] for each in rounds)
        cpu = statistics.median(each[name].get("cpu_us", 0.0) for each in rounds)
        spread = f"{values[0]:12,.4g} {statistics.median(values):12,.4g} {values[-1]:12,.4g}"
        print(f"{name:28} {rounds[0][name]['unit']:10} {spread}   {cpu or ''}")
    print(f"\n{'ratio, within a round':66} {'goal':>7} {'min':>8} {'median':>8} {'max':>8}")
    for label, above, below, goal in RATIOS:
        values = sorted(each[above]["value"] / each[below]["value"] for each in rounds)
        print(f"{label:66} {goal:>7} {values[0]:8.3g} {statistics.median(values):8.3g} {values[-1]:8.3g}")


if __name__ == "__main__":
    main()
