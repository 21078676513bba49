"""The server beside a bare echo on the same uvicorn: rounds of both in turn, then ratios within a round.

python bench/http/run.py [PART…] [--rounds N] [--seconds S] [--json FILE] [--postgres]
parts: start latency push jobs restart listeners
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import programs
from programs import HERE, Folder, Program, ask, folder, log_in, ready, script
from push import delays

from procession import Engine

sys.path.append(str(HERE.parent.parent))

from tests.services.postgresql import PostgreSQL

Round = dict[str, dict[str, float | str]]

CONNECTIONS = (1, 8, 64)
PUSHES = 300
JOBS = 5_000
WAITING = 100_000
LISTENERS = 10_000
IDLE = 31.0  # seconds: two heartbeats
HEARING = 5.0  # seconds for an event to reach all of them
BODY = '{"x": 0}'

GOALS = [
    ("start answered after the commit, 64 connections / echo", "start.64", "echo.64", "≥ 0.25"),
    ("start answered after the commit, 8 connections / echo", "start.8", "echo.8", ""),
    ("start answered after the commit, 1 connection / echo", "start.1", "echo.1", ""),
    ("processor time of a start / of an echo, 64 connections", "start.64.cpu", "echo.64.cpu", ""),
    ("start, 64 connections, p99", "start.64.p99", None, "≤ 25 ms"),
    ("start, one client, p50", "latency.start.p50", None, "≤ 1.5 ms"),
    ("start, one client, p99 / p50", "latency.start.p99", "latency.start.p50", "≤ 10"),
    ("completed task, one client, p50", "latency.complete.p50", None, ""),
    ("from the answer to the event at a listener, median", "push.start.p50", None, ""),
    ("the same beside a busy server, median", "push.busy.start.p50", None, ""),
    ("jobs of an HTTP worker / echo requests, 1 connection", "jobs.rate", "jobs.echo.1", ""),
    ("kill -9 with 100,000 waiting: until ready", "restart.waiting.ready", None, "≤ 1 s"),
    ("until ready, 100,000 waiting / none", "restart.waiting.ready", "restart.empty.ready", ""),
    ("kill -9 with 100,000 waiting: until a start is answered", "restart.waiting.work", None, ""),
    ("memory of an idle listener", "listeners.each", None, ""),
    ("processor time of 10,000 idle listeners", "listeners.cpu", None, ""),
    ("an event for 10,000 listeners: until the last has it", "listeners.last", None, ""),
]


class Options(argparse.Namespace):
    """What was asked for."""

    parts: list[str]
    rounds: int
    seconds: float
    json: str | None
    postgres: bool


def figure(value: float, unit: str, **more: float) -> dict[str, float | str]:
    """One number of a round."""
    return {"value": round(value, 4), "unit": unit, **more}


@contextmanager
def both() -> Iterator[tuple[Program, Program, str]]:
    """The server, the echo, and a token for the server."""
    with folder() as place, place.echo() as echo, place.server() as server:
        yield server, echo, log_in(server.url)


def loaded(
    program: Program, name: str, path: str, connections: int, seconds: float, token: str, body: str = BODY
) -> Round:
    """One run of the load generator. Every answer must be a 201."""
    spent = program.cpu()
    [line] = script(
        "load.py",
        program.url + path,
        "--connections",
        str(connections),
        "--seconds",
        str(seconds),
        "--body",
        body,
        secret=token,
    )
    if set(line["statuses"]) != {"201"}:
        raise SystemExit(f"{path}: not every request was answered with 201: {line['statuses']}")
    cpu_us = (program.cpu() - spent) / sum(line["statuses"].values()) * 1e6
    return {
        name: figure(line["rate"], "req/s", cpu_us=round(cpu_us, 1), generator_cpu=line["cpu"]),
        f"{name}.cpu": figure(cpu_us, "us"),
        f"{name}.p50": figure(line["p50_ms"], "ms"),
        f"{name}.p99": figure(line["p99_ms"], "ms"),
    }


def start(given: Options) -> list[Round]:
    """W1 started over HTTP, answered after the commit, beside the echo."""
    rounds: list[Round] = []
    with both() as (server, echo, token):
        for number in range(given.rounds):
            rounds.append({})
            for connections in CONNECTIONS:
                runs = [("echo", echo, "/"), ("start", server, "/api/process/w1/start")]
                for name, program, path in runs if number % 2 else reversed(runs):
                    rounds[-1] |= loaded(program, f"{name}.{connections}", path, connections, given.seconds, token)
    return rounds


def latency(given: Options) -> list[Round]:
    """One client that waits for each answer: a start that waits at a task, and that task's completion."""
    rounds = []
    with both() as (server, echo, token):
        for _ in range(given.rounds):
            found = loaded(echo, "latency.echo", "/", 1, given.seconds, token)
            found |= loaded(server, "latency.start", "/api/process/w5/start", 1, given.seconds, token)
            tasks = ask(server.url, "GET", "/api/tasks?limit=1000&definition=w5", token=token)["items"]
            lines = [
                json.dumps({"path": f"/api/tasks/{task['id']}/complete", "body": {"variables": {}}}) for task in tasks
            ]
            [line] = script(
                "load.py", server.url, "--connections", "1", "--each", "-", given="\n".join(lines), secret=token
            )
            if line["statuses"] != {"200": len(tasks)}:
                raise SystemExit(f"not every task was completed: {line['statuses']}")
            found["latency.complete.p50"] = figure(line["p50_ms"], "ms")
            found["latency.complete.p99"] = figure(line["p99_ms"], "ms")
            rounds.append(found)
    return rounds


