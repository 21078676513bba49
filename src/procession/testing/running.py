"""A real server for a test: `procession serve` in a process of its own, on a free port, with a store in a temporary folder.

Its clock stands still until the test moves it, so that nothing waits for real.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from procession.app import Engine
from procession.client import Client
from procession.client.connection import Connection
from procession.client.credentials import Login
from procession.definition.iso8601 import Duration, format_duration
from procession.errors import ProcessionError
from procession.runtime.clock import microseconds
from procession.runtime.views import DefinitionView

USERS: Mapping[str, Iterable[str]] = {"admin": ["admin"], "worker": ["worker"]}
START, END = 30.0, 20.0
"""Seconds that a server has to start, and to end."""

LINE = "listening on "
LAST = 4_000
"""Characters of the log that are shown when a server does not start."""


class _Now(Struct):
    now: str


class RunningServer:
    """A server that runs. `url` is its address, `store` the URL of its store, `log` the file that it logs to."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.store = f"sqlite:///{quote(str(folder / 'server.db'))}"
        self.log = folder / "server.log"
        self.url = ""
        self._settings = dict(settings or {})
        self._secret = secrets.token_urlsafe(48)
        self._passwords: dict[str, str] = {}
        self._clients: list[Client] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._running().pid

    def start(self, port: int = 0) -> None:
        """Start it, and wait until it answers."""
        # tied: a server does not outlive a test run that is killed
        tied = [sys.executable, "-m", "procession.cli.tied", "-m", "procession.cli"]
        command = [*tied, "serve", "--port", str(port), "--store", self.store]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = _first_line(self._process)
        if not line.startswith(LINE):
            self.kill()
            raise ProcessionError(f"The server did not start:\n{self.log.read_text()[-LAST:]}")
        self.url = line.removeprefix(LINE).strip()

    def stop(self) -> int:
        """End it gracefully; its exit code."""
        self._running().terminate()
        return self.wait()

    def wait(self, seconds: float = END) -> int:
        """Wait until it has ended; its exit code."""
        process = self._running()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ProcessionError(f"The server did not end in {seconds:g} s.") from None
        finally:
            self._let_go()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._running().kill()
        self.wait()

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def add_user(self, name: str, *roles: str) -> None:
        """Add a user with a random password, or give one other roles."""
        password = secrets.token_urlsafe(12)
        with Engine(self.store) as engine:
            engine.users.add(name, password, roles)
        self._passwords[name] = password

    def password(self, user: str) -> str:
        """The password of a user."""
        if user not in self._passwords:
            raise ProcessionError(f"The server has no user {user!r}, only {', '.join(self._passwords)}.")
        return self._passwords[user]

    def client(self, user: str = "admin") -> Client:
        """A client that is logged in as this user; closed with the server."""
        made = Client(self.url, user=user, password=self.password(user))
        self._clients.append(made)
        return made

    def deploy(self, *files: str | Path | tuple[str, bytes]) -> list[DefinitionView]:
        """Add process files, and publish them."""
        with Client(self.url, user="admin", password=self.password("admin")) as client:
            return client.deploy(*files, publish=True)

    def advance(self, by: float | timedelta | str) -> str:
        """Move its clock by seconds, a timedelta or an ISO 8601 duration, and do what comes due; the new time."""
        text = by if isinstance(by, str) else format_duration(Duration(0, microseconds(by)))
        connection = Connection(self.url, Login("admin", self.password("admin")), 60.0)
        try:
            return connection.call("POST", "/api/dev/clock", _Now, body={"by": text}).now
        finally:
            connection.close()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ProcessionError("The server was never started.")
        return self._process

    def _let_go(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()
        process = self._running()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PROCESSION_")}
        usual = {"SECRET": self._secret, "VIRTUAL_CLOCK": "true", "TOKEN_LIFETIME": "P3650D", "LOG_FORMAT": "json"}
        chosen = {**usual, **{name.upper(): value for name, value in self._settings.items()}}
        return {**inherited, **{f"PROCESSION_{name}": value for name, value in chosen.items()}}


@contextmanager
def server(
    *files: str | Path | tuple[str, bytes],
    users: Mapping[str, Iterable[str]] = USERS,
    folder: str | Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[RunningServer]:
    """A server with these processes published and these users (names and roles; `admin` is always there).

    `settings` are those of `procession serve`, by name. What it writes is in `folder`, else in a temporary one.
    """
    with tempfile.TemporaryDirectory(prefix="procession-") as temporary:
        running = RunningServer(Path(folder or temporary), settings=settings)
        for name, roles in {"admin": ["admin"], **users}.items():
            running.add_user(name, *roles)
        running.start()
        try:
            if files:
                running.deploy(*files)
            yield running
        finally:
            if running.alive:
                running.stop()


def _first_line(process: subprocess.Popen[str]) -> str:
    """What it says first; nothing if it ends, or says nothing in time."""
    assert process.stdout is not None
    watch = threading.Timer(START, process.kill)
    watch.start()
    try:
        return process.stdout.readline()
    finally:
        watch.cancel()
