"""Rounds of limits, peers and engine, one after the other; then the ratios, pair by pair within a round.

python bench/run.py [PART…] [--rounds N] [--json FILE]     parts: memory sqlite postgres peers,
or single peers; and those that take long: stages crowd bus
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.append(str(ROOT))

from tests.services.postgresql import Missing, PostgreSQL  # noqa: E402  from the root of the repository

DISK = os.environ.get("BENCH_TMP", "/var/tmp")

Round = dict[str, dict[str, float | str]]
Case = tuple[str, ...]
"""What Python is to run, in the folder of the bench."""

PEERS: dict[str, tuple[Case, ...]] = {
    "spiff": (("-m", "peers.spiff"),),
    "camunda": (("-m", "peers.camunda"),),
    "dbos": (("-m", "peers.dbos", "sqlite"), ("-m", "peers.dbos", "postgres")),
    "restate": (("-m", "peers.restate"),),
    "operaton": (("-m", "peers.operaton"),),
}
PARTS: dict[str, tuple[Case, ...]] = {
    "memory": (("ours.py", "memory", "growth"),),
    "sqlite": (("limits.py", "sqlite"), ("ours.py", "sqlite", "turns", "items", "vars"), ("whole.py",)),
    "postgres": (("limits.py", "postgres"), ("ours.py", "postgres")),
    "peers": tuple(case for cases in PEERS.values() for case in cases),
}
LONG: dict[str, tuple[Case, ...]] = {
    "stages": (("stages.py",),),
    "crowd": (("crowd.py", "sqlite"), ("crowd.py", "postgres")),
    "bus": (("bus.py", "sqlite"), ("bus.py", "postgres")),
}
"""Parts that are measured only where they are named."""

ALL = PARTS | LONG | PEERS
ON_POSTGRES = {"postgres", "peers", "camunda", "dbos", "operaton", "stages", "crowd", "bus"}
OTHER_PYTHONS = {"peers.camunda": ROOT / ".venv-bench-camunda" / "bin" / "python"}
"""What does not run on the Python of the bench."""

RATIOS = [
    ("W1, the engine alone / SpiffWorkflow in memory", "ours.w1.engine", "spiff.w1.memory", "≥ 50"),
    ("W2, the engine alone / SpiffWorkflow in memory", "ours.w2.engine", "spiff.w2.memory", ""),
    ("W1, with the memory store / SpiffWorkflow in memory", "ours.w1.memory", "spiff.w1.memory", ""),
    ("W1, the engine alone / camunda-python in memory", "ours.w1.engine", "camunda.w1.memory", "≥ 6"),
    ("W2, the engine alone / camunda-python in memory", "ours.w2.engine", "camunda.w2.memory", ""),
    ("W1, with the memory store / camunda-python in memory", "ours.w1.memory", "camunda.w1.memory", ""),
    ("W1, SQLite FULL, 100 in flight / SpiffWorkflow, one commit", "ours.w1.sqlite.100", "spiff.w1.sqlite", "≥ 40"),
    ("W1, SQLite FULL, 100 in flight / camunda-python", "ours.w1.sqlite.100", "camunda.w1.sqlite", "≥ 100"),
    ("W1, SQLite FULL, one caller / raw one-row commits", "ours.w1.sqlite.1", "limit.sqlite.1row", "≥ 0.4"),
    ("W1, SQLite FULL, one caller / SpiffWorkflow, one commit", "ours.w1.sqlite.1", "spiff.w1.sqlite", "≥ 4"),
    ("W1, SQLite FULL, one caller / camunda-python", "ours.w1.sqlite.1", "camunda.w1.sqlite", "≥ 10"),
    ("W5, durable steps on SQLite a second", "ours.w5.sqlite.100", None, "≥ 15,000"),
    ("W5, durable steps on SQLite / raw one-row commits", "ours.w5.sqlite.100", "limit.sqlite.1row", ""),
    ("W5, durable steps on SQLite / Restate, 32 clients", "ours.w5.sqlite.100", "restate.steps.32", "≥ 10"),
    ("W5, durable steps on SQLite / DBOS on SQLite", "ours.w5.sqlite.100", "dbos.steps.sqlite.1", "≥ 50"),
    ("W1, PostgreSQL, 100 in flight / Operaton, 4 threads", "ours.w1.postgres.100", "operaton.w1.postgres.4", "≥ 40"),
    ("W1, PostgreSQL, 100 in flight / camunda-python", "ours.w1.postgres.100", "camunda.w1.postgres", ""),
    ("W1, PostgreSQL, one caller / raw one-row commits", "ours.w1.postgres.1", "limit.postgres.1row", "≥ 0.4"),
    ("W1, PostgreSQL, one caller / Operaton, 1 thread", "ours.w1.postgres.1", "operaton.w1.postgres.1", "≥ 5"),
    ("W1, PostgreSQL, one caller / DBOS, 1 thread", "ours.w1.postgres.1", "dbos.w1.postgres.1", "≥ 15"),
    ("W5, durable steps on PostgreSQL a second", "ours.w5.postgres.100", None, "≥ 10,000"),
    ("W5, durable steps on PostgreSQL / DBOS, 8 threads", "ours.w5.postgres.100", "dbos.steps.postgres.8", ""),
    ("loop turn, 100,000 / 10", "ours.w3.100000", "ours.w3.10", "≤ 1.3"),
    ("loop turn on SQLite, 100,000 / 10", "ours.w3.sqlite.100000", "ours.w3.sqlite.10", "≤ 1.3"),
    ("parallel item, 10,000 / 10", "ours.w4.parallel.10000", "ours.w4.parallel.10", "≤ 1.3"),
    ("sequential item, 10,000 / 10", "ours.w4.sequential.10000", "ours.w4.sequential.10", "≤ 1.3"),
    ("durable job of a parallel item, 10,000 / 10", "ours.jobs.sqlite.10000", "ours.jobs.sqlite.10", "≤ 1.3"),
    ("durable step beside 100 KB / beside nothing", "ours.step.vars_100KB", "ours.step.vars_0KB", "≤ 1.2"),
    ("starts beside a million waiting / alone, SQLite", "crowd.sqlite.waiting.starts", None, ""),
    ("starts beside a million waiting / alone, PostgreSQL", "crowd.postgres.waiting.starts", None, ""),
    ("starts beside a million finished / alone, SQLite", "crowd.sqlite.finished.starts", None, "≥ 0.8"),
    ("starts beside a million finished / alone, PostgreSQL", "crowd.postgres.finished.starts", None, "≥ 0.8"),
    ("memory of a node on a million waiting, SQLite, MiB", "crowd.sqlite.waiting.memory", None, "≤ 300"),
    ("memory of a node on a million waiting, PostgreSQL, MiB", "crowd.postgres.waiting.memory", None, "≤ 300"),
    ("item of 10,000 one by one / of 100, SQLite", "crowd.sqlite.items.growth", None, "≤ 1.3"),
    ("item of 10,000 one by one / of 100, PostgreSQL", "crowd.postgres.items.growth", None, "≤ 1.3"),
    ("records in, started on SQLite / read by the bare client", "ours.bus.in.sqlite", "limit.kafka.consume", ""),
    ("records in, started on PostgreSQL / read by the bare client", "ours.bus.in.postgres", "limit.kafka.consume", ""),
    ("records out of SQLite / sent by the bare client", "ours.bus.out.sqlite", "limit.kafka.produce", ""),
    ("records out of PostgreSQL / sent by the bare client", "ours.bus.out.postgres", "limit.kafka.produce", ""),
    (
        "send task, integration, receive task on SQLite / two bare hops",
        "ours.bus.question.sqlite",
        "limit.kafka.hops",
        "",
    ),
    (
        "send task, integration, receive task on PostgreSQL / two bare hops",
        "ours.bus.question.postgres",
        "limit.kafka.hops",
        "",
    ),
]


class Options(argparse.Namespace):
    """What was asked for."""

    parts: list[str]
    rounds: int
    json: str | None


@contextmanager
def scratch() -> Iterator[None]:
    """Where the cases leave their files, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="procession-bench-", dir=DISK, ignore_cleanup_errors=True) as folder:
        os.environ["BENCH_TMP"] = folder
        yield


