"""A real server for tests: the application on uvloop behind its own sockets, in a thread, with a store in a file."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from litestar import Litestar

from procession.api.application import Options, build
from procession.api.edge import Limits
from procession.api.server import Server
from procession.engine.access import SYSTEM
from procession.runtime.clock import Clock, SystemClock
from procession.runtime.machine import Machine
from procession.runtime.users import Users
from procession.storage.sqlite import SqliteStorage

PASSWORD = "correct horse battery"
SECRET = "a secret of this test: " + "0123456789abcdef" * 2
METRICS_TOKEN = "metrics-0123456789abcdef"
USERS = {
    "admin": "admin",
    "operator": "operator",
    "editor": "editor",
    "worker": "worker",
    "clerk": "clerk",
    "manager": "manager",
    "auditor": "auditor",
    "outsider": "outsider",
}
CREDIT_CARD = Path(__file__, "../../../examples/credit_card/credit_card.bpmn").resolve()


@dataclass
class Running:
    """A server that runs. `log_in` gives an access token, `client` somebody who uses it."""

    url: str
    host: str
    port: int
    app: Litestar
    folder: Path
    _tokens: dict[str, str] = field(default_factory=dict)
    _clients: dict[str | None, httpx2.Client] = field(default_factory=dict)

    def log_in(self, name: str) -> str:
        """The access token of a user."""
        token = self._tokens.get(name)
        if token is None:
            answer = self.client(None).post("/api/auth/login", json={"username": name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            token = self._tokens[name] = answer.json()["access_token"]
        return token

    def client(self, name: str | None = "admin") -> httpx2.Client:
        """A client that is logged in; None: one that is not. The server closes it."""
        client = self._clients.get(name)
        if client is None:
            headers = {} if name is None else {"authorization": f"Bearer {self.log_in(name)}"}
            client = self._clients[name] = httpx2.Client(base_url=self.url, headers=headers, timeout=30.0)
        return client

    def deploy(self, *files: bytes, forms: Mapping[str, bytes] | None = None) -> None:
        """Add and publish process files; those with forms all at once."""
        if forms:
            parts = [(f"{number}.bpmn", data) for number, data in enumerate(files)] + list(forms.items())
            answer = self.client("editor").post(
                "/api/definitions?publish=true", files=[("file", part) for part in parts]
            )
            assert answer.status_code in (200, 201), answer.text
            return
        for data in files:
            answer = self.client("editor").post(
                "/api/definitions?publish=true", content=data, headers={"content-type": "application/xml"}
            )
            assert answer.status_code in (200, 201), answer.text

    def start(self, name: str, data: dict[str, Any] | None = None, *, user: str = "admin") -> dict[str, Any]:
        """A new instance."""
        answer = self.client(user).post(f"/api/process/{name}/start", json=data or {})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def connect(self) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection((self.host, self.port), timeout=30.0)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@contextlib.contextmanager
def running(
    folder: Path,
    *,
    limits: Limits | None = None,
    clock: Clock | None = None,
    grace: float = 2.0,
    proxies: Sequence[str] = (),
    **options: Any,
) -> Iterator[Running]:
    """A server with the users of `USERS` and the process `credit_card`, until the block ends. It trusts these `proxies`."""
    when = SystemClock() if clock is None else clock

    def machine() -> Machine:
        made = Machine(SqliteStorage(str(folder / "server.db")), when)
        users = Users(made.storage, made.new_id, made.clock.now)
        for name, role in USERS.items():
            made.alone(users.add(name, PASSWORD, [role], SYSTEM))
        return made

    given = {"metrics_token": METRICS_TOKEN, **options}
    app = build(machine, Options(SECRET, limits=limits or Limits(), **given))
    ready = threading.Event()
    addresses: list[str] = []
    failures: list[BaseException] = []

    def listening(address: str) -> None:
        addresses.append(address)
        ready.set()

    server = Server(app, port=0, grace=grace, ready=listening, forwarded_allow_ips=proxies)

    def serve() -> None:
        try:
            server.run()
        except BaseException as error:  # noqa: BLE001  told to the test, which raises it
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=serve, name="server")
    thread.start()
    assert ready.wait(30.0), "the server does not become ready"
    if failures:
        raise failures[0]
    url = addresses[0]
    found = Running(url, "127.0.0.1", int(url.rpartition(":")[2]), app, folder)
    try:
        found.deploy(CREDIT_CARD.read_bytes())
        yield found
    finally:
        found.close()
        server.stop()
        thread.join(30.0)
        assert not thread.is_alive(), "the server does not stop"
        if failures:
            raise failures[0]
