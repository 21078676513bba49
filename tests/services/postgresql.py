"""A PostgreSQL server of one's own, from the distribution's package: in a temporary folder, on a free port of the loopback.

    with PostgreSQL() as server:
        store = server.url()            # a database that nobody else uses
        server.kill(); server.start()   # as a power failure would

It runs as `postgres` where the tests run as root, since it refuses root.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.services.ending import end

USER = "procession"
ACCOUNT = "postgres"  # of the operating system, where the tests are root

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "logging_collector": "off",
    "log_min_messages": "fatal",
}
UNSAFE = {"fsync": "off", "full_page_writes": "off"}


class Missing(Exception):
    """The server cannot be had here, and why."""


def programs() -> Path:
    """The folder of the newest server that is installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: _version(found.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists() and _version(folder.parent.name) >= 13:
            return folder
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    raise Missing("PostgreSQL 13 or newer is not installed (scripts/install-postgresql.sh)")


def _version(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return 0.0


class PostgreSQL:
    """A server. With `durable` it flushes what it commits, as it does by default; without it survives its own end only.

    It lives in a temporary folder, or its data in an empty `folder` that somebody else removes. With `copy_of` it begins as a
    base backup of that server: a standby, or, with `recovery`, one that replays the archive once `start` is called. `settings` go
    to its command line.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        folder: Path | None = None,
        copy_of: PostgreSQL | None = None,
        recovery: bool = False,
        **settings: str,
    ) -> None:
        self._origin, self._signal = copy_of, "recovery.signal" if recovery else "standby.signal"
        if copy_of is not None and not recovery:
            settings["primary_conninfo"] = f"host=127.0.0.1 port={copy_of.port} user={USER}"
        self.settings = {**SETTINGS, **({} if durable else UNSAFE), **settings}
        self._bin = programs()
        self._become = _becoming()
        self._folder = Path(tempfile.mkdtemp(prefix="procession-pg-"))
        self._data = (folder or self._folder) / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        try:
            self._create()
            if not recovery:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PostgreSQL:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url(self, database: str | None = None, *, port: int | None = None) -> str:
        """The URL of a new database, or of the named one; `port` is that of a proxy before the server."""
        if database is None:
            database = f"d{secrets.token_hex(6)}"
            self.execute(f"CREATE DATABASE {database}", database="postgres")
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def execute(self, sql: str, *, database: str = "postgres") -> str:
        """What `psql` says to a statement."""
        return self._psql(database, "-c", sql)

    def load(self, dump: str, *, database: str) -> None:
        """Run what `pg_dump` wrote as SQL."""
        self._psql(database, "-f", "-", given=dump)

    def _psql(self, database: str, *options: str, given: str | None = None) -> str:
        command = [
            *(str(self._bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            *("-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database, *options),
        ]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), "-k", str(self._folder)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", preexec_fn=self._become
            )
        end = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise Missing(f"PostgreSQL does not start:\n{self.log()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-d", "postgres"]
        return subprocess.run(ready, check=False).returncode == 0

    def revive(self) -> None:
        """Start it again if it ended by itself or does not answer any more; one that is recovering is waited for."""
        end = time.monotonic() + 5
        while self.running and not self._answers():
            if time.monotonic() > end:
                self.kill()
            time.sleep(0.05)
        if not self.running:
            self.start()

    def stop(self) -> None:
        """End it at once, as `systemctl stop` does: connections are cut, what was committed is on the disk."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """As a crash would end it: the server and all its processes."""
        if self._process is not None:
            # SIGQUIT makes the children end without a word; alone, SIGKILL would leave them behind
            self._end(signal.SIGQUIT)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        end(process, number)

    def log(self) -> str:
        """What it wrote."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """End it, and remove everything."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _create(self) -> None:
        if self._become is not None:
            account = pwd.getpwnam(ACCOUNT)
            for folder in (self._folder, self._data.parent):
                os.chown(folder, account.pw_uid, account.pw_gid)
        command = [
            *(str(self._bin / "initdb"), "-D", str(self._data), "-U", USER, "-A", "trust", "--no-sync"),
            *("-E", "UTF8", "--locale=C.UTF-8"),
        ]
        if self._origin is not None:
            command = [
                *(str(self._bin / "pg_basebackup"), "-D", str(self._data), "-X", "stream", "-c", "fast", "--no-sync"),
                *("-h", "127.0.0.1", "-p", str(self._origin.port), "-U", USER),
            ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd="/", check=False, preexec_fn=self._become
        )
        if done.returncode != 0:
            raise Missing(f"PostgreSQL cannot be set up: {done.stderr.strip()}")
        if self._origin is not None:
            (self._data / self._signal).touch()


def _becoming() -> Callable[[], None] | None:
    """What a child of root does to be somebody else; None where nothing is to be done."""
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise Missing(f"PostgreSQL does not run as root, and there is no account '{ACCOUNT}'") from None

    def become() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)

    return become


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