@contextmanager
def postgresql(wanted: bool) -> Iterator[Callable[[], str]]:
    """Gives the URL of a new database of a server that flushes what it commits; an empty one where there is no server."""
    if not wanted:
        yield str
        return
    tempfile.tempdir = DISK
    try:
        server = PostgreSQL(durable=True)
    except Missing as why:
        print(why, file=sys.stderr)
        yield str
        return

    def url() -> str:
        server.execute("CHECKPOINT")
        return server.url()

    with server:
        yield url


def run(case: Case, url: str) -> Round:
    """Run one case; its JSON lines by name."""
    python = OTHER_PYTHONS.get(case[-1], Path(sys.executable))
    if not python.exists():
        name = case[-1].partition(".")[2]
        return {name: {"name": name, "missing": "it is not installed (Python 3.12 or newer)"}}
    environment = os.environ | {"BENCH_POSTGRES": url}
    done = subprocess.run([str(python), *case], cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(case)} failed:\n{done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: line for line in lines}


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *ALL], metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args(namespace=Options())
    parts = given.parts or list(PARTS)
    cases = list(dict.fromkeys(case for part in parts for case in ALL[part]))
    rounds: list[Round] = []
    with scratch(), postgresql(bool(ON_POSTGRES & set(parts))) as url:
        for turn in range(given.rounds):
            print(f"round {turn + 1} …", file=sys.stderr, flush=True)
            rounds.append({})
            # to and fro, so that nobody always comes first
            for case in reversed(cases) if turn % 2 else cases:
                os.sync()
                rounds[-1] |= run(case, url())
    if given.json:
        Path(given.json).write_text(json.dumps(rounds, indent=1))
    print_figures(rounds)
    print_ratios(rounds)


