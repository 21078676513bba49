"""kill -9 at any moment, one process or two on the file: nothing acknowledged is lost, nothing happens twice.

It kills fifteen processes over more than 1,000 instances. PROCESSION_CHAOS_SEED repeats a run as far as chance allows.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from procession import Engine
from tests.chaos import evidence
from tests.chaos.evidence import Facts
from tests.chaos.nodes import ROOT, Node
from tests.chaos.orders import check
from tests.chaos.processes import FILES

ROUNDS = 10
INSTANCES = 1_000
NEW_KEYS, OLD_KEYS = 150, 50
"""So many keys are new to each round, and so many it has in common with the one before."""


def victim(url: str, seed: int, first: int, last: int, log: Path) -> Node:
    arguments = ["victim", url, str(seed), str(first), str(last)]
    return Node(f"victim-{seed}", lambda life: arguments, log)


def siege(path: Path, chance: random.Random) -> Facts:
    """Kill victims on one file, again and again; what they were told."""
    url = f"sqlite:///{path}"
    log = path.with_suffix(".log")
    with Engine(url) as engine:
        engine.deploy(*FILES, publish=True)
    facts = Facts()
    number = 0
    while number < ROUNDS or len(facts.tried) < INSTANCES:
        first = max(0, number * NEW_KEYS - OLD_KEYS)
        last = (number + 1) * NEW_KEYS
        children = [victim(url, number * 2 + index, first, last, log) for index in range(1 + number % 2)]
        for child in children:
            child.start()
        for child in children:
            if chance.random() < 0.9:  # sometimes while it is opening the file
                child.ready.wait(30)
            time.sleep(chance.uniform(0.0, 1.1) if number else 0.8)
            child.kill()
        for child in children:
            facts.read(child.end())
            facts.faults += child.deaths
        number += 1
    return facts


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_happens_twice(tmp_path):
    seed = int(os.environ.get("PROCESSION_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"PROCESSION_CHAOS_SEED={seed}")  # shown where it fails
    path = tmp_path / "siege.db"
    facts = siege(path, random.Random(seed))
    print(f"{len(facts.tried)} starts tried, {len(facts.started)} answered; {dict(facts.kinds)}")
    assert not facts.faults + facts.broken, (facts.faults + facts.broken)[:5]
    assert len(facts.tried) >= INSTANCES
    assert facts.kinds["job"] and facts.kinds["task"] and facts.kinds["paid"] and facts.kinds["held"]
    check(f"sqlite:///{path}", facts)


MAKE = """
import sys, time
from procession import Engine
sys.stdout.write("begin\\n")
sys.stdout.flush()
with Engine(sys.argv[1]) as engine:
    engine.deploy(*sys.argv[2:], publish=True)
time.sleep(60)
"""


@pytest.mark.timeout(300)
def test_a_store_whose_making_was_killed(tmp_path):
    """Killed while the file is made and definitions are added: all of them are there or none, and it can be opened."""
    chance = random.Random(os.environ.get("PROCESSION_CHAOS_SEED"))
    files = []
    for name, data in FILES:
        (tmp_path / name).write_bytes(data)
        files.append(str(tmp_path / name))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    for number in range(8):
        path = tmp_path / f"new-{number}.db"
        command = [sys.executable, "-c", MAKE, f"sqlite:///{path}", *files]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"begin\n"
            time.sleep(chance.uniform(0.0, 0.12))
            child.kill()
        with Engine(f"sqlite:///{path}") as engine:
            found = engine.definitions()
            assert len(found) in (0, len(FILES))
            assert [row.event for row in reversed(engine.audit().items)][: len(found)] == ["Create"] * len(found)
            again = engine.deploy(*FILES, publish=True)
            assert [view.version for view in again] == [1] * len(FILES)
            assert engine.start("order", {"id": "1", "amount": 1}).state == "STARTED"
        evidence.check_file(str(path))
