"""A story that plays by itself in the terminal: three credit card applications, with people, workers, a rule and messages."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.cli.live import Chronicle
    from procession.definition import ProcessDefinition
    from procession.integration import Integration
    from procession.runtime.views import InstanceView
    from procession.worker import Worker

PAUSE = 0.6  # seconds that a person takes, where a person watches


def play(url: str, example: Path) -> None:
    """The whole story, on this store, with the credit card example."""
    from procession.app import Engine
    from procession.integration import Integration
    from procession.worker import Worker

    typer.echo(f"The store is {url}\n")
    with Engine(url) as engine:
        worker = Worker(engine, name="card factory", concurrency=2, poll=0.05)
        worker.include(handlers(example / "worker.py", "worker"))
        bureau = Integration(engine, group="credit-bureau")
        bureau.include(handlers(example / "bureau.py", "bureau"))
        with quiet_failures():
            Play(engine, worker, bureau, example).run()
    typer.echo("\nLook at it again:")
    typer.echo(f"  procession instances --store {url}")
    typer.echo(f"  procession history ID --store {url}")


def handlers(file: Path, name: str) -> Any:
    """What an example brings, with its handlers; it is included in ours and never run itself."""
    from runpy import run_path

    return run_path(str(file), run_name="demo")[name]


@contextmanager
def quiet_failures() -> Iterator[None]:
    """What the worker logs would break into the story."""
    log = logging.getLogger("procession")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


class Play:
    """Who does what in the demo."""

    def __init__(self, engine: Engine, worker: Worker, bureau: Integration, example: Path) -> None:
        self._engine, self._worker, self._bureau, self._example = engine, worker, bureau, example
        self._clerk = engine.as_user("carl", ["clerk"])
        self._manager = engine.as_user("mary", ["manager"])
        self._chronicle: Chronicle | None = None
        self._pause = PAUSE if sys.stdout.isatty() else 0.0
        self._played: list[str] = []

    def run(self) -> None:
        """All three applications, and a summary."""
        from procession.cli.live import definition_of

        begun = time.monotonic()
        (definition,) = self._engine.deploy(self._example / "credit_card.bpmn", publish=True)
        process = definition_of(self._engine, definition.name, definition.version)
        typer.echo(f"{definition.title}: {definition.name} version {definition.version} is {definition.state}.")
        _steps(process)
        self._worker.start()
        self._bureau.start()
        try:
            self._accepted()
            self._reviewed()
            self._refused()
        finally:
            self._worker.stop()
            self._bureau.stop()
        self._summary(time.monotonic() - begun)

    def _accepted(self) -> None:
        self._title("Ana applies at the counter. She earns 2,400 a month and wants a limit of 3,000.")
        view = self._clerk.start(
            "credit_card", {"client": {"name": "Ana", "income": 2400}}, start_condition="PF", business_key="ana"
        )
        self._watch(view)
        self._does("Carl, a clerk, fills in the rest")
        self._complete(self._clerk, "fill_in", {"client": {"iban": "DE02120300000000202051"}, "amount": 3000})
        self._does("Ana signs; Carl notes it")
        self._complete(self._clerk, "sign_contract", {"signed": True, "place": "Berlin"})
        self._deliver()

    def _reviewed(self) -> None:
        self._title("Bolts Ltd. applies: 5,000 a month, and a limit of 20,000. That is for a manager to decide.")
        data = {"company": {"vat": "DE811907980"}, "client": {"name": "Bo", "income": 5000}}
        self._watch(self._clerk.start("credit_card", data, start_condition="PJ", business_key="bolts"))
        self._does("Carl fills in the rest")
        self._complete(self._clerk, "fill_in", {"client": {"iban": "DE02500105170137075030"}, "amount": 20000})
        self._until(lambda view: "review" in view.waiting_at)
        self._does("Mary, a manager, takes the review and approves it")
        self._manager.claim(self._task("review"))
        self._complete(self._manager, "review", {"approved": True, "comment": "A good client for ten years."})
        self._does("Bo signs")
        self._complete(self._clerk, "sign_contract", {"signed": True, "place": "Ulm"})
        self._deliver()

    def _refused(self) -> None:
        self._title("Cid applies on the web with an income of 300. The rule refuses, and nobody had to look at it.")
        application = {"client": {"name": "Cid", "income": 300, "iban": "DE02100500000054540402"}, "amount": 4000}
        message = self._engine.publish_message("application-received", "cid", application, message_id="web-1")
        self._watch(self._engine.instance(message.instances[0]) if message.instances else self._newest())

    def _newest(self) -> InstanceView:
        return self._engine.instance(self._engine.instances(definition="credit_card", limit=1).items[0].id)

    def _deliver(self) -> None:
        from procession.cli.waits import reason

        view = self._until(lambda view: "card_delivered" in view.waiting_at)
        (wait,) = (wait for wait in view.waits if wait["kind"] == "message")
        typer.echo(f"    … it waits for {reason(wait)}")
        self._does("The mail brings the card, and says so")
        self._engine.publish_message("card-delivered", view.variables["cardNumber"])
        self._tell()

    def _watch(self, view: InstanceView) -> None:
        from procession.cli.live import Chronicle

        self._played.append(view.id)
        self._chronicle = Chronicle(self._engine, view.id)
        self._tell()

    def _task(self, node: str) -> str:
        page = self._engine.tasks(instance=self._played[-1], node=node)
        return str(page.items[0].id)

    def _complete(self, person: Engine, node: str, data: dict[str, Any]) -> None:
        person.complete_task(self._task(node), data)
        self._tell()

    def _until(self, done: Any) -> InstanceView:
        """Wait for the worker or the bureau, at most some seconds."""
        deadline = time.monotonic() + 5
        while not done(view := self._engine.instance(self._played[-1])):
            if time.monotonic() > deadline:
                raise TimeoutError(f"instance {view.id} still waits at {', '.join(view.waiting_at)}")
            time.sleep(0.02)
        self._tell()
        return view

    def _tell(self) -> None:
        assert self._chronicle is not None
        for _, line in self._chronicle.news():
            typer.echo(f"  {line}")

    def _title(self, text: str) -> None:
        typer.echo(f"\n{typer.style(text, bold=True)}")
        time.sleep(self._pause)

    def _does(self, text: str) -> None:
        time.sleep(self._pause)
        typer.echo(typer.style(f"  {text}.", italic=True))

    def _summary(self, seconds: float) -> None:
        from procession.cli.tables import table

        typer.echo("")
        rows = []
        for number in self._played:
            view = self._engine.instance(number)
            tokens = self._engine.tokens(number)
            end = max(tokens, key=lambda token: token.date_updated).current_node_name
            steps = sum(len(token.nodes_action_states) for token in tokens)
            rows.append((view.variables["client"]["name"], view.state, end, str(steps), str(view.seq), view.id))
        table(("client", "status", "ended at", "steps", "commits", "instance"), rows, "")
        typer.echo(f"{len(rows)} applications in {seconds:.1f} s; {len(self._engine.stuck())} are stuck.")


def _steps(process: ProcessDefinition) -> None:
    """What is drawn, lane by lane."""
    for lane in process.lanes.values():
        names = [" ".join(node.name.split()) for node in process.nodes.values() if node.lane == lane.id and node.name]
        typer.echo(f"  {lane.name}: {' · '.join(names)}")
