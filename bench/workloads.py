"""The BPMN files of the workloads, in the dialect of whoever runs them, and how one JSON line is printed."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BPMN = Path(__file__).parent / "bpmn"
POSTGRES = os.environ.get("BENCH_POSTGRES", "")
"""The URL of a database for this process alone; `run.py` says it."""

ZEEBE = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
CAMUNDA = 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
SCRIPT = re.compile(
    r'(<bpmn:scriptTask id="\w+") scriptFormat="python">(.*?)<bpmn:script>(\w+) = (.+?)</bpmn:script>', re.S
)
CONDITION = re.compile(r"(<bpmn:conditionExpression [^>]*>)(.+?)(</bpmn:conditionExpression>)")


def feel(name: str) -> bytes:
    """A workload with its scripts as FEEL: `x = x + 1` becomes `=x + 1` into the result variable x."""
    text = (BPMN / name).read_text(encoding="utf-8").replace("xmlns:xsi=", ZEEBE + "xmlns:xsi=")
    extension = (
        r'\1><bpmn:extensionElements><zeebe:script expression="=\4" resultVariable="\3"/></bpmn:extensionElements>\2'
    )
    return SCRIPT.sub(extension, text).encode()


def camunda7(name: str) -> bytes:
    """A workload in the dialect of Camunda 7: a script that sets x becomes a service task that calls `set_x` of the program."""
    text = (BPMN / name).read_text(encoding="utf-8").replace("xmlns:xsi=", CAMUNDA + "xmlns:xsi=")
    text = CONDITION.sub(r"\1${\2}\3", SCRIPT.sub(r'\1 camunda:delegateExpression="${set_\3}">\2', text))
    return text.replace("bpmn:scriptTask", "bpmn:serviceTask").encode()


def scratch() -> str:
    """A fresh folder on a real disk."""
    return tempfile.mkdtemp(prefix="procession-bench-", dir=os.environ.get("BENCH_TMP", "/var/tmp"))


def emit(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, **more}), flush=True)


def missing(name: str, why: str) -> None:
    """Say that these figures cannot be had here."""
    print(json.dumps({"name": name, "missing": why}), flush=True)


def rate(name: str, work: Callable[[], object], units: int = 1, seconds: float = 1.0, unit: str = "inst/s") -> None:
    """Call `work` for some seconds; print units per second and the CPU time of this process for one unit."""
    work()
    cpu, begin, calls = time.process_time(), time.perf_counter(), 0
    while (wall := time.perf_counter() - begin) < seconds or calls < 3:
        work()
        calls += 1
    done = calls * units
    emit(name, done / wall, unit, cpu_us=round((time.process_time() - cpu) / done * 1e6, 2))


def together(work: Callable[[], object], threads: int, seconds: float = 2.0) -> tuple[float, float]:
    """Call `work` in some threads at once, for some seconds; calls per second, and CPU microseconds of this process for one."""
    work()
    cpu, begin = time.process_time(), time.perf_counter()

    def calls() -> int:
        done = 0
        while time.perf_counter() - begin < seconds:
            work()
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(each.result() for each in [pool.submit(calls) for _ in range(threads)])
    return done / (time.perf_counter() - begin), (time.process_time() - cpu) / done * 1e6


def cost(name: str, work: Callable[[], object], units: int, seconds: float = 0.6, unit: str = "us") -> None:
    """Call `work` for some seconds; print the least CPU microseconds for one of its units."""
    best, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < seconds or best == float("inf"):
        cpu = time.process_time()
        work()
        best = min(best, time.process_time() - cpu)
    emit(name, best / units * 1e6, unit)
