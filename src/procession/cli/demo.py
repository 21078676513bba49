"""procession demo"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.failures import Usage
from procession.cli.play import play
from procession.cli.secret import token_for
from procession.cli.serve import NOT_BUILT, begin_logging, say_address, server_of, web_is_built
from procession.cli.session import Session, command
from procession.cli.settings import KNOWN, Settings, without_password
from procession.cli.tables import table
from procession.cli.tracing import tracing

if TYPE_CHECKING:
    from procession.app import Engine

PASSWORD_VARIABLE = "PROCESSION_DEMO_PASSWORD"
EXAMPLES = ("credit_card", "order_fulfilment")
PROGRAMS = ("credit_card/worker.py", "credit_card/bureau.py", "order_fulfilment/worker.py")
"""Workers, and an integration: each a process of its own."""

EMBEDDED = "memory:"

USERS = {"admin": "admin", "operator": "operator", "clerk": "clerk", "manager": "manager", "worker": "worker"}
"""Names and roles: clerk and manager are those of the lanes of the credit card example."""

APPLICATIONS = (
    ("CC-1001 Ana Pop", {"name": "Ana Pop", "income": 2400}, None),
    ("CC-1002 Bogdan Ionescu", {"name": "Bogdan Ionescu", "income": 2000}, 9000),
    ("CC-1003 Maximiliana Konstantinidou", {"name": "Maximiliana Konstantinidou-Papadopoulou", "income": 3100}, 4000),
)
"""What there is to look at from the beginning: business key, client, and the limit that was asked for (None: not yet).

One waits for a clerk, one for a manager; the card of the last cannot be made, because its name is too long for a card.
"""

A_YEAR = 366 * 86_400.0
END = 5.0
"""Seconds that a worker has to end."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


@command(creates=True, serving=("host",))
def demo(
    session: Session,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65_535, help="The port [8080, or a free one if that is taken]."),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option("--password", help=f"One password for all users [env {PASSWORD_VARIABLE}; random ones]."),
    ] = None,
    story: Annotated[bool, typer.Option("--story", help="No server: a story that plays by itself, here.")] = False,
) -> None:
    """Start a server with sample processes, users and a worker, to try everything. Until Ctrl-C."""
    if session.json:
        raise Usage("The demo is for people.", "Leave out --json.")
    url = session.given_store or _fresh_store()
    if story:
        play(url, examples() / "credit_card")
        return
    settings = replace(session.settings, store=url, log_level="warning", log_format="console")
    settings = replace(settings, port=_port(settings, port))
    begin_logging(settings)
    Demo(settings, password or os.environ.get(PASSWORD_VARIABLE) or None).run()


class Demo:
    """A server that has everything; workers and integrations of the examples are in processes of their own."""

    def __init__(self, settings: Settings, password: str | None) -> None:
        self._settings, self._password = settings, password
        self._secret = secrets.token_urlsafe(48)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._clerk: str | None = None

    def run(self) -> None:
        """Until somebody stops it."""
        self._prepare()
        try:
            with tracing(self._settings.otlp_endpoint) as traces:
                server_of(self._settings, self._secret, self._ready, traces=traces).run()
        finally:
            for worker in self._workers:
                worker.terminate()
            for worker in self._workers:
                _end(worker)

    def _prepare(self) -> None:
        from procession.app import Engine

        typer.echo(f"The store is {without_password(self._settings.store)}")
        with Engine(self._settings.store) as engine:
            files = [file for name in EXAMPLES for file in sorted((examples() / name).glob("*.bpmn"))]
            for definition in engine.deploy(*files, publish=True):
                typer.echo(f"{definition.title}: {definition.name} version {definition.version} is {definition.state}.")
            typer.echo("")
            self._add_users(engine)
            if not engine.instances(limit=1).items:
                _apply(engine)
            self._token, _ = token_for(engine, "worker", self._secret, A_YEAR)
        typer.echo("")

    def _add_users(self, engine: Engine) -> None:
        """A user who is there already keeps the password, unless one was given."""
        there = {user.name for user in engine.users.list()}
        rows = []
        for name, role in USERS.items():
            shown = "(as it was)"
            if name not in there or self._password is not None:
                shown = self._password or secrets.token_urlsafe(9)
                engine.users.add(name, shown, [role])
                if name == "clerk":
                    self._clerk = shown
            rows.append((name, shown, role))
        table(("user", "password", "role"), rows, "")

    def _ready(self, address: str) -> None:
        say_address(address)
        given = {name: value for name, value in os.environ.items() if not name.startswith("PROCESSION_")}
        environment = {**given, "PROCESSION_URL": _from_here(address), "PROCESSION_TOKEN": self._token}
        if self._settings.bus != EMBEDDED:
            environment["PROCESSION_BUS"] = self._settings.bus
        for program in PROGRAMS:
            command = [sys.executable, "-m", "procession.cli.tied", str(examples() / program)]
            self._workers.append(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE))
        address = _from_here(address)
        if self._settings.ui:
            typer.echo("\n" + (web_tour(address, self._clerk) if web_is_built() else NOT_BUILT))
        typer.echo("\n" + tour(address, self._clerk or "PASSWORD"))
        typer.echo("\nCtrl-C ends everything.")
        sys.stdout.flush()