def push(given: Options) -> list[Round]:
    """From the answer to a command to the arrival of its event at a listener: alone, and beside eight busy clients."""
    rounds = []
    with both() as (server, _, token):
        for _ in range(given.rounds):
            found = {}
            for name, busy in (("push", False), ("push.busy", True)):
                with _busy(server, token) if busy else nullcontext() as load:
                    for step, values in delays(server.url, token, PUSHES).items():
                        found[f"{name}.{step}.p50"] = figure(statistics.median(values) * 1e3, "ms")
                        found[f"{name}.{step}.p99"] = figure(values[len(values) * 99 // 100] * 1e3, "ms")
                    if load is not None and load.poll() is not None:
                        raise SystemExit("The load beside it ended too early.")
            rounds.append(found)
    return rounds


@contextmanager
def _busy(server: Program, token: str) -> Iterator[subprocess.Popen[bytes]]:
    """Eight clients start W1 all the time."""
    command = [sys.executable, str(HERE / "load.py"), server.url + "/api/process/w1/start", "--connections", "8"]
    load = subprocess.Popen(
        [*command, "--seconds", "600", "--body", BODY, "--token", token],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(1.0)
    try:
        yield load
    finally:
        load.kill()
        load.wait()


def jobs(given: Options) -> list[Round]:
    """Jobs that a worker takes and reports over HTTP: one for each instance, which ends with it."""
    rounds = []
    with both() as (server, echo, token):
        for _ in range(given.rounds):
            found = loaded(echo, "jobs.echo.1", "/", 1, given.seconds, token)
            each = json.dumps({"path": "/api/process/w6/start", "body": {"x": 0}})
            script(
                "load.py",
                server.url,
                "--connections",
                "64",
                "--each",
                "-",
                given="\n".join([each] * JOBS),
                secret=token,
            )
            spent = server.cpu()
            [line] = script("work.py", server.url, secret=token)
            left = ask(server.url, "GET", "/api/instances?definition=w6&status=STARTED&limit=1", token=token)["items"]
            if line["jobs"] != JOBS or left:
                raise SystemExit(f"{line['jobs']:,} of {JOBS:,} jobs were done; left: {left}")
            cpu_us = (server.cpu() - spent) / JOBS * 1e6
            found["jobs.rate"] = figure(
                JOBS / line["seconds"], "jobs/s", cpu_us=round(cpu_us, 1), worker_cpu=line["cpu"]
            )
            rounds.append(found)
    return rounds


def restart(given: Options) -> list[Round]:
    """kill -9 in the middle of starts, then how long until it is ready, and until a start is answered."""
    rounds: list[Round] = []
    with folder() as few, folder() as many:
        _fill(many, WAITING)
        for _ in range(given.rounds):
            rounds.append(_killed(few, "restart.empty") | _killed(many, "restart.waiting"))
        _count(many, WAITING + given.rounds)
    return rounds


def _killed(place: Folder, name: str) -> Round:
    server = place.server()
    server.start()
    try:
        with _busy(server, log_in(server.url)):
            time.sleep(0.5)
            server.kill()
        url = server.url
        server = place.server(urlsplit(url).port or 0)
        began = time.perf_counter()
        server.launch()
        while not ready(url):
            if server.process.poll() is not None or time.perf_counter() - began > 60:
                raise SystemExit(f"It does not come back:\n{server.log.read_text(errors='replace')}")
            time.sleep(0.002)
        until_ready = time.perf_counter() - began
        ask(url, "POST", "/api/process/w5/start", {"x": 0}, log_in(url))
        until_work = time.perf_counter() - began
        cpu = server.cpu() * 1e6
        server.stop()
    finally:
        server.kill()
    return {f"{name}.ready": figure(until_ready, "s", cpu_us=cpu), f"{name}.work": figure(until_work, "s")}


def _fill(place: Folder, waiting: int) -> None:
    """So many instances that wait at a task."""
    with Engine(place.store) as engine:
        for _ in range(waiting // 1000):
            for ask_ in [engine.submit(engine.ask_start("w5", {"x": 0})) for _ in range(1000)]:
                engine.wait(ask_)


def _count(place: Folder, least: int) -> None:
    """Nothing that was acknowledged may be gone."""
    count, cursor = 0, None
    with Engine(place.store) as engine:
        while cursor is not None or count == 0:
            page = engine.instances(definition="w5", status="STARTED", limit=1000, cursor=cursor)
            count, cursor = count + len(page.items), page.next
            if not page.items:
                break
    if count < least:
        raise SystemExit(f"{least:,} instances were acknowledged, {count:,} are there.")


def listeners(given: Options) -> list[Round]:
    """Ten thousand listeners: memory, processor time while they hear heartbeats only, one event for all of them."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < LISTENERS + 500:
        raise SystemExit(f"{LISTENERS:,} listeners need as many open files; this machine allows {most:,} (ulimit -Hn).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the server inherits it
    rounds = []
    for _ in range(given.rounds):
        with folder() as place, place.server() as server:
            token = log_in(server.url)
            loaded(server, "warm", "/api/process/w1/start", 8, 1.0, token)
            before, began = server.memory(), time.perf_counter()
            command = [
                sys.executable,
                str(HERE / "listen.py"),
                server.url,
                "--token",
                token,
                "--listeners",
                str(LISTENERS),
            ]
            crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert crowd.stdin is not None
            assert crowd.stdout is not None
            try:
                if not crowd.stdout.readline():
                    raise SystemExit("The listeners could not all be opened.")
                opened = time.perf_counter() - began
                held, spent, began = server.memory(), server.cpu(), time.perf_counter()
                time.sleep(IDLE)
                cpu = (server.cpu() - spent) / (time.perf_counter() - began)
                beside = loaded(server, "beside", "/api/process/w1/start", 1, given.seconds, token)
                ask(server.url, "POST", "/api/process/w5/start", {"x": 0}, token)
                answered = time.perf_counter()
                time.sleep(HEARING)
                crowd.stdin.close()
                heard = json.loads(crowd.stdout.readline())
                crowd.wait(30)
            finally:
                crowd.kill()
                crowd.wait()
            if heard["lost"]:
                raise SystemExit(f"{heard['lost']:,} listeners were cut off.")
            if heard["heard"] < LISTENERS:
                raise SystemExit(f"{heard['heard']:,} of {LISTENERS:,} listeners heard the event in {HEARING:g} s.")
            rounds.append(
                {
                    "listeners.opened": figure(LISTENERS / opened, "conn/s"),
                    "listeners.memory": figure(held, "MiB"),
                    "listeners.each": figure((held - before) * 1024 / LISTENERS, "KiB"),
                    "listeners.cpu": figure(cpu * 100, "% core"),
                    "listeners.start.p50": beside["beside.p50"],
                    "listeners.first": figure((heard["first"] - answered) * 1e3, "ms"),
                    "listeners.last": figure((heard["last"] - answered) * 1e3, "ms"),
                }
            )
    return rounds


PARTS: dict[str, Callable[[Options], list[Round]]] = {
    "start": start, "latency": latency, "push": push, "jobs": jobs, "restart": restart, "listeners": listeners
}  # fmt: skip


def table(rounds: list[Round]) -> None:
    """The figures of a part, then the ratios and what they should be."""
    print(f"{'figure':28} {'unit':8} {'min':>11} {'median':>11} {'max':>11}   CPU µs")
    for name in rounds[0]:
        values = sorted(float(each[name]["value"]) for each in rounds)
        cpu = statistics.median(float(each[name].get("cpu_us", 0.0)) for each in rounds)
        spread = f"{values[0]:11,.4g} {statistics.median(values):11,.4g} {values[-1]:11,.4g}"
        print(f"{name:28} {rounds[0][name]['unit']:8} {spread}   {round(cpu, 1) or ''}")
    print(f"\n{'goal, or ratio within a round':66} {'goal':>8} {'min':>8} {'median':>8} {'max':>8}")
    for label, above, below, goal in GOALS:
        if above not in rounds[0] or (below is not None and below not in rounds[0]):
            continue
        unit = f" {rounds[0][above]['unit']}" if below is None else ""
        values = sorted(float(each[above]["value"]) / (float(each[below]["value"]) if below else 1) for each in rounds)
        print(f"{label:66} {goal:>8} {values[0]:8.3g} {statistics.median(values):8.3g} {values[-1]:8.3g}{unit}")


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS) + "; all without one"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument(
        "--postgres", action="store_true", help="on a PostgreSQL server of its own, instead of a SQLite file"
    )
    given = parser.parse_args(namespace=Options())
    with ExitStack() as stack:
        if given.postgres:
            server = stack.enter_context(PostgreSQL(durable=True))
            programs.new_store = lambda path: server.url()
        measure(given)


def measure(given: Options) -> None:
    """Every part that was asked for."""
    rounds: list[Round] = [{} for _ in range(given.rounds)]
    for part in given.parts or PARTS:
        print(f"\n{part} …", file=sys.stderr, flush=True)
        os.sync()
        found = PARTS[part](given)
        table(found)
        for whole, more in zip(rounds, found, strict=True):
            whole |= more
        if given.json:  # after each part: the next may fail
            Path(given.json).write_text(json.dumps(rounds, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
