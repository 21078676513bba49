"""Restate: its server and the service of `restate_service.py`, asked over HTTP by 1, 8 and 32 clients; every step is durable.

python -m peers.restate     after `npm ci` in peers/restate
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from workloads import emit, missing, scratch

from peers.restate_service import STEPS

HERE = Path(__file__).parent
LOAD = HERE.parent / "http" / "load.py"
CLIENTS = "1,8,32"
PATIENCE = 60.0
"""Seconds for a program to start."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def program(command: list[str], folder: Path, settings: dict[str, str]) -> Iterator[None]:
    """A program until the end of the block. What it says goes to a file."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | settings,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with what it started
            process.wait()


def ask(url: str, body: object = None) -> object:
    """The answer to a GET, or to a POST of the body; tried again while the other side is not there."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read()
            return json.loads(text) if text else None
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > end:
                raise SystemExit(f"{url}: {error}") from None
            time.sleep(0.1)


def main() -> None:
    server = next(HERE.glob("restate/node_modules/@restatedev/restate-server-*/bin/restate-server"), None)
    if server is None:
        return missing("restate", "its server is not installed (Node and npm)")
    folder = Path(scratch())
    ingress, admin, node, service = (free_port() for _ in range(4))
    # the server keeps its connections to the service, which would wait for their end
    served = (
        f"granian --interface asgi --host 127.0.0.1 --port {service} --workers-kill-timeout 1 peers.restate_service:app"
    )
    with ExitStack() as stack:
        stack.enter_context(program([sys.executable, "-m", *served.split()], folder, {}))
        settings = {
            "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
            "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
            "DO_NOT_TRACK": "1",
        }
        command = [str(server), "--bind-ip", "127.0.0.1", "--bind-port", str(node), "--base-dir", str(folder / "data")]
        stack.enter_context(program(command, folder, settings))
        ask(f"http://127.0.0.1:{admin}/deployments", {"uri": f"http://127.0.0.1:{service}"})
        url = f"http://127.0.0.1:{ingress}/w1/run"
        assert ask(url, 0) == "hi"
        load = [sys.executable, str(LOAD), url, "--connections", CLIENTS, "--body", "0", "--seconds", "2"]
        done = subprocess.run(load, stdout=subprocess.PIPE, text=True, check=True)
    for line in map(json.loads, done.stdout.splitlines()):
        assert set(line["statuses"]) == {"200"}, line
        clients = line["connections"]
        emit(f"restate.w1.{clients}", line["rate"], "inst/s", p50_ms=line["p50_ms"], p99_ms=line["p99_ms"])
        emit(f"restate.steps.{clients}", line["rate"] * STEPS, "steps/s")


if __name__ == "__main__":
    main()