def _apply(engine: Engine) -> None:
    """A clerk has begun the applications that there are to look at."""
    clerk = engine.as_user("clerk", [USERS["clerk"]])
    for key, client, amount in APPLICATIONS:
        card = clerk.start("credit_card", {"client": client}, start_condition="PF", business_key=key)
        if amount is not None:
            (task,) = clerk.tasks(instance=card.id).items
            clerk.complete_task(task.id, {"client": {"iban": "DE02120300000000202051"}, "amount": amount})


def _end(worker: subprocess.Popen[bytes]) -> None:
    if worker.stdin is not None:
        worker.stdin.close()
    try:
        worker.wait(END)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def web_tour(address: str, password: str | None) -> str:
    """What to try in a browser."""
    clerk = "clerk" if password is None else f"clerk ({password})"
    return f"""Open {address} in a browser and log in as {clerk}:
- start a New credit card for a person, fill in the application, and sign the contract;
- log in as manager in a private window, or on a phone: each sees at once what the other does;
- log in as operator, find out why one application is stuck, repair it and retry."""


def tour(address: str, password: str) -> str:
    """What to try without a browser: lines for a shell, in which nothing has to be replaced."""
    login = f'{{"username": "clerk", "password": "{password}"}}'
    start = '{"startCondition": "PF", "client": {"name": "Ana", "income": 2400}}'
    filled = '{"variables": {"client": {"iban": "DE02120300000000202051"}, "amount": 3000}}'
    signed = '{"variables": {"signed": true}}'
    return f"""Or with curl. Log in as a clerk:
  URL={address}
  field() {{ python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }}
  AUTH="authorization: Bearer $(curl -s $URL/api/auth/login --json '{login}' | field '["access_token"]')"
Watch what happens, in the background or in another terminal (with the three lines above):
  curl -sN $URL/api/events -H "$AUTH" &
Somebody applies for a credit card:
  CARD=$(curl -s $URL/api/process/credit_card/start -H "$AUTH" --json '{start}' | field '["id"]')
Fill in the application, then sign the contract; the worker makes the card meanwhile:
  task() {{ curl -s "$URL/api/tasks?instance=$CARD" -H "$AUTH" | field '["items"][0]["id"]'; }}
  curl -s $URL/api/tasks/$(task)/complete -H "$AUTH" --json '{filled}'
  curl -s $URL/api/tasks/$(task)/complete -H "$AUTH" --json '{signed}'
Where is it now, and what does it wait for?
  curl -s $URL/api/process/$CARD/status -H "$AUTH" | python3 -m json.tool
Read and try everything else: {address}/api/docs"""


def examples() -> Path:
    """The folder of the examples: in the package, or in a checkout beside its source."""
    package = Path(__file__).parent.parent
    for place in (package / "examples", package.parent.parent / "examples"):
        if (place / "credit_card" / "credit_card.bpmn").is_file():
            return place
    raise Usage("The examples are not installed here.", "Run the demo in a checkout: make demo.")


def _fresh_store() -> str:
    from tempfile import mkdtemp

    return f"sqlite:///{Path(mkdtemp(prefix='procession-demo-')) / 'demo.db'}"


def _port(settings: Settings, given: int | None) -> int:
    """The port that was asked for; the usual one, or a free one if somebody has it."""
    from procession.api.server import listening_sockets
    from procession.errors import ProcessionError

    if given is not None:
        return given
    if settings.port != KNOWN["port"].usual:
        return settings.port
    try:
        for each in listening_sockets(settings.host, settings.port):
            each.close()
    except ProcessionError:
        typer.echo(f"Port {settings.port} is taken, so it is a free one.")
        return 0
    return settings.port


def _from_here(address: str) -> str:
    """An address that can be connected to."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
