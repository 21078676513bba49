"""The programs that are measured, and those that measure: started on free ports, ended by their ids."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from workloads import feel, scratch  # noqa: E402  beside this folder

from procession import Engine  # noqa: E402

USER, PASSWORD = "bench", secrets.token_urlsafe(16)
WORKLOADS = ("w1_straight.bpmn", "w5_wait.bpmn", "w6_job.bpmn")
LISTENING = re.compile(r"listening on (http://\S+)")
START, STOP = 60.0, 30.0
"""Seconds for a server to start and to stop."""


COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""An installed package has its byte code."""


class Program:
    """A server in a process of its own."""

    url: str

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.command, self.log, self.environment = command, log, environment or {}

    def start(self) -> None:
        """Start it, and wait until it says that it listens."""
        self.launch()
        self.url = self._address()

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=COMPILED | self.environment,
            )

    def _address(self) -> str:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if (found := LISTENING.search(self.log.read_text(errors="replace"))) is not None:
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        self.kill()
        raise SystemExit(f"{' '.join(self.command)} does not listen:\n{self.log.read_text(errors='replace')}")

    def stop(self) -> None:
        """Ask it to end; one that does not is a fault."""
        self.process.terminate()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SystemExit(f"{' '.join(self.command)} did not end within {STOP:g} s of SIGTERM") from None

    def kill(self) -> None:
        """kill -9."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def cpu(self) -> float:
        """Seconds of processor time so far, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MiB that it has in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def __enter__(self) -> Program:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path}/bench.db"


new_store: Callable[[Path], str] = _sqlite
"""The URL of an empty store; another one with `--postgres`."""


class Folder:
    """A folder on a real disk with a store: the workloads published, one user."""

    def __init__(self, path: Path) -> None:
        self.path, self.store = path, new_store(path)
        with Engine(self.store) as engine:
            engine.deploy(*((name, feel(name)) for name in WORKLOADS), publish=True)
            engine.users.add(USER, PASSWORD, ["admin"])

    def server(self, port: int = 0, workers: int = 1) -> Program:
        """`procession serve` on this store."""
        command = [
            "-m",
            "procession.cli",
            "serve",
            "--store",
            self.store,
            "--port",
            str(port),
            "--workers",
            str(workers),
        ]
        return Program(
            command,
            self.path / "server.log",
            {"PROCESSION_SECRET": secrets.token_urlsafe(48), "PROCESSION_MAX_CONNECTIONS": "12000"},
        )

    def echo(self) -> Program:
        """The limit."""
        return Program([str(HERE / "echo.py")], self.path / "echo.log")


@contextmanager
def folder() -> Iterator[Folder]:
    """A fresh one, gone afterwards."""
    path = Path(scratch())
    try:
        yield Folder(path)
    finally:
        shutil.rmtree(path)


def ask(url: str, method: str, path: str, body: object = None, token: str | None = None) -> Any:
    """One request, and the answer's JSON. Anything but success is an error."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise SystemExit(f"{method} {path} was answered with {answer.status}: {data[:500].decode(errors='replace')}")
    return json.loads(data) if data else None


def log_in(url: str) -> str:
    """An access token."""
    token: str = ask(url, "POST", "/api/auth/login", {"username": USER, "password": PASSWORD})["access_token"]
    return token


def ready(url: str) -> bool:
    """Whether the server takes work."""
    with suppress(OSError, http.client.HTTPException):
        where = urlsplit(url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        finally:
            connection.close()
    return False


def script(name: str, *arguments: str, given: str | None = None, secret: str | None = None) -> list[dict[str, Any]]:
    """Run one of the scripts here to its end; its JSON lines."""
    command = [sys.executable, str(HERE / name), *arguments, *(["--token", secret] if secret else [])]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} {' '.join(arguments)} failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]