def print_figures(rounds: list[Round]) -> None:
    print(f"{'figure':28} {'unit':10} {'min':>12} {'median':>12} {'max':>12}   CPU µs")
    for name, line in rounds[0].items():
        if "missing" in line:
            print(f"{name:28} not here: {line['missing']}")
            continue
        values = sorted(each[name]["value"] for each in rounds)
        cpu = statistics.median(each[name].get("cpu_us", 0.0) for each in rounds)
        spread = f"{values[0]:12,.4g} {statistics.median(values):12,.4g} {values[-1]:12,.4g}"
        print(f"{name:28} {line['unit']:10} {spread}   {cpu or ''}")


def print_ratios(rounds: list[Round]) -> None:
    """Those whose figures are there."""
    print(f"\n{'ratio, within a round':66} {'goal':>8} {'min':>8} {'median':>8} {'max':>8}")
    there = {name for name, line in rounds[0].items() if "value" in line}
    absent: dict[str, None] = {}
    for label, above, below, goal in RATIOS:
        figures = {above, below or above}
        if not figures <= there:
            if figures & there:
                absent |= dict.fromkeys(sorted(figures - there))
            continue
        values = sorted(each[above]["value"] / (each[below]["value"] if below else 1) for each in rounds)
        spread = [number(value) for value in (values[0], statistics.median(values), values[-1])]
        print(f"{label:66} {goal:>8} {spread[0]:>8} {spread[1]:>8} {spread[2]:>8}")
    if absent:
        print(textwrap.fill(f"Left out, since the other figure is not here: ratios with {', '.join(absent)}.", 110))


if __name__ == "__main__":
    main()
