"""Siege both stores, for as long as asked, and say what came of it.

python -m tests.chaos.run --minutes 10 --instances 10000 --record docs/chaos-record.md
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.orders import ENDED
from tests.chaos.siege import Plan, Report, besiege
from tests.services.postgresql import Missing

PLANS = {
    "postgresql": {"servers": 3, "victims": 2, "clients": 8},
    "sqlite": {"servers": 1, "victims": 1, "clients": 8},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="*", default=["postgresql", "sqlite"], help="postgresql, sqlite, or both")
    parser.add_argument("--minutes", type=float, default=1.0, help="so long for each of them")
    parser.add_argument("--seconds", type=float, help="the same in seconds")
    parser.add_argument("--instances", type=int, default=0, help="and until so many orders were started on each")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two faults, about")
    parser.add_argument("--without", action="append", default=[], metavar="FAULT", help="leave out a kind of fault")
    parser.add_argument("--record", type=Path, help="write the record to this file as well")
    asked = parser.parse_args()
    seconds = asked.minutes * 60 if asked.seconds is None else asked.seconds
    records: list[str] = []
    for store in asked.stores:
        plan = Plan(
            store,
            asked.seed,
            seconds,
            asked.instances,
            pause=asked.pause,
            left_out=frozenset(asked.without),
            **PLANS[store],
        )
        folder = Path(tempfile.mkdtemp(prefix="procession-chaos-")) / store
        print(f"{store}: seed {plan.seed}, {seconds:g} s", flush=True)
        try:
            report = besiege(plan, folder)
        except Missing as missing:
            print(f"{store} is left out: {missing}", flush=True)
            continue
        except AssertionError as wrong:
            print(f"{store}: WRONG: {wrong}\nSeed {plan.seed}; what was left is in {folder}", flush=True)
            return 1
        shutil.rmtree(folder.parent)
        records.append(record(report))
        print(records[-1], flush=True)
    if asked.record is not None:
        asked.record.write_text("\n".join(records))
    return 0


def record(report: Report) -> str:
    """What happened, as a table."""
    plan, facts = report.plan, report.facts
    points = {name: count for name, count in report.faults.items() if name.startswith("killed at: ")}
    kinds = {name: count for name, count in report.faults.items() if name not in points}
    at = {name.removeprefix("killed at: "): count for name, count in points.items()}
    asked = {"STORES": plan.store, "MINUTES": f"{plan.seconds / 60:g}", "INSTANCES": plan.instances, "SEED": plan.seed}
    rows = [
        ("command", f"`make chaos {' '.join(f'{name}={value}' for name, value in asked.items() if value)}`"),
        ("day, machine", f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {platform.python_version()}"),
        ("siege, then checking", f"{report.seconds:,.0f} s, {report.checking:,.0f} s"),
        ("nodes", f"{plan.servers} that serve HTTP, {plan.victims} that embed the engine"),
        ("clients", f"{plan.clients} over HTTP, {plan.victims * 8} threads in the nodes"),
        ("orders asked for (different keys)", f"{len(facts.tried):,}"),
        (ENDED, f"{report.checked[ENDED]:,}"),
        ("commands acknowledged", f"{facts.acknowledged:,}"),
        ("restarts of nodes", f"{report.restarts:,}"),
        ("faults", listed(kinds)),
        ("killed at a point of the commit path", listed(at)),
        ("answers over HTTP", listed(report.answers)),
        ("unanswered in the nodes", f"{facts.kinds['storage']:,}, of them conflicts: {facts.kinds['conflict']:,}"),
        ("checked", listed({name: count for name, count in report.checked.items() if name != ENDED})),
        ("left out", "; ".join(report.skipped) or "nothing"),
        ("verdict", "nothing lost, nothing twice, nothing out of order, nothing stuck"),
    ]
    lines = [f"### {plan.store}", "", "| | |", "| --- | --- |"]
    return "\n".join(lines + [f"| {name} | {value} |" for name, value in rows]) + "\n"


def listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())
